"""Plain requests: match, levels, fields, answers, headers."""
import gzip
import json
import subprocess
import time
import uuid

import pytest
from conftest import B, CHECKS

ID = "0b6f1c1e-5a0e-4a3b-9d3a-2f6d6f1a9c11"


@pytest.fixture
def c(lab):
    with lab.client() as client:
        yield client


def echo(c, body=None, path=f"/lab/echo/{ID}", **kw):
    return c.post(path, json={"name": "x", **(body or {})}, **kw)


def problems(r, status=422):
    assert r.status_code == status, r.text
    return r.json()["where"]


# ---- match ----

def test_success_has_the_envelope_and_the_status_of_the_row(c):
    r = echo(c)
    assert r.status_code == 201
    assert r.json() == {"success": True, "error": None, "data": {
        "id": ID, "name": "x", "mood": "good", "code": None, "page": 1, "count": 3, "share": 0, "loud": False, "given": ["id", "name"]}}
    assert r.headers["content-type"] == "application/json"
    assert r.headers["x-content-type-options"] == "nosniff"
    assert "date" in r.headers


def test_a_slash_at_the_end_makes_no_difference_and_nobody_is_redirected(c):
    assert echo(c, path=f"/lab/echo/{ID}/").status_code == 201
    assert c.get("/healthz/").text == "ok\n"


@pytest.mark.parametrize("path", ["/nothing", "/lab", "/lab/echo", "/lab/echo//", f"/lab/echo/{ID}/more", "//healthz", "/healthz//", "/HEALTHZ"])
def test_unknown_paths(lab, path):
    reply = lab.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    body = json.loads(reply.split(b"\r\n\r\n")[1])
    assert reply.startswith(b"HTTP/1.1 404 ")
    assert body["success"] is False if path.startswith("/lab") else body["error"]["code"] == "NOTFOUND"


def test_a_wrong_method_is_told_which_ones_there_are(c):
    r = c.delete("/lab/who")
    assert r.status_code == 405 and r.headers["allow"] == "GET, HEAD, OPTIONS" and r.json()["success"] is False
    assert c.request("BREW", "/lab/who").status_code == 405
    assert c.post("/lab/fail/own").headers["allow"] == "PUT, OPTIONS"


def test_a_segment_spelt_out_goes_before_a_parameter_but_does_not_hide_it(c):
    assert c.put("/lab/fail/own").status_code == 200
    assert c.get("/lab/fail/own").status_code == 418
    assert c.put("/lab/fail/other").status_code == 405


@pytest.mark.parametrize("path,status", [
    ("/lab/fail/%4EOTFOUND", 404), ("/lab/fail/a%2Fb", 404), ("/lab/fail/%zz", 400), ("/lab/fail/%00", 400), ("/lab/fail/%ff", 400),
    ("/lab/../healthz", 400), ("/lab/%2e%2e/healthz", 400), ("/./healthz", 400), ("/lab/..%2fetc", 404), ("/" + "a/" * 40, 400)])
def test_paths_that_step_aside(lab, path, status):
    reply = lab.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert int(reply.split()[1]) == status


def test_head_is_get_without_the_body(c):
    get, head = c.get("/lab/big?size=3000"), c.head("/lab/big?size=3000")
    assert head.status_code == 200 and head.content == b"" and head.headers["content-length"] == get.headers["content-length"]
    assert get.text[:3] == "abc" and c.head("/lab/big?size=3000", headers={"accept-encoding": ""}).headers["content-length"] == "3000"
    assert c.head("/nothing").status_code == 404
    assert c.head("/lab/echo/x").status_code == 405
    assert c.get("/healthz").text == "ok\n"


def test_options_tells_the_methods(c):
    r = c.options("/lab/who")
    assert r.status_code == 204 and r.headers["allow"] == "GET, HEAD, OPTIONS" and "access-control-allow-origin" not in r.headers
    assert c.options("/nothing").status_code == 404


