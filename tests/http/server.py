#!/usr/bin/env python3
"""A web server for tests: server.py ROOT PORTFILE [LOG [CERTIFICATE]]. Serves ROOT and answers /_/... as asked, good or bad.

Listens on a free port of 127.0.0.1, which it writes to PORTFILE. LOG gets a line for each request: method, path and, when
they were sent, the conditions, the name of the client and whether it showed credentials.

ROOT/name is served with ETag and Last-Modified, and 304 where that fits; ROOT/name.type holds its Content-Type, and
ROOT/name.to the URL to which it is redirected.
"""
import gzip
import hashlib
import json
import os
import ssl
import sys
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

ROOT, PORTFILE = sys.argv[1:3]
LOG = sys.argv[3] if len(sys.argv) > 3 else os.devnull
TYPES = {".html": "text/html; charset=utf-8", ".txt": "text/plain", ".md": "text/markdown", ".json": "application/json",
         ".png": "image/png", ".csv": "text/csv"}
attempts = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self):
        h = self.headers
        words = [self.command, self.path]
        for name in ("If-None-Match", "If-Modified-Since", "User-Agent", "X-Key"):
            if h.get(name):
                words.append(f"{name}={h[name].replace(' ', '_')}")
        if h.get("Authorization"):
            words.append("Authorization=yes")
        with open(LOG, "a") as f:
            f.write(" ".join(words) + "\n")

    def send(self, status, body=b"", headers=(), type="text/plain"):
        self.send_response(status)
        if type:
            self.send_header("Content-Type", type)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def begin_chunks(self, type="text/plain"):
        self.send_response(200)
        self.send_header("Content-Type", type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    # ---- what ROOT holds ----

    def file(self, path):
        name = os.path.join(ROOT, unquote(path).lstrip("/"))
        if name.endswith("/") or os.path.isdir(name):
            name = os.path.join(name, "index.html")
        if os.path.isfile(name + ".to"):
            self.send(301, b"moved", [("Location", open(name + ".to").read())])
            return
        if not os.path.isfile(name):
            self.send(404, b"no such page", type="text/plain")
            return
        body = open(name, "rb").read()
        tag = '"%s"' % hashlib.sha1(body).hexdigest()[:12]
        when = formatdate(int(os.stat(name).st_mtime), usegmt=True)
        headers = [("ETag", tag), ("Last-Modified", when)]
        if self.headers.get("If-None-Match") == tag:
            self.send(304, headers=headers, type=None)
            return
        kind = TYPES.get(os.path.splitext(name)[1], "application/octet-stream")
        if os.path.isfile(name + ".type"):
            kind = open(name + ".type").read().strip()
        self.send(200, body, headers, kind)

    # ---- /_/... ----

    def to(self, q, body):
        self.send(int(q.get("status", ["302"])[0]), b"elsewhere", [("Location", q["url"][0])])

    def loop(self, q, body):
        self.send(302, b"", [("Location", "/_/loop")])

    def status(self, q, body):
        self.send(int(q["n"][0]), b"as asked", [("Retry-After", q["after"][0])] if "after" in q else [])

    def flaky(self, q, body):
        key, n = q["key"][0], int(q["n"][0])
        attempts[key] = attempts.get(key, 0) + 1
        if attempts[key] <= n:
            self.send(503, b"not yet", [("Retry-After", "0")])
        else:
            self.send(200, b"at last")

    def big(self, q, body):
        self.begin_chunks()
        try:
            for _ in range(int(q["kb"][0])):
                self.chunk(b"x" * 1024)
            self.chunk(b"")
        except OSError:
            self.close_connection = True

    def bomb(self, q, body):
        self.send(200, gzip.compress(b"a" * (int(q["mb"][0]) << 20)), [("Content-Encoding", "gzip")])

    def slow(self, q, body):
        time.sleep(float(q["s"][0]))
        self.send(200, b"slow")

    def cut(self, q, body):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def stream(self, q, body):
        self.begin_chunks("text/event-stream")
        try:
            for i in range(int(q["n"][0])):
                self.chunk(b"data: %d\n\n" % i)
                time.sleep(float(q.get("s", ["0"])[0]))
            self.chunk(b"")
        except OSError:
            self.close_connection = True

    def echo(self, q, body):
        seen = {"method": self.command, "path": self.path, "body": body.decode("latin-1"),
                "headers": {k.lower(): v for k, v in self.headers.items()}}
        self.send(200, json.dumps(seen).encode(), type="application/json")

    def auth(self, q, body):
        if self.headers.get("Authorization") == "Basic dTpwIHc=":  # u:p w
            self.send(200, b"words for those who may read them")
        else:
            self.send(401, b"who?", [("WWW-Authenticate", 'Basic realm="x"')])

    def typed(self, q, body):
        self.send(200, bytes.fromhex(q["hex"][0]), type=q["type"][0])

    def answer(self):
        self.note()
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n) if n else b""
        if self.path.startswith("http://"):
            self.send(200, b"the proxy fetched " + self.path.encode())
            return
        parts = urlsplit(self.path)
        if parts.path.startswith("/_/"):
            getattr(self, parts.path[3:])(parse_qs(parts.query), body)
        else:
            self.file(parts.path)

    do_GET = do_POST = do_HEAD = do_PUT = answer


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of the tests


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 4:  # a PEM file with key and certificate: speak TLS
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[4])
    server.socket = tls.wrap_socket(server.socket, server_side=True)
with open(PORTFILE + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(PORTFILE + ".new", PORTFILE)
server.serve_forever()
