"""Developer keys, and the API that they open."""
import subprocess

import pytest
from beyond import ARR, BOOL, INT, METADATA, NOBODY, NUM, OBJ, OPT, STR, bad, good, ingest, like, new_notebook, upload
from conftest import B, Server

KEY = {"key_id": STR, "id": STR, "notebook_id": STR, "name": STR, "key_prefix": STR, "rate_limit": STR, "is_active": BOOL, "expires_at": OPT,
       "last_used_at": OPT, "created_at": STR}
QUERY = {"query": STR, "strategy_id": STR, "chunks": ARR, "total_results": INT, "execution_time_ms": NUM}
CHUNK = {"content": STR, "source": STR, "score": NUM, "metadata": OBJ}
CHAT = {"conversation_id": STR, "answer": STR, "citations": ARR, "suggested_questions": ARR, "is_cached": BOOL, "execution_time_ms": NUM}
CITATION = {"citation_id": INT, "content": STR, "file_name": STR, "similarity": NUM}
KEYS, EXT = "/api/settings/developer-keys", "/api/v1/external"
PUMP = "# Pumps\n\nThe shaft seal is replaced after 2000 hours.\n\nOil is changed every year.\n"


@pytest.fixture
def c(serve):
    with serve.client() as client:
        yield client


@pytest.fixture(scope="module")
def nb(serve):
    with serve.client() as client:
        id = new_notebook(client, "Kiosk")
        ingest(client, id, upload(client, id, pump_md=PUMP))
        yield id


def make(c, nb, **more):
    return good(c.post(KEYS, json={"notebook_id": nb, "name": "Kiosk", **more}), 201)


def ext(c, key, path="/query", body={"query": "shaft seal"}):
    return c.post(EXT + path, json=body, headers={"X-API-Key": key})


def test_a_key_is_shown_once_and_stored_as_a_hash(c, nb, workspace):
    k = like(make(c, nb), KEY)
    key = k.pop("api_key")
    assert key.startswith("br_key_") and len(key) == 50 and key.startswith(k["key_prefix"]) and len(k["key_prefix"]) <= 15
    assert (k["rate_limit"], k["is_active"], k["expires_at"], k["last_used_at"], k["id"]) == ("100/hour", True, None, None, k["key_id"])
    listed = good(c.get(KEYS))
    assert k in listed and all(like(x, KEY) and "api_key" not in x for x in listed)
    assert key.encode() not in (workspace / ".br" / "data.mdb").read_bytes()


@pytest.mark.parametrize("body, status", [
    ({"name": None}, 422), ({"name": ""}, 422), ({"notebook_id": None}, 422), ({"notebook_id": NOBODY}, 404), ({"rate_limit": "fast"}, 400),
    ({"rate_limit": "0/hour"}, 400), ({"rate_limit": "10/hours"}, 400), ({"rate_limit": 5}, 400), ({"expires_at": "soon"}, 422),
])
def test_keys_that_are_not_made(c, nb, body, status):
    bad(c.post(KEYS, json={"notebook_id": nb, "name": "x", **body}), status)


def test_query(c, nb):
    key = make(c, nb)["api_key"]
    found = like(good(ext(c, key, body={"query": "shaft seal", "strategy_id": None, "top_k": None, "more": 1})), QUERY)
    assert (found["query"], found["strategy_id"], found["total_results"]) == ("shaft seal", "fusion", 1)
    chunk = like(found["chunks"][0], CHUNK)
    assert chunk["source"] == "pump.md" and chunk["score"] == 1.0 and like(chunk["metadata"], METADATA)["notebook_id"] == nb
    assert set(chunk) == set(CHUNK)
    for s in ("fusion", "semantic", "full_text", "hybrid", "hyde", "multi_query", "kb_explorer"):
        assert good(ext(c, key, "/query/", {"query": "shaft seal", "strategy_id": s, "top_k": 3}))["strategy_id"] == s
    for body in ({}, {"query": ""}, {"query": "x", "top_k": 0}, {"query": "x", "top_k": 51}, {"query": ["x"]}):
        bad(ext(c, key, body=body), 422)
    bad(ext(c, key, body={"query": "x", "strategy_id": "best"}), 400)


def test_chat_with_a_follow_up_and_its_history(c, nb):
    key = make(c, nb)["api_key"]
    one = like(good(ext(c, key, "/chat", {"message": "When is the shaft seal replaced?", "conversation_id": None})), CHAT)
    assert "2000 hours" in one["answer"] and "[1]" in one["answer"] and one["is_cached"] is False
    assert like(one["citations"][0], CITATION)["citation_id"] == 1 and set(one["citations"][0]) == set(CITATION)
    two = good(ext(c, key, "/chat", {"message": "And the oil?", "conversation_id": one["conversation_id"], "persona": "clear", "language": "en"}))
    assert two["conversation_id"] == one["conversation_id"]
    past = good(c.get(f"{EXT}/chat/{one['conversation_id']}/messages", headers={"X-API-Key": key}))
    assert past["conversation_id"] == one["conversation_id"] and [m["role"] for m in past["messages"]] == ["user", "assistant"] * 2
    assert set(past["messages"][0]) == {"role", "content", "created_at"} and past["messages"][1]["content"] == one["answer"]
    for body, status in (({}, 422), ({"message": ""}, 422), ({"message": "x", "persona": "pirate"}, 422), ({"message": "x", "language": "tlh"}, 422),
                         ({"message": "x", "conversation_id": "no-uuid"}, 422), ({"message": "x", "conversation_id": NOBODY}, 404),
                         ({"message": "x", "strategy_id": "best"}, 400)):
        bad(ext(c, key, "/chat", body), status)
    bad(c.get(f"{EXT}/chat/{NOBODY}/messages", headers={"X-API-Key": key}), 404)


