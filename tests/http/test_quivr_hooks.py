"""Webhooks: what is registered, what is sent, how it is signed, and that it is sent again, whatever becomes of the server."""
import json
import threading
import time

import pytest
from conftest import until
from quivr import API, Quivr, Receiver, br, signed, wrong

HOOKS = API + "/webhooks"
SECRET = "your-webhook-secret"
EVENTS = ["document.uploaded", "document.deleted", "document.updated", "kb.created", "kb.deleted", "query.completed", "sync.completed",
          "error.ingestion"]


@pytest.fixture(scope="module")
def q(tmp_path_factory):
    d = tmp_path_factory.mktemp("hooks")
    q = Quivr(d)
    br(d, "config", "set", "webhook.retry", "0s,0s,1h")
    q.start()
    yield q
    q.stop()


@pytest.fixture
def c(q):
    with q.client() as client:
        yield client


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.stop()


def make(c, url, *events, **more):
    r = c.post(HOOKS, json={"url": url, "events": list(events), "secret": SECRET, **more})
    assert r.status_code == 201, r.text
    return r.json()


def ask(c, q, question="How do deploys go?"):
    r = c.post(API + "/query", json={"knowledge_base_id": q.nb, "question": question})
    assert r.status_code == 200, r.text
    return r.json()


def test_life_of_a_webhook(q, c, receiver):
    h = make(c, receiver.url, "kb.created", "kb.deleted", active=False)
    assert h["url"] == receiver.url and h["events"] == ["kb.created", "kb.deleted"] and h["active"] is False and SECRET not in str(h)
    assert h in c.get(HOOKS).json()["webhooks"] and h in c.get(API + "/webhook/").json()["webhooks"]
    assert c.get(f"{HOOKS}/{h['id']}").json() == h
    r = c.patch(f"{API}/webhook/{h['id']}", json={"events": EVENTS, "active": True, "secret": None})
    assert r.status_code == 200 and r.json()["events"] == EVENTS and r.json()["active"] is True and r.json()["signed"] is True
    assert c.get(f"{HOOKS}/{h['id']}/deliveries").json() == {"deliveries": []}
    assert c.delete(f"{HOOKS}/{h['id']}").json() == {"id": h["id"], "deleted": True}
    wrong(c.get(f"{HOOKS}/{h['id']}"), 404, resource_type="webhook", resource_id=h["id"])
    wrong(c.delete(f"{HOOKS}/{h['id']}"), 404)


@pytest.mark.parametrize("body, field", [
    ({"url": "https://e.com"}, "events"), ({"events": ["kb.created"]}, "url"), ({"url": "https://e.com", "events": ["kb.eaten"]}, "events"),
    ({"url": "https://e.com", "events": []}, "events"), ({"url": "ftp://e.com", "events": ["kb.created"]}, "url"),
    ({"url": "http://169.254.169.254/x", "events": ["kb.created"]}, "url"), ({"url": "x", "events": ["kb.created"]}, "url"),
    ({"url": "http://u:p@e.com/", "events": ["kb.created"]}, "url"),
])
def test_what_is_not_registered(c, body, field):
    wrong(c.post(HOOKS, json=body), 400, field=field)


def test_private_targets_need_a_switch_and_production_https(tmp_path):
    q = Quivr(tmp_path)
    q.env = {}
    q.start()
    with q.client() as c:
        for url in ("http://127.0.0.1:9/x", "http://localhost/x", "http://10.1.2.3/", "http://[::1]/", "http://2130706433/"):
            wrong(c.post(HOOKS, json={"url": url, "events": ["kb.created"]}), 400, field="url")
    q.stop()


def test_an_answer_is_told_and_signed(q, c, receiver):
    h = make(c, receiver.url, "query.completed")
    answer = ask(c, q)
    headers, body = receiver.wait(1)[0]
    headers = {k.lower(): v for k, v in headers.items()}
    assert headers["x-quivr-signature"] == signed(SECRET, body) and headers["content-type"] == "application/json"
    event = json.loads(body)
    assert event["type"] == "query.completed" and event["webhook_id"] == h["id"] and event["created_at"].endswith("Z")
    assert event["data"] == {**event["data"], "query": "How do deploys go?", "query_id": answer["query_id"], "knowledge_base_id": q.nb,
                             "kb_id": q.nb, "source_count": len(answer["sources"])}
    d = until(lambda: [d for d in c.get(f"{HOOKS}/{h['id']}/deliveries?status=delivered").json()["deliveries"]])[0]
    assert d["id"] == event["id"] and d["attempts"] == 1 and d["response_status"] == 200 and d["error"] is None
    c.delete(f"{HOOKS}/{h['id']}")


