"""Who asks, by tokens of an identity provider: which are refused, where keys come from, and what users may do."""
import json
import shutil
import subprocess
import time

import pytest
from beyond import NOBODY, bad, good, ingest, new_notebook, upload
from conftest import B, CHECKS, Server, until
from tokens import Key, Provider, b64, unb64

ISSUER, AUDIENCE = "https://id.example", "br-tests"
RIGHT = {"iss": ISSUER, "aud": AUDIENCE}
ADMIN = {**RIGHT, "public_metadata": {"role": "admin"}}


def head(token):
    return {"Authorization": f"Bearer {token}"}


def make_workspace(d):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(d), **CHECKS}
    subprocess.run([B / "br", "init", "-q"], cwd=d, env=env, check=True)
    return d


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    d = tmp_path_factory.mktemp("keys")
    return [Key(d, kid) for kid in ("one", "two", "three")]


@pytest.fixture(scope="module")
def provider(keys):
    p = Provider(keys[0])
    yield p
    p.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory, provider):
    d = make_workspace(tmp_path_factory.mktemp("site"))
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d, env={
        "BR_JWKS_URL": provider.url, "BR_AUTH_ISSUER": ISSUER, "BR_AUTH_AUDIENCE": AUDIENCE, "CLERK_PUBLISHABLE_KEY": "pk_test_shown", "BR_AUTH_ADMINS": "root"})
    s.folder = d
    yield s
    s.stop()


@pytest.fixture(scope="module")
def as_(site, keys):
    """A client for each user."""
    made = {}

    def go(sub, **claims):
        key = (sub, json.dumps(claims))
        if key not in made:
            made[key] = site.client(headers=head(keys[0].token(sub, **{**RIGHT, **claims})))
        return made[key]

    go.admin = lambda sub: go(sub, **ADMIN)
    yield go
    for c in made.values():
        c.close()


@pytest.fixture
def c(site):
    with site.client() as client:
        yield client


# ---- tokens ----

def test_the_configuration_tells_that_tokens_are_asked_for(c, serve):
    assert good(c.get("/api/auth/config")) == {"auth_required": True, "clerk_publishable_key": "pk_test_shown"}
    assert c.get("/api/health").json() == {"status": "ok"}
    with serve.client() as open_:
        assert good(open_.get("/api/auth/config/")) == {"auth_required": False, "clerk_publishable_key": ""}


def test_a_good_token(c, keys):
    for token in (keys[0].token(**RIGHT), keys[0].token(iss=ISSUER, aud=["x", AUDIENCE]), keys[0].token(head={"typ": "at+jwt"}, **RIGHT),
                  keys[0].token(exp=int(time.time()) - 3, **RIGHT), keys[0].token(nbf=int(time.time()) + 3, **RIGHT)):
        assert good(c.get("/api/notebooks/", headers=head(token))) == []
    assert good(c.get("/api/notebooks/", headers={"authorization": "bearer   " + keys[0].token(**RIGHT)})) == []


