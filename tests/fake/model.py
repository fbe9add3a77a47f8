#!/usr/bin/env python3
"""A model service for tests: OpenAI's chat completions, embeddings, rerank and models, with every fault such services have.

    model.py PORTFILE [LOGFILE [CERT KEY]]
                                    listens on 127.0.0.1 (with a certificate: TLS), writes its port into PORTFILE, one JSON object
                                    an event into LOGFILE

How it answers is said by the name of the model: directives joined by ';', any word first ("fake;fail=429,2;chunk=1").
  every endpoint
    fail=STATUS,TIMES[,RETRY_AFTER]  the first TIMES requests (of this very name) get STATUS; TIMES 0: all of them
    reset=TIMES     the connection is reset without an answer        drop=TIMES   ... closed after half of a whole answer
    mute            no answer ever                                    delay=MS     so long before the answer
    key=WORD        401 unless the key is WORD; the refusal repeats the key that came
    hold=N          the Nth request (of this very name) gets no answer ever
    down=N,TIMES    from the Nth on so many requests get 503
    malformed       the JSON is broken                                error=CODE   status 200, but the body is an error object
    gzip            the answer is packed                              huge=BYTES   ... and so long
  chat, streamed
    text=WORDS      the answer ('_' is a space); else it is "echo: " and the last message; or the next of POST /_/script
    chunk=BYTES     written in pieces of so many bytes                gap=MS       so long between tokens
    crlf cr bom comments                                              line ends and what may stand between events
    nodone nousage nofinish  plain (one object instead of a stream)   open (the connection stays open behind [DONE])
    cut=TOKENS[,TIMES]    the connection is cut behind so many        stall=TOKENS nothing more comes behind so many
    errorat=TOKENS,CODE[,TIMES]  an error object in the stream        badat=TOKENS an event that is no JSON
    tool=NAME,JSON  a call of a tool, in pieces; in a script {"tool": NAME, "arguments": {...}}
  embeddings
    dim=N (256)     dimensions                                        wrongat=N    the Nth vector has one dimension less
    short           a vector too few                                  shuffle      in another order, told by index
    big zero text   the first vector has 1e300, is all zero, is a string
Control: POST /_/script {"answers": [...]}; GET /_/log; GET /_/hello.
"""
import gzip
import hashlib
import json
import os
import re
import select
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()
COUNTS = {}
SCRIPT = []
LOG = []
LOGFILE = None
START = time.monotonic()


def log(event, **more):
    entry = {"event": event, "ms": round((time.monotonic() - START) * 1000, 1), **more}
    with LOCK:
        LOG.append(entry)
        if LOGFILE:
            LOGFILE.write(json.dumps(entry) + "\n")
            LOGFILE.flush()


def count(name):
    with LOCK:
        COUNTS[name] = COUNTS.get(name, 0) + 1
        return COUNTS[name]


class Gone(Exception):
    """The client went away, or the scenario cuts the connection."""


def directives(model):
    out = {}
    for part in model.split(";")[1:]:
        key, _, value = part.partition("=")
        out[key] = value
    return out


def numbers(value):
    return [int(x) for x in value.split(",")]


def words(text):
    return re.findall(r"\w+", text.lower())


