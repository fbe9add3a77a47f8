"""Attacks on the API itself: pages of other origins, keys, paths, forms, headers. What the parser of requests refuses is in test_wire.py,
tokens are in test_identity.py."""
import hashlib
import json
import subprocess
import time

import pytest
from beyond import NOBODY, bad, good, new_notebook
from conftest import B, CHECKS, Server, until

EXT, KEYS = "/api/v1/external", "/api/settings/developer-keys"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    d = tmp_path_factory.mktemp("attacked") / "site"
    d.mkdir()
    subprocess.run([B / "br", "init", "-q"], cwd=d, env={"PATH": "/usr/bin:/bin", "HOME": str(d), **CHECKS}, check=True)
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", "--access-log", d / "access.log", cwd=d)
    s.folder = d
    yield s
    s.stop()


@pytest.fixture
def c(site):
    with site.client() as client:
        yield client


@pytest.fixture(scope="module")
def nb(site):
    with site.client() as c:
        return new_notebook(c, "Target")


@pytest.fixture(scope="module")
def key(site, nb):
    with site.client() as c:
        return good(c.post(KEYS, json={"notebook_id": nb, "name": "k", "rate_limit": "100000/second"}), 201)["api_key"]


def rows():
    doc = json.loads(subprocess.run([B / "br", "serve", "--print-openapi"], capture_output=True, check=True).stdout)
    return [(m.upper(), p) for p, ms in doc["paths"].items() for m in ms if m != "parameters"]


# ---- pages of other origins, and names that lead here ----

def test_no_row_answers_a_page_of_another_origin(c, nb):
    n = len(good(c.get("/api/notebooks")))
    for method, path in rows():
        at = path.replace("{notebook_id}", nb).replace("{", "").replace("}", "")
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost.evil.example:5173"},
                        {"Origin": "http://localhost:5173.evil.example"}, {"Origin": f"https://{c.base_url.host}:{c.base_url.port}.evil.example"}):
            r = c.request(method, at, headers=headers)
            assert r.status_code == 403 and "access-control-allow-origin" not in r.headers, (method, path, headers)
        r = c.request(method, at, headers={"Host": "evil.example"})  # a name of theirs that leads to us
        assert r.status_code == 421 or (path.startswith("/api/v1") and r.status_code == 400), (method, path)  # where 421 is no status of the dialect
        r = c.request(method, at, headers={"Host": f"evil.example:{c.base_url.port}", "Origin": f"http://evil.example:{c.base_url.port}"})
        assert r.status_code == 421 or (path.startswith("/api/v1") and r.status_code == 400), (method, path)  # where 421 is no status of the dialect
    assert len(good(c.get("/api/notebooks"))) == n


def test_preflights_of_other_origins_get_no_permission(c):
    for origin in ("https://evil.example", "null"):
        r = c.options("/api/notebooks/", headers={"Origin": origin, "Access-Control-Request-Method": "DELETE"})
        assert r.status_code == 403 and not [h for h in r.headers if h.startswith("access-control")]
    r = c.options("/api/notebooks/", headers={"Origin": "http://localhost:5173", "Access-Control-Request-Method": "DELETE"})
    assert r.status_code == 204 and r.headers["access-control-allow-origin"] == "http://localhost:5173"


def test_forms_that_a_page_can_send_without_asking_do_nothing(c):
    """What needs no preflight: text/plain and forms."""
    body = json.dumps({"notebook_id": NOBODY, "notebook_title": "x", "user_id": ""})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "application/jsonx"):
        assert c.post("/api/notebooks/", content=body, headers={"Content-Type": kind}).status_code == 415
    bad(c.get(f"/api/notebooks/{NOBODY}"), 404)