def forged(keys):
    one, two, _ = keys
    now, t = int(time.time()), one.token
    good_ = t(**RIGHT)
    h, b, s = good_.split(".")
    flipped = bytearray(unb64(s))
    flipped[9] ^= 1
    jwk = two.jwk()
    return {
        "none": b64({"alg": "none", "kid": "one"}) + f".{b}.", "none with its signature": b64({"alg": "none", "kid": "one"}) + f".{b}.{s}",
        "None": b64({"alg": "None", "kid": "one"}) + f".{b}.", "no algorithm": b64({"kid": "one"}) + f".{b}.{s}",
        "HS256 with the public key": t(head={"alg": "HS256"}, sig=one.mac, **RIGHT), "HS256, no kid": t(head={"alg": "HS256", "kid": None}, sig=one.mac, **RIGHT),
        "RS512 named": t(head={"alg": "RS512"}, **RIGHT), "PS256 named": t(head={"alg": "PS256"}, **RIGHT), "ES256 named": t(head={"alg": "ES256"}, **RIGHT),
        "lower case": t(head={"alg": "rs256"}, **RIGHT), "another kid": t(head={"kid": "nobody"}, **RIGHT), "kid that is a path": t(head={"kid": "../../one"}, **RIGHT),
        "kid that is a number": t(head={"kid": 1}, **RIGHT), "kid that is a list": t(head={"kid": ["one"]}, **RIGHT),
        "another key's signature": two.token(head={"kid": "one"}, **RIGHT), "embedded jwk": two.token(head={"kid": "one", "jwk": jwk}, **RIGHT),
        "embedded jwk alone": two.token(head={"kid": "two", "jwk": jwk}, **RIGHT),
        "jku": two.token(head={"kid": "two", "jku": "http://127.0.0.1:1/keys"}, **RIGHT), "x5u": two.token(head={"kid": "two", "x5u": "http://127.0.0.1:1/"}, **RIGHT),
        "crit": t(head={"crit": ["exp"]}, **RIGHT), "expired": t(exp=now - 60, **RIGHT), "expires at the dawn of time": t(exp=0, **RIGHT),
        "no end": t(drop=["exp"], **RIGHT), "end that is text": t(exp="tomorrow", **RIGHT), "end that is no number": t(exp=[now + 60], **RIGHT),
        "not yet": t(nbf=now + 60, **RIGHT), "from the future": t(iat=now + 3600, **RIGHT), "nobody": t(drop=["sub"], **RIGHT), "empty user": t(sub="", **RIGHT),
        "user that is a number": t(sub=7, **RIGHT), "other issuer": t(iss="https://evil.example", aud=AUDIENCE), "no issuer": t(aud=AUDIENCE),
        "issuer that begins alike": t(iss=ISSUER + ".evil.example", aud=AUDIENCE), "other audience": t(iss=ISSUER, aud="others"), "no audience": t(iss=ISSUER),
        "audiences of others": t(iss=ISSUER, aud=["a", "b"]), "flipped": f"{h}.{b}.{b64(bytes(flipped))}", "cut": good_[:-1], "half a signature": f"{h}.{b}.{s[:100]}",
        "no signature": f"{h}.{b}.", "two parts": f"{h}.{b}", "four parts": good_ + ".x", "five parts": f"{h}.{b}.{s}.x.y", "padding": f"{h}.{b}.{s}==",
        "other letters": good_.replace("e", "+", 1), "another body": f"{h}." + b64({"sub": "root", "exp": now + 60, **RIGHT}) + f".{s}", "dots": "..",
        "not JSON": b64(b"x") + f".{b}.{s}", "list": b64([]) + f".{b}.{s}", "deep": b64(b"[" * 5000) + f".{b}.{s}",
        "a member twice": b64(b'{"alg":"none","alg":"RS256","kid":"one"}') + f".{b}.{s}", "blank inside": good_.replace(".", ". ", 1), "key": "br_key_" + "A" * 43,
    }


def test_forged_tokens_are_refused(c, keys, provider):
    before = provider.asked
    for name, token in forged(keys).items():
        for path in ("/api/notebooks/", "/query", "/metrics") if name in ("none", "expired", "embedded jwk") else ("/api/notebooks/",):
            r = c.request("POST" if path == "/query" else "GET", path, headers=head(token), json={"query": "x"} if path == "/query" else None)
            assert r.status_code == 401, (name, path, r.text)
            assert r.headers["www-authenticate"] == "Bearer"
            assert token[:40] not in r.text or not token
    assert provider.asked - before <= 3  # names of keys that anybody can make up do not make us ask again and again


