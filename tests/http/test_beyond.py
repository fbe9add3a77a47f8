"""The Beyond Retrieval dialect: what its clients do, in the order in which they do it; every status that is documented."""
import shutil
import subprocess
import uuid

import pytest
from beyond import (CHUNK, CITATION, CONVERSATION, FILE, JOB, MESSAGE, METADATA, NOBODY, NOTEBOOK, RETRIEVAL, SETTINGS, STAGE, TURN, UPLOADED,
                    asked, bad, good, ingest, like, new_notebook, upload, wait)
from conftest import B, Server, until

PUMP = "# Pumps\n\nThe shaft seal is replaced after 2000 hours.\n\n## Oil\n\nOil is changed every year.\n"
SOUP = "# Soup\n\nBoil carrots with onions and salt.\n"


@pytest.fixture
def c(serve):
    with serve.client() as client:
        yield client


@pytest.fixture(scope="module")
def full(serve):
    """A notebook with two ingested files: client, id, files."""
    with serve.client() as client:
        nb = new_notebook(client, "Full")
        files = upload(client, nb, pump_md=PUMP, soup_txt=SOUP)
        assert [s["status"] for s in ingest(client, nb, files)[1]] == ["success", "success"]
        yield client, nb, files


# ---- S ----

def test_health_is_bare_and_auth_config_is_not(c):
    assert c.get("/api/health").json() == {"status": "ok"}
    assert good(c.get("/api/auth/config")) == {"auth_required": False, "clerk_publishable_key": ""}


def test_paths_that_are_not_there_have_the_envelope(c):
    bad(c.get("/api/nothing"), 404)
    bad(c.put("/api/notebooks/"), 405)


# ---- N ----

def test_a_notebook_has_the_id_that_the_client_chose(c):
    id = str(uuid.uuid4())
    made = good(c.post("/api/notebooks/", json={"notebook_id": id, "notebook_title": "Field manuals", "user_id": "u1",
                                               "embedding_model": "openai/text-embedding-3-small", "unknown": [1], "icon": None}), 201)
    assert like(made, NOTEBOOK)["notebook_id"] == id
    assert (made["icon"], made["db_type"], made["storage_provider"], made["number_of_documents"]) == ("\U0001f4ca", "cloud", "supabase", 0)
    assert good(c.get(f"/api/notebooks/{id}/")) == good(c.get(f"/api/notebooks/{id}")) == made
    listed = good(c.get("/api/notebooks/"))
    assert listed[0] == made and all(like(n, NOTEBOOK) for n in listed)
    bad(c.post("/api/notebooks/", json={"notebook_id": id, "notebook_title": "Again", "user_id": ""}), 409)


def test_two_notebooks_may_have_one_title_and_a_title_may_be_odd(c):
    for title in ("Twice", "Twice", "x" * 200, "\U0001f9f0 \u00e9", str(uuid.uuid4())):
        id = new_notebook(c, title)
        assert good(c.get(f"/api/notebooks/{id}"))["notebook_title"] == title


@pytest.mark.parametrize("body, status", [
    ({"notebook_title": "x", "notebook_id": None}, 422), ({"notebook_title": "x", "notebook_id": "no-uuid"}, 422),
    ({"notebook_title": ""}, 400), ({"notebook_title": None}, 400), ({"notebook_title": "x" * 201}, 400), ({"notebook_title": 5}, 400),
    ({"notebook_title": "x", "db_type": "here"}, 400), ({"notebook_title": "x", "storage_provider": "tape"}, 400),
    ({"notebook_title": "x", "icon": 7}, 422),
])
def test_notebooks_that_are_refused(c, body, status):
    bad(c.post("/api/notebooks/", json={"notebook_id": str(uuid.uuid4()), "user_id": "", **body}), status)


def test_bodies_that_are_no_objects(c):
    for text in (b"", b"[]", b"{", b"null"):
        bad(c.post("/api/notebooks/", content=text, headers={"Content-Type": "application/json"}), 400)
    bad(c.post("/api/notebooks/", content=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}), 415)


