#!/usr/bin/env python3
"""Load on `br serve`: load.py --bin BUILD [--seconds N] [--chunks N] [--workspace DIR] [--json FILE] [--only a,b]

Makes a notebook of 28,000 passages out of generated text: English words (those of this repository's manual) drawn by Zipf's law, each
document about a topic of its own, so that questions have words that are rare and words that are not. Then 64 keep-alive
connections POST {nb}/retrieval/retrieve as fast as answers come (http_load.c):

  health    GET /healthz
  repeat    1,000 distinct questions over and over
  distinct  no question twice
  other     repeat, while 45 MB are uploaded and ingested into another notebook
  same      repeat, while 45 MB are uploaded and ingested into the same notebook
  crowd     repeat at 8 connections, beside 10,000 idle connections and 500 that drip a byte a second

With --workspace the notebook is the one in use there (a copy of the folder; it is written to), and questions are drawn from its passages.
Prints a line each, with the processor time that the server took for a request (which others on the machine disturb less than they
disturb the rate). The load comes from the machine under test, on which nothing else should run.
"""
import argparse
import glob
import json
import os
import pathlib
import random
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMALL = "the of and to in is a for that it with as on be are by this or from not an at which can if when one all each".split()


# ---- text ----

def vocabulary():
    words = set()
    for name in [*glob.glob(str(ROOT / "man" / "*.[1-7]")), *glob.glob(str(ROOT / "man" / "*.in")), str(ROOT / "README.md")]:
        words.update(re.findall(r"\b[a-z]{4,14}\b", open(name, encoding="utf-8").read()))
    return sorted(words - set(SMALL))


class Writer:
    def __init__(self, seed):
        self.rng, self.words = random.Random(seed), vocabulary()
        self.rng.shuffle(self.words)
        self.weights = [1 / (i + 10) for i in range(len(self.words))]
        self.small = [1 / (i + 1) for i in range(len(SMALL))]
        self.topics = []

    def document(self, number):
        """Some 8 KB: eight sections, each a passage."""
        rng = self.rng
        topic = rng.sample(self.words, 40) + [f"{rng.choice(self.words)}{rng.randrange(1000)}" for _ in range(5)]
        self.topics.append(topic)
        out = [f"# The {topic[0]} of {topic[1]}\n"]
        for part in range(8):
            out.append(f"\n## {topic[2 + part].capitalize()} and {topic[12 + part]}\n")
            for _ in range(2):
                common = rng.choices(SMALL, self.small, k=30)
                other = rng.choices(self.words, self.weights, k=25)
                words = common + other + rng.choices(topic, k=25)
                rng.shuffle(words)
                out.append("\n" + ". ".join(" ".join(words[i:i + 16]).capitalize() for i in range(0, len(words), 16)) + ".\n")
        return "".join(out)

    def question(self):
        topic = self.rng.choice(self.topics)
        words = self.rng.sample(topic, self.rng.randint(2, 4)) + self.rng.choices(self.words, self.weights, k=self.rng.randint(0, 2))
        return f"{self.rng.choice(('how does the', 'what is the', 'when can one', 'which'))} {' '.join(words)}"


# ---- the server ----