def test_other_ways_to_show_a_token(c, keys, site):
    token = keys[0].token(**RIGHT)
    for headers in ({}, {"Authorization": token}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {token}"}, {"Authorization": f"Bearer{token}"},
                    {"X-Authorization": f"Bearer {token}"}, {"Cookie": f"__session={token}"}, {"X-API-Key": token}):
        bad(c.get("/api/notebooks/", headers=headers), 401)
    bad(c.get(f"/api/notebooks/?token={token}"), 401)
    bad(c.get("/api/notebooks/", headers=[("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]), 401)


@pytest.mark.parametrize("size", [17_000, 1_000_000])
def test_a_token_that_is_too_long(site, keys, size):
    reply = site.raw(b"GET /api/notebooks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + b"A" * size + b"\r\n\r\n")
    assert not reply or int(reply.split()[1]) in (401, 431)
    with site.client() as c:
        good(c.get("/api/auth/config"))


# ---- keys of the provider ----

def test_a_new_key_is_fetched_when_a_token_names_it(tmp_path, keys):
    p = Provider(keys[0])
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=make_workspace(tmp_path), env={"BR_JWKS_URL": p.url})
    with s.client() as c:
        good(c.get("/api/notebooks", headers=head(keys[0].token())))
        bad(c.get("/api/notebooks", headers=head(keys[1].token())), 401)
        p.keys = [keys[1]]
        good(c.get("/api/notebooks", headers=head(keys[1].token())))
        bad(c.get("/api/notebooks", headers=head(keys[0].token())), 401)  # withdrawn
        asked = p.asked
        assert asked == 4
        for i in range(20):
            bad(c.get("/api/notebooks", headers=head(keys[2].token(head={"kid": f"made-up-{i}"}))), 401)
        assert p.asked == asked
        p.status = 500  # those who are known stay known
        good(c.get("/api/notebooks", headers=head(keys[1].token())))
    s.stop()
    p.stop()


def test_a_provider_that_is_down_and_comes_back(tmp_path, keys):
    p = Provider(keys[0])
    p.status = 500
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=make_workspace(tmp_path), env={"BR_JWKS_URL": p.url})
    with s.client() as c:
        token = head(keys[0].token())
        assert "provider" in bad(c.get("/api/notebooks", headers=token), 502)
        bad(c.get("/api/notebooks"), 502)
        good(c.get("/api/auth/config"))
        p.status = 200
        until(lambda: c.get("/api/notebooks", headers=token).status_code == 200)
    s.stop()
    p.stop()


def test_keys_are_fetched_again_in_time_and_serve_for_a_bounded_time_without_their_provider(tmp_path, keys):
    p, d = Provider(keys[0]), make_workspace(tmp_path)
    (d / ".config" / "br").mkdir(parents=True)
    (d / ".config" / "br" / "config").write_text("[auth]\nrefresh = 1s\nmax_age = 2s\n")
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d, env={"BR_JWKS_URL": p.url})
    with s.client() as c:
        token = head(keys[0].token())
        good(c.get("/api/notebooks", headers=token))
        until(lambda: p.asked >= 2)
        p.status = 503
        good(c.get("/api/notebooks", headers=token))
        until(lambda: c.get("/api/notebooks", headers=token).status_code == 502)
    s.stop()
    p.stop()


def test_the_publishable_key_names_the_key_set_and_the_issuer(tmp_path, keys, cert):
    p, d = Provider(keys[0], cert=cert[:2]), make_workspace(tmp_path)
    host = f"localhost:{p.port}"
    import base64
    env = {"CLERK_SECRET_KEY": "sk_test_x", "CLERK_PUBLISHABLE_KEY": "pk_test_" + base64.b64encode(f"{host}$".encode()).decode()}
    (d / ".config" / "br").mkdir(parents=True)
    (d / ".config" / "br" / "config").write_text(f"[net]\nca_file = {cert[0]}\n")
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d, env=env)
    with s.client() as c:
        good(c.get("/api/notebooks", headers=head(keys[0].token(iss=f"https://{host}"))))
        assert p.path == "/.well-known/jwks.json"
        bad(c.get("/api/notebooks", headers=head(keys[0].token(iss="https://other.example"))), 401)
        assert good(c.get("/api/auth/config")) == {"auth_required": True, "clerk_publishable_key": env["CLERK_PUBLISHABLE_KEY"]}
    s.stop()
    (d / ".config" / "br" / "config").write_text("")  # a certificate of nobody
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d, env=env)
    with s.client() as c:
        bad(c.get("/api/notebooks", headers=head(keys[0].token(iss=f"https://{host}"))), 502)
    s.stop()
    p.stop()