# ---- who ----

def test_levels(c):
    want = {"/lab/who": [401, 200, 200, 200], "/lab/user": [401, 403, 200, 200], "/lab/admin": [401, 403, 403, 200]}
    for path, statuses in want.items():
        for who, status in zip([None, "key", "user", "admin"], statuses):
            assert c.get(path, headers={"X-Lab": who} if who else {}).status_code == status, (path, who)


def test_scopes(c):
    r = c.get("/lab/scoped", headers={"X-Lab": "key"})
    assert r.status_code == 403 and "scope write" in r.json()["error"]
    assert c.get("/lab/scoped", headers={"X-Lab": "admin"}).status_code == 200


def test_finding_out_who_asks_may_take_time(c):
    assert c.get("/lab/user", headers={"X-Lab": "slow"}).json()["data"]["user"] == "slow"
    assert c.get("/lab/admin", headers={"X-Lab": "slow"}).status_code == 403


def test_a_body_is_not_read_for_who_may_not_send_it(lab):
    reply = lab.raw(b"POST /lab/guarded HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n", half_close=True)
    assert reply.startswith(b"HTTP/1.1 401") and b"100 Continue" not in reply


def test_rates(start):
    with start().client() as c:
        left = []
        for _ in range(3):
            r = c.get("/lab/rated")
            assert r.status_code == 200 and r.headers["x-ratelimit-limit"] == "3"
            left.append(r.headers["x-ratelimit-remaining"])
        assert left == ["2", "1", "0"]
        r = c.get("/lab/rated")
        assert r.status_code == 429 and r.headers["retry-after"] == "7" and r.json()["success"] is False


# ---- fields ----

def test_fields_of_every_kind(c):
    r = echo(c, {"mood": "bad", "code": "ab-12", "count": -5, "share": 0.25, "loud": True, "tags": ["a"], "things": [{"file_id": "f", "size": 3}],
                 "extra": {"k": 1}, "unknown": 1}, params={"page": 7})
    d = r.json()["data"]
    assert (d["mood"], d["code"], d["count"], d["share"], d["loud"], d["page"]) == ("bad", "ab-12", -5, 0.25, True, 7)
    assert set(d["given"]) == {"id", "page", "name", "mood", "code", "count", "share", "loud", "tags", "things", "extra"}


def test_null_is_not_given(c):
    d = echo(c, {"mood": None, "count": None, "tags": None, "extra": None}).json()["data"]
    assert d["mood"] == "good" and d["count"] == 3 and d["given"] == ["id", "name"]


@pytest.mark.parametrize("body,where", [
    ({"name": ""}, "name"), ({"name": "x" * 11}, "name"), ({"name": None}, "name"), ({"name": 5}, "name"), ({"mood": "angry"}, "mood"),
    ({"code": "AB-1"}, "code"), ({"code": "ab-1 "}, "code"), ({"code": "ab-"}, "code"), ({"count": 6}, "count"), ({"count": -6}, "count"),
    ({"count": 1.5}, "count"), ({"count": "1"}, "count"), ({"share": 1.01}, "share"), ({"share": -0.1}, "share"), ({"loud": "yes"}, "loud"),
    ({"loud": 1}, "loud"), ({"tags": "a"}, "tags"), ({"tags": ["a", 1]}, "tags[1]"), ({"tags": ["a"] * 4}, "tags"), ({"extra": []}, "extra"),
    ({"things": [{}]}, "things[0].file_id"), ({"things": ["a"]}, "things"), ({"things": [{"file_id": "a"}, {"file_id": "b", "size": 101}]}, "things[1].size")])
def test_wrong_fields_are_named(c, body, where):
    assert problems(echo(c, body)) == [where]


def test_ten_characters_may_be_more_bytes(c):
    assert echo(c, {"name": "日本語日本語日本語日"}).status_code == 201
    assert problems(echo(c, {"name": "日本語日本語日本語日本"})) == ["name"]


