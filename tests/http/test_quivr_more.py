"""What stands beside the main routes of the Quivr dialect: conversations, figures, versions, permissions, feedback, several knowledge bases at once."""
import json

import pytest
from beyond import ARR, INT, NULL, NUM, OBJ, STR, like
from quivr import API, Quivr, br, wrong

NUMBER = (int, float)


@pytest.fixture(scope="module")
def q(tmp_path_factory):
    d = tmp_path_factory.mktemp("more")
    q = Quivr(d)
    br(d, "config", "set", "log.questions", "true")
    q.start()
    yield q
    q.stop()


@pytest.fixture(scope="module")
def c(q):
    with q.client() as client:
        yield client


names = iter(range(1000))


@pytest.fixture
def kb(c):
    return c.post(API + "/kb", json={"name": f"more {next(names)}"}).json()["id"]


def put(c, kb, name, text, **data):
    r = c.post(API + "/ingest", files={"file": (name, text)}, data={"knowledge_base_id": kb, **data})
    assert r.status_code in (200, 201), r.text
    return r.json()


def test_conversation(q, c):
    r = c.post(API + "/conversations", json={"knowledge_base_id": q.nb})
    assert r.status_code == 201
    chat = like(r.json(), {"id": STR, "conversation_id": STR, "knowledge_base_id": STR, "title": STR, "created_at": STR})
    path = f"{API}/conversations/{chat['id']}"
    said = c.post(path + "/messages", json={"question": "How do deploys go?"})
    assert said.status_code == 200, said.text
    like(said.json(), {"answer": STR, "sources": ARR, "query_id": STR, "confidence": NUMBER, "usage": OBJ, "latency_ms": INT})
    assert c.post(path + "/messages", json={"question": "And what waits for reviews?"}).status_code == 200
    got = c.get(path + "/messages").json()
    assert [m["role"] for m in got["messages"]] == ["user", "assistant"] * 2 and got["messages"][0]["content"] == "How do deploys go?"
    assert c.get(path).json()["message_count"] == 4
    wrong(c.post(path + "/messages", json={}), 400, field="question")
    assert c.delete(path).json() == {"id": chat["id"], "deleted": True}
    wrong(c.get(path + "/messages"), 404, resource_type="conversation")
    wrong(c.post(API + "/conversations", json={"knowledge_base_id": "no"}), 404, resource_type="knowledge_base")


def test_stats_and_analytics(q, c, kb):
    put(c, kb, "a.md", "# A\n\nApples are red.")
    stats = c.get(f"{API}/kb/{kb}/stats").json()
    like(stats, {"document_count": INT, "chunk_count": INT, "storage_mb": NUMBER, "last_updated": STR, "languages": OBJ})
    assert stats["document_count"] == stats["total_documents"] == 1
    c.post(API + "/query", json={"knowledge_base_id": kb, "question": "What are apples?"})
    got = c.get(f"{API}/kb/{kb}/analytics").json()
    assert got["total_queries"] == 1
    like(got["recent_queries"][0], {"question": STR, "response_time": NUMBER, "relevance_score": NUMBER, "created_at": STR})
    assert c.get(f"{API}/kb/{kb}").json()["queries_last_30d"] == 1


def test_archive_and_duplicate(c, kb):
    put(c, kb, "a.md", "# A\n\nApples are red.", metadata='{"x": 1}')
    assert c.post(f"{API}/kb/{kb}/archive").json()["status"] == "archived"
    assert kb in [k["id"] for k in c.get(API + "/kb", params={"status": "archived"}).json()["knowledge_bases"]]
    assert kb not in [k["id"] for k in c.get(API + "/kb", params={"status": "active"}).json()["knowledge_bases"]]
    wrong(c.post(API + "/ingest", files={"file": ("b.md", "x y")}, data={"knowledge_base_id": kb}), 409, resource_type="knowledge_base")
    assert c.post(f"{API}/kb/{kb}/archive", json={"archived": False}).json()["status"] == "active"
    r = c.post(f"{API}/kb/{kb}/duplicate", json={"name": f"copy of {kb}"})
    assert r.status_code == 201, r.text
    copy = r.json()
    assert copy["id"] != kb and copy["document_count"] == 1
    assert c.post(API + "/query", json={"knowledge_base_id": copy["id"], "question": "apples?", "filters": {"x": 1}}).json()["sources"]
    wrong(c.post(f"{API}/kb/{kb}/duplicate", json={"name": f"copy of {kb}"}), 409, field="name")