def test_conversations_of_another_notebook_are_refused(c, nb):
    key = make(c, nb)["api_key"]
    other = make(c, new_notebook(c))["api_key"]
    chat = good(ext(c, key, "/chat", {"message": "shaft seal?"}))["conversation_id"]
    bad(c.get(f"{EXT}/chat/{chat}/messages", headers={"X-API-Key": other}), 403)
    bad(ext(c, other, "/chat", {"message": "x", "conversation_id": chat}), 403)
    assert good(ext(c, other))["chunks"] == []


def test_keys_that_are_refused(c, nb):
    k = make(c, nb)
    key, id = k["api_key"], k["key_id"]
    bad(c.post(f"{EXT}/query", json={"query": "x"}), 401)
    for wrong in ("", "x", key[:-1], key + "x", "br_key_" + "A" * 43):
        bad(ext(c, wrong), 401)
    bad(c.post(f"{EXT}/query", json={"query": "x"}, headers={"Authorization": f"Bearer {key}"}), 401)
    assert good(c.patch(f"{KEYS}/{id}", json={"is_active": False, "name": "Off"}))["is_active"] is False
    bad(ext(c, key), 401)
    good(c.patch(f"{KEYS}/{id}", json={"is_active": True, "expires_at": "2020-01-01T00:00:00Z"}))
    bad(ext(c, key), 401)
    now = good(c.patch(f"{KEYS}/{id}", json={"expires_at": None}))
    assert (now["expires_at"], now["name"]) == (None, "Off")
    good(ext(c, key))
    for text, kept in (("2040-01-31T12:00:00.500000Z", "2040-01-31T12:00:00Z"), ("2040-01-31T12:00:00+02:00", "2040-01-31T10:00:00Z"),
                       ("2040-01-31T12:00:00", "2040-01-31T12:00:00Z")):
        assert good(c.patch(f"{KEYS}/{id}", json={"expires_at": text}))["expires_at"] == kept
    bad(c.patch(f"{KEYS}/{id}", json={"rate_limit": "0/day"}), 400)
    assert good(c.delete(f"{KEYS}/{id}")) == {"deleted": True, "key_id": id}
    bad(ext(c, key), 401)
    for method in ("PATCH", "DELETE"):
        bad(c.request(method, f"{KEYS}/{id}", json={}), 404)
    bad(c.get(f"{KEYS}/{id}/snippets"), 404)


def test_the_rate_holds_for_all_three_endpoints_together(c, nb):
    k = make(c, nb, rate_limit="3/Minute")
    assert k["rate_limit"] == "3/minute"
    good(ext(c, k["api_key"]))
    good(ext(c, k["api_key"], "/chat", {"message": "seal?"}))
    bad(ext(c, k["api_key"], body={}), 422)
    r = ext(c, k["api_key"])
    bad(r, 429)
    assert 1 <= int(r.headers["retry-after"]) <= 60
    bad(c.get(f"{EXT}/chat/{NOBODY}/messages", headers={"X-API-Key": k["api_key"]}), 429)
    good(ext(c, make(c, nb)["api_key"]))


def test_use_is_told(c, nb):
    k = make(c, nb)
    good(ext(c, k["api_key"]))
    assert next(x for x in good(c.get(KEYS)) if x["key_id"] == k["key_id"])["last_used_at"]


def test_a_deleted_notebook_takes_its_keys_along(c):
    nb = new_notebook(c)
    key = make(c, nb)["api_key"]
    good(c.delete(f"/api/notebooks/{nb}"))
    bad(ext(c, key), 404)


def test_snippets_run(c, nb, serve, tmp_path):
    k = make(c, nb)
    all_ = good(c.get(f"{KEYS}/{k['key_id']}/snippets"))
    assert all_["base_url"] == serve.url and set(all_["snippets"]) == {"curl", "python", "javascript"}
    run = {n: s.replace("br_key_YOUR_KEY_HERE", k["api_key"]).replace("What is this about?", "shaft seal") for n, s in all_["snippets"].items()}
    for argv in (["sh", "-c", run["curl"]], ["python3", "-c", run["python"]], ["node", "-e", run["javascript"]]):
        p = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        assert p.returncode == 0 and "2000 hours" in p.stdout, (argv[0], p.stderr)
    via = good(c.get(f"{KEYS}/{k['key_id']}/snippets", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "rag.example"}))
    assert via["base_url"] == "https://rag.example"
    odd = good(c.get(f"{KEYS}/{k['key_id']}/snippets", headers={"X-Forwarded-Host": "a'; rm -rf ~; '"}))
    assert odd["base_url"] == serve.url


def test_the_kill_switch(workspace, tmp_path, nb, c):
    import shutil
    key = make(c, nb)["api_key"]
    shutil.copytree(workspace, tmp_path / "ws")
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=tmp_path / "ws", env={"EXTERNAL_API_ENABLED": "false"})
    with s.client() as other:
        for given in (key, "wrong"):
            bad(ext(other, given), 403)
        bad(other.get(f"{EXT}/chat/{NOBODY}/messages", headers={"X-API-Key": key}), 403)
        good(other.get("/api/notebooks/"))
    s.stop()
