"""Sharing, users, models, settings of the server, OneDrive."""
import os
import subprocess

import pytest
from beyond import BOOL, INT, NOBODY, OBJ, OPT, STR, bad, good, ingest, like, new_notebook, upload
from conftest import B, CHECKS, until

ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **CHECKS}


def verify(workspace):
    r = subprocess.run([B / "br", "verify"], cwd=workspace, capture_output=True, text=True, env=ENV)
    assert r.returncode == 0, r.stdout + r.stderr


INVITE = {"invite_code": STR, "notebook_id": STR, "created_by": STR, "expires_at": OPT, "invite_url": STR, "created_at": STR}
USER = {"user_id": STR, "email": STR, "first_name": STR, "last_name": STR, "role": STR, "notebook_permissions": OBJ}


@pytest.fixture
def c(serve):
    with serve.client() as client:
        yield client


def test_an_invitation_is_made_redeemed_and_taken_back(c, serve):
    nb = new_notebook(c, "Shared")
    at = f"/api/notebooks/{nb}"
    i = like(good(c.post(f"{at}/invites"), 201), INVITE)
    code = i["invite_code"]
    assert len(code) == 12 and code.isalnum() and code == code.lower() and i["invite_url"] == f"{serve.url}/invite/{code}"
    assert (i["expires_at"], i["created_by"], i["notebook_id"]) == (None, "dev-user", nb)
    assert good(c.get(f"{at}/invites"))[0]["redeemed_count"] == 0
    assert good(c.get(f"/api/invite/{code}")) == {"invite_code": code, "notebook_id": nb, "notebook_title": "Shared", "expires_at": None}
    for _ in range(2):
        assert good(c.post(f"/api/invite/{code}/redeem")) == {"notebook_id": nb, "access_type": "chat_only"}
    assert good(c.get(f"{at}/invites"))[0]["redeemed_count"] == 1
    access = good(c.get(f"{at}/access/"))
    assert [(a["user_id"], a["access_type"]) for a in access] == [("dev-user", "chat_only")] and access[0]["created_at"]
    assert good(c.delete(f"{at}/invites/{code}")) == {"deleted": True}
    bad(c.delete(f"{at}/invites/{code}"), 404)
    bad(c.post(f"/api/invite/{code}/redeem"), 404)
    assert len(good(c.get(f"{at}/access"))) == 1
    assert good(c.delete(f"{at}/access/dev-user")) == {"deleted": True}
    bad(c.delete(f"{at}/access/dev-user"), 404)
    assert good(c.get(f"{at}/access")) == good(c.get(f"{at}/invites")) == []


def test_invitations_end(c):
    at = f"/api/notebooks/{new_notebook(c)}/invites"
    code = good(c.post(at, json={"expires_at": "2020-01-01T00:00:00Z"}), 201)["invite_code"]
    bad(c.get(f"/api/invite/{code}"), 410)
    bad(c.post(f"/api/invite/{code}/redeem"), 410)
    good(c.post(f"/api/invite/{good(c.post(at, json={'expires_at': '2040-01-01T00:00:00.000Z'}), 201)['invite_code']}/redeem"))
    bad(c.post(at, json={"expires_at": "soon"}), 422)
    bad(c.post(at, json={"expires_at": 5}), 422)
    for path in ("/invites", "/access"):
        bad(c.get(f"/api/notebooks/{NOBODY}{path}"), 404)


def test_users(c):
    nb = new_notebook(c)
    all_ = good(c.get("/api/admin/users"))["users"]
    dev = like(next(u for u in all_ if u["user_id"] == "dev-user"), USER)
    assert (dev["email"], dev["role"]) == ("dev@localhost", "admin")
    bad(c.get("/api/admin/users/nobody"), 404)
    at = "/api/admin/users/u-7/permissions"
    assert like(good(c.put(at, json={"notebook_permissions": {nb: "full_access"}, "role": None})), USER)["notebook_permissions"] == {nb: "full_access"}
    assert good(c.get("/api/admin/users/u-7"))["notebook_permissions"] == {nb: "full_access"}
    bad(c.put(at, json={"notebook_permissions": {nb: "all"}}), 422)
    bad(c.put(at, json={"notebook_permissions": {NOBODY: "chat_only"}}), 404)
    bad(c.put(at, json={"notebook_permissions": []}), 422)
    bad(c.put(at, json={}), 422)
    bad(c.put(at, json={"notebook_permissions": {}, "role": "king"}), 422)
    assert good(c.get("/api/admin/users/u-7"))["notebook_permissions"] == {nb: "full_access"}
    bad(c.put(at, json={"notebook_permissions": {}}), 404)  # nobody knows u-7 without access