def test_twice_500_then_200_gets_the_same_bytes(q, c):
    r = Receiver([500, 500])
    h = make(c, r.url, "query.completed")
    ask(c, q)
    got = r.wait(3)
    assert got[0][1] == got[1][1] == got[2][1] and len({g[0]["X-Quivr-Signature"] for g in got}) == 1
    until(lambda: c.get(f"{HOOKS}/{h['id']}/deliveries?status=delivered").json()["deliveries"])
    c.delete(f"{HOOKS}/{h['id']}")
    r.stop()


def test_a_receiver_that_hangs_delays_nothing(q, c, receiver):
    hang = threading.Event()

    class Slow(Receiver):
        pass

    slow = Slow()
    slow.server.RequestHandlerClass.do_POST = lambda handler: hang.wait(20)
    a, b = make(c, slow.url, "query.completed"), make(c, receiver.url, "query.completed")
    began = time.monotonic()
    for _ in range(5):
        ask(c, q)
    receiver.wait(5)
    assert time.monotonic() - began < 8
    hang.set()
    for h in (a, b):
        c.delete(f"{HOOKS}/{h['id']}")
    slow.stop()


def test_a_key_of_one_knowledge_base_hears_of_nothing_else(q, c, receiver):
    other = br(q.d, "notebook", "create", "Other", "--json")
    other = json.loads(other.stdout)["id"]
    key = q.key("bound", "webhooks:manage", "--for", other)
    with q.client(key) as bound:
        h = make(bound, receiver.url, "query.completed")
        assert h["knowledge_bases"] == [other]
        assert [x["id"] for x in bound.get(HOOKS).json()["webhooks"]] == [h["id"]]
        mine = make(c, "https://example.com/x", "kb.created")
        wrong(bound.get(f"{HOOKS}/{mine['id']}"), 404)
        ask(c, q)
        assert bound.get(f"{HOOKS}/{h['id']}/deliveries").json() == {"deliveries": []}
        bound.delete(f"{HOOKS}/{h['id']}")
    c.delete(f"{HOOKS}/{mine['id']}")


def test_test_sends_at_once(q, c, receiver):
    h = make(c, receiver.url, "kb.created")
    d = c.post(f"{HOOKS}/{h['id']}/test").json()
    assert d["status"] == "delivered" and json.loads(receiver.got[0][1])["data"]["test"] is True
    c.delete(f"{HOOKS}/{h['id']}")


def test_deliveries_survive_a_killed_server(tmp_path):
    q = Quivr(tmp_path)
    br(tmp_path, "config", "set", "webhook.retry", "1s,1s,1s")
    q.start()
    r = Receiver([503])
    with q.client() as c:
        h = make(c, r.url, "query.completed")
        ask(c, q)
        r.wait(1)
        until(lambda: c.get(f"{HOOKS}/{h['id']}/deliveries").json()["deliveries"][0]["attempts"] == 1)
    q.kill()
    assert len(r.got) == 1
    q.start()
    got = r.wait(2)
    assert got[0][1] == got[1][1]
    br(tmp_path, "verify")
    q.stop()
    r.stop()


fastapi = pytest.importorskip("fastapi")


def test_the_handler_of_a_framework(q, c):
    """A receiver as people write them: FastAPI, the raw body, a constant-time comparison, 401 on a bad signature."""
    import hashlib
    import hmac

    import uvicorn
    app, seen = fastapi.FastAPI(), []

    @app.post("/webhook")
    async def webhook(request: fastapi.Request):
        body = await request.body()
        expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers["X-Quivr-Signature"], expected):
            raise fastapi.HTTPException(401, "Invalid signature")
        event = await request.json()
        seen.append((event["type"], event["data"]))
        return {"status": "ok"}

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    h = make(c, f"http://127.0.0.1:{port}/webhook", *EVENTS)
    ask(c, q)
    until(lambda: seen)
    assert seen[0][0] == "query.completed" and seen[0][1]["latency_ms"] >= 0
    assert until(lambda: c.get(f"{HOOKS}/{h['id']}/deliveries?status=delivered").json()["deliveries"])
    c.delete(f"{HOOKS}/{h['id']}")
    server.should_exit = True
