"""Knowledge bases, uploads, questions and streams of the Quivr dialect, field by field, with the clients that people wrote."""
import asyncio
import concurrent.futures
import json
import subprocess
import threading
import time

import httpx
import pytest
import requests
from beyond import ARR, BOOL, INT, NULL, NUM, OBJ, OPT, STR, like
from conftest import SLOW, read_reply, until
from quivr import API, Model, Quivr, Receiver, wrong

KB = {"id": STR, "name": STR, "description": STR, "tags": ARR, "status": STR, "document_count": INT, "chunk_count": INT, "storage_mb": (int, float),
      "created_at": STR, "updated_at": STR, "last_updated": STR, "metadata_schema": OBJ, "embedding_config": OBJ, "chunking_config": OBJ,
      "retention_policy": OBJ, "queries_last_30d": INT}
DOC = {"id": STR, "document_id": STR, "filename": STR, "file_path": STR, "status": STR, "chunk_count": INT, "content_type": STR, "size_bytes": INT,
       "page_count": (int, NULL), "content_hash": STR, "metadata": OBJ, "created_at": STR, "updated_at": STR}
INGESTED = {"document_id": STR, "id": STR, "chunk_count": INT, "processing_time_ms": (int, float), "filename": STR, "knowledge_base_id": STR,
            "status": STR, "content_hash": STR, "metadata": OBJ, "page_count": (int, NULL), "created_at": STR}
SOURCE = {"filename": STR, "page": (int, NULL), "score": (int, float), "document_id": STR, "chunk_id": STR, "chunk_index": INT, "text": STR,
          "metadata": OBJ}
ANSWER = {"answer": STR, "confidence": (int, float), "sources": ARR, "usage": OBJ, "latency_ms": INT, "query_id": STR, "model": STR}
GUIDE = "# Deploys\n\nDeploys go through CI. To deploy, push a tag and wait for the pipeline.\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    m = Model(tmp_path_factory.mktemp("model"))
    yield m
    m.stop()


@pytest.fixture(scope="module")
def q(tmp_path_factory):
    q = Quivr(tmp_path_factory.mktemp("quivr")).start()
    yield q
    q.stop()


@pytest.fixture(scope="module")
def talking(tmp_path_factory, model):
    """A server whose answers a model writes, slowly."""
    q = Quivr(tmp_path_factory.mktemp("talking")).start(**model.env("fake;text=Caf\u00e9_\u2028_na\u00efve_\U0001f600_go_on_[1];chunk=3;gap=5"))
    yield q
    q.stop()


@pytest.fixture
def c(q):
    with q.client() as client:
        yield client


names = iter(range(10000))


@pytest.fixture
def kb(c):
    r = c.post(API + "/kb", json={"name": f"kb {next(names)}"})
    assert r.status_code == 201, r.text
    return r.json()["id"]


def put(c, kb, name="deploy.md", text=GUIDE, **data):
    return c.post(API + "/ingest", files={"file": (name, text, "text/markdown")}, data={"knowledge_base_id": kb, **data})


def ask(c, kb, question="How do I deploy?", **more):
    return c.post(API + "/query", json={"knowledge_base_id": kb, "question": question, **more})


# ---- the gateway ----

def test_health_needs_no_key(q):
    with httpx.Client(base_url=q.server.url, trust_env=False) as c:
        for path in ("/health", API + "/health", API + "/health/"):
            r = c.get(path)
            assert r.status_code == 200 and r.json()["status"] == "ok"
            like(r.json(), {"avg_response_time": (int, float), "error_rate": (int, float), "active_connections": INT})
            assert r.headers["X-Request-ID"].startswith("req-")


@pytest.mark.parametrize("auth", [None, "Bearer", "Bearer nonsense", "Basic abc", "nonsense"])
@pytest.mark.parametrize("path", ["/kb", "/nowhere", "/query", "/kb/x/documents"])
def test_no_key_is_401_before_anything_else(q, auth, path):
    r = httpx.request("POST" if path == "/query" else "GET", q.server.url + API + path, headers={"Authorization": auth} if auth else {}, trust_env=False)
    wrong(r, 401, error="unauthorized")
    assert r.headers["WWW-Authenticate"] == "Bearer" and r.headers["X-Request-ID"] == r.json()["request_id"]


def test_routes_and_methods_that_are_not_there(c):
    wrong(c.get(API + "/nowhere"), 404, error="not_found", resource_type="route")
    r = c.delete(API + "/query")
    wrong(r, 405, error="method_not_allowed")
    assert "POST" in r.headers["Allow"]
    assert c.request("authorization", API + "/kb").status_code in (400, 405, 501)


def test_header_names_in_any_case_and_slash_at_the_end(q):
    for name in ("authorization", "AUTHORIZATION"):
        assert httpx.get(q.server.url + API + "/kb/", headers={name: f"bearer {q.master}"}, trust_env=False).status_code == 200