@pytest.mark.parametrize("headers", [{"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "DELETE"}, {"X-HTTP-Method": "DELETE"}, {"X-Original-URL": "/metrics"},
                                     {"X-Rewrite-URL": "/metrics"}])
def test_headers_that_others_obey(c, nb, headers):
    assert isinstance(good(c.get("/api/notebooks/", headers=headers)), list)
    bad(c.post("/api/notebooks/?_method=DELETE", json={}, headers=headers), 422)
    good(c.get(f"/api/notebooks/{nb}"))


# ---- developer keys ----

def test_keys_that_nearly_fit(c, key, site):
    sha = hashlib.sha256(key.encode())
    wrong = [key[:-1], key[:20], "br_key_", key + "A", key + key, key.swapcase(), key.upper(), key.lower(), "BR_KEY_" + key[7:], key[7:], "br_" + key[7:], "qk_" + key[7:],
             sha.hexdigest(), "br_key_" + sha.hexdigest(), key[:-1] + ("A" if key[-1] != "A" else "B"), f"Bearer {key}", f'"{key}"', f"{key},{key}", f"{key}, {key}",
             "*", "%", "' OR '1'='1", "null", "undefined", "{}", "br_key_" + "A" * 43, "A" * 511, "A" * 5000, key.replace("_", "%5F"), key[:10] + " " + key[10:]]
    for k in wrong:
        bad(c.post(f"{EXT}/query", json={"query": "x"}, headers={"X-API-Key": k}), 401)
    bad(c.post(f"{EXT}/query", json={"query": "x"}, headers=[("X-API-Key", key), ("X-API-Key", key)]), 401)
    bad(c.post(f"{EXT}/query?x_api_key={key}&api_key={key}", json={"query": "x", "api_key": key}), 401)
    for tail, status in ((b"\0", b"40"), (b"\0A", b"40"), (b"\x7f", b"40"), (b"\x01", b"40"), (b" \t", b"200")):  # blanks around a value are not part of it
        reply = site.raw(b"POST /api/v1/external/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-API-Key: " + key.encode() + tail +
                         b"\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"query\":\"x\"}")
        assert reply.startswith(b"HTTP/1.1 " + status), tail


def test_a_key_opens_nothing_else(c, key, site):
    for method, path in rows():
        if path.startswith(EXT):
            assert c.request(method, path.replace("{", "").replace("}", "")).status_code == 401, path
    assert key not in (site.folder / "access.log").read_text()


def test_secrets_are_compared_as_a_whole(c, key):
    """The same refusal, whatever part of the key is right: nothing of it can be learnt from the answer."""
    answers = {c.post(f"{EXT}/query", json={"query": "x"}, headers={"X-API-Key": k}).text for k in (key[:n] + "A" * (50 - n) for n in range(7, 49, 3))}
    assert len(answers) == 1


def test_rates_are_exact_whatever_the_number_of_clients(c, nb):
    from concurrent.futures import ThreadPoolExecutor

    k = good(c.post(KEYS, json={"notebook_id": nb, "name": "r", "rate_limit": "7/hour"}), 201)["api_key"]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: c.post(f"{EXT}/query", json={"query": "x"}, headers={"X-API-Key": k}).status_code, range(40)))
    assert statuses.count(200) == 7 and statuses.count(429) == 33
    s = good(c.post(KEYS, json={"notebook_id": nb, "name": "s", "rate_limit": "2/second"}), 201)["api_key"]
    passed, end = [], time.monotonic() + 1.3
    while time.monotonic() < end:
        before = time.monotonic()
        if c.post(f"{EXT}/query", json={"query": "x"}, headers={"X-API-Key": s}).status_code == 200:
            passed.append((before, time.monotonic()))
        time.sleep(0.02)
    assert 3 <= len(passed) <= 4
    assert all(b[1] - a[0] > 1 for a, b in zip(passed, passed[2:]))  # never more than two in any second


# ---- paths ----

TRAVERSALS = ["..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cwindows", "....%2f%2f", "%252e%252e%252f", "%c0%ae%c0%ae%c0%af", "..%00", "%2fetc%2fpasswd",
              ".br%2fdata.mdb", "file:%2f%2f%2fetc%2fpasswd", "%ff", "%", "%2", "A" * 3000, "'%20OR%201=1--", "%0d%0aX-Injected:%20yes", "{{7*7}}", "$(id)", "%7f"]


@pytest.mark.parametrize("word", TRAVERSALS)
def test_paths_that_lead_elsewhere(site, nb, word):
    for path in (f"/api/notebooks/{word}", f"/api/notebooks/{nb}/documents/{word}/content", f"/api/notebooks/{nb}/documents/{word}/stage", f"/api/invite/{word}",
                 f"/api/notebooks/{nb}/conversations/{word}/messages", f"/api/settings/developer-keys/{word}/snippets", f"/{word}", f"/api/{word}/health"):
        reply = site.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head = reply.split(b"\r\n\r\n")[0]
        assert int(reply.split()[1]) in (400, 404), (path, reply[:80])
        assert b"root:" not in reply and b"X-Injected" not in head
    for path in (f"/api/notebooks/../notebooks/{nb}", f"/api/./notebooks/{nb}", f"/api/notebooks/%2e%2e/notebooks/{nb}", f"/api//notebooks/{nb}", f"/api/notebooks//{nb}",
                 f"/api;x/notebooks/{nb}", f"/api/notebooks/{nb};a=b", f"/API/notebooks/{nb}", f"\\api\\notebooks\\{nb}"):
        assert int(site.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()).split()[1]) in (400, 404), path


# ---- forms ----