@pytest.mark.parametrize("env", [{"BYPASS_AUTH": "false"}, {"CLERK_SECRET_KEY": "sk"}, {"CLERK_SECRET_KEY": "sk", "CLERK_PUBLISHABLE_KEY": "pk_test_!"},
                                 {"BR_JWKS_URL": "http://keys.example/jwks"}, {"BR_JWKS_URL": "file:///etc/passwd"}])
def test_settings_that_make_no_sense_let_nobody_in(tmp_path, keys, env):
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=make_workspace(tmp_path), env=env)
    with s.client() as c:
        bad(c.get("/api/auth/config"), 500)
        bad(c.get("/api/notebooks", headers=head(keys[0].token())), 500)
        assert c.post("/query", json={"query": "x"}, headers=head("x")).status_code == 500
        assert c.get("/healthz").status_code == 200
    s.stop()


def test_bypass_goes_before_a_provider_and_a_file_may_hold_the_keys(tmp_path, keys):
    d = make_workspace(tmp_path)
    (d / "keys.json").write_text(json.dumps({"keys": [keys[0].jwk()]}))
    for bypass, status in (("true", 200), ("false", 401)):
        s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d, env={"BYPASS_AUTH": bypass, "BR_JWKS_FILE": str(d / "keys.json")})
        with s.client() as c:
            assert c.get("/api/notebooks").status_code == status
            assert good(c.get("/api/auth/config"))["auth_required"] is (status == 401)
            good(c.get("/api/notebooks", headers=head(keys[0].token())))
        s.stop()


def test_listening_beyond_this_machine_needs_a_provider(tmp_path, keys):
    d = make_workspace(tmp_path)
    (d / "keys.json").write_text(json.dumps({"keys": [keys[0].jwk()]}))
    with pytest.raises(RuntimeError, match="without authentication"):
        Server(B / "br", "serve", "--listen", "0.0.0.0:0", cwd=d)
    s = Server(B / "br", "serve", "--listen", "0.0.0.0:0", cwd=d, env={"BR_JWKS_FILE": str(d / "keys.json")})
    with s.client() as c:
        bad(c.get("/api/notebooks"), 401)
    s.stop()


def test_settings_of_a_workspace_that_nobody_trusts_do_not_open_it(tmp_path):
    d = make_workspace(tmp_path)
    (d / ".br" / "config").write_text("[auth]\njwks_url = https://keys.example/\n")
    with pytest.raises(RuntimeError, match="br config trust"):
        Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d)


# ---- levels and access ----

@pytest.fixture(scope="module")
def nb(as_):
    ada = as_.admin("ada")
    id = new_notebook(ada, "Shared")
    ingest(ada, id, upload(ada, id, pump_md="# Pumps\n\nThe shaft seal is replaced after 2000 hours.\n"))
    return id


def rows():
    doc = json.loads(subprocess.run([B / "br", "serve", "--print-openapi"], capture_output=True, check=True).stdout)
    return [(m.upper(), p) for p, ms in doc["paths"].items() for m in ms if m != "parameters"]