def test_a_notebook_is_changed_and_deleted(c):
    id = new_notebook(c, "Old", notebook_description="first")
    now = good(c.patch(f"/api/notebooks/{id}", json={"notebook_title": "New", "icon": "X"}))
    assert (now["notebook_title"], now["notebook_description"], now["icon"]) == ("New", "first", "X")
    bad(c.patch(f"/api/notebooks/{id}", json={"notebook_title": ""}), 400)
    assert good(c.get(f"/api/notebooks/{id}/status")) == {"notebook_id": id, "status": "ready", "total_files": 0, "pending": 0,
                                                         "processing": 0, "success": 0, "error": 0}
    assert good(c.delete(f"/api/notebooks/{id}")) == {"deleted": True, "notebook_id": id}
    bad(c.delete(f"/api/notebooks/{id}"), 404)


@pytest.mark.parametrize("method, path", [
    ("GET", ""), ("GET", "/status"), ("PATCH", ""), ("DELETE", ""), ("GET", "/documents/sources"), ("GET", "/documents"), ("GET", "/files"),
    ("GET", f"/documents/{NOBODY}/stage"), ("GET", f"/documents/{NOBODY}/settings"), ("GET", f"/documents/{NOBODY}/content"),
    ("DELETE", f"/documents/{NOBODY}"), ("GET", "/conversations"), ("POST", "/conversations"), ("GET", "/retrieval/strategies"),
    ("GET", "/retrieval/history"), ("DELETE", "/retrieval/history"), ("GET", "/settings/"), ("PUT", "/settings/"), ("PATCH", "/settings/"),
    ("GET", f"/conversations/{NOBODY}/messages"), ("DELETE", f"/conversations/{NOBODY}"), ("PATCH", f"/conversations/{NOBODY}"),
])
@pytest.mark.parametrize("id", [NOBODY, "default", "..%2f"])
def test_notebooks_that_are_not_there(c, method, path, id):
    bad(c.request(method, f"/api/notebooks/{id}{path}", json={} if method in ("PATCH", "POST", "PUT") else None), 404)


# ---- D, V ----

def test_files_are_stored_ingested_and_listed(c):
    nb = new_notebook(c)
    files = upload(c, nb, pump_md=PUMP, soup_txt=SOUP)
    for f, (name, size) in zip(files, (("pump.md", len(PUMP)), ("soup.txt", len(SOUP)))):
        assert like(f, UPLOADED)["file_name"] == name and f["size"] == size and f["file_type"] == name.split(".")[1].upper()
        assert f["storage_path"] == f"{nb}/{f['file_id']}/{name}"
        bad(c.get(f"/api/notebooks/{nb}/documents/{f['file_id']}/stage"), 404)
        bad(c.get(f"/api/notebooks/{nb}/documents/{f['file_id']}/content"), 404)
    assert [(s["file_id"], s["file_path"], s["size"]) for s in good(c.get(f"/api/notebooks/{nb}/documents/sources"))] == \
        [(f["file_id"], f["storage_path"], f["size"]) for f in files]
    assert good(c.get(f"/api/notebooks/{nb}"))["number_of_documents"] == 0

    jobs, stages = ingest(c, nb, files, parser="Docling Parser", chunking_strategy="Recursive Chunking", chunk_size=500, chunk_overlap=50)
    assert [like(j, JOB)["file_id"] for j in jobs] == [f["file_id"] for f in files]
    assert [j["status"] for j in jobs] == ["pending", "pending"]
    assert all(like(s, STAGE)["status"] == "success" and s["stage"] == "completed" and s["error_description"] is None for s in stages)
    listed = good(c.get(f"/api/notebooks/{nb}/files"))
    assert [like(f, FILE)["chunk_count"] for f in listed] == [1, 1] and {f["status"] for f in listed} == {"success"}
    assert [d["job_id"] for d in good(c.get(f"/api/notebooks/{nb}/documents/"))] == [j["job_id"] for j in jobs]
    kept = good(c.get(f"/api/notebooks/{nb}/documents/{files[0]['file_id']}/settings"))["ingestion_settings"]
    assert (kept["chunk_size"], kept["chunk_overlap"], kept["chunking_strategy"]) == (500, 50, "Recursive Chunking")
    content = good(c.get(f"/api/notebooks/{nb}/documents/{files[0]['file_id']}/content"))
    assert content == {"file_id": files[0]["file_id"], "file_name": "pump.md", "content": PUMP, "char_count": len(PUMP), "line_count": 7}

    assert good(c.get(f"/api/notebooks/{nb}"))["number_of_documents"] == 2
    assert good(c.delete(f"/api/notebooks/{nb}/documents/{files[1]['file_id']}")) == {"deleted": True, "file_id": files[1]["file_id"]}
    assert good(c.get(f"/api/notebooks/{nb}"))["number_of_documents"] == 1
    bad(c.delete(f"/api/notebooks/{nb}/documents/{files[1]['file_id']}"), 404)