def test_order_of_checks(q, c):
    reader = q.key("reader", "kb:read")
    with q.client(reader) as r:
        wrong(r.get(API + "/nowhere"), 404)
        wrong(r.post(API + "/query", content=b"x", headers={"Content-Type": "text/plain"}), 415, field="body")
        wrong(r.post(API + "/query", content=b"{", headers={"Content-Type": "application/json"}), 400, error="validation_error", field="body")
        wrong(r.post(API + "/query", json={"question": "x"}), 400, field="knowledge_base_id")
        wrong(ask(r, "no-such"), 403, required_scope="query")
        wrong(r.post(API + "/kb", json={"name": "x"}), 403, error="forbidden", required_scope="kb:write")
        wrong(put(r, q.nb), 403, required_scope="documents:write")
        assert r.get(API + "/kb").status_code == 200
    wrong(ask(c, "kb-999"), 404, resource_type="knowledge_base", resource_id="kb-999")


def test_scopes_and_bound_keys(q, c, kb):
    bound = q.key("bound", "query,kb:read,documents:write", "--for", kb)
    put(c, kb)
    with q.client(bound) as b:
        assert ask(b, kb).status_code == 200
        wrong(ask(b, q.nb), 403, reason="kb_access")
        wrong(b.get(API + "/kb/" + q.nb), 403, reason="kb_access")
        assert [k["id"] for k in b.get(API + "/kb").json()["knowledge_bases"]] == [kb]
    away = q.key("away", "query", "--from", "10.0.0.0/8")
    with q.client(away) as a:
        wrong(ask(a, kb), 403, reason="ip_not_allowed")


def test_rate_limit_tells_when(q):
    key = q.key("slow", "query,kb:read", "--rate", "2/minute")
    with q.client(key) as c:
        assert [c.get(API + "/kb").status_code for _ in range(2)] == [200, 200]
        for path in ("/kb", "/nowhere"):
            r = c.get(API + path)
            body = wrong(r, 429, error="rate_limited", limit="requests_per_minute")
            assert r.headers["Retry-After"] == str(body["retry_after_seconds"]) and 1 <= body["retry_after_seconds"] <= 60


def test_token_budget_is_spent(q, kb, c):
    put(c, kb)
    key = q.key("poor", "query", "--tokens-per-day", "5")
    with q.client(key) as p:
        assert ask(p, kb).status_code == 200
        r = ask(p, kb)
        body = wrong(r, 429, limit="tokens_per_day")
        assert r.headers["Retry-After"] == str(body["retry_after_seconds"]) and body["retry_after_seconds"] <= 86400