OPEN = {("GET", p) for p in ("/", "/healthz", "/readyz", "/openapi.json", "/api/health", "/api/auth/config")}
USER = {("GET", "/api/notebooks"), ("GET", "/api/notebooks/{notebook_id}"), ("GET", "/api/notebooks/{notebook_id}/status"), ("GET", "/api/models/openrouter"),
        ("GET", "/api/models/openrouter/embeddings"), ("GET", "/api/models/openai"), ("GET", "/api/models/ollama"), ("GET", "/api/invite/{invite_code}"),
        ("POST", "/api/invite/{invite_code}/redeem"), ("GET", "/api/settings/api-keys"), ("PUT", "/api/settings/api-keys"),
        ("DELETE", "/api/settings/api-keys/{key_name}"), ("POST", "/api/settings/api-keys/test"), ("GET", "/api/settings/storage"),
        ("PUT", "/api/settings/storage"), ("GET", "/api/settings/db-type"), ("PUT", "/api/settings/db-type"), ("GET", "/api/onedrive/status"),
        ("GET", "/api/onedrive/folders"), ("GET", "/api/notebooks/{notebook_id}/events")}


def is_user_row(method, path):
    return (method, path) in USER or any(x in path for x in ("/conversations", "/messages/{message_id}/feedback", "/retrieval/"))


def fill(path, nb=NOBODY):
    return path.replace("{notebook_id}", nb).replace("{", "").replace("}", "")


def test_every_row_asks_who_calls_and_admin_rows_ask_for_an_administrator(c, as_, nb):
    for method, path in rows():
        if (method, path) in OPEN or path.startswith(("/api/v1/", "/v1", "/integration")) or not (path.startswith("/api") or path in ("/query", "/metrics")):
            continue
        assert c.request(method, fill(path, nb)).status_code == 401, (method, path)
        r = as_("bob").request(method, fill(path, nb))
        if is_user_row(method, path) and "{notebook_id}" not in path:
            assert r.status_code != 403, (method, path)
        else:
            assert r.status_code == 403, (method, path)
        if path.startswith("/api") and not is_user_row(method, path):
            assert as_("bob").request(method, fill(path)).status_code == 403, (method, path)


def test_roles(as_, keys):
    for claims in ({"public_metadata": {"role": "admin"}}, {"metadata": {"role": "admin"}}, {"role": "admin"}):
        good(as_("carl", **claims).get("/api/admin/users"))
    for claims in ({}, {"public_metadata": {"role": "user"}}, {"public_metadata": {"role": "Admin"}}, {"public_metadata": "admin"}, {"role": ["admin"]}, {"role": True}):
        bad(as_("dora", **claims).get("/api/admin/users"), 403)
    good(as_("root").get("/api/admin/users"))


def test_users_are_listed_and_their_role_can_be_changed(as_):
    ada = as_.admin("ada")
    as_("erik", email="erik@example.com", given_name="Erik", last_name="E").get("/api/notebooks")
    erik = next(u for u in good(ada.get("/api/admin/users"))["users"] if u["user_id"] == "erik")
    assert (erik["email"], erik["first_name"], erik["last_name"], erik["role"]) == ("erik@example.com", "Erik", "E", "user")
    assert erik["created_at"] and erik["last_sign_in_at"] and erik["notebook_permissions"] == {}
    assert good(ada.put("/api/admin/users/erik/permissions", json={"notebook_permissions": {}, "role": "admin"}))["role"] == "admin"
    good(as_("erik").get("/api/admin/users/erik"))
    assert good(ada.put("/api/admin/users/erik/permissions", json={"notebook_permissions": {}, "role": "user"}))["role"] == "user"
    bad(as_("erik").get("/api/admin/users"), 403)
    bad(as_.admin("erik").get("/api/admin/users"), 403)  # what is given here goes before what the token says
    bad(ada.get("/api/admin/users/nobody-at-all"), 404)
    assert "dev-user" not in {u["user_id"] for u in good(ada.get("/api/admin/users"))["users"]}


