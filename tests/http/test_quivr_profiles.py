"""Profiles production, staging, development by one switch: HTTPS and proxies, body limits, rates, pages, the audit log."""
import json

import pytest
from quivr import API, Quivr, wrong

TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One workspace, a server for each profile."""
    q = Quivr(tmp_path_factory.mktemp("profiles"))
    q.user = q.key("user", "query,kb:read,documents:write")
    yield q
    q.stop()


@pytest.fixture
def serve(made):
    def start(profile, **env):
        made.stop()
        made.start(BR_PROFILE=profile, BR_TRUSTED_PROXIES="127.0.0.0/8", CORS_ORIGINS="https://app.example.com", **env)
        return made
    yield start
    made.stop()


def ask(c, q, **headers):
    return c.post(API + "/query", json={"knowledge_base_id": q.nb, "question": "How do deploys go?"}, headers=headers)


def test_production(serve):
    q = serve("production")
    with q.client(q.user) as c:
        wrong(ask(c, q), 403, reason="https_required")
        wrong(ask(c, q, **{"X-Forwarded-Proto": "http"}), 403, reason="https_required")
        assert c.get(API + "/health").status_code == 200  # probes come without
        r = ask(c, q, **TLS)
        assert r.status_code == 200 and "max-age=31536000" in r.headers["Strict-Transport-Security"]
        assert r.headers["X-Content-Type-Options"] == "nosniff" and r.headers["X-Frame-Options"] == "DENY"
        codes = [ask(c, q, **TLS).status_code for _ in range(101)]
        assert codes.count(200) == 99 and codes[-1] == 429
    free = q.key("free", "query,documents:write", "--rate", "1000/minute")  # a key's own limit counts instead
    with q.client(free) as c:
        wrong(c.post(API + "/ingest", data={"knowledge_base_id": q.nb}, files={"file": ("a.md", b"x" * (26 << 20))}, headers=TLS), 413,
              limit_bytes=25 << 20)
        wrong(c.post(API + "/webhooks", json={"url": "http://example.com/", "events": ["kb.created"]}, headers=TLS), 403)
        assert c.get(API + "/health", headers={"Origin": "https://evil.example"}).status_code == 403
        r = ask(c, q, **TLS, Origin="https://app.example.com")
        assert r.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    with q.client() as c:
        wrong(c.post(API + "/webhooks", json={"url": "http://example.com/", "events": ["kb.created"]}, headers=TLS), 400, field="url")


def lines(q):
    return [json.loads(line) for line in (q.d / ".br" / "audit.log").read_text().splitlines()]


def test_the_audit_log(serve):
    q = serve("staging")
    with q.client(q.user) as c:
        assert ask(c, q, **TLS, **{"X-Forwarded-For": "203.0.113.7"}).status_code == 200
        c.get(f"{API}/kb/{q.nb}", headers=TLS)
        with c.stream("POST", API + "/query/stream", json={"knowledge_base_id": q.nb, "question": "And the soup?"}, headers=TLS) as s:
            s.read()
    with q.client("qk_nobody") as c:
        wrong(ask(c, q, **TLS), 401)
    asked, shown, streamed, refused = lines(q)[-4:]
    assert asked == {**asked, "event": "query", "client": "203.0.113.7", "knowledge_base_id": q.nb, "method": "POST", "path": API + "/query",
                     "status_code": 200, "query": "How do deploys go?"}
    assert asked["answer_length"] > 0 and asked["source_count"] > 0 and asked["model"] and asked["latency_ms"] >= 0 and asked["key_id"]
    assert asked["request_id"].startswith("req-") and asked["timestamp"].endswith("Z")
    assert shown == {**shown, "event": "request", "method": "GET", "knowledge_base_id": q.nb, "status_code": 200}
    assert streamed == {**streamed, "event": "query", "query": "And the soup?", "path": API + "/query/stream"}
    assert refused == {**refused, "event": "refused", "status_code": 401, "key_id": None, "alert": True}
    text = (q.d / ".br" / "audit.log").read_text()
    assert q.user not in text and "qk_nobody" not in text


def test_addresses_behind_a_proxy(serve):
    q = serve("development")
    near = q.key("near", "query", "--from", "10.0.0.0/8", "--from", "172.16.0.0/12")
    with q.client(near) as c:
        wrong(ask(c, q), 403, reason="ip_not_allowed")
        for said, status in (("10.1.2.3", 200), ("172.31.255.255", 200), ("172.32.0.0", 403), ("8.8.8.8, 10.1.2.3", 200), ("10.1.2.3, 8.8.8.8", 403),
                             ("10.1.2.3, 127.0.0.1", 200), ("nonsense", 403)):
            assert ask(c, q, **{"X-Forwarded-For": said}).status_code == status, said
        assert ask(c, q, **{"X-Real-IP": "10.9.9.9"}).status_code == 200
    q.stop()
    q.start(BR_PROFILE="development")
    with q.client(near) as c:  # nobody is believed
        wrong(ask(c, q, **{"X-Forwarded-For": "10.1.2.3"}), 403, reason="ip_not_allowed")
    assert not q.server.p.poll()


def test_development(serve):
    q = serve("development")
    with q.client(q.user) as c:
        before = (q.d / ".br" / "audit.log").stat().st_size if (q.d / ".br" / "audit.log").exists() else 0
        assert {ask(c, q).status_code for _ in range(120)} == {200}
        r = ask(c, q, Origin="https://anywhere.example")
        assert r.headers["Access-Control-Allow-Origin"] == "*" and "Access-Control-Allow-Credentials" not in r.headers
        r = c.options(API + "/query", headers={"Origin": "https://anywhere.example", "Access-Control-Request-Method": "POST",
                                               "Access-Control-Request-Headers": "Authorization, Content-Type"})
        assert r.status_code == 204 and r.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
        assert c.get("/query", headers={"Origin": "https://anywhere.example"}).status_code == 403  # without keys: not for pages
        assert ((q.d / ".br" / "audit.log").stat().st_size if before else 0) == before