def test_models(c):
    for path in ("openrouter", "openrouter/embeddings", "openai", "ollama"):
        data = good(c.get(f"/api/models/{path}"))
        assert data["source"] == "curated" and data["models"]
        for m in data["models"]:
            like(m, {"id": STR, "name": STR, "provider": STR, "context": INT})
            if "embeddings" in path:
                like(m, {"dimensions": INT, "cost_per_million": STR})
    found = {m["id"]: m for m in good(c.get("/api/models/openrouter/embeddings/"))["models"]}
    assert found["openai/text-embedding-3-small"]["dimensions"] == 1536 and found["openai/text-embedding-3-small"]["cost_per_million"] == "$0.02"


def test_keys_of_providers_are_shown_masked(c):
    at = "/api/settings/api-keys"
    want = ["openrouter_api_key", "openai_api_key", "mistral_api_key"]
    keys = good(c.get(at))["keys"]
    assert [like(k, {"key_name": STR, "is_set": BOOL, "source": STR, "masked_value": OPT})["key_name"] for k in keys] == want
    assert {k["source"] for k in keys} == {"none"}
    now = good(c.put(at, json={"keys": {"openai_api_key": "sk-abcdefghijklmnopWXYZ", "odd": "x", "mistral_api_key": None}}))["keys"]
    assert now[1] == {"key_name": "openai_api_key", "is_set": True, "source": "user", "masked_value": "sk-...****WXYZ"}
    assert now[2]["is_set"] is False and "efghij" not in c.get(at).text
    assert good(c.post(f"{at}/test", json={"key_name": "openai_api_key", "key_value": "sk-x"}))["valid"] is False
    bad(c.post(f"{at}/test", json={}), 422)
    assert good(c.delete(f"{at}/openai_api_key")) == {"deleted": True, "key_name": "openai_api_key"}
    assert good(c.get(at))["keys"] == keys
    bad(c.delete(f"{at}/odd"), 404)
    bad(c.put(at, json={}), 422)


@pytest.mark.parametrize("path, name, first, other", [("storage", "storage_provider", "supabase", "local"), ("db-type", "db_type", "cloud", "local")])
def test_settings_of_the_server(c, path, name, first, other):
    at = f"/api/settings/{path}"
    assert good(c.get(at)) == {name: first}
    assert good(c.put(f"{at}/", json={name: other})) == {name: other} == good(c.get(at))
    bad(c.put(at, json={name: "tape"}), 400)
    bad(c.put(at, json={}), 400)
    good(c.put(at, json={name: first}))


def test_onedrive_is_not_connected(c):
    assert good(c.get("/api/onedrive/status")) == {"connected": False, "user_email": None, "provider": "sharepoint"}
    bad(c.get("/api/onedrive/folders", params={"folder_id": "root"}), 400)
    bad(c.post("/api/onedrive/import", json={"notebook_id": NOBODY, "items": []}), 409)