def test_every_problem_is_told_at_once(c):
    r = c.post("/lab/echo/no-uuid?page=0", json={"mood": "x", "count": 99})
    assert sorted(problems(r)) == ["count", "id", "mood", "name", "page"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"5", b'{"name":"x"} x', b'{"name":"\xff"}', b'{"name":"\\u0000"}', b"[" * 100000])
def test_broken_json(c, body):
    r = c.post(f"/lab/echo/{ID}", content=body, headers={"content-type": "application/json"})
    assert r.status_code in (400, 413) and r.json()["success"] is False


def test_other_types_of_body(c):
    assert c.post(f"/lab/echo/{ID}", content=b"name=x", headers={"content-type": "application/x-www-form-urlencoded"}).status_code == 415
    assert c.post(f"/lab/echo/{ID}", content=gzip.compress(b"{}"), headers={"content-type": "application/json", "content-encoding": "gzip"}).status_code == 415
    assert echo(c, headers={"content-type": "application/json; charset=utf-8"}).status_code == 201
    assert echo(c, headers={"content-type": "application/merge-patch+json"}).status_code == 201


def test_a_json_body_over_its_limit(lab, c):
    assert echo(c, {"text": "x" * 19900}).status_code == 201
    assert echo(c, {"text": "x" * 20000}).status_code == 413

    def chunks():
        yield b'{"name":"x","text":"'
        for _ in range(100):
            yield b"x" * 1000
        yield b'"}'

    assert c.post(f"/lab/echo/{ID}", content=chunks(), headers={"content-type": "application/json"}).status_code == 413
    assert echo(c).status_code == 201


def test_errors_of_handlers(c):
    for code, status in {"NOTFOUND": 404, "EXISTS": 409, "FORBIDDEN": 403, "FULL": 507, "LOCKED": 503, "INPUT": 422, "CORRUPT": 500}.items():
        r = c.get(f"/lab/fail/{code}")
        assert r.status_code == status and r.json() == {"success": False, "data": None, "error": "failed as asked", "where": []}
    assert c.get("/lab/fail/LOCKED").headers["retry-after"] == "1"


# ---- answers ----

def test_request_ids(c):
    r = c.get("/lab/who", headers={"X-Lab": "user", "X-Request-Id": "abc-1.2:3"})
    assert r.headers["x-request-id"] == "abc-1.2:3" == r.json()["data"]["request_id"]
    for bad in ["", "a b", "x" * 65, "a\"b"]:
        own = c.get("/lab/who", headers={"X-Lab": "user", "X-Request-Id": bad}).headers["x-request-id"]
        assert own != bad and len(own) == 24
    assert c.get("/nothing", headers={"X-Request-Id": "n1"}).headers["x-request-id"] == "n1"


@pytest.mark.parametrize("accept,zipped", [("gzip", True), ("gzip;q=0", False), ("*", True), ("identity", False), ("gzip;q=0.5, identity;q=0.9", False),
                                          ("deflate, gzip;q=0.8, br", True), ("", False), ("*;q=0", False), ("GZIP", True)])
def test_gzip_of_large_answers(lab, accept, zipped):
    with lab.client(headers={"accept-encoding": accept}) as c:
        r = c.get("/lab/big?size=50000")
        assert len(r.text) == 50000 and ("gzip" == r.headers.get("content-encoding")) == zipped and "Accept-Encoding" in r.headers["vary"]
        assert "content-encoding" not in c.get("/lab/big?size=100").headers


def test_a_large_answer_arrives_whole(c):
    r = c.get("/lab/big?size=30000000", headers={"accept-encoding": "identity"})
    assert len(r.content) == 30000000 and r.content[-26:] == bytes(ord("a") + i % 26 for i in range(30000000 - 26, 30000000))