def test_a_file_of_the_same_name_is_another_file(c):
    nb = new_notebook(c)
    one, two = upload(c, nb, a_md=PUMP)[0], upload(c, nb, a_md=PUMP)[0]
    assert one["file_id"] != two["file_id"] and one["file_name"] == two["file_name"]
    ingest(c, nb, [one, two])
    assert len(good(c.get(f"/api/notebooks/{nb}/files"))) == 2


def test_ingesting_again_takes_the_new_settings(c):
    nb = new_notebook(c)
    f = upload(c, nb, long_txt="\n\n".join(f"Paragraph {i} speaks of the number {i * 7} at length, as all do." for i in range(40)))
    counts = []
    for size in (2000, 200):
        ingest(c, nb, f, chunking_strategy="Recursive Chunking", chunk_size=size, chunk_overlap=0)
        counts.append(good(c.get(f"/api/notebooks/{nb}/files"))[0]["chunk_count"])
    assert counts[0] == 2 and 12 <= counts[1] <= 16


def test_a_file_that_cannot_be_read_is_an_error_with_a_reason(c):
    nb = new_notebook(c)
    f = upload(c, nb, broken_pdf="%PDF-1.7\nnothing of the kind")
    s = ingest(c, nb, f)[1][0]
    assert s["status"] == "error" and s["error_description"]
    assert good(c.get(f"/api/notebooks/{nb}/status"))["error"] == 1


def test_uploads_that_are_refused(c):
    nb = new_notebook(c)
    bad(c.post(f"/api/notebooks/{nb}/documents/upload", files=[("other", ("a.md", b"x"))]), 400)
    bad(c.post(f"/api/notebooks/{nb}/documents/upload", files=[("files", ("a.md", b"x")), ("files", ("a.exe", b"x"))]), 400)
    assert good(c.get(f"/api/notebooks/{nb}/documents/sources")) == []
    none = new_notebook(c, storage_provider="none")
    bad(c.post(f"/api/notebooks/{none}/documents/upload", files=[("files", ("a.md", b"x"))]), 409)
    bad(c.post(f"/api/notebooks/{NOBODY}/documents/upload", files=[("files", ("a.md", b"x"))]), 404)


def test_ingests_that_are_refused(c, full):
    nb = new_notebook(c)
    f = upload(c, nb, a_md=PUMP)
    post = lambda body: c.post(f"/api/notebooks/{nb}/documents/ingest", json=body)  # noqa: E731
    bad(post({}), 400)
    bad(post({"files": []}), 400)
    bad(post({"files": "a.md"}), 400)
    bad(post({"files": [{"file_id": f[0]["file_id"]}]}), 422)
    bad(post({"files": [{"file_id": NOBODY, "file_name": "a", "file_path": "a"}]}), 404)
    bad(post({"files": asked(full[2])}), 404)  # those of another notebook
    bad(post({"files": asked(f), "settings": {"chunk_size": "many"}}), 422)
    bad(post({"files": asked(f), "settings": {"chunk_size": 100, "chunk_overlap": 100}}), 422)
    bad(post({"files": asked(f) * 2}), 409)  # one file, asked for twice
    assert good(c.get(f"/api/notebooks/{nb}/status"))["pending"] == 1