def test_profile_limits_the_body(tmp_path):
    q = Quivr(tmp_path, env={"BR_PROFILE": "production", "BR_TRUSTED_PROXIES": "127.0.0.1"}).start()
    with q.server.socket() as s:
        s.sendall(f"POST {API}/ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {q.master}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                  f"X-Forwarded-Proto: https\r\nContent-Length: {26 << 20}\r\n\r\n".encode())
        status, headers, body = read_reply(s.makefile("rb"))
    body = json.loads(body)
    assert status == 413 and headers["connection"] == "close" and body["error"] == "payload_too_large"
    assert body["limit_bytes"] == 25 << 20 and body["field"] == "body"
    q.stop()


# ---- knowledge bases ----

def test_life_of_a_knowledge_base(c):
    name = f"Handbook {next(names)}"
    r = c.post(API + "/kb", json={"name": name, "description": "How we work", "tags": ["hr", "it"], "unknown": 1, "retention_policy": None,
                                  "metadata_schema": {"team": {"type": "string", "required": True, "enum": ["eng", "hr"]}},
                                  "embedding_config": {"model": "text-embedding-3-small", "dimensions": 1536, "provider": "openai"},
                                  "chunking_config": {"strategy": "recursive", "chunk_size": 500, "chunk_overlap": 50}})
    assert r.status_code == 201
    made = like(r.json(), KB)
    assert made["name"] == name and made["document_count"] == 0 and made["tags"] == ["hr", "it"] and made["status"] == "active"
    assert made["created_by"] == "master" and made["embedding_config"]["dimensions"] == 1536 and made["created_at"].endswith("Z")
    assert made["chunking_config"] == {"strategy": "recursive", "chunk_size": 500, "chunk_overlap": 50, "heading_patterns": []}
    wrong(c.post(API + "/kb", json={"name": name}), 409, error="conflict", resource_type="knowledge_base", resource_id=made["id"], field="name")
    path = API + "/kb/" + made["id"]
    assert like(c.get(path).json(), KB)["name"] == name
    assert c.get(API + "/kb/" + name).json()["id"] == made["id"]  # ids are opaque: a name does
    listed = c.get(API + "/kb", params={"sort_by": "name", "order": "asc"}).json()
    assert listed["total"] == len(listed["knowledge_bases"]) and made["id"] in [k["id"] for k in listed["knowledge_bases"]]
    assert c.patch(path, json={"description": "new"}).json()["description"] == "new"
    wrong(put(c, made["id"], metadata=json.dumps({"team": "sales"})), 400, field="metadata.team")
    wrong(put(c, made["id"]), 400, field="metadata.team")
    assert put(c, made["id"], metadata=json.dumps({"team": "hr"})).status_code == 201
    wrong(c.patch(path, json={"embedding_config": {"model": "x"}}), 409, field="embedding_config")
    r = c.delete(path)
    assert r.status_code == 200 and r.json() == {"id": made["id"], "name": name, "deleted": True}
    wrong(c.get(path), 404, resource_type="knowledge_base", resource_id=made["id"])
    wrong(c.delete(path), 404)


@pytest.mark.parametrize("body, field", [
    ({}, "name"), ({"name": ""}, "name"), ({"name": 5}, "name"), ({"name": "x", "tags": "a"}, "tags"),
    ({"name": "x", "metadata_schema": {"a": 1}}, "metadata_schema.a"), ({"name": "x", "chunking_config": {"chunk_size": 0}}, "chunking_config.chunk_size"),
    ({"name": "x", "chunking_config": {"chunk_size": 10, "chunk_overlap": 10}}, "chunking_config.chunk_overlap"),
])
def test_knowledge_bases_that_make_no_sense(c, body, field):
    wrong(c.post(API + "/kb", json=body), 400, error="validation_error", field=field)


# ---- uploads ----

def test_upload_as_requests_sends_it(q, kb):
    r = requests.post(q.server.url + API + "/ingest", headers={"Authorization": f"Bearer {q.master}"},
                      files={"file": ("na\u00efve \"report\".md", GUIDE.encode(), "text/markdown")},
                      data={"knowledge_base_id": kb, "metadata": json.dumps({"team": "eng", "doc_type": "guide"}), "chunk_size": 1000, "chunk_overlap": 200})
    assert r.status_code == 201, r.text
    got = like(r.json(), INGESTED)
    assert got["id"] == got["document_id"] and got["chunk_count"] == 1 and got["metadata"] == {"team": "eng", "doc_type": "guide"}
    assert got["filename"] == "na\u00efve \"report\".md" and got["knowledge_base_id"] == kb and got["page_count"] is None


@pytest.mark.parametrize("data, name, text, status, field", [
    ({"metadata": "{"}, "a.md", "x y", 400, "metadata"), ({"metadata": "[1]"}, "a.md", "x y", 400, "metadata"),
    ({"chunk_size": "100", "chunk_overlap": "100"}, "a.md", "x y", 400, "chunk_overlap"), ({"chunk_size": "ten"}, "a.md", "x y", 400, "chunk_size"),
    ({"chunk_overlap": "1000"}, "a.md", "x y", 400, "chunk_overlap"), ({}, "a.exe", "x y", 400, "file"), ({}, "empty.md", "", 400, "file"),
    ({}, "blank.txt", " \n\n ", 400, "file"), ({"file_path": "../../etc/passwd"}, "a.md", "x y", 400, "file_path"),
    ({"knowledge_base_id": "kb-999"}, "a.md", "x y", 404, None), ({"deduplicate": "perhaps"}, "a.md", "x y", 400, "deduplicate"),
])
def test_uploads_that_make_no_sense(c, kb, data, name, text, status, field):
    body = wrong(put(c, kb, name, text, **data), status)
    assert body.get("field") == field
    assert c.get(f"{API}/kb/{kb}/documents").json()["total"] == 0


def test_upload_without_a_file(c, kb):
    wrong(c.post(API + "/ingest", files={"other": ("a.md", "x")}, data={"knowledge_base_id": kb}), 400, field="file")
    wrong(c.post(API + "/ingest", json={"knowledge_base_id": kb}), 415, field="body")


def test_deduplicate(c, kb):
    first = put(c, kb, metadata='{"v": 1}').json()
    body = wrong(put(c, kb), 409, error="conflict", resource_type="document", resource_id=first["id"])
    assert body["field"] == "file"
    wrong(put(c, kb, text="other"), 409)
    same = put(c, kb, deduplicate="true", metadata='{"v": 2}')
    assert same.status_code == 200 and same.json()["status"] == "unchanged" and same.json()["id"] == first["id"]
    assert same.json()["chunk_count"] == first["chunk_count"] and same.json()["metadata"] == {"v": 2}
    assert len(ask(c, kb, filters={"v": 2}).json()["sources"]) == 1
    copy = put(c, kb, "copy.md", deduplicate="True")
    assert copy.status_code == 200 and copy.json()["id"] == first["id"]
    assert put(c, kb, "copy.md").status_code == 201
    changed = put(c, kb, text="# Deploys\n\nNever on Fridays.\n", deduplicate="true")
    assert changed.status_code == 200 and changed.json()["id"] == first["id"] and changed.json()["content_hash"] != first["content_hash"]
    sources = ask(c, kb, "Deploys on Fridays?", filters={"document_id": first["id"]}).json()["sources"]
    assert sources and all("push a tag" not in s["text"] for s in sources)


def test_same_name_in_two_folders(c, kb):
    a = put(c, kb, "README.md", "# A\n\nFirst text.", file_path="docs/a/README.md").json()
    b = put(c, kb, "README.md", "# B\n\nSecond text.", file_path="docs\\b\\README.md").json()
    assert a["id"] != b["id"] and a["filename"] == b["filename"] == "README.md" and b["file_path"] == "docs/b/README.md"
    assert c.get(f"{API}/kb/{kb}/documents", params={"file_path": "docs/a/README.md"}).json()["documents"][0]["id"] == a["id"]


def test_documents_list_and_delete(c, kb):
    ids = [put(c, kb, f"{i}.md", f"# Number {i}\n\nText of {i}.").json()["id"] for i in range(3)]
    got = c.get(f"{API}/kb/{kb}/documents", params={"limit": 2, "offset": 1}).json()
    assert (got["total"], got["limit"], got["offset"]) == (3, 2, 1) and [d["id"] for d in got["documents"]] == [ids[1], ids[0]]
    assert like(got["documents"][0], DOC)["size_bytes"] > 0
    assert like(c.get(f"{API}/kb/{kb}/documents/{ids[0]}").json(), DOC)["id"] == ids[0]
    r = c.delete(f"{API}/kb/{kb}/documents/{ids[0]}")
    assert r.status_code == 200 and r.json() == {"id": ids[0], "document_id": ids[0], "filename": "0.md", "deleted": True}
    wrong(c.delete(f"{API}/kb/{kb}/documents/{ids[0]}"), 404, resource_type="document", resource_id=ids[0])
    wrong(c.delete(f"{API}/kb/{kb}/documents/nonsense"), 404, resource_type="document")
    assert all(s["document_id"] != ids[0] for s in ask(c, kb, "Number 0").json()["sources"])


def test_document_of_another_knowledge_base_is_not_there(c, kb):
    other = c.post(API + "/kb", json={"name": f"other {next(names)}"}).json()["id"]
    doc = put(c, other).json()["id"]
    wrong(c.delete(f"{API}/kb/{kb}/documents/{doc}"), 404, resource_type="document", resource_id=doc)
    assert c.get(f"{API}/kb/{other}/documents").json()["total"] == 1


def test_batch(c, kb):
    files = [("files", ("a.md", "# A\n\nText.", "text/markdown")), ("files", ("bad.exe", "x")), ("files", ("b.md", "# B\n\nOther text."))]
    r = c.post(API + "/ingest/batch", files=files, data={"knowledge_base_id": kb, "on_error": "continue", "metadata": '{"x": 1}'})
    assert r.status_code == 200 and (r.json()["successful"], r.json()["failed"]) == (2, 1)
    assert [(d["filename"], d["status"], d["chunk_count"]) for d in r.json()["documents"]] == [("a.md", "success", 1), ("bad.exe", "failed", 0),
                                                                                              ("b.md", "success", 1)]
    assert r.json()["documents"][1]["error"]["field"] == "file" and r.json()["documents"][0]["error"] is None
    again = [("files", ("c.md", "# C\n\nText.")), ("files", ("a.md", "# A\n\nText.")), ("files", ("d.md", "# D"))]
    r = c.post(API + "/ingest/batch", files=again, data={"knowledge_base_id": kb}).json()  # abort
    assert [d["status"] for d in r["documents"]] == ["success", "failed", "skipped"] and (r["successful"], r["failed"], r["skipped"]) == (1, 1, 1)
    r = c.post(API + "/ingest/batch", files=again, data={"knowledge_base_id": kb, "deduplicate": "true"}).json()
    assert [d["status"] for d in r["documents"]] == ["skipped", "skipped", "success"] and r["documents"][0]["chunk_count"] == 1
    wrong(c.post(API + "/ingest/batch", files=files, data={"knowledge_base_id": kb, "metadata": "no"}), 400, field="metadata")
    wrong(c.post(API + "/ingest/batch", files=files, data={"knowledge_base_id": "kb-0"}), 404)
    wrong(c.post(API + "/ingest/batch", files={"file": ("a.md", "x")}, data={"knowledge_base_id": kb}), 400, field="files")


def test_identical_uploads_at_once_get_one_answer(c, kb):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: put(c, kb, text=GUIDE * 50), range(8)))
    ids = {g.json()["id"] for g in got if g.status_code == 201}
    assert len(ids) == 1 and all(g.status_code in (201, 409) for g in got)
    assert c.get(f"{API}/kb/{kb}/documents").json()["total"] == 1