def test_health_and_cleanup(c):
    nb = new_notebook(c)
    at = f"/api/notebooks/{nb}/health"
    empty = {"health_score": 100, "total_chunks": 0, "duplicate_count": 0, "orphaned_count": 0, "enhanced_count": 0, "duplicate_groups": [],
             "orphaned_ids": []}
    assert good(c.get(at)) == empty
    assert good(c.post(f"{at}/cleanup")) == {"removed_count": 0, "new_health_score": 100}
    files = [upload(c, nb, **{name: text})[0] for name, text in (
        ("a_md", "Seals are changed every year."), ("b_txt", "  SEALS are changed every year.\n"), ("c_md", "Oil is changed, too."),
        ("a_md", "Seals are changed every year."))]
    ingest(c, nb, files)
    h = good(c.get(at))
    assert (h["total_chunks"], h["duplicate_count"], h["orphaned_count"], h["enhanced_count"], h["health_score"]) == (4, 2, 0, 0, 80)
    assert len(h["duplicate_groups"]) == 1 and h["duplicate_groups"][0]["count"] == 3 and isinstance(h["duplicate_groups"][0]["content_hash"], str)
    assert h["duplicate_groups"][0]["chunk_ids"] == [f"{files[i]['file_id']}:0" for i in (0, 1, 3)]
    assert good(c.post(f"{at}/cleanup/")) == {"removed_count": 2, "new_health_score": 100}
    assert good(c.post(f"{at}/cleanup"))["removed_count"] == 0
    assert [(f["file_id"], f["chunk_count"]) for f in good(c.get(f"/api/notebooks/{nb}/files"))] == \
        [(f["file_id"], n) for f, n in zip(files, (1, 0, 1, 0))]  # files stay
    assert good(c.get(at)) == {**empty, "total_chunks": 2}
    for method, path in (("GET", "/health"), ("POST", "/health/cleanup")):
        bad(c.request(method, f"/api/notebooks/{NOBODY}{path}"), 404)


def test_duplicate_passages_within_files_go_and_come_back_with_their_files(c, workspace):
    nb = new_notebook(c)
    at = f"/api/notebooks/{nb}/health"
    parts = [f"Valve {i} is opened slowly by the operator and closed again before the pump starts, as rule {i * 3} says." for i in range(300)]
    same = "All valves are painted red, and nobody may paint them in any other colour whatever happens."
    one = "\n\n".join([same, *parts[:150], same])
    two = "\n\n".join([*parts[150:], parts[3], same.upper(), parts[7]])
    files = upload(c, nb, one_txt=one, two_txt=two)
    ingest(c, nb, files, chunking_strategy="Recursive Chunking", chunk_size=110, chunk_overlap=0)
    id = [f["file_id"] for f in files]
    good(c.post(f"/api/notebooks/{nb}/enhance", json={"file_ids": [id[1]]}))
    until(lambda: good(c.get(f"/api/notebooks/{nb}/enhance/status", params={"file_id": id[1]}))["all_terminated"])
    good(c.post(f"/api/notebooks/{nb}/enhance/publish", json={"file_id": id[1], "file_name": "two.txt", "notebook_title": ""}))
    h = good(c.get(at))
    assert (h["total_chunks"], h["duplicate_count"], h["orphaned_count"], h["enhanced_count"]) == (305, 4, 0, 153)
    assert h["health_score"] == 100  # 100 - 40 * 4 / 305 + 10 * 153 / 305
    groups = sorted(g["chunk_ids"] for g in h["duplicate_groups"])
    assert groups == sorted([[f"{id[0]}:0", f"{id[0]}:151", f"{id[1]}:151"], [f"{id[0]}:4", f"{id[1]}:150"], [f"{id[0]}:8", f"{id[1]}:152"]])

    assert good(c.post(f"{at}/cleanup"))["removed_count"] == 4
    assert good(c.post(f"{at}/cleanup"))["removed_count"] == 0
    after = good(c.get(at))
    assert (after["total_chunks"], after["duplicate_count"], after["duplicate_groups"], after["enhanced_count"]) == (301, 0, [], 150)
    verify(workspace)
    found = good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "valve 299 operator pump", "strategy_id": "semantic"}))["chunks"]
    assert any("Valve 299 " in x["content"] for x in found)
    for k, file in ((290, 1), (3, 0)):
        best = good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": f'"Valve {k} is"', "strategy_id": "full_text"}))["chunks"]
        assert [(x["file_id"], x["chunk_index"], f"Valve {k} " in x["content"]) for x in best] == [(id[file], k - 150 if file else k + 1, True)]
        assert best[0]["metadata"]["loc"]["lines"]["from"] == 1 + 2 * (k - 150 if file else k + 1)
    assert [x["chunk_index"] for x in good(c.get(f"/api/notebooks/{nb}/enhance/files/{id[1]}/chunks", params={"limit": 1000}))] == list(range(150))
    assert good(c.get(f"/api/notebooks/{nb}/documents/{id[1]}/content"))["content"] == two
    subprocess.run([B / "br", "gc", "-q"], cwd=workspace, check=True, env=ENV)
    verify(workspace)
    ingest(c, nb, files[1:], chunking_strategy="Recursive Chunking", chunk_size=110, chunk_overlap=0)
    assert [f["chunk_count"] for f in good(c.get(f"/api/notebooks/{nb}/files"))] == [151, 153]
    assert good(c.get(at))["duplicate_count"] == 3
    verify(workspace)