def test_jobs_of_a_killed_server_are_done_by_the_next(workspace, tmp_path):
    home = tmp_path / "ws"
    shutil.copytree(workspace, home)
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=home)
    with s.client() as c:
        nb = new_notebook(c)
        files = [upload(c, nb, **{f"f{i}_md": PUMP + f"Number {i}.\n"})[0] for i in range(20)]
        good(c.post(f"/api/notebooks/{nb}/documents/ingest", json={"files": asked(files)}))
    s.p.kill()
    s.p.communicate()
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=home)
    with s.client() as c:
        assert {wait(c, nb, f)["status"] for f in files} == {"success"}
        until(lambda: good(c.get(f"/api/notebooks/{nb}"))["number_of_documents"] == 20)
    s.stop()


# ---- R ----

def test_strategies(full):
    c, nb, _ = full
    all_ = good(c.get(f"/api/notebooks/{nb}/retrieval/strategies"))
    assert {s["id"]: s["requires_llm"] for s in all_} == {"fusion": False, "semantic": False, "full_text": False, "hybrid": False, "hyde": True,
                                                         "multi_query": True, "kb_explorer": True}
    assert all(isinstance(s["name"], str) for s in all_)


@pytest.mark.parametrize("strategy", ["fusion", "semantic", "full_text", "hybrid", "hyde", "multi_query", "kb_explorer", "semantic-context",
                                      "semantic-rerank", "hybrid-rerank", "expanded-hybrid", "multi-query", "advanced-multipath", "agentic-sql",
                                      "agent-router", "agent-harness"])
def test_every_strategy_finds_the_seal(full, strategy):
    c, nb, files = full
    found = like(good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "shaft seal hours", "strategy_id": strategy})), RETRIEVAL)
    assert found["strategy_id"] == strategy and found["query"] == "shaft seal hours" and found["total_results"] == len(found["chunks"]) >= 1
    for i, chunk in enumerate(found["chunks"]):
        assert like(chunk, CHUNK)["rank"] == i + 1 and 0 <= chunk["score"] <= 1
        assert like(chunk["metadata"], METADATA)["notebook_id"] == nb and chunk["metadata"]["source"] == chunk["file_name"]
    best = found["chunks"][0]
    assert best["score"] == 1.0 and best["file_id"] == files[0]["file_id"] and "2000 hours" in best["content"]
    assert best["metadata"]["loc"]["lines"] == {"from": 1, "to": 7}


def test_retrieval_of_some_files_alone(full):
    c, nb, files = full
    ask = lambda ids: good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "carrots seal", "file_ids": ids}))  # noqa: E731
    assert {x["file_id"] for x in ask(None)["chunks"]} == {f["file_id"] for f in files}
    assert {x["file_id"] for x in ask([f["file_id"] for f in files])["chunks"]} == {f["file_id"] for f in files}
    assert {x["file_id"] for x in ask([files[1]["file_id"]])["chunks"]} == {files[1]["file_id"]}
    assert ask([NOBODY])["chunks"] == []
    assert ask([]) ["total_results"] == 2


@pytest.mark.parametrize("body, status", [
    ({}, 422), ({"query": ""}, 422), ({"query": 5}, 422), ({"query": "x", "top_k": 0}, 422), ({"query": "x", "top_k": 51}, 422),
    ({"query": "x", "top_k": 2.5}, 422), ({"query": "x", "full_text_weight": 2.1}, 422), ({"query": "x", "semantic_weight": -1}, 422),
    ({"query": "x", "rrf_k": 0}, 422), ({"query": "x", "rrf_k": 201}, 422), ({"query": "x", "rerank_top_k": 51}, 422),
    ({"query": "x", "file_ids": "all"}, 422), ({"query": "x", "strategy_id": "best"}, 400),
])
def test_retrievals_that_are_refused(full, body, status):
    c, nb, _ = full
    bad(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json=body), status)


def test_limits_of_retrieval_themselves_are_allowed(full):
    c, nb, _ = full
    for more in ({"top_k": 50}, {"top_k": 1}, {"full_text_weight": 0}, {"semantic_weight": 0}, {"rrf_k": 200}, {"strategy_id": None, "top_k": None}):
        assert good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "seal", **more}))["chunks"]


