"""What the tests of the Quivr dialect share: a workspace with keys, a fake model service, receivers of webhooks."""
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from conftest import B, CHECKS, Server, until

API = "/api/v1"
FAKE = pathlib.Path(__file__).resolve().parent.parent / "fake" / "model.py"


def br(d, *args, stdin=None, ok=True, env=None):
    full = {"PATH": os.environ["PATH"], "HOME": str(d), **CHECKS, **(env or {})}
    p = subprocess.run([B / "br", *map(str, args)], cwd=d, env=full, input=stdin, capture_output=True, text=True, timeout=120)
    assert not ok or p.returncode == 0, f"br {args}: {p.returncode}: {p.stderr}"
    return p


class Quivr:
    """A workspace of its own with a server on it, and keys."""

    def __init__(self, d, env=None, notebook="Docs"):
        self.d, self.env = d, {"BR_ALLOW_PRIVATE": "1", **(env or {})}
        (d / "docs").mkdir()
        (d / "docs" / "deploy.md").write_text("# Deploys\n\nDeploys go through CI. The pipeline waits for two reviews.\n")
        (d / "docs" / "soup.md").write_text("# Soup\n\nBoil carrots with onions and salt.\n")
        br(d, "init", "-q")
        br(d, "sync", "-q", "docs")
        self.nb = json.loads(br(d, "notebook", "show", "--json").stdout)["id"]
        self.master = self.key("master", "admin")
        self.server = None

    def key(self, name, scopes="query,kb:read", *more):
        return br(self.d, "keys", "create", name, "--kind", "quivr", "--scope", scopes, *more, "-q").stdout.strip()

    def start(self, **env):
        self.server = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=self.d, env={**self.env, **env})
        return self

    def client(self, key=None, **kw):
        return httpx.Client(base_url=self.server.url, timeout=30, trust_env=False, verify=False,  # loading certificates takes long
                            headers={"Authorization": f"Bearer {key or self.master}"}, **kw)

    def stop(self):
        if self.server and self.server.p.poll() is None:
            self.server.stop()

    def kill(self):
        self.server.p.kill()
        self.server.p.wait()


class Model:
    """The fake model service in a process of its own."""

    def __init__(self, d):
        port = d / "model-port"
        self.p = subprocess.Popen([sys.executable, FAKE, port])
        self.port = until(lambda: port.exists() and port.read_text().strip())
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def env(self, model="fake"):
        return {"BR_CHAT_BASE_URL": self.url, "BR_CHAT_MODEL": model}

    def log(self):
        return httpx.get(f"http://127.0.0.1:{self.port}/_/log", trust_env=False).json()

    def stop(self):
        self.p.kill()
        self.p.wait()


class Receiver:
    """Answers with the statuses of `script`, then with 200; checks nothing, keeps everything."""

    def __init__(self, script=()):
        self.script, self.got, me = list(script), [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with me.lock:
                    me.got.append((dict(self.headers), body))
                    status = me.script.pop(0) if me.script else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, n, seconds=10):
        until(lambda: len(self.got) >= n, seconds)
        return self.got

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def signed(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def wrong(r, status, **members):
    """The flat error object."""
    assert r.status_code == status, r.text
    body = r.json()
    assert body["status_code"] == status and body["message"] and body["error"] and body["request_id"].startswith("req-")
    for name, value in members.items():
        assert body[name] == value, body
    return body