def test_a_client_that_gave_up_gets_the_first_answer(q, c, kb):
    body = (f'--b\r\nContent-Disposition: form-data; name="knowledge_base_id"\r\n\r\n{kb}\r\n--b\r\nContent-Disposition: form-data; name="file"; '
            f'filename="deploy.md"\r\nContent-Type: text/markdown\r\n\r\n{GUIDE}\r\n--b--\r\n').encode()
    with q.server.socket() as s:
        s.sendall(f"POST {API}/ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {q.master}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    docs = until(lambda: c.get(f"{API}/kb/{kb}/documents").json()["documents"])
    again = put(c, kb)
    assert again.status_code in (201, 409)  # 409: the first answer was on its way before the client had gone
    if again.status_code == 201:
        assert again.json()["id"] == docs[0]["id"]
    assert c.get(f"{API}/kb/{kb}/documents").json()["total"] == 1


def test_idempotency_key(c, kb):
    c.headers["Idempotency-Key"] = "once"
    first, again = put(c, kb), put(c, kb)
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    wrong(put(c, kb, text="other text"), 409, field="Idempotency-Key")
    del c.headers["Idempotency-Key"]
    wrong(put(c, kb), 409, resource_id=first.json()["id"])


def test_text_and_url(q, c, kb, tmp_path):
    r = c.post(API + "/ingest/text", json={"knowledge_base_id": kb, "content": GUIDE, "filename": "note", "file_type": "text/markdown", "metadata": {"a": 1}})
    assert r.status_code == 201 and like(r.json(), INGESTED)["filename"] == "note.md" and r.json()["metadata"] == {"a": 1}
    wrong(c.post(API + "/ingest/text", json={"knowledge_base_id": kb, "content": " "}), 400, field="file")
    wrong(c.post(API + "/ingest/text", json={"knowledge_base_id": kb}), 400, field="content")
    wrong(c.post(API + "/ingest/url", json={"knowledge_base_id": kb, "url": "ftp://x/"}), 400, field="url")
    wrong(c.post(API + "/ingest/url", json={"knowledge_base_id": kb, "url": "http://169.254.169.254/latest"}), 400, field="url")
    page = q.server.url + "/openapi.json"
    r = c.post(API + "/ingest/url", json={"knowledge_base_id": kb, "url": page})
    assert r.status_code == 201 and r.json()["chunk_count"] > 0, r.text
    wrong(c.post(API + "/ingest/url", json={"knowledge_base_id": kb, "url": page}), 409)
    assert c.post(API + "/ingest/url", json={"knowledge_base_id": kb, "url": page, "deduplicate": True}).status_code == 200
    wrong(c.post(API + "/ingest/url", json={"knowledge_base_id": kb, "url": q.server.url + "/none"}), 400, field="url")
    assert c.get(f"{API}/kb/{kb}/documents").json()["total"] == 2


def test_events_of_documents_and_knowledge_bases(c):
    hook = Receiver()
    id = c.post(API + "/webhooks", json={"url": hook.url, "secret": "s", "events": ["document.uploaded", "document.updated", "document.deleted", "kb.created",
                                                                                  "kb.deleted", "error.ingestion"]}).json()["id"]
    kb = c.post(API + "/kb", json={"name": f"told {next(names)}"}).json()["id"]
    doc = put(c, kb).json()["id"]
    put(c, kb, text="# New\n\n" + "Words. " * 400, deduplicate="true")
    put(c, kb, text="# New\n\n" + "Words. " * 400, deduplicate="true")  # unchanged: nothing is told
    put(c, kb, "empty.md", "")
    c.delete(f"{API}/kb/{kb}/documents/{doc}")
    put(c, kb, "other.md", "# Other\n\nText.")
    c.delete(API + "/kb/" + kb)
    got = {}
    for _, body in hook.wait(7):
        e = json.loads(body)
        got.setdefault(e["type"], []).append(e["data"])
    assert {k: len(v) for k, v in got.items()} == {"kb.created": 1, "document.uploaded": 2, "document.updated": 1, "error.ingestion": 1, "document.deleted": 1,
                                                   "kb.deleted": 1}
    assert all(d["knowledge_base_id"] == d["kb_id"] == kb for v in got.values() for d in v)
    assert got["kb.created"][0]["creator"] == "master" and got["document.deleted"][0] == {**got["document.deleted"][0], "document_id": doc, "filename": "deploy.md"}
    assert got["document.updated"][0]["old_chunk_count"] == 1 and got["document.updated"][0]["new_chunk_count"] > 1
    assert got["error.ingestion"][0]["file_path"] == "empty.md" and got["error.ingestion"][0]["message"]
    c.delete(API + "/webhooks/" + id)
    hook.stop()


# ---- questions ----

def test_question_field_by_field(c, kb):
    put(c, kb, metadata='{"doc_type": "guide", "status": "published"}')
    r = ask(c, kb, top_k=5, score_threshold=0.7, include_sources=True, model="gpt-4-turbo-preview", temperature=0.3, max_tokens=1000, unknown=None,
            filters={"doc_type": {"$in": ["runbook", "guide"]}, "status": "published"})
    assert r.status_code == 200, r.text
    got = like(r.json(), ANSWER)
    assert "tag" in got["answer"] and 0 < got["confidence"] <= 1 and got["query_id"].startswith("q-")
    assert like(got["usage"], {"total_tokens": INT, "prompt_tokens": INT, "completion_tokens": INT})["total_tokens"] > 0
    source = like(got["sources"][0], SOURCE)
    assert source["filename"] == "deploy.md" and 0.7 <= source["score"] <= 1 and source["page"] is None and f"{source['score']:.4f}"
    assert source["metadata"] == {"doc_type": "guide", "status": "published"}
    assert ask(c, kb, include_sources=False).json()["sources"] == []
    assert ask(c, kb, filters=None, top_k=None).status_code == 200


def test_nothing_found_is_no_error(c, kb):
    put(c, kb)
    for got in (ask(c, kb, "Quantum zebra?").json(), ask(c, kb, "pipeline zebra quantum tennis", score_threshold=0.95).json()):
        assert got["sources"] == [] and got["confidence"] == 0 and got["answer"]


def test_threshold_is_inclusive_and_sources_best_first(c, kb):
    put(c, kb)
    put(c, kb, "b.md", "# Tags\n\nA tag names a version.")
    put(c, kb, "c.md", "# Wait\n\nWait for the pipeline of CI.")
    scores = [s["score"] for s in ask(c, kb, "push a tag and wait for the pipeline", top_k=10).json()["sources"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True) and all(0 <= s <= 1 for s in scores)
    at = min(s for s in scores if s < 1)
    assert len(ask(c, kb, "push a tag and wait for the pipeline", score_threshold=at - 1e-6).json()["sources"]) >= 2
    assert len(ask(c, kb, "push a tag and wait for the pipeline", top_k=1).json()["sources"]) == 1


@pytest.mark.parametrize("body, field", [
    ({"question": ""}, "question"), ({"question": "x" * 1001}, "question"), ({"question": 7}, "question"), ({"top_k": 0}, "top_k"), ({"top_k": "5"}, "top_k"),
    ({"score_threshold": 1.5}, "score_threshold"), ({"filters": []}, "filters"), ({"filters": {"a": {"$near": 5}}}, "filters.a.$near"),
    ({"filters": {"a": [1, 2]}}, "filters.a"), ({"filters": {"$and": []}}, "filters.$and"), ({"filters": {"$or": []}}, "filters.$or"),
    ({"filters": {"a": {"$in": "b"}}}, "filters.a.$in"), ({"filters": {"$or": [{"a": 1}, {"b": {"$x": 1}}]}}, "filters.$or[1].b.$x"),
    ({"filters": {"a": {}}}, "filters.a"), ({"filters": {"$where": "1"}}, "filters.$where"), ({"temperature": 3}, "temperature"),
    ({"include_sources": "yes"}, "include_sources"), ({"filters": {"date_range": ["2024-01-01"]}}, "filters.date_range"),
])
def test_questions_that_make_no_sense(c, q, body, field):
    wrong(c.post(API + "/query", json={"knowledge_base_id": q.nb, "question": "x", **body}), 400, error="validation_error", field=field)


@pytest.fixture(scope="module")
def filtered(q):
    with q.client() as c:
        kb = c.post(API + "/kb", json={"name": "filtered"}).json()["id"]
        put(c, kb, "one.md", "# One\n\nDeploy with care.", metadata=json.dumps({"doc_type": "guide", "status": "published", "n": 5, "tags": ["a", "b"],
                                                                              "flag": True, "date": "2024-06-15"}))
        yield kb


@pytest.mark.parametrize("filters, match", [
    ({"doc_type": {"$in": ["runbook", "guide"]}, "status": "published"}, True), ({"doc_type": "guide", "status": "draft"}, False),
    ({"$and": [{"doc_type": {"$eq": "guide"}}, {"n": {"$gte": 5}}]}, True), ({"n": {"$gt": 4, "$lt": 5}}, False), ({"n": "5"}, False),
    ({"tags": "b"}, True), ({"accessible_by": "eng"}, False), ({"accessible_by": {"$ne": "eng"}}, True),
    ({"$or": [{"status": "draft"}, {"tags": {"$in": ["z", "a"]}}]}, True), ({}, True), ({"n": {"$in": []}}, False), ({"flag": 1}, False), ({"flag": True}, True),
    ({"tags": {"$contains": "a"}}, True), ({"doc_type": {"$contains": "uid"}}, True), ({"doc_type": {"$not_contains": "uid"}}, False),
    ({"status": {"$gt": "a"}}, True), ({"n": {"$gt": "a"}}, False), ({"tags": {"$ne": "a"}}, False), ({"tags": {"$nin": ["x", "y"]}}, True),
    ({"$not": {"n": 5}}, False), ({"filename": "one.md"}, True), ({"content_type": "text/markdown"}, True), ({"chunk_index": 0}, True),
    ({"heading": "Two"}, False), ({"has_code": False}, True), ({"page_number": 1}, False), ({"upload_date": {"$gte": "2024-01-01"}}, True),
    ({"date_range": ["2024-06-01", "2024-06-15"]}, True), ({"date_range": ["2024-06-16", None]}, False), ({"missing": None}, False),
])
def test_truth_of_filters(c, filtered, filters, match):
    assert bool(ask(c, filtered, "Deploy with care?", filters=filters).json()["sources"]) == match


def test_filters_come_before_ranking(c, kb):
    for i in range(12):
        put(c, kb, f"noise{i}.md", GUIDE + f"Copy {i} of deploy, pipeline and tag number {i} {'x' * i}.", metadata='{"team": "other"}')
    put(c, kb, "mine.md", "# Notes\n\nWe deploy rarely.", metadata='{"team": "mine"}')
    sources = ask(c, kb, "How do I deploy with a tag and the pipeline?", top_k=3, filters={"team": "mine"}).json()["sources"]
    assert [s["filename"] for s in sources] == ["mine.md"]


def test_model_temperature_and_tokens_are_honoured(talking, model):
    with talking.client() as c:
        got = ask(c, talking.nb, model="fake;text=Through_CI_[1]", temperature=0.9, max_tokens=77).json()
        sent = [e["ask"] for e in model.log() if e.get("ask", {}).get("temperature") == 0.9]
        assert got["answer"] == "Through CI [1]" and got["model"].startswith("fake;text=Through") and got["usage"]["total_tokens"] > 0
        assert sent[-1]["max_tokens"] == 77
        got = ask(c, talking.nb, model="gpt-4-turbo-preview;fail=404,0").json()
        assert got["answer"].startswith("Caf"), got  # the service does not have it: the configured one
        wrong(ask(c, talking.nb, model="fake;fail=401,0"), 503, error="service_unavailable")


# ---- streams ----

def sse(r):
    """As line parsers read them: `data: ` and one line of JSON."""
    r.encoding = r.encoding or "ISO-8859-1"
    for line in r.iter_lines(decode_unicode=True):
        if line and line.startswith("data: "):
            yield json.loads(line[6:])


def stream(q, kb, key=None, **more):
    return requests.post(q.server.url + API + "/query/stream", stream=True, timeout=30, json={"knowledge_base_id": kb, "question": "How do deploys go?", **more},
                         headers={"Authorization": f"Bearer {key or q.master}", "Accept": "text/event-stream"})


def test_stream_as_line_parsers_read_it(q):
    r = stream(q, q.nb, top_k=5, model="gpt-4-turbo-preview")
    assert r.status_code == 200 and r.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert r.headers["Cache-Control"] == "no-cache" and r.headers["X-Accel-Buffering"] == "no"
    events = list(sse(r))
    kinds = [e["type"] for e in events]
    assert kinds == ["token"] * (len(kinds) - 2) + ["sources", "done"] and len(kinds) > 2
    with q.client() as c:
        assert "".join(e["token"] for e in events[:-2]) == ask(c, q.nb, "How do deploys go?", top_k=5).json()["answer"]
    assert events[-2]["sources"][0]["filename"] == "deploy.md" and isinstance(events[-2]["sources"][0]["score"], (int, float))
    like(events[-1], {"query_id": STR, "confidence": (int, float), "usage": OBJ, "latency_ms": INT})


def test_bytes_of_a_stream(talking):
    raw = stream(talking, talking.nb).content
    assert all(b < 0x7f for b in raw) and b"\r" not in raw and b"[DONE]" not in raw
    frames = raw.decode("ascii").split("\n\n")
    assert frames.pop() == ""
    for f in frames[:-1]:
        assert f.startswith('data: {"type":"') and "\n" not in f
    name, data = frames[-1].split("\n")
    assert name == "event: done" and data.startswith('data: {"type":"done"')
    text = "".join(json.loads(f[6:])["token"] for f in frames[:-2])
    assert text == "Caf\u00e9 \u2028 na\u00efve \U0001f600 go on [1]"


def test_curl_reads_frames_as_they_come(talking):
    p = subprocess.run(["curl", "-sN", "-H", f"Authorization: Bearer {talking.master}", "-H", "Content-Type: application/json", "-d",
                        json.dumps({"knowledge_base_id": talking.nb, "question": "How do deploys go?"}), talking.server.url + API + "/query/stream"],
                       capture_output=True, text=True, timeout=30)
    assert p.returncode == 0 and p.stdout.count("data: ") > 5 and p.stdout.endswith("}\n\n")


def test_what_fails_before_the_stream_is_an_ordinary_error(q):
    wrong(stream(q, "kb-none"), 404, resource_type="knowledge_base")
    wrong(stream(q, q.nb, filters={"a": {"$x": 1}}), 400, field="filters.a.$x")
    events = list(sse(stream(q, q.nb, include_sources=False)))
    assert events[-2] == {"type": "sources", "sources": []}
    refused = list(sse(stream(q, q.nb, question="Quantum zebra?")))
    assert [e["type"] for e in refused[-2:]] == ["sources", "done"] and refused[-1]["confidence"] == 0


def test_a_failure_in_the_middle_ends_without_done(talking):
    r = stream(talking, talking.nb, model="fake;text=one_two_three_four_five_six_seven;gap=50;cut=4")
    events = list(sse(r))
    assert events[0]["type"] == "token" and events[-1]["type"] == "error" and events[-1]["status_code"] == 503 and events[-1]["message"]
    assert "done" not in [e["type"] for e in events]


def test_a_vanished_client_stops_the_model(talking, model):
    with httpx.Client(base_url=talking.server.url, trust_env=False) as c, c.stream(
            "POST", API + "/query/stream", headers={"Authorization": f"Bearer {talking.master}"},
            json={"knowledge_base_id": talking.nb, "question": "How do deploys go?", "model": "fake;text=" + "_".join(["no"] * 50) + ";gap=60"}) as r:
        assert next(r.iter_lines()).startswith("data: ")
    gone = time.monotonic()
    until(lambda: any(e["event"] == "closed" and e["by"] == "client" and "no_no" in e["model"] for e in model.log()[-5:]), 5)
    assert time.monotonic() - gone < 1 * SLOW


def test_a_revoked_key_stops_the_stream_at_the_next_frame(talking):
    with talking.client() as c:
        made = c.post(API + "/admin/keys", json={"name": "short", "scopes": ["query"]}).json()
        r = stream(talking, talking.nb, key=made["key"], model="fake;text=" + "_".join(["no"] * 50) + ";gap=60")
        events = sse(r)
        assert next(events)["type"] == "token"
        assert c.post(f"{API}/admin/keys/{made['id']}/revoke").status_code == 200
        rest = list(events)
    assert rest[-1]["type"] == "error" and rest[-1]["status_code"] == 403 and rest[-1]["reason"] == "key_revoked"
    assert len(rest) < 45 and not any(e["type"] == "done" for e in rest)


def test_one_slow_reader_does_not_starve_others(talking):
    slow = stream(talking, talking.nb, model="fake;text=" + "_".join(["no"] * 50) + ";gap=20")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda _: [e["type"] for e in sse(stream(talking, talking.nb))][-1], range(6)))
    assert got == ["done"] * 6
    assert [e["type"] for e in sse(slow)][-1] == "done"