def test_files_and_ranges(lab, workspace):
    data = (workspace / ".br/data.mdb").read_bytes()
    with lab.client() as c:
        r = c.get("/lab/file")
        assert r.content == data and "filename*=UTF-8''data%20n%C3%A4me.mdb" in r.headers["content-disposition"]
        for want, part in {"bytes=0-9": data[:10], "bytes=100-": data[100:], "bytes=-7": data[-7:], "bytes=5-99999999999": data[5:]}.items():
            r = c.get("/lab/file", headers={"Range": want})
            assert r.status_code == 206 and r.content == part
        assert c.get("/lab/file", headers={"Range": "bytes=0-9"}).headers["content-range"] == f"bytes 0-9/{len(data)}"
        r = c.get("/lab/file", headers={"Range": "bytes=99999999999-"})
        assert r.status_code == 416 and r.content == b"" and r.headers["content-range"] == f"bytes */{len(data)}"
        for odd in ["bytes=1-2,4-5", "bytes=x", "lines=1-2", "bytes=9-1"]:
            assert c.get("/lab/file", headers={"Range": odd}).status_code == 200
        assert c.head("/lab/file").headers["content-length"] == str(len(data))


def test_answers_are_repeated_for_the_same_caller_until_something_is_committed(c, workspace):
    def ask(who="user", path="/lab/number"):
        r = c.get(path, headers={"X-Lab": who})
        assert r.status_code == 200 and r.json()["success"] is True and r.json()["error"] is None
        return r.json()["data"]

    time.sleep(1.1)
    first = ask()
    again = [ask() for _ in range(3)]
    others = [ask("admin"), ask(path="/lab/number?x=1")]
    subprocess.run([B / "br", "notebook", "create", str(uuid.uuid4())], cwd=workspace, env={"HOME": str(workspace), **CHECKS}, check=True)
    after = ask()
    assert set(again) <= {first, first + 1} and len(set(others + [first, after])) == 4
    time.sleep(1.1)
    assert ask() > after


# ---- Host and Origin ----

@pytest.mark.parametrize("host,status", [("localhost", 200), ("127.0.0.1:99", 200), ("[::1]:1", 200), ("evil.example", 421), ("localhost.evil.example", 421),
                                        ("127.0.0.1.evil.example", 421), ("", 200)])
def test_only_our_own_names(lab, host, status):
    reply = lab.raw(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert int(reply.split()[1]) == status


def test_pages_of_other_origins(lab, c):
    for origin in ["https://evil.example", "null", "http://localhost:1", "https://good.example.evil.example"]:
        r = echo(c, headers={"Origin": origin})
        assert r.status_code == 403 and "access-control-allow-origin" not in r.headers
        assert c.options("/lab/who", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}).status_code == 403
    r = echo(c, headers={"Origin": "https://good.example"})
    assert r.status_code == 201 and r.headers["access-control-allow-origin"] == "https://good.example" and "Origin" in r.headers["vary"]
    assert echo(c, headers={"Origin": lab.url}).status_code == 201


def test_preflight(c):
    r = c.options("/lab/who", headers={"Origin": "https://good.example", "Access-Control-Request-Method": "GET",
                                       "Access-Control-Request-Headers": "x-lab, content-type"})
    assert r.status_code == 204 and r.headers["access-control-allow-headers"] == "x-lab, content-type"
    assert "PATCH" in r.headers["access-control-allow-methods"] and r.headers["access-control-allow-credentials"] == "true"


# ---- the engine's own routes ----