def test_enhancement_from_start_to_publish(c):
    nb = new_notebook(c)
    at = f"/api/notebooks/{nb}/enhance"
    assert good(c.get(f"{at}/files")) == []
    text = "# Pump manual\n\n" + "\n\n".join(f"## Part {i}\n\nThe valve number {i} is opened slowly, and closed again." * 3 for i in range(6))
    f = upload(c, nb, pump_md=text)
    ingest(c, nb, f, chunk_size=200, chunk_overlap=0)
    id = f[0]["file_id"]
    was = good(c.get(f"{at}/files/"))[0]
    n = like(was, {"file_id": STR, "file_name": STR, "total_chunks": INT, "pending": INT, "processing": INT, "success": INT, "failed": INT,
                   "embedded": INT})["total_chunks"]
    assert n > 3 and was["pending"] == n and was["file_name"] == "pump.md"
    body = {"file_id": id, "file_name": "pump.md", "notebook_title": "x"}
    bad(c.post(f"{at}/publish", json=body), 409)
    s = good(c.get(f"{at}/status", params={"file_id": id}))
    assert (s["total"], s["progress_pct"], s["all_terminated"], s["file_id"]) == (n, 0.0, False, id)

    assert good(c.post(at, json={"file_ids": [id]})) == {"started": True, "file_ids": [id], "queued_chunks": n}
    s = until(lambda: (x := good(c.get(f"{at}/status", params={"file_id": id})))["all_terminated"] and x)
    assert (s["success"], s["total"], s["progress_pct"]) == (n, n, 100.0) and isinstance(s["progress_pct"], float)
    listed = good(c.get(f"{at}/files/{id}/chunks", params={"limit": 2, "offset": 1}))
    assert [(x["chunk_index"], x["status"], x["chunk_id"]) for x in listed] == [(i, "success", f"{id}:{i}") for i in (1, 2)]
    assert all(len(x["original_chunk"]) <= 300 and x["enhanced_chunk"] and x["updated_at"] for x in listed)
    one = good(c.get(f"{at}/chunks/{id}:1"))
    assert one["original_metadata"]["chunk_index"] == 1 and one["enhanced_chunk"].endswith(one["original_chunk"])

    assert good(c.post(f"{at}/publish", json=body)) == {"published_count": n, "file_id": id}
    assert good(c.get(f"{at}/files"))[0]["embedded"] == n
    h = good(c.get(f"/api/notebooks/{nb}/health"))
    assert h["enhanced_count"] == n and h["health_score"] == 100
    assert good(c.post(f"{at}/publish", json=body))["published_count"] == 0
    assert good(c.post(f"{at}/reset", json={"file_id": id})) == {"reset_count": 0}
    assert good(c.get(f"{at}/status"))["embedded"] == n

    for path in (f"/files/{NOBODY}/chunks", f"/chunks/{NOBODY}:0", f"/chunks/{id}:99", "/chunks/x", f"/status?file_id={NOBODY}"):
        bad(c.get(at + path), 404)
    bad(c.get(f"{at}/files/{id}/chunks", params={"limit": 0}), 422)
    bad(c.get(f"{at}/files/{id}/chunks", params={"limit": 1001}), 422)
    bad(c.post(at, json={}), 422)
    bad(c.post(at, json={"file_ids": []}), 422)
    bad(c.post(at, json={"file_ids": [5]}), 422)
    for path, json in (("", {"file_ids": [NOBODY]}), ("/publish", {"file_id": NOBODY}), ("/reset", {"file_id": NOBODY})):
        bad(c.post(at + path, json=json), 404)
    bad(c.post(f"{at}/publish", json={}), 422)
