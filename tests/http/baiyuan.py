"""What the tests of the Baiyuan dialect share: a workspace with tenants, clients, the shape of answers."""
import contextlib
import http.server
import json
import os
import subprocess
import threading

import httpx
from conftest import B, CHECKS, Server, until

NOBODY = "00000000-0000-4000-8000-000000000000"
STR, INT, BOOL, NUM, OBJ, ARR = str, int, bool, (int, float), dict, list
OPT = (str, type(None))
ANSWER = {"answer": STR, "sources": ARR, "response_time": NUM, "from_wiki": BOOL, "tokens": OBJ, "timestamp": STR, "conversation_id": STR,
          "intent": STR, "cached": BOOL}
DOC = {"id": STR, "document_id": STR, "knowledge_base_id": STR, "title": STR, "doc_type": STR, "status": STR, "source_uri": OPT, "file_name": OPT,
       "file_size": INT, "char_count": INT, "chunk_count": INT, "error": OPT, "source_hash": OPT, "external_id": OPT, "version": INT, "attempts": INT,
       "dead_letter": BOOL, "created_at": STR, "ingested_at": OPT, "ready_at": OPT, "deleted_at": OPT}
KB = {"id": STR, "name": STR, "description": STR, "metadata": OBJ, "is_default": BOOL, "wiki_enabled": BOOL, "document_count": INT, "wiki_page_count": INT,
      "created_at": STR}
SESSION = {"conversation_id": STR, "session_id": OPT, "status": STR, "assigned_to": OPT, "reason": OPT, "mirror_human_reply": BOOL, "suggestion": OPT,
           "updated_at": STR, "messages": ARR, "summary": OBJ}


def like(value, shape):
    for name, kind in shape.items():
        assert name in value, f"{name} is missing in {value}"
        assert isinstance(value[name], kind), f"{name} is {value[name]!r}"
        assert kind is not int or not isinstance(value[name], bool), f"{name} is {value[name]!r}"
    return value


def good(r, status=200):
    assert r.status_code == status, r.text
    body = r.json()
    assert set(body) == {"status", "data"} and body["status"] == "success"
    return body["data"]


def bad(r, status):
    assert r.status_code == status, r.text
    body = r.json()
    assert body["status"] == "error" and body["code"] == status and isinstance(body["error"], str) and body["error"]
    assert set(body) - {"retry_after"} == {"status", "error", "code"}
    return body["error"]


def br(ws, *args, stdin=None, check=True):
    env = {"PATH": os.environ["PATH"], "HOME": str(ws), **CHECKS}
    p = subprocess.run([B / "br", *args], cwd=ws, env=env, input=stdin, capture_output=True, text=True)
    assert not check or p.returncode == 0, p.stderr
    return p.stdout


class Tenant:
    def __init__(self, server, id, key):
        self.id, self.key, self.server = id, key, server
        self.c = server.client(headers={"X-RAG-API-Key": key, "X-Tenant-ID": id})

    def __getattr__(self, name):
        return getattr(self.c, name)

    def kb(self, name="Manuals", **more):
        return good(self.c.post("/api/v1/knowledge-bases", json={"name": name, **more}), 201)["id"]

    def text(self, kb, content, title="Notes"):
        return self.ready(good(self.c.post("/api/v1/documents/text", json={"knowledge_base_id": kb, "title": title, "content": content}), 202)["id"])

    def doc(self, id):
        return good(self.c.get(f"/api/v1/documents/{id}"))

    def ready(self, id, status="ready"):
        def look():
            d = self.doc(id)
            assert d["status"] in (status, "uploaded", "extracting", "chunking", "embedding", "re_embedding"), d
            return d if d["status"] == status else None
        return until(look, 30)

    def ask(self, question, kb=None, status=200, **more):
        body = {"question": question, **({"knowledge_base_id": kb} if kb else {}), **more}
        r = self.c.post("/api/v1/ask", json=body)
        return like(good(r), ANSWER) if status == 200 else bad(r, status)

    def events(self, question, kb=None, headers=None, **more):
        """A list of (event, payload); every data line must be plain ASCII."""
        body = {"question": question, **({"knowledge_base_id": kb} if kb else {}), **more}
        with self.c.stream("POST", "/api/v1/ask", json=body, headers=headers or {}) as r:
            assert r.status_code == 200, r.read()
            assert r.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert r.headers["cache-control"] == "no-cache" and r.headers["x-accel-buffering"] == "no"
            raw = b"".join(r.iter_raw())
        raw.decode("ascii")
        return parse(raw)


def parse(raw):
    out = []
    for block in raw.decode().split("\n\n"):
        lines = [x for x in block.split("\n") if x and not x.startswith(":")]
        if not lines:
            continue
        assert len(lines) == 2 and lines[0].startswith("event: ") and lines[1].startswith("data: "), block
        out.append((lines[0][7:], json.loads(lines[1][6:])))
    return out


@contextlib.contextmanager
def serving(tmp, tenants=("acme", "beta"), config=(), env=None):
    """A workspace with tenants, and a server of it: yields (server, folder, {name: Tenant})."""
    br(tmp, "init", "-q")
    for key, value in config:
        br(tmp, "config", "set", key, value)
    br(tmp, "config", "trust", check=False)
    made = {name: json.loads(br(tmp, "tenant", "create", name, "--key", name, "--json")) for name in tenants}
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=tmp, env={"BR_EXTRACT": str(B / "br-extract"), **(env or {})})
    all_ = {name: Tenant(s, m["id"], m["key"]) for name, m in made.items()}
    try:
        yield s, tmp, all_
    finally:
        for t in all_.values():
            t.c.close()
        s.stop()


class Pages:
    """A small site. pages: path -> (status, type, body); notes what was asked for."""

    def __init__(self, pages):
        self.pages, self.asked = pages, []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *a):
                pass

            def do_GET(self):
                site.asked.append(self.path)
                page = site.pages.get(self.path, (404, "text/plain", b"no"))
                status, kind, body = page() if callable(page) else page
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