def test_notebooks_belong_to_their_owner(as_, nb):
    ada, eva = as_.admin("ada"), as_.admin("eva")
    own = new_notebook(eva, "Eva's")
    assert good(eva.get(f"/api/notebooks/{own}"))["user_id"] == "eva"
    assert [n["notebook_id"] for n in good(eva.get("/api/notebooks"))][:1] == [own] and nb not in [n["notebook_id"] for n in good(eva.get("/api/notebooks"))]
    assert own not in [n["notebook_id"] for n in good(ada.get("/api/notebooks"))]
    for method, path in rows():
        if "{notebook_id}" in path and path.startswith("/api/"):
            r = ada.request(method, fill(path, own))
            assert r.status_code == 403, (method, path, r.text)
    bad(ada.post("/api/settings/developer-keys", json={"notebook_id": own, "name": "x"}), 403)
    key = good(eva.post("/api/settings/developer-keys", json={"notebook_id": own, "name": "x"}), 201)["key_id"]
    assert key not in [k["key_id"] for k in good(ada.get("/api/settings/developer-keys"))]
    assert key in [k["key_id"] for k in good(eva.get("/api/settings/developer-keys"))]
    for method, path in (("PATCH", ""), ("DELETE", ""), ("GET", "/snippets")):
        bad(ada.request(method, f"/api/settings/developer-keys/{key}{path}", json={}), 403)
    for_bob = new_notebook(eva, "Bob's", user_id="bob")
    good(eva.get(f"/api/notebooks/{for_bob}/documents"))
    assert for_bob in [n["notebook_id"] for n in good(as_("bob").get("/api/notebooks"))]
    assert good(eva.delete("/api/notebooks/"))["deleted_count"] >= 1
    bad(eva.get(f"/api/notebooks/{own}"), 404)
    good(ada.get(f"/api/notebooks/{nb}"))


def test_an_invitation_opens_chat_and_nothing_else(as_, nb):
    ada, fay = as_.admin("ada"), as_("fay")
    bad(fay.get(f"/api/notebooks/{nb}"), 403)
    code = good(ada.post(f"/api/notebooks/{nb}/invites", json={}), 201)["invite_code"]
    assert good(fay.get(f"/api/invite/{code}"))["notebook_id"] == nb
    assert good(fay.post(f"/api/invite/{code}/redeem"))["access_type"] == "chat_only"
    assert [n["notebook_id"] for n in good(fay.get("/api/notebooks"))] == [nb]
    for path in ("", "/status", "/conversations", "/retrieval/strategies"):
        good(fay.get(f"/api/notebooks/{nb}{path}"))
    chat = good(fay.post(f"/api/notebooks/{nb}/conversations"), 201)["conversation_id"]
    said = good(fay.post(f"/api/notebooks/{nb}/conversations/{chat}/messages", json={"content": "When is the shaft seal replaced?"}))
    assert "2000 hours" in said["assistant_message"]["content"]
    assert "chat only" in bad(fay.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "seal"}), 403)
    bad(fay.get(f"/api/notebooks/{nb}/retrieval/history"), 403)
    for path in ("/documents", "/settings", "/enhance/files", "/health", "/invites", "/access"):
        bad(fay.get(f"/api/notebooks/{nb}{path}"), 403)
    bad(as_.admin("fay").get(f"/api/notebooks/{nb}/documents"), 403)  # an administrator with no more than chat
    bad(as_.admin("fay").patch(f"/api/notebooks/{nb}", json={"icon": "x"}), 403)
    bad(as_.admin("fay").delete(f"/api/notebooks/{nb}"), 403)
    assert {"user_id": "fay", "access_type": "chat_only"}.items() <= good(ada.get(f"/api/notebooks/{nb}/access"))[0].items()
    good(ada.delete(f"/api/notebooks/{nb}/access/fay"))
    for r in (fay.get(f"/api/notebooks/{nb}"), fay.get(f"/api/notebooks/{nb}/conversations/{chat}/messages")):
        bad(r, 403)
    good(ada.delete(f"/api/notebooks/{nb}/invites/{code}"))
    bad(fay.post(f"/api/invite/{code}/redeem"), 404)