def test_history_is_an_array_and_can_be_cleared(full):
    c, nb, _ = full
    assert isinstance(good(c.get(f"/api/notebooks/{nb}/retrieval/history")), list)
    assert good(c.delete(f"/api/notebooks/{nb}/retrieval/history")) == {"deleted": True}
    assert good(c.get(f"/api/notebooks/{nb}/retrieval/history")) == []


def test_past_questions_are_kept_when_the_log_is_on(workspace, tmp_path):
    home = tmp_path / "ws"
    shutil.copytree(workspace, home)
    subprocess.run([B / "br", "config", "set", "log.questions", "true"], cwd=home, check=True, env={"HOME": str(tmp_path)})
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=home)
    with s.client() as c:
        nb = new_notebook(c)
        ingest(c, nb, upload(c, nb, a_md=PUMP))
        good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "shaft seal", "strategy_id": "full_text"}))
        good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "zebra", "strategy_id": "full_text"}))
        past = good(c.get(f"/api/notebooks/{nb}/retrieval/history"))
        assert [(q["query"], q["strategy_id"], q["total_results"]) for q in past] == [("zebra", "full_text", 0), ("shaft seal", "full_text", 1)]
        assert all(like(q, {"id": str, "execution_time_ms": float, "created_at": str}) for q in past)
        good(c.delete(f"/api/notebooks/{nb}/retrieval/history"))
        assert good(c.get(f"/api/notebooks/{nb}/retrieval/history")) == []
    s.stop()


# ---- C ----

def test_a_conversation_from_beginning_to_end(full):
    c, nb, files = full
    base = f"/api/notebooks/{nb}/conversations"
    chat = like(good(c.post(base, json={"title": None}), 201), CONVERSATION)
    assert (chat["title"], chat["chat_mode"], chat["message_count"], chat["last_message_at"], chat["user_id"]) == ("New Chat", "rag", 0, None, "dev-user")
    one = f"{base}/{chat['conversation_id']}"
    turn = like(good(c.post(f"{one}/messages", json={"content": "When is the shaft seal replaced?", "chat_mode": "rag", "strategy_id": "fusion",
                                                     "persona": "professional", "language": "en"})), TURN)
    answer = like(turn["assistant_message"], MESSAGE)
    assert answer["role"] == "assistant" and "2000 hours" in answer["content"] and "[1]" in answer["content"]
    assert like(answer["citations"][0], CITATION)["citation_id"] == 1 and 0 <= answer["citations"][0]["similarity"] <= 1
    assert answer["citations"][0]["metadata"]["file_name"] == answer["citations"][0]["file_name"] == "pump.md"
    assert answer["citations"][0]["metadata"]["file_id"] == files[0]["file_id"]
    assert turn["user_message"]["content"] == "When is the shaft seal replaced?" and turn["is_cached"] is False
    good(c.post(f"{one}/messages/", json={"content": "And the oil?", "strategy_id": None, "persona": None, "file_ids": None}))

    said = good(c.get(f"{one}/messages"))
    assert [like(m, MESSAGE)["role"] for m in said] == ["user", "assistant"] * 2
    assert said[1]["id"] == answer["id"] and said[1]["citations"] == answer["citations"]
    listed = good(c.get(base))
    mine = next(x for x in listed if x["conversation_id"] == chat["conversation_id"])
    assert mine["message_count"] == 4 and mine["title"] == "When is the shaft seal replaced?" and mine["last_message_at"]

    now = good(c.patch(one, json={"title": "Seals", "is_pinned": True}))
    assert (now["title"], now["is_pinned"], now["is_archived"]) == ("Seals", True, False)
    assert good(c.get(base))[0]["conversation_id"] == chat["conversation_id"]
    good(c.patch(one, json={"is_archived": True}))
    assert chat["conversation_id"] not in [x["conversation_id"] for x in good(c.get(base))]
    assert chat["conversation_id"] in [x["conversation_id"] for x in good(c.get(base, params={"include_archived": "true"}))]

    say = lambda body, id=answer["id"]: c.post(f"/api/notebooks/{nb}/messages/{id}/feedback", json=body)  # noqa: E731
    assert good(say({"is_positive": True})) == {"message_id": answer["id"], "is_positive": True, "feedback_text": None}
    assert good(say({"is_positive": False, "feedback_text": "too short"}))["feedback_text"] == "too short"
    bad(say({}), 422)
    bad(say({"is_positive": "yes"}), 422)
    bad(say({"is_positive": True}, NOBODY), 404)

    assert good(c.delete(one)) == {"deleted": True, "conversation_id": chat["conversation_id"], "messages_deleted": 4}
    bad(c.get(f"{one}/messages"), 404)
    bad(say({"is_positive": True}), 404)