def test_versions_and_rollback(c, kb):
    doc = put(c, kb, "a.md", "# A\n\nFirst words.", metadata='{"v": 1}')["id"]
    put(c, kb, "a.md", "# A\n\nSecond words.", deduplicate="true", metadata='{"v": 2}')
    path = f"{API}/kb/{kb}/documents/{doc}"
    got = c.get(path + "/versions").json()
    assert got["current_version"] == 2 and [v["version"] for v in got["versions"]] == [1, 2]
    back = c.post(path + "/rollback", json={"version": 1})
    assert back.status_code == 200 and back.json()["metadata"] == {"v": 1} and back.json()["id"] == doc
    assert back.json()["content_hash"] == got["versions"][0]["content_hash"]
    assert "First" in c.post(API + "/query", json={"knowledge_base_id": kb, "question": "Which words?"}).json()["sources"][0]["text"]
    assert c.get(path + "/versions").json()["current_version"] == 3
    wrong(c.post(path + "/rollback", json={"version": 9}), 404, resource_type="version", resource_id="9")
    wrong(c.get(f"{API}/kb/{kb}/documents/no/versions"), 404, resource_type="document")


def test_permissions_and_feedback(c, kb):
    r = c.post(f"{API}/kb/{kb}/permissions", json={"user_id": "ann@example.org", "role": "editor"})
    assert r.status_code == 201 and r.json()["role"] == "editor"
    wrong(c.post(f"{API}/kb/{kb}/permissions", json={"user_id": "x", "role": "king"}), 400, field="role")
    assert [p["user_id"] for p in c.get(f"{API}/kb/{kb}/permissions").json()["permissions"]] == ["ann@example.org"]
    assert c.delete(f"{API}/kb/{kb}/permissions/ann@example.org").status_code == 200
    wrong(c.delete(f"{API}/kb/{kb}/permissions/ann@example.org"), 404)
    r = c.post(API + "/feedback", json={"query_id": "q-1", "feedback_type": "correction", "correction": "No: pears."})
    assert r.status_code == 201 and r.json()["query_id"] == "q-1"
    wrong(c.post(API + "/feedback", json={"query_id": "q-1", "feedback_type": "so-so"}), 400, field="feedback_type")


def test_federated(q, c, kb):
    other = c.post(API + "/kb", json={"name": f"more {next(names)}"}).json()["id"]
    put(c, kb, "a.md", "# Apples\n\nApples are red fruit.")
    put(c, other, "b.md", "# Apples\n\nApples are made by a company.")
    put(c, other, "copy.md", "# Apples\n\nApples are red fruit.")
    ask = {"knowledge_bases": [{"id": kb, "weight": 2}, other], "question": "What are apples?"}
    got = c.post(API + "/query/federated", json=ask).json()
    like(got["results"][0], {"knowledge_base_id": STR, "document_id": STR, "filename": STR, "page": (int, NULL), "score": NUMBER, "fused_score": NUMBER})
    assert [r["filename"] for r in got["results"]] == ["a.md", "b.md"]  # the copy is left out
    assert len(c.post(API + "/query/federated", json={**ask, "deduplicate": False}).json()["results"]) == 3
    assert c.post(API + "/query/federated", json={**ask, "min_score": 1, "question": "apples zebra quantum"}).json()["results"] == []
    wrong(c.post(API + "/query/federated", json={**ask, "knowledge_bases": [5]}), 400, field="knowledge_bases[0]")
    wrong(c.post(API + "/query/federated", json={**ask, "filters": {"a": {"$x": 1}}}), 400, field="filters.a.$x")
    bound = q.key("one of them", "query", "--for", kb)
    with q.client(bound) as b:
        wrong(b.post(API + "/query/federated", json=ask), 403, reason="kb_access")


def test_schema_says_what_is_there(c):
    paths = c.get("/openapi.json").json()["paths"]
    for path in ("/ingest", "/ingest/batch", "/ingest/url", "/ingest/text", "/query", "/query/stream", "/ws/query", "/kb", "/kb/{id}", "/kb/{id}/documents",
                 "/kb/{id}/documents/{doc_id}", "/webhooks", "/admin/keys", "/conversations", "/query/federated", "/feedback"):
        assert API + path in paths, path
    assert json.dumps(paths[API + "/query"]).count("filters")