def test_full_access_opens_retrieval_and_to_administrators_the_rest(as_, nb):
    ada, gil = as_.admin("ada"), as_("gil")
    good(ada.put("/api/admin/users/gil/permissions", json={"notebook_permissions": {nb: "full_access"}}))
    found = good(gil.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "shaft seal"}))
    assert found["total_results"] == 1
    bad(gil.get(f"/api/notebooks/{nb}/documents"), 403)
    good(as_.admin("gil").get(f"/api/notebooks/{nb}/documents"))
    good(ada.put("/api/admin/users/gil/permissions", json={"notebook_permissions": {nb: "chat_only"}}))
    bad(gil.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "shaft seal"}), 403)  # an answer at hand is for those who still may
    good(ada.put("/api/admin/users/gil/permissions", json={"notebook_permissions": {}}))
    bad(gil.get(f"/api/notebooks/{nb}"), 403)
    bad(ada.put("/api/admin/users/gil/permissions", json={"notebook_permissions": {nb: "owner"}}), 422)
    bad(ada.put("/api/admin/users/gil/permissions", json={"notebook_permissions": {NOBODY: "chat_only"}}), 404)


def test_conversations_are_their_owners_alone(as_, nb):
    ada, hal = as_.admin("ada"), as_("hal")
    good(ada.put("/api/admin/users/hal/permissions", json={"notebook_permissions": {nb: "full_access"}}))
    chats = f"/api/notebooks/{nb}/conversations"
    mine = good(hal.post(chats, json={"title": "Hal's"}), 201)
    assert mine["user_id"] == "hal"
    said = good(hal.post(f"{chats}/{mine['conversation_id']}/messages", json={"content": "seal?"}))["assistant_message"]["id"]
    assert mine["conversation_id"] not in [x["conversation_id"] for x in good(ada.get(chats))]
    assert [x["conversation_id"] for x in good(hal.get(chats))] == [mine["conversation_id"]]
    for method, path, body in (("GET", "/messages", None), ("POST", "/messages", {"content": "x"}), ("PATCH", "", {"title": "x"}), ("DELETE", "", None)):
        bad(ada.request(method, f"{chats}/{mine['conversation_id']}{path}", json=body), 404)
    bad(ada.post(f"/api/notebooks/{nb}/messages/{said}/feedback", json={"is_positive": True}), 404)
    good(hal.post(f"/api/notebooks/{nb}/messages/{said}/feedback", json={"is_positive": True}))


def test_a_page_with_a_name_of_its_own_gets_nothing_without_a_token(c, as_):
    bad(c.get("/api/notebooks", headers={"Host": "evil.example"}), 401)
    bad(c.get("/api/notebooks", headers={"Host": "evil.example", "Origin": "http://other.example"}), 403)
    good(as_("ian").get("/api/notebooks", headers={"Host": "rag.example"}))


def test_programs_use_keys_for_the_routes_of_the_engine(site, c, as_, nb):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(site.folder), **CHECKS}

    def key(*args):
        out = subprocess.run([B / "br", "keys", "create", *args], cwd=site.folder, env=env, check=True, capture_output=True, text=True).stdout
        return next(w for w in out.split() if w.startswith(("br_", "qk_")))

    query, admin, other = key("q", "--scope", "query"), key("m", "--scope", "admin"), key("o", "--kind", "quivr")
    assert c.post("/query", json={"query": "seal"}, headers={"X-API-Key": query}).status_code == 200
    assert c.get("/metrics", headers={"X-API-Key": query}).status_code == 403
    assert c.get("/metrics", headers={"X-API-Key": admin}).status_code == 200
    assert c.get("/metrics", headers={"X-API-Key": other}).status_code == 403
    assert c.get("/metrics", headers={"X-API-Key": admin + "x"}).status_code == 401
    assert as_("jan").post("/query", json={"query": "seal"}).status_code == 403
    assert as_.admin("ada").post("/query", json={"query": "seal"}).status_code == 200
    bad(c.get("/api/notebooks", headers={"X-API-Key": admin}), 401)


def test_nobody_reads_a_body_for_who_may_not_send_it(site, as_, nb):
    reply = site.raw(f"POST /api/notebooks/{nb}/documents/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                     "Content-Length: 100000000\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 401 ")