@pytest.mark.parametrize("body, status", [
    ({}, 422), ({"content": ""}, 422), ({"content": 1}, 422), ({"content": "x", "persona": "pirate"}, 422), ({"content": "x", "language": "tlh"}, 422),
    ({"content": "x", "strategy_id": "best"}, 400), ({"content": "x", "file_ids": 3}, 422),
])
def test_messages_that_are_refused(full, body, status):
    c, nb, _ = full
    chat = good(c.post(f"/api/notebooks/{nb}/conversations", json={}), 201)["conversation_id"]
    bad(c.post(f"/api/notebooks/{nb}/conversations/{chat}/messages", json=body), status)
    assert good(c.get(f"/api/notebooks/{nb}/conversations/{chat}/messages")) == []


def test_conversations_of_another_notebook_are_not_there(full, c):
    nb = new_notebook(c)
    chat = good(c.post(f"/api/notebooks/{nb}/conversations"), 201)["conversation_id"]
    for id in (chat, chat[:8], "last", NOBODY):
        bad(c.get(f"/api/notebooks/{full[1]}/conversations/{id}/messages"), 404)
        bad(c.post(f"/api/notebooks/{full[1]}/conversations/{id}/messages", json={"content": "x"}), 404)


# ---- T ----

def test_settings_have_their_defaults_and_change_alone(c):
    nb = new_notebook(c, embedding_model="baai/bge-m3", db_type="local")
    at = f"/api/notebooks/{nb}/settings/"
    was = like(good(c.get(at)), SETTINGS)
    assert (was["inference_temperature"], was["inference_model"], was["judge_enabled"], was["embedding_model"], was["db_type"]) == \
        (0.4, "openai/gpt-4o-mini", True, "baai/bge-m3", "local")
    assert was["strategies_config"] == {} and was["default_system_prompts"]["system_prompt_retrieval"]
    now = good(c.put(at, json={"inference_temperature": 0.7, "strategies_config": {"match_count": 3, "odd": 1}, "embedding_model": "x", "db_type": "cloud",
                               "default_persona": "mentor", "judge_enabled": None, "more": {}}))
    want = {**was, "inference_temperature": 0.7, "strategies_config": {"match_count": 3}, "default_persona": "mentor"}
    assert now == want == good(c.get(at[:-1]))
    now = good(c.patch(at, json={"strategies_config": {"rrf_k": 20}, "default_persona": None}))
    assert now["strategies_config"] == {"match_count": 3, "rrf_k": 20} and now["default_persona"] is None
    bad(c.put(at, json={"inference_temperature": "warm"}), 422)
    bad(c.put(at, json={"default_language": "tlh"}), 422)
    bad(c.put(at, json={"strategies_config": {"match_count": 51}}), 400)


def test_a_notebooks_settings_hold_for_its_conversations(c):
    nb = new_notebook(c)
    ingest(c, nb, upload(c, nb, a_md=PUMP))
    good(c.put(f"/api/notebooks/{nb}/settings", json={"strategies_config": {"strategy_id": "full_text"}}))
    chat = good(c.post(f"/api/notebooks/{nb}/conversations"), 201)["conversation_id"]
    turn = good(c.post(f"/api/notebooks/{nb}/conversations/{chat}/messages", json={"content": "shaft seal"}))
    assert turn["assistant_message"]["run_metadata"]["strategy_id"] == "full_text"
