#!/usr/bin/env python3
"""Mixed load on br serve: soak.py --bin BUILD --seconds N [--seed S]

Eight clients do what comes to mind: questions, chats, uploads, ingests, deletes, lists, settings, wrong requests, clients that hang up in
mid-request or mid-answer. After a third of the time the resident memory that is the server's own and its descriptors are noted; from
then on neither may grow: memory by 10 % and 8 MB at most (half as much again a quarter of the way on), descriptors by none once
all clients have gone.
"""
import argparse
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import httpx

WORDS = "pump seal valve shaft oil grease bolt flange rotor stator hose filter gasket motor bearing spring lever screw washer nut".split()
CLIENTS = 8


class Client(threading.Thread):
    def __init__(self, url, seed, stop):
        super().__init__()
        self.url, self.rng, self.stop, self.n, self.bad = url, random.Random(seed), stop, 0, []
        self.c = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.nb, self.files, self.talk = None, [], None

    def ask(self, method, path, ok=(200, 201, 204), **kw):
        r = self.c.request(method, path, **kw)
        self.n += 1
        if r.status_code not in ok:
            self.bad.append(f"{method} {path}: {r.status_code} {r.text[:200]}")
        return r.json().get("data") if r.headers.get("content-type", "").startswith("application/json") else None

    def words(self, n):
        return " ".join(self.rng.choices(WORDS, k=n))

    @property
    def at(self):
        return f"/api/notebooks/{self.nb}"

    def fresh(self):
        if self.nb:
            self.ask("DELETE", self.at)
        self.nb, self.files = str(uuid.uuid4()), []
        self.ask("POST", "/api/notebooks", json={"notebook_id": self.nb, "notebook_title": "Soak", "user_id": ""})
        self.talk = self.ask("POST", f"{self.at}/conversations", json={"title": "x"})["conversation_id"]
        self.upload()

    def upload(self):
        parts = [("files", (f"f{i}.md", f"# {self.words(3)}\n\n{self.words(self.rng.randint(20, 4000))}\n".encode())) for i in range(self.rng.randint(1, 5))]
        got = self.ask("POST", f"{self.at}/documents/upload", files=parts) or []
        asked = [{"file_id": f["file_id"], "file_name": f["file_name"], "file_path": f["storage_path"]} for f in got]
        self.ask("POST", f"{self.at}/documents/ingest", json={"files": asked})
        self.files += [f["file_id"] for f in got]

    def delete(self):
        if len(self.files) > 10:
            self.ask("DELETE", f"{self.at}/documents/{self.files.pop(0)}", ok=(200, 409))

    def query(self):
        self.ask("POST", f"{self.at}/retrieval/retrieve", json={"query": self.words(3), "strategy_id": self.rng.choice(("fusion", "hybrid", "full_text", "semantic"))})

    def chat(self):
        self.ask("POST", f"{self.at}/conversations/{self.talk}/messages", json={"content": self.words(4)})

    def look(self):
        for path in ("/documents", "/settings", "/health", "/retrieval/history", "/conversations", "/enhance/status", "/status"):
            self.ask("GET", self.at + path)
        for path in ("/metrics", "/openapi.json", "/api/health", "/readyz"):
            self.ask("GET", path)

    def wrong(self):
        self.ask("POST", f"{self.at}/retrieval/retrieve", json={"query": 5}, ok=(422,))
        self.ask("GET", f"/api/notebooks/{uuid.uuid4()}", ok=(404,))
        self.ask("PUT", "/api/notebooks", ok=(405,))
        self.ask("POST", f"{self.at}/retrieval/retrieve", content=b"{", headers={"content-type": "application/json"}, ok=(400, 422))
        self.ask("POST", f"{self.at}/documents/upload", files=[("files", ("x.exe", b"x"))], ok=(400,))

    def hang_up(self):
        """In the head, in a body, in the middle of an answer."""
        host, port = self.url.split("//")[1].split(":")
        body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n' + b"y" * self.rng.randint(0, 300000)
        head = f"POST {self.at}/documents/upload HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999999\r\n\r\n".encode()
        for text in (head[:40], head + body, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3):
            with socket.create_connection((host, int(port))) as s:
                s.sendall(text)
            self.n += 1

    def run(self):
        try:
            self.fresh()
            while not self.stop.is_set():
                what = self.rng.choices((self.query, self.chat, self.look, self.wrong, self.hang_up, self.upload, self.delete, self.fresh), (30, 6, 4, 4, 4, 2, 3, 0.1))
                what[0]()
            self.ask("DELETE", self.at)
        except Exception as e:  # noqa: BLE001 - told at the end
            self.bad.append(repr(e))
        self.c.close()