def form(*parts, end=b"--xYzZY--\r\n"):
    return b"".join(b"--xYzZY\r\n" + head + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + end


def send(c, nb, body, kind=b"multipart/form-data; boundary=xYzZY"):
    return c.post(f"/api/notebooks/{nb}/documents/upload", content=body, headers={"Content-Type": kind})


def part(filename, body=b"text", name=b"files", more=b""):
    return b'Content-Disposition: form-data; name="' + name + b'"; filename="' + filename + b'"' + more, body


@pytest.mark.parametrize("kind", [b"multipart/form-data", b"multipart/form-data; boundary=", b'multipart/form-data; boundary=""', b"multipart/form-data; boundary=" + b"x" * 71,
                                  b"multipart/form-data; boundary=a\xffb", b"multipart/form-data; charset=utf-8", b"multipart/form-data; boundary=other"])
def test_forms_without_a_boundary_or_with_a_wrong_one(c, nb, kind):
    assert send(c, nb, form(part(b"a.md")), kind).status_code in (400, 415, 422)


def test_nested_names_are_names(c, nb):
    for name in (b"files[]", b"files[0]", b"files[0][name]", b"files.name", b"__proto__", b"constructor[prototype]", b"Files", b"files "):
        bad(send(c, nb, form(part(b"a.md", name=name))), 400)
    inner = b"--in\r\nContent-Disposition: file; filename=\"b.md\"\r\n\r\nx\r\n--in--"
    nested = (b'Content-Disposition: form-data; name="files"\r\nContent-Type: multipart/mixed; boundary=in', inner)
    assert send(c, nb, form(nested)).status_code in (400, 422)  # a value, not files


@pytest.mark.parametrize("filename, kept", [(b"../../../escaped.md", "escaped.md"), (b"/etc/cron.d/escaped.md", "escaped.md"), (b"..\\\\..\\\\escaped.md", "escaped.md"),
                                            (b"C:\\\\temp\\\\escaped.md", "escaped.md"), (b"a/../../escaped.md", "escaped.md"), (b".br/data.mdb.md", "data.mdb.md"),
                                            (b"..%2f..%2fescaped.md", "..%2f..%2fescaped.md"), (b"\xe2\x80\xae.md", None), (b"CON.md", "CON.md")])
def test_names_of_files_lead_nowhere(c, nb, site, filename, kept):
    before = {p for p in site.folder.parent.rglob("*") if ".br" not in p.parts}
    files = good(send(c, nb, form(part(filename, filename))))
    assert kept is None or files[0]["file_name"] == kept
    assert ".." not in files[0]["storage_path"].split("/") and not files[0]["storage_path"].startswith("/")
    assert {p for p in site.folder.parent.rglob("*") if ".br" not in p.parts} == before
    good(c.delete(f"/api/notebooks/{nb}/documents/{files[0]['file_id']}"))


def test_forms_that_are_too_much(c, nb, site):
    assert send(c, nb, form(part(b"a.md", more=b"\r\nX-A: " + b"y" * 20000))).status_code == 400
    assert send(c, nb, form(part(b"a.md", more=b"".join(b"\r\nX-%d: y" % i for i in range(3000))))).status_code == 400
    assert send(c, nb, form(*[part(b"a%d.md" % i, b"") for i in range(5000)])).status_code == 413
    assert send(c, nb, form(part(b"a.md"), end=b"")).status_code == 400
    assert send(c, nb, form(part(b"n" * 100_000 + b".md"))).status_code == 400
    good(c.get(f"/api/notebooks/{nb}/documents"))
    until(lambda: not list((site.folder / ".br" / "tmp").iterdir()))


# ---- what comes back ----

def test_nothing_of_a_request_gets_into_the_head_of_the_answer(c, site, nb):
    for headers in ({"X-Request-Id": "a b"}, {"X-Request-Id": "x" * 5000}, {"X-Request-Id": "<script>"}):
        r = c.get("/api/health", headers=headers)
        assert r.status_code == 200 and r.headers["x-request-id"] != headers["X-Request-Id"]
    k = good(c.post(KEYS, json={"notebook_id": nb, "name": "n"}), 201)["key_id"]
    for host in ("evil.example\"; rm -rf /;\"", "a$(id)", "a`id`", "a'b", "a\\b", "a b"):
        assert host not in c.get(f"{KEYS}/{k}/snippets", headers={"X-Forwarded-Host": host}).text
    r = c.get("/api/health")
    assert r.headers["x-content-type-options"] == "nosniff" and "server" not in r.headers


@pytest.mark.parametrize("body", ['{"query":' * 200 + "1" + "}" * 200, "[" * 100_000, '{"query":"' + "\\u0000" + '"}', '{"query":"\\ud800"}', '{"query":1e999999}', '{"query":"x","query":"y"}',
                                  '{"__proto__":{"admin":true},"query":5}', "\ufeff{}", "NaN", '{"query":"x"} trailing', ""])
def test_bodies_that_confuse_parsers(c, nb, body):
    r = c.post(f"/api/notebooks/{nb}/retrieval/retrieve", content=body.encode(), headers={"Content-Type": "application/json"})
    assert r.status_code in (200, 400, 422) and r.json()["success"] is (r.status_code == 200)