def vector(text, dim):
    """A word sets sixteen places, so that texts with the same words are near."""
    v = [0.0] * dim
    for word in words(text):
        digest = hashlib.sha512(word.encode()).digest()
        for i in range(16):
            at, = struct.unpack_from("<I", digest, 4 * i)
            v[(at >> 1) % dim] += 1.0 if at & 1 else -1.0
    if not any(v):
        v[0] = 1.0
    length = sum(x * x for x in v) ** 0.5
    return [round(x / length, 6) for x in v]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    chunk = 0

    def log_message(self, *args):
        pass

    # ---- writing ----

    def begin(self, status, content_type, more=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()

    def whole(self, status, value, more=(), d=None):
        d = d or {}
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        if "malformed" in d:
            body = body[:-3] + b"]]"
        if "huge" in d:
            body = b'{"x":"' + b"a" * int(d["huge"]) + b'"}'
        if "gzip" in d:
            body = gzip.compress(body)
            more = (*more, ("Content-Encoding", "gzip"))
        self.begin(status, "application/json", (*more, ("Content-Length", str(len(body)))))
        if "drop" in d and count("drop " + self.model) <= int(d["drop"]):
            self.wfile.write(body[:len(body) // 2])
            self.cut()
        self.wfile.write(body)

    def piece(self, data):
        size = self.chunk or len(data)
        for at in range(0, len(data), size):
            part = data[at:at + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()

    def cut(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone("cut")

    def pause(self, ms):
        """Sleeps, unless the client goes away; ms None: until it does."""
        end = None if ms is None else time.monotonic() + ms / 1000
        while end is None or time.monotonic() < end:
            left = 1 if end is None else end - time.monotonic()
            ready, _, _ = select.select([self.connection], [], [], max(0, min(left, 1)))
            if ready and not self.connection.recv(1, socket.MSG_PEEK):
                raise Gone("closed")

    # ---- requests ----

    def do_GET(self):
        if self.path == "/_/hello":
            self.whole(200, {"ok": True})
        elif self.path == "/_/log":
            with LOCK:
                entries = list(LOG)
            self.whole(200, entries)
        elif self.path.endswith("/models"):
            log("request", path=self.path, key=self.key())
            if "/locked/" in self.path and self.key() != "right":
                self.whole(401, {"error": {"message": "Incorrect API key provided: %s." % self.key()}})
                return
            self.whole(200, {"object": "list", "data": [
                {"id": "fake", "object": "model", "owned_by": "tests", "context_length": 8192,
                 "pricing": {"prompt": "0.000001", "completion": "0.000002"}},
                {"id": "fake-embed", "object": "model", "owned_by": "tests"}]})
        else:
            self.whole(404, {"error": {"message": "no such path"}})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self.post(json.loads(body))
        except (Gone, BrokenPipeError, ConnectionResetError) as e:
            log("closed", path=self.path, model=getattr(self, "model", ""), by="server" if str(e) == "cut" else "client")
            self.close_connection = True

    def key(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def post(self, ask):
        if self.path == "/_/script":
            with LOCK:
                SCRIPT.extend(ask["answers"])
            self.whole(200, {"ok": True})
            return
        self.model = ask.get("model", "")
        d = directives(self.model)
        log("request", path=self.path, model=self.model, key=self.key(), stream=bool(ask.get("stream")), ask=ask)
        if self.fault(d):
            return
        if self.path.endswith("/chat/completions"):
            self.chat(ask, d)
        elif self.path.endswith("/embeddings"):
            self.embeddings(ask, d)
        elif self.path.endswith("/rerank"):
            self.rerank(ask, d)
        else:
            self.whole(404, {"error": {"message": "no such path"}})
        log("done", path=self.path, model=self.model)

    def fault(self, d):
        if "mute" in d:
            self.pause(None)
        if "delay" in d:
            self.pause(int(d["delay"]))
        if "hold" in d and count("hold " + self.model) == int(d["hold"]):
            self.pause(None)
        if "down" in d:
            first, times = numbers(d["down"])
            if first <= count("down " + self.model) < first + times:
                self.whole(503, {"error": {"message": "down for a while"}})
                return True
        if "reset" in d and count("reset " + self.model) <= int(d["reset"]):
            self.cut()
        if "key" in d and self.key() != d["key"]:
            self.whole(401, {"error": {"message": "Incorrect API key provided: %s. Bearer %s" % (self.key(), self.key()),
                                       "type": "invalid_request_error"}})
            return True
        if "fail" in d:
            status, times, *after = numbers(d["fail"])
            if not times or count("fail " + self.model) <= times:
                more = [("Retry-After", str(after[0]))] if after else []
                self.whole(status, {"error": {"message": "made to fail with %d" % status, "code": status}}, more)
                return True
        if "error" in d:
            self.whole(200, {"error": {"message": "failed behind the scenes", "code": int(d["error"])}})
            return True
        return False

    # ---- chat ----

    def answer(self, ask, d):
        with LOCK:
            if SCRIPT:
                return SCRIPT.pop(0)
        if "text" in d:
            return d["text"].replace("_", " ")
        return "echo: " + (ask["messages"][-1].get("content") or "")

    def chat(self, ask, d):
        text = "" if "tool" in d else self.answer(ask, d)
        if isinstance(text, dict):
            d = {**d, "tool": text["tool"] + "," + json.dumps(text["arguments"])}
            text = ""
        asked = sum(len(words(m.get("content") or "")) for m in ask["messages"])
        usage = {"prompt_tokens": asked, "completion_tokens": len(words(text)), "total_tokens": asked + len(words(text))}
        if ask.get("usage", {}).get("include"):
            usage["cost"] = 0.25
        finish = "tool_calls" if "tool" in d else "stop"
        if ask.get("stream") and "plain" not in d:
            self.stream(ask, text, usage, finish, d)
            return
        message = {"role": "assistant", "content": text}
        if "tool" in d:
            name, _, arguments = d["tool"].partition(",")
            message = {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}]}
        value = {"id": "x", "object": "chat.completion", "model": "fake-1",
                 "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
        if "nousage" not in d:
            value["usage"] = usage
        self.whole(200, value, d=d)

    def event(self, value, d, end):
        data = value if isinstance(value, str) else json.dumps({"id": "x", "object": "chat.completion.chunk", "model": "fake-1", **value},
                                                               ensure_ascii=False)
        if "comments" in d:
            self.piece(b": keep-alive" + end + b"event: message" + end + b"id: 7" + end)
        self.piece(b"data: " + data.encode() + end + end)

    def deltas(self, text, d):
        if "tool" in d:
            name, _, arguments = d["tool"].partition(",")
            yield {"role": "assistant", "content": None, "tool_calls": [{"index": 0, "id": "call_1", "function": {"name": name, "arguments": ""}}]}
            for at in range(0, len(arguments), 5):
                yield {"tool_calls": [{"index": 0, "function": {"arguments": arguments[at:at + 5]}}]}
        else:
            yield {"role": "assistant", "content": ""}
            for token in re.findall(r"\s*\S+|\s+$", text):
                yield {"content": token}

    def stop_at(self, at, d, end):
        """What goes wrong before token number `at`; True: the stream ends here."""
        if "cut" in d:
            where, *times = numbers(d["cut"])
            if at == where and (not times or count("cut " + self.model) <= times[0]):
                self.cut()
        if "stall" in d and at == int(d["stall"]):
            self.pause(None)
        if "badat" in d and at == int(d["badat"]):
            self.event('{"choices": [', d, end)
        if "errorat" in d:
            where, code, *times = numbers(d["errorat"])
            if at == where and (not times or count("errorat " + self.model) <= times[0]):
                self.event({"error": {"message": "failed in the middle", "code": code}, "choices": []}, d, end)
                return True
        return False

    def stream(self, ask, text, usage, finish, d):
        self.chunk = int(d.get("chunk", 0))
        end = b"\r\n" if "crlf" in d else b"\r" if "cr" in d else b"\n"
        self.begin(200, "text/event-stream", [("Transfer-Encoding", "chunked")])
        if "bom" in d:
            self.piece(b"\xef\xbb\xbf")
        for at, delta in enumerate(self.deltas(text, d)):
            if at and "gap" in d:
                self.pause(int(d["gap"]))
            if self.stop_at(at, d, end):
                self.wfile.write(b"0\r\n\r\n")
                return
            if at == 1:
                log("first", model=self.model)
            self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}, d, end)
        if "nofinish" not in d:
            self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}, d, end)
        if ask.get("stream_options", {}).get("include_usage") and "nousage" not in d:
            self.event({"choices": [], "usage": usage}, d, end)
        if "nodone" not in d:
            self.event("[DONE]", d, end)
        if "open" in d:
            self.pause(None)
        self.wfile.write(b"0\r\n\r\n")

    # ---- embeddings, rerank ----

    def embeddings(self, ask, d):
        texts = ask["input"] if isinstance(ask["input"], list) else [ask["input"]]
        dim = int(d.get("dim", ask.get("dimensions", 256)))
        data = [{"object": "embedding", "index": i, "embedding": vector(t, dim)} for i, t in enumerate(texts)]
        if "wrongat" in d and int(d["wrongat"]) < len(data):
            data[int(d["wrongat"])]["embedding"].pop()
        if "short" in d:
            data.pop()
        if "shuffle" in d:
            data.reverse()
        if "zero" in d:
            data[0]["embedding"] = [0.0] * dim
        if "text" in d:
            data[0]["embedding"] = "AAAA"
        tokens = sum(len(words(t)) for t in texts)
        value = json.dumps({"object": "list", "model": "fake-1", "data": data,
                            "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})
        if "big" in d:
            value = re.sub(r'("embedding": \[)[-0-9.e]+', r"\g<1>1e300", value, count=1)
        self.whole(200, value.encode(), d=d)

    def rerank(self, ask, d):
        asked = set(words(ask["query"]))
        scores = [len(asked & set(words(t))) / max(1, len(asked)) for t in ask["documents"]]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])[:ask.get("top_n", len(scores))]
        self.whole(200, {"model": "fake-1", "results": [{"index": i, "relevance_score": scores[i]} for i in order],
                         "usage": {"total_tokens": 17}}, d=d)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass


def main():
    global LOGFILE
    if len(sys.argv) > 2:
        LOGFILE = open(sys.argv[2], "a", encoding="utf-8")
    server = Server(("127.0.0.1", 0), Handler)
    if len(sys.argv) > 4:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[3], sys.argv[4])
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as f:
        f.write(str(server.server_address[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
