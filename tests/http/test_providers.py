"""Keys of model services: kept enciphered, shown masked, tried once, used for the requests of those who gave them; and what services list."""
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from beyond import bad, good, ingest, new_notebook, upload
from conftest import B, CHECKS, Server
from tokens import Key

AT = "/api/settings/api-keys"
GOOD, SERVERS, BOBS = "sk-or-v1-abcdefghijklmnop-GOOD", "sk-or-v1-of-the-server-itself", "sk-or-v1-that-bob-brought-along"


class Service:
    """Speaks as OpenRouter does, as far as it goes; knows the keys in `keys`."""

    def __init__(self, *keys):
        self.keys, self.seen, self.down, service = set(keys), [], False, self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def come(self, body=None):
                key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                service.seen.append((self.path, key))
                if service.down:
                    return self.answer(500, {"error": {"message": "down"}})
                if self.path == "/v1/models":  # for everybody
                    return self.answer(200, {"data": [
                        {"id": "openai/gpt-4o-mini", "name": "OpenAI: GPT-4o-mini", "context_length": 128000,
                         "pricing": {"prompt": "0.00000015", "completion": "0.0000006"}},
                        {"id": "acme/tiny", "name": "Tiny", "context_length": 2048}]})
                if key not in service.keys:
                    return self.answer(401, {"error": {"message": f"no such key: {key}"}})
                if self.path == "/v1/key":
                    return self.answer(200, {"data": {"label": "x"}})
                if self.path == "/v1/embeddings/models":
                    return self.answer(200, {"data": [{"id": "baai/bge-m3", "name": "BAAI: bge-m3", "context_length": 8192, "pricing": {"prompt": "0.00000001"}}]})
                self.answer(200, {"model": "m", "choices": [{"message": {"role": "assistant", "content": "Every 2000 hours [1]."}, "finish_reason": "stop"}],
                                  "usage": {"prompt_tokens": 1, "completion_tokens": 1}})

            def do_GET(self):
                self.come()

            def do_POST(self):
                self.come(self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def used(self, path):
        return [k for p, k in self.seen if p == path]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def service():
    s = Service(GOOD, SERVERS, BOBS)
    yield s
    s.stop()


@pytest.fixture
def fresh(service):
    service.seen.clear()
    service.down = False
    return service


def workspace(d):
    subprocess.run([B / "br", "init", "-q"], cwd=d, env={"PATH": "/usr/bin:/bin", "HOME": str(d), **CHECKS}, check=True)
    return d


def settings(service, **more):
    return {"BR_CHAT_PROVIDER": "openrouter", "BR_CHAT_BASE_URL": f"{service.url}/v1", "BR_CHAT_MODEL": "m", **more}


@pytest.fixture(scope="module")
def site(tmp_path_factory, service):
    d = workspace(tmp_path_factory.mktemp("providers"))
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", "--access-log", d / "access.log", cwd=d, env=settings(service))
    s.folder = d
    yield s
    s.stop()


@pytest.fixture
def c(site):
    with site.client() as client:
        yield client
        for name in ("openrouter", "openai", "mistral"):
            client.delete(f"{AT}/{name}_api_key")


def slot(c, name="openrouter_api_key"):
    return next(k for k in good(c.get(AT))["keys"] if k["key_name"] == name)


def test_keys_are_masked_and_nowhere_in_clear(c, site):
    assert slot(c) == {"key_name": "openrouter_api_key", "is_set": False, "source": "none", "masked_value": None}
    shown = good(c.put(AT, json={"keys": {"openrouter_api_key": GOOD, "unknown": "x", "openai_api_key": None, "mistral_api_key": ""}}))["keys"]
    assert shown[0] == {"key_name": "openrouter_api_key", "is_set": True, "source": "user", "masked_value": "sk-...****GOOD"}
    assert [k["is_set"] for k in shown] == [True, False, False]
    secret = site.folder / ".br" / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600 and len(secret.read_text()) == 65
    env = {"PATH": "/usr/bin:/bin", "HOME": str(site.folder), **CHECKS}
    for argv in (("backup", "all.tar"), ("export", "default", "one.brx")):
        subprocess.run([B / "br", *argv], cwd=site.folder, env=env, check=True, capture_output=True)
    for path in site.folder.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert GOOD.encode() not in text, path
            assert path == secret or secret.read_bytes().strip() not in text, path
    assert b".br/secret" not in (site.folder / "all.tar").read_bytes()
    subprocess.run([B / "br", "verify"], cwd=site.folder, env=env, check=True, capture_output=True)
    assert good(c.delete(f"{AT}/openrouter_api_key")) == {"deleted": True, "key_name": "openrouter_api_key"}
    assert slot(c)["is_set"] is False
    bad(c.delete(f"{AT}/other_api_key"), 404)


def test_a_key_is_tried_once(c, fresh):
    def probe(**body):
        return good(c.post(f"{AT}/test", json={"key_name": "openrouter_api_key", **body}))

    assert probe(key_value=GOOD)["valid"] is True
    assert fresh.seen == [("/v1/key", GOOD)]
    refused = probe(key_value="sk-or-v1-of-nobody-at-all")
    assert refused["valid"] is False and "refuses" in refused["message"] and "nobody" not in refused["message"]
    assert len(fresh.seen) == 2
    assert probe(key_value="with a blank\n")["valid"] is False and probe()["valid"] is False
    good(c.put(AT, json={"keys": {"openrouter_api_key": GOOD}}))
    assert probe()["valid"] is True and probe(key_value="")["valid"] is True
    fresh.down = True
    before = len(fresh.seen)
    down = probe()
    assert down["valid"] is False and "cannot be asked" in down["message"] and len(fresh.seen) == before + 1
    assert good(c.post(f"{AT}/test", json={"key_name": "sql", "key_value": "x"}))["valid"] is False
    bad(c.post(f"{AT}/test", json={}), 422)


def test_models_come_from_the_provider_where_there_is_a_key(c, fresh):
    curated = good(c.get("/api/models/openrouter"))
    assert curated["source"] == "curated" and "total" not in curated and len(curated["models"]) == 23
    assert len(good(c.get("/api/models/openrouter/embeddings"))["models"]) == 21 and fresh.seen == []
    good(c.put(AT, json={"keys": {"openrouter_api_key": GOOD}}))
    api = good(c.get("/api/models/openrouter/"))
    assert (api["source"], api["total"], len(api["models"])) == ("api", 2, 2)
    assert api["models"][0] == {"id": "openai/gpt-4o-mini", "name": "OpenAI: GPT-4o-mini", "provider": "OpenAI", "context": 128000,
                                "pricing": {"prompt": "0.00000015", "completion": "0.0000006"}}
    assert api["models"][1] == {"id": "acme/tiny", "name": "Tiny", "provider": "acme", "context": 2048}
    vectors = good(c.get("/api/models/openrouter/embeddings"))
    assert vectors["models"] == [{"id": "baai/bge-m3", "name": "BAAI: bge-m3", "provider": "BAAI", "context": 8192, "dimensions": 1024, "cost_per_million": "$0.01"}]
    assert set(fresh.used("/v1/models") + fresh.used("/v1/embeddings/models")) == {GOOD}
    fresh.down = True
    assert good(c.get("/api/models/openrouter"))["source"] == "curated_fallback"
    assert good(c.get("/api/models/openai"))["source"] == "curated" and good(c.get("/api/models/ollama"))["source"] == "curated"


def test_a_key_that_is_given_is_used(c, fresh):
    nb = new_notebook(c)
    ingest(c, nb, upload(c, nb, pump_md="# Pumps\n\nThe shaft seal is replaced after 2000 hours.\n"))
    chat = good(c.post(f"/api/notebooks/{nb}/conversations"), 201)["conversation_id"]

    def say(status=200):
        r = c.post(f"/api/notebooks/{nb}/conversations/{chat}/messages", json={"content": "When is the shaft seal replaced?"})
        return good(r) if status == 200 else bad(r, status)

    good(c.put(AT, json={"keys": {"openrouter_api_key": "sk-or-v1-of-nobody-at-all"}}))
    assert "nobody" not in say(502)
    good(c.put(AT, json={"keys": {"openrouter_api_key": GOOD, "openai_api_key": "sk-openai-has-nothing-to-do-with-it"}}))
    assert "2000 hours" in say()["assistant_message"]["content"]
    assert fresh.used("/v1/chat/completions")[-1] == GOOD
    key = good(c.post("/api/settings/developer-keys", json={"notebook_id": nb, "name": "x"}), 201)["api_key"]
    before = len(fresh.used("/v1/chat/completions"))
    good(c.post("/api/v1/external/chat", json={"message": "Seal hours, please?"}, headers={"X-API-Key": key}))
    assert set(fresh.used("/v1/chat/completions")[before:]) == {GOOD}


def test_ollama_is_asked_where_its_address_is_given(tmp_path, fresh):
    fresh.keys.add("")
    for at in (fresh.url, fresh.url + "/", fresh.url + "/v1"):
        s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=tmp_path if (tmp_path / ".br").exists() else workspace(tmp_path), env={"OLLAMA_BASE_URL": at})
        with s.client() as c:
            assert good(c.get("/api/models/ollama"))["source"] == "api"
        s.stop()
    fresh.keys.remove("")