# ---- clients that people wrote ----

class QuivrError(Exception):
    pass


class QuivrClient:
    """In the manner of the SDK: exceptions by status, retries, objects for answers."""

    def __init__(self, base_url, api_key, timeout=60, max_retries=3):
        self.base, self.retries, self.timeout = base_url, max_retries, timeout
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {api_key}"

    def _call(self, method, path, **kw):
        for _ in range(self.retries):
            r = self.session.request(method, self.base + "/api/v1" + path, timeout=self.timeout, **kw)
            if r.status_code == 429:
                raise QuivrError("rate", r.json()["retry_after_seconds"])
            if r.status_code < 500:
                break
        body = r.json()
        if r.status_code == 404:
            raise QuivrError("missing", body["resource_type"], body["resource_id"])
        if r.status_code >= 400:
            raise QuivrError("error", body.get("field"), body["message"])
        return body

    def query(self, knowledge_base_id, question, **kw):
        return self._call("POST", "/query", json={"knowledge_base_id": knowledge_base_id, "question": question, **kw})

    def upload(self, knowledge_base_id, file_path, metadata=None, deduplicate=False):
        with open(file_path, "rb") as f:
            return self._call("POST", "/ingest", files={"file": (str(file_path).split("/")[-1], f)},
                              data={"knowledge_base_id": knowledge_base_id, "metadata": json.dumps(metadata or {}), "deduplicate": str(deduplicate).lower(),
                                    "file_path": str(file_path).lstrip("/")})