def own_mb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the server has ended")


def watch(pid, seconds, clients):
    began, seen = time.monotonic(), []
    while (now := time.monotonic() - began) < seconds:
        time.sleep(min(1, seconds / 50))
        seen.append((now, own_mb(pid)))
        if int(now) % 30 == 29 and int(now) != int(seen[-2][0] if len(seen) > 1 else 0):
            print(f"  {now:5.0f} s  {seen[-1][1]:6.1f} MB own  {len(os.listdir(f'/proc/{pid}/fd')):4d} descriptors  {sum(c.n for c in clients)} requests", flush=True)
    return seen


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--bin", default="build/release")
    a.add_argument("--seconds", type=int, default=60)
    a.add_argument("--seed", type=int, default=1)
    a = a.parse_args()
    br = pathlib.Path(a.bin).resolve() / "br"
    with tempfile.TemporaryDirectory(prefix="br-soak-") as d:
        env = {"PATH": os.environ["PATH"], "HOME": d, "BR_EXTRACT": str(br.parent / "br-extract")}
        subprocess.run([br, "init", "-q"], cwd=d, env=env, check=True)
        p = subprocess.Popen([br, "serve", "--listen", "127.0.0.1:0"], cwd=d, env=env, stderr=subprocess.PIPE, text=True)
        url = next(line for line in p.stderr if line.startswith("listening")).split()[-1]
        threading.Thread(target=p.stderr.read, daemon=True).start()
        httpx.get(f"{url}/healthz", trust_env=False)
        fds, stop = len(os.listdir(f"/proc/{p.pid}/fd")), threading.Event()
        clients = [Client(url, a.seed * 1000 + i, stop) for i in range(CLIENTS)]
        for c in clients:
            c.start()
        seen = watch(p.pid, a.seconds, clients)
        stop.set()
        for c in clients:
            c.join()
        problems = [b for c in clients for b in c.bad]
        third = [mb for t, mb in seen if a.seconds / 3 <= t < a.seconds * 2 / 3]
        last = [mb for t, mb in seen if t >= a.seconds * 2 / 3]
        middle, end = sorted(third)[len(third) // 2], sorted(last)[len(last) // 2]
        if end > middle * 1.1 + 8:
            problems.append(f"memory grew from {middle:.1f} to {end:.1f} MB")
        for _ in range(200):
            left = len(os.listdir(f"/proc/{p.pid}/fd"))
            if left <= fds + 4:  # FAISS, random, a spare
                break
            time.sleep(0.05)
        else:
            problems.append(f"descriptors grew from {fds} to {left}")
        tmp = os.listdir(os.path.join(d, ".br", "tmp"))
        if tmp:
            problems.append(f"left in .br/tmp: {tmp}")
        p.terminate()
        if p.wait(60):
            problems.append(f"the server ended with {p.returncode}")
        subprocess.run([br, "verify", "-q"], cwd=d, env=env, check=True)
    for b in problems[:20]:
        print(b)
    print(f"soak-http: {sum(c.n for c in clients)} requests in {a.seconds} s; memory {middle:.1f} MB, then {end:.1f}; descriptors {fds}, then {left}: "
          f"{'failed' if problems else 'passed'}")
    return int(bool(problems))


sys.exit(main())