def test_each_user_has_keys_of_their_own_and_the_servers_where_there_are_none(tmp_path, fresh):
    d = workspace(tmp_path)
    key = Key(tmp_path, "one")
    (d / "keys.json").write_text(json.dumps({"keys": [key.jwk()]}))
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d,
               env=settings(fresh, OPENROUTER_API_KEY=SERVERS, BR_JWKS_FILE=str(d / "keys.json"), BR_SECRET="a sentence that nobody guesses"))
    ada, bob = (s.client(headers={"Authorization": f"Bearer {key.token(sub, role=role)}"}) for sub, role in (("ada", "admin"), ("bob", "user")))
    assert slot(ada) == {"key_name": "openrouter_api_key", "is_set": True, "source": "server", "masked_value": "sk-...****self"}
    good(bob.put(AT, json={"keys": {"openrouter_api_key": BOBS}}))
    assert slot(bob)["masked_value"] == "sk-...****long" and slot(ada)["source"] == "server"
    good(bob.put("/api/settings/storage", json={"storage_provider": "s3"}))
    assert good(ada.get("/api/settings/storage")) == {"storage_provider": "supabase"}
    nb = new_notebook(ada)
    ingest(ada, nb, upload(ada, nb, pump_md="# Pumps\n\nThe shaft seal is replaced after 2000 hours.\n"))
    good(ada.put("/api/admin/users/bob/permissions", json={"notebook_permissions": {nb: "chat_only"}}))

    def say(c, text):
        chat = good(c.post(f"/api/notebooks/{nb}/conversations"), 201)["conversation_id"]
        good(c.post(f"/api/notebooks/{nb}/conversations/{chat}/messages", json={"content": text}))
        return fresh.used("/v1/chat/completions")[-1]

    assert say(ada, "When is the seal replaced?") == SERVERS and say(bob, "When, please, is the seal replaced?") == BOBS
    good(ada.put(AT, json={"keys": {"openrouter_api_key": GOOD}}))
    good(bob.delete(f"{AT}/openrouter_api_key"))
    assert say(bob, "How long does the seal last?") == GOOD  # of the notebook's owner
    assert not (d / ".br" / "secret").exists()
    ada.close(), bob.close()
    s.stop()
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=d, env=settings(fresh, BR_JWKS_FILE=str(d / "keys.json"), BR_SECRET="quite another sentence"))
    with s.client(headers={"Authorization": f"Bearer {key.token('ada', role='admin')}"}) as c:
        assert slot(c)["is_set"] is False  # under another secret it cannot be read, and nothing breaks
        good(c.put(AT, json={"keys": {"openrouter_api_key": GOOD}}))
        assert slot(c)["is_set"] is True
    s.stop()