class Serve:
    def __init__(self, br, ws, env):
        self.p = subprocess.Popen([br, "serve", "--listen", "127.0.0.1:0"], cwd=ws, env=env, stderr=subprocess.PIPE, text=True)
        for line in self.p.stderr:
            if line.startswith("listening on "):
                self.url = line.split()[-1]
                break
        self.port = int(self.url.rsplit(":", 1)[1])
        threading.Thread(target=self.p.stderr.read, daemon=True).start()

    def cpu(self):
        """Seconds of processor time that the server has taken."""
        fields = open(f"/proc/{self.p.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, method, path, body=None, type="application/json"):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, {"Content-Type": type}, method=method), timeout=300) as r:
            return json.load(r)["data"]

    def status(self, name):
        for line in open(f"/proc/{self.p.pid}/status"):
            if line.startswith(name):
                return int(line.split()[1]) / 1000
        return 0

    def end(self):
        self.p.terminate()
        self.p.wait(60)


def upload(s, nb, docs):
    """In requests of 500 files; then one job for each file."""
    files = []
    for i in range(0, len(docs), 500):
        parts = [b"--xYzZY\r\nContent-Disposition: form-data; name=\"files\"; filename=\"%d.md\"\r\n\r\n%s\r\n" % (i + k, d.encode())
                 for k, d in enumerate(docs[i:i + 500])]
        files += s.ask("POST", f"/api/notebooks/{nb}/documents/upload", b"".join(parts) + b"--xYzZY--\r\n", "multipart/form-data; boundary=xYzZY")
    for i in range(0, len(files), 500):
        asked = [{"file_id": f["file_id"], "file_name": f["file_name"], "file_path": f["storage_path"]} for f in files[i:i + 500]]
        s.ask("POST", f"/api/notebooks/{nb}/documents/ingest", {"files": asked})
    return files


def wait_for(s, nb, files):
    while True:
        docs = s.ask("GET", f"/api/notebooks/{nb}/documents")
        if all(d["status"] in ("success", "error") for d in docs):
            return sum(d["status"] == "error" for d in docs)
        time.sleep(0.5)


# ---- crowds ----

class Crowd:
    """Idle connections, which have asked once, and connections that send a head byte by byte."""

    def __init__(self, port, idle, drips):
        self.port, self.stop = port, threading.Event()
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        self.idle = [self.connect(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(idle)]
        self.drips = [self.connect(b"P") for _ in range(drips)]
        self.thread = threading.Thread(target=self.drip)
        self.thread.start()

    def connect(self, text):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        s.sendall(text)
        return s

    def drip(self):
        while not self.stop.wait(1):
            for i, s in enumerate(self.drips):
                try:
                    s.send(b"O")
                except OSError:
                    self.drips[i] = self.connect(b"P")

    def end(self):
        self.stop.set()
        self.thread.join()
        for s in self.idle + self.drips:
            s.close()


# ---- one run ----

class Bench:
    def __init__(self, a, tmp):
        self.a, self.tmp, self.bin = a, tmp, pathlib.Path(a.bin).resolve()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(tmp), "BR_EXTRACT": str(self.bin / "br-extract")}
        self.writer, self.out = Writer(1), {}

    def br(self, *args):
        subprocess.run([self.bin / "br", *args], cwd=self.tmp, env=self.env, check=True, stdout=subprocess.DEVNULL)

    def corpus(self):
        if self.a.workspace:
            shutil.copytree(pathlib.Path(self.a.workspace) / ".br", self.tmp / ".br")
            return
        self.br("init", "-q")
        docs = self.tmp / "docs"
        docs.mkdir()
        for i in range(self.a.chunks // 8):
            (docs / f"{i}.md").write_text(self.writer.document(i))
        self.br("sync", "-q", "docs")

    def load(self, *args, seconds=None, conns=64):
        cmd = [self.bin / "http_load", "-c", str(conns), "-d", str(seconds or self.a.seconds), *map(str, args)]
        before = self.s.cpu()
        r = json.loads(subprocess.run(cmd, check=True, stdout=subprocess.PIPE).stdout)
        return {**r, "cpu_us": 1e6 * (self.s.cpu() - before) / max(r["requests"], 1)}

    def say(self, name, r, **more):
        self.out[name] = {**r, **more}
        text = " ".join(f"{k}={v}" for k, v in more.items())
        print(f"{name:22} {r['per_second']:8.0f}/s  p50 {r['p50_ms']:7.2f}  p99 {r['p99_ms']:7.2f}  max {r['max_ms']:7.1f} ms"
              f"  failed {r['failed']}  cpu {r['cpu_us']:.0f} us each  RSS {self.s.status('VmRSS'):.0f} MB (own {self.s.status('RssAnon'):.0f})  {text}", flush=True)

    def questions(self, n, name):
        path = self.tmp / name
        seen = set()
        while len(seen) < n:
            seen.add(self.writer.question())
        path.write_text("\n".join(sorted(seen)) + "\n")
        return path

    def wants(self, name):
        return not self.a.only or name in self.a.only.split(",")

    def passages(self, nb):
        """Topics of a workspace that was not made here: the words of its passages."""
        for _ in range(400):
            found = self.s.ask("POST", f"/api/notebooks/{nb}/retrieval/retrieve", {"query": self.writer.rng.choice(self.writer.words), "top_k": 50})
            for c in found["chunks"]:
                words = sorted(set(re.findall(r"[A-Za-z]{4,14}", c["content"])))
                if len(words) >= 20:
                    self.writer.topics.append(words)

    def beside_an_ingest(self, name, nb, args):
        docs = [self.writer.document(i) for i in range(self.a.upload)]
        began, took = time.monotonic(), {}

        def work():
            files = upload(self.s, nb, docs)
            took["upload"] = round(time.monotonic() - began, 1)
            took["failed_files"] = wait_for(self.s, nb, files)
            took["all"] = round(time.monotonic() - began, 1)

        thread = threading.Thread(target=work)
        thread.start()
        rounds = []
        while thread.is_alive():
            rounds.append(self.load(*args, seconds=2))
        thread.join()
        n, took["mb"] = len(rounds), round(sum(len(d) for d in docs) / 1e6)
        self.say(name, {"per_second": sum(r["per_second"] for r in rounds) / n, "p50_ms": sum(r["p50_ms"] for r in rounds) / n,
                        "p99_ms": sum(r["p99_ms"] for r in rounds) / n, "max_ms": max(r["max_ms"] for r in rounds),
                        "failed": sum(r["failed"] for r in rounds), "cpu_us": sum(r["cpu_us"] for r in rounds) / n}, **took, worst_p99=max(r["p99_ms"] for r in rounds))

    def run(self):
        self.corpus()
        self.s = s = Serve(self.bin / "br", self.tmp, self.env)
        books = s.ask("GET", "/api/notebooks")
        nb = books[0]["notebook_id"]
        if not self.writer.topics:
            self.passages(nb)
        path = f"/api/notebooks/{nb}/retrieval/retrieve"
        chunks = sum(d["chunk_count"] for d in s.ask("GET", f"/api/notebooks/{nb}/documents"))
        print(f"{chunks} passages; {os.cpu_count()} processors, load of the machine {os.getloadavg()[0]:.1f}")
        repeat = ["-p", path, s.port, self.questions(1000, "repeat")]
        while self.load(*repeat, seconds=2)["requests"] < 3000:
            pass  # until each has been answered once, however busy the machine is
        if self.wants("health"):
            self.say("health", self.load("-g", "/healthz", s.port))
        if self.wants("repeat"):
            self.say("repeat", self.load(*repeat))
        if self.wants("distinct"):
            self.say("distinct", self.load("-p", path, s.port, self.questions(30000, "distinct")))
        if self.wants("other"):
            other = "11111111-2222-4333-8444-555555555555"
            s.ask("POST", "/api/notebooks", {"notebook_id": other, "notebook_title": "Other", "user_id": ""})
            self.beside_an_ingest("other", other, repeat)
        if self.wants("crowd"):
            crowd = Crowd(s.port, self.a.idle, 500)
            self.say("crowd", self.load(*repeat, conns=8), idle=self.a.idle, drips=500)
            crowd.end()
        if self.wants("same"):
            self.beside_an_ingest("same", nb, repeat)
        s.end()
        if self.a.json:
            pathlib.Path(self.a.json).write_text(json.dumps(self.out, indent=1) + "\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", default="build/release")
    p.add_argument("--seconds", type=int, default=8)
    p.add_argument("--chunks", type=int, default=28000)
    p.add_argument("--upload", type=int, default=5200, help="files of 8 KB that are ingested meanwhile")
    p.add_argument("--idle", type=int, default=10000)
    p.add_argument("--workspace")
    p.add_argument("--only")
    p.add_argument("--json")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="br-http-") as d:
        Bench(a, pathlib.Path(d)).run()


if __name__ == "__main__":
    sys.exit(main())