def test_sdk_like_client_and_ci_job(q, c, kb, tmp_path):
    client = QuivrClient(q.server.url, q.master)
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.md").write_text(f"# Page {name}\n\nThe page {name} explains {name}.")
    paths = sorted(tmp_path.glob("*.md"))
    for _ in range(2):
        for path in paths:
            doc = client.upload(kb, path, {"source": "ci-cd", "commit": "0123abcd"}, deduplicate=True)
            assert doc["id"] and doc["chunk_count"] == 1
    stored = {d["file_path"]: d for d in client._call("GET", f"/kb/{kb}/documents")["documents"]}
    assert len(stored) == 3
    paths[0].unlink()
    for path, doc in stored.items():  # what went
        if not ("/" + path) in map(str, tmp_path.glob("*.md")):
            client._call("DELETE", f"/kb/{kb}/documents/{doc['id']}")
    assert client._call("GET", f"/kb/{kb}/documents")["total"] == 2
    assert client.query(kb, "What does page b explain?")["answer"]
    with pytest.raises(QuivrError) as e:
        client.query("kb-nope", "x")
    assert e.value.args == ("missing", "knowledge_base", "kb-nope")


def test_async_fan_out_counts_each(q, c):
    key = q.key("fan", "query,kb:read")

    async def go():
        async with httpx.AsyncClient(base_url=q.server.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as a:
            return await asyncio.gather(*(a.post(API + "/query", json={"knowledge_base_id": kb, "question": "deploys?"}) for kb in (q.nb, q.nb, q.nb)))

    assert [r.status_code for r in asyncio.run(go())] == [200] * 3
    id = next(k["id"] for k in c.get(API + "/admin/keys").json()["keys"] if k["name"] == "fan")
    usage = c.get(f"{API}/admin/keys/{id}/usage", params={"period_days": 30}).json()
    assert usage["total_requests"] == 3 and usage["total_tokens"] > 0 and usage["error_count"] == 0 and usage["unique_ips"] == 1


def test_slack_like_bot(q):
    def on_message(text):
        r = requests.post(q.server.url + API + "/query", headers={"Authorization": f"Bearer {q.master}"},
                          json={"knowledge_base_id": q.nb, "question": text.removeprefix("quivr:").strip()}).json()
        return r["answer"] + "".join(f"\n- {s['filename']}" for s in r["sources"])

    assert "- deploy.md" in on_message("quivr: How do deploys go?")
    assert "\n- " not in on_message("quivr: Quantum zebra?")


def test_proxy_with_filters_of_teams(c, kb):
    put(c, kb, "eng.md", "# Salaries of engineers\n\nEngineers get apples.", metadata='{"accessible_by": ["eng", "hr"]}')
    put(c, kb, "hr.md", "# Salaries of recruiters\n\nRecruiters get pears.", metadata='{"accessible_by": "hr"}')
    put(c, kb, "open.md", "# Salaries of interns\n\nInterns get plums.")

    def proxied(team):
        r = ask(c, kb, "What are salaries?", top_k=10, filters={"accessible_by": team}).json()
        return {"answer": r["answer"], "sources": sorted(s["filename"] for s in r["sources"]), "query_id": r["query_id"]}

    assert proxied("eng")["sources"] == ["eng.md"] and proxied("hr")["sources"] == ["eng.md", "hr.md"] and proxied("sales")["sources"] == []
