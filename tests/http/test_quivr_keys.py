"""Keys of the Quivr dialect: made by a master key, rotated with grace, revoked; limits that are exact."""
import concurrent.futures

import httpx
import pytest
from quivr import API, Quivr, wrong

KEYS = API + "/admin/keys"


@pytest.fixture(scope="module")
def q(tmp_path_factory):
    q = Quivr(tmp_path_factory.mktemp("keys")).start()
    yield q
    q.stop()


@pytest.fixture
def c(q):
    with q.client() as client:
        yield client


def make(c, **more):
    r = c.post(KEYS, json={"name": "bot", **more})
    assert r.status_code == 201, r.text
    return r.json()


def ask(q, key, **kw):
    with q.client(key) as c:
        return c.post(API + "/query", json={"knowledge_base_id": q.nb, "question": "How do deploys go?", **kw})


def test_the_sample_of_the_contract(q, c):
    k = make(c, name="sample", scopes=["query", "kb:read"], rate_limit={"requests_per_minute": 100, "tokens_per_day": 1_000_000},
             ip_restrictions=["10.0.0.0/8", "172.16.0.0/12"], expires_in_days=90, unknown=None)
    assert k["key"].startswith("qk_") and k["status"] == "active" and k["scopes"] == ["query", "kb:read"]
    assert k["rate_limit"] == {"requests_per_minute": 100, "tokens_per_day": 1_000_000}
    assert k["ip_restrictions"] == ["10.0.0.0/8", "172.16.0.0/12"] and k["expires_at"].endswith("Z")
    wrong(ask(q, k["key"]), 403, reason="ip_not_allowed")
    got = c.get(f"{KEYS}/{k['id']}/").json()
    assert "key" not in got and got["name"] == "sample"
    listed = c.get(KEYS).json()
    assert got in listed["keys"] and listed["total"] == len(listed["keys"])


def test_who_may_and_what_is_wrong(q, c):
    low = make(c, scopes=["kb:read"])["key"]
    with q.client(low) as weak:
        wrong(weak.get(KEYS), 403, required_scope="admin")
        wrong(weak.post(API + "/webhooks", json={"url": "https://e.com", "events": ["kb.created"]}), 403, required_scope="webhooks:manage")
    wrong(ask(q, low), 403, required_scope="query")
    with q.client("qk_nothing") as nobody:
        wrong(nobody.get(KEYS), 401)
        wrong(nobody.get(API + "/no/such/path"), 401)
    wrong(c.post(KEYS, json={}), 400, field="name")
    wrong(c.post(KEYS, json={"name": "x", "scopes": ["fly"]}), 400, field="scopes")
    wrong(c.post(KEYS, json={"name": "x", "ip_restrictions": ["10.0.0.0/99"]}), 400, field="ip_restrictions")
    wrong(c.post(KEYS, json={"name": "x", "rate_limit": {"requests_per_minute": 0}}), 400)
    wrong(c.post(KEYS, json={"name": "x", "knowledge_bases": ["nowhere"]}), 404, resource_type="knowledge_base")
    wrong(c.get(KEYS + "/nobody"), 404, resource_type="api_key", resource_id="nobody")


def test_rotation_with_grace(q, c):
    k = make(c, scopes=["query"])
    assert ask(q, k["key"]).status_code == 200
    r = c.post(f"{KEYS}/{k['id']}/rotate", json={"grace_period_hours": 24})
    assert r.status_code == 200
    new = r.json()
    assert new["id"] != k["id"] and new["rotated_from"] == k["id"] and new["key"] != k["key"] and new["grace_until"]
    assert ask(q, k["key"]).status_code == ask(q, new["key"]).status_code == 200
    u = c.get(f"{KEYS}/{k['id']}/usage", params={"period_days": 1}).json()
    assert u == {**u, "total_requests": 3, "error_count": 0, "unique_ips": 1} and u["total_tokens"] > 0
    assert c.get(f"{KEYS}/{new['id']}/usage").json()["total_requests"] == 3
    gone = c.post(f"{KEYS}/{k['id']}/revoke")  # the old secret, before its time
    assert gone.status_code == 200 and gone.json()["revoked"] is True
    wrong(ask(q, k["key"]), 403, reason="key_revoked")
    assert ask(q, new["key"]).status_code == 200
    now = c.post(f"{KEYS}/{new['id']}/rotate").json()  # no grace: at once
    wrong(ask(q, new["key"]), 403, reason="key_revoked")
    assert ask(q, now["key"]).status_code == 200
    assert c.delete(f"{KEYS}/{now['id']}").status_code == 200
    wrong(ask(q, now["key"]), 403, reason="key_revoked")
    wrong(c.post(f"{KEYS}/{now['id']}/rotate"), 409)


def test_a_key_bound_to_a_knowledge_base(q, c):
    k = make(c, scopes=["query"], knowledge_bases=[q.nb])
    assert k["knowledge_bases"] == [q.nb]
    assert ask(q, k["key"]).status_code == 200
    assert ask(q, k["key"], knowledge_base_id="other").status_code == 403


def at_once(q, key, n, threads=64):
    body = {"knowledge_base_id": q.nb, "question": "How do deploys go?"}
    with q.client(key, limits=httpx.Limits(max_connections=threads)) as c, concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return [r.status_code for r in pool.map(lambda _: c.post(API + "/query", json=body), range(n))]


def test_requests_per_minute_are_exact_under_many_clients(q, c):
    key = make(c, scopes=["query"], rate_limit={"requests_per_minute": 20})["key"]
    got = at_once(q, key, 64)
    assert got.count(200) == 20 and got.count(429) == 44
    r = ask(q, key)
    body = wrong(r, 429, limit="requests_per_minute")
    assert 1 <= body["retry_after_seconds"] <= 60 and r.headers["Retry-After"] == str(body["retry_after_seconds"])


def test_tokens_per_day_are_never_passed_under_many_clients(q, c):
    made = make(c, scopes=["query"], rate_limit={"tokens_per_day": 200})
    got = at_once(q, made["key"], 64)
    assert 200 in got and set(got) <= {200, 429}
    with q.client(made["key"]) as one:
        while (r := one.post(API + "/query", json={"knowledge_base_id": q.nb, "question": "How do deploys go?"})).status_code == 200:
            pass
    body = wrong(r, 429, limit="tokens_per_day")
    assert 1 <= body["retry_after_seconds"] <= 86400
    one = ask(q, q.key("free")).json()["usage"]["total_tokens"]
    spent = c.get(f"{KEYS}/{made['id']}/usage").json()["total_tokens"]
    assert 200 - one < spent < 200 + one, (spent, one)