def test_query_answers_as_the_command_line_does(serve, workspace):
    with serve.client() as c:
        r = c.post("/query", json={"query": "who waits for the lock", "top": 2, "filter": ["path~*.md"], "explain": True})
        assert r.status_code == 200
        over_http = r.json()
        cli = subprocess.run([B / "br", "query", "--json", "-k2", "-f", "path~*.md", "--explain", "who waits for the lock"], cwd=workspace,
                             capture_output=True, env={"HOME": str(workspace), **CHECKS})
        printed = json.loads(cli.stdout)
        for d in over_http, printed:
            d.pop("took_ms")
        assert over_http == printed
        assert c.post("/query", json={"query": "x", "notebook": "nope"}).status_code == 404
        assert c.post("/query", json={"query": "x", "filter": ["what?"]}).status_code == 400
        r = c.post("/query", json={"query": "x", "top": 0, "strategy": "best"})
        assert r.status_code == 422 and {f["field"] for f in r.json()["error"]["fields"]} == {"top", "strategy"}


def test_operations(serve):
    with serve.client() as c:
        assert c.get("/").json()["name"] == "br"
        assert c.get("/readyz").text == "ready\n"
        text = c.get("/metrics").text
        assert 'br_http_requests_total{route="greet",status="200"} 1' in text and "br_passages " in text
        assert 'br_http_request_seconds_bucket{route="greet",le="+Inf"} 1' in text
        for line in ('br_jobs{kind="index",state="pending"} ', 'br_jobs{kind="enhance",state="error"} ', 'br_model_requests_total{role="chat"} ',
                     'br_model_failures_total{role="embed"} ', "br_workspace_bytes ", "br_resident_bytes ", 'br_workers{kind="slow",state="queued"} '):
            assert line in text, line


def test_openapi_is_what_is_printed_and_has_every_route(serve, workspace):
    with serve.client() as c:
        r = c.get("/openapi.json")
        doc = r.json()
        printed = subprocess.run([B / "br", "serve", "--print-openapi"], capture_output=True, cwd="/", env={"HOME": "/nonexistent", **CHECKS}, check=True).stdout
        assert json.loads(printed) == doc and doc["openapi"] == "3.1.0"
        op = doc["paths"]["/query"]["post"]
        assert op["requestBody"]["content"]["application/json"]["schema"]["required"] == ["query"]
        assert {"200", "400", "401", "403", "404", "413", "415", "422", "500"} <= set(op["responses"])
        assert all(o["x-level"] in ("open", "key", "user", "admin") for p in doc["paths"].values() for o in p.values())
        tag = r.headers["etag"]
        again = c.get("/openapi.json", headers={"If-None-Match": f'W/"x", {tag}'})
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == tag


def test_openapi_describes_fields_of_every_kind(c):
    paths = c.get("/openapi.json").json()["paths"]
    echo_ = paths["/lab/echo/{id}"]["post"]
    by_name = {p["name"]: p for p in echo_["parameters"]}
    assert by_name["id"] == {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    assert by_name["page"] == {"name": "page", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 1, "maximum": 50, "default": 1}}
    schema = echo_["requestBody"]["content"]["application/json"]["schema"]
    props = schema["properties"]
    assert schema["required"] == ["name"] and props["name"] == {"type": "string", "minLength": 1, "maxLength": 10}
    assert props["mood"] == {"type": ["string", "null"], "enum": ["good", "bad", None], "default": "good"}
    assert props["count"] == {"type": ["integer", "null"], "minimum": -5, "maximum": 5, "default": 3}
    assert props["things"]["items"] == {"$ref": "#/components/schemas/LabThing"} and props["tags"]["items"] == {"type": "string"}
    assert echo_["responses"]["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/LabEcho"}
    assert [p["name"] for p in paths["/lab/fail/{code}"]["get"]["parameters"]] == ["code"]
    assert paths["/lab/scoped"]["get"]["x-scopes"] == "read write" and paths["/lab/admin"]["get"]["security"] == [{"lab": []}]
    form = paths["/lab/upload"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["files"] == {"type": "array", "items": {"type": "string"}} and form["required"] == ["files"]


def test_many_different_ids(c):
    for _ in range(50):
        i = str(uuid.uuid4())
        assert echo(c, path=f"/lab/echo/{i}").json()["data"]["id"] == i
