#!/usr/bin/env python3
"""Kills br serve -9 in the middle of uploads, ingests, chats, cleanups and enhancements: crash.py --bin BUILD --n N [--seed S]

All in one workspace, a kill at a random moment after the request began. After each start: every file, message and notebook whose
request was answered is there, jobs that were accepted end well, nothing is left in .br/tmp; after the last, and now and then, br
verify is clean.
"""
import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import httpx

WORDS = "pump seal valve shaft oil grease bolt flange rotor stator hose filter gasket motor bearing spring lever screw washer nut".split()


class Lost(Exception):
    pass


class Place:
    def __init__(self, br, ws, rng):
        self.br, self.ws, self.rng, self.serial = br, ws, rng, 0
        self.env = {"PATH": os.environ["PATH"], "HOME": str(ws), "BR_EXTRACT": str(br.parent / "br-extract"), "BR_SERVE_CHECK": "1"}
        self.files, self.messages, self.jobs, self.gone = {}, {}, set(), set()  # what was acknowledged
        self.run("init", "-q")
        self.start()
        self.nb = str(uuid.uuid4())
        self.post("/api/notebooks", json={"notebook_id": self.nb, "notebook_title": "Crash", "user_id": ""})
        self.talk = self.post(f"{self.at}/conversations", json={"title": "x"})["conversation_id"]
        self.op_upload()
        self.op_ingest()
        self.wait_for_jobs()

    def run(self, *args):
        return subprocess.run([self.br, *args], cwd=self.ws, env=self.env, check=True, capture_output=True, text=True).stdout

    @property
    def at(self):
        return f"/api/notebooks/{self.nb}"

    # ---- the server ----

    def start(self):
        self.p = subprocess.Popen([self.br, "serve", "--listen", "127.0.0.1:0"], cwd=self.ws, env=self.env, stderr=subprocess.PIPE, text=True)
        said = ""
        for line in self.p.stderr:
            said += line
            if line.startswith("listening on "):
                break
        else:
            raise Lost(f"the server does not start: {said}")
        threading.Thread(target=self.p.stderr.read, daemon=True).start()
        self.c = httpx.Client(base_url=line.split()[-1], timeout=60, trust_env=False)

    def kill(self):
        self.p.send_signal(signal.SIGKILL)
        self.p.wait()

    def ask(self, method, path, **kw):
        r = self.c.request(method, path, **kw)
        if r.status_code >= 400:
            raise Lost(f"{method} {path}: {r.status_code} {r.text}")
        return r.json()["data"]

    def post(self, path, **kw):
        return self.ask("POST", path, **kw)

    # ---- what is done; what was answered is remembered ----

    def text(self):
        self.serial += 1
        body = "\n\n".join(" ".join(self.rng.choices(WORDS, k=60)) + "." for _ in range(self.rng.randint(1, 30)))
        return f"# Piece {self.serial}\n\n{body}\n"

    def op_upload(self):
        texts = [self.text() for _ in range(self.rng.randint(1, 20))]
        if self.rng.random() < 0.3:
            texts.append(f"long{self.serial} " * 300000)  # so that a kill hits the middle of a file
        parts = [("files", (f"f{self.serial}-{i}.md", t.encode())) for i, t in enumerate(texts)]
        for f, t in zip(self.post(f"{self.at}/documents/upload", files=parts), texts):
            self.files[f["file_id"]] = {**f, "text": t, "asked": False}

    def add_copies(self):
        """What a cleanup takes away: these files may vanish at any time."""
        texts = [f["text"] for f in self.rng.sample(sorted(self.files.values(), key=lambda f: f["file_id"]), min(3, len(self.files)))]
        got = self.post(f"{self.at}/documents/upload", files=[("files", (f"copy{self.serial}-{i}.md", t.encode())) for i, t in enumerate(texts)])
        asked = [{"file_id": f["file_id"], "file_name": f["file_name"], "file_path": f["storage_path"]} for f in got]
        self.post(f"{self.at}/documents/ingest", json={"files": asked})
        self.copies = {f["file_id"] for f in got}

    def op_ingest(self):
        todo = [f for f in self.files.values() if not f["asked"]]
        if not todo:
            return self.op_upload()
        asked = [{"file_id": f["file_id"], "file_name": f["file_name"], "file_path": f["storage_path"]} for f in todo]
        self.post(f"{self.at}/documents/ingest", json={"files": asked})
        for f in todo:
            f["asked"] = True
            self.jobs.add(f["file_id"])
        time.sleep(self.rng.random() * 0.2)  # the work goes on behind the answer

    def op_chat(self):
        turn = self.post(f"{self.at}/conversations/{self.talk}/messages", json={"content": f"Which {self.rng.choice(WORDS)} has {self.rng.choice(WORDS)}?"})
        for m in (turn["user_message"], turn["assistant_message"]):
            self.messages[m["id"]] = m["content"]

    def op_cleanup(self):
        victim = self.rng.choice(sorted(self.files))
        self.ask("DELETE", f"{self.at}/documents/{victim}")
        del self.files[victim]
        self.jobs.discard(victim)
        self.gone.add(victim)
        self.add_copies()
        self.wait_for_jobs()
        self.post(f"{self.at}/health/cleanup")

    def op_enhance(self):
        self.post(f"{self.at}/enhance", json={"file_ids": self.rng.sample(sorted(self.files), min(3, len(self.files)))})
        time.sleep(self.rng.random() * 0.1)

    # ---- what must hold ----

    def wait_for_jobs(self):
        end = time.monotonic() + 120
        while True:
            docs = {d["file_id"]: d for d in self.ask("GET", f"{self.at}/documents")}
            open_ = [i for i in self.jobs if i in docs and docs[i]["status"] not in ("success", "error")]
            if not open_:
                break
            if time.monotonic() > end:
                raise Lost(f"jobs do not end: {[docs[i] for i in open_][:3]}")
            time.sleep(0.02)
        for i in self.jobs:
            if i in docs and docs[i]["status"] != "success":
                raise Lost(f"a job failed: {docs[i]}")
        return docs

    def check(self, doubt, verify):
        docs = self.wait_for_jobs()
        for i, f in self.files.items():
            if i not in docs and i not in doubt:
                raise Lost(f"the file {f['file_name']} is gone")
        for i in self.gone & set(docs):
            raise Lost(f"a deleted file is back: {docs[i]}")
        for i in [i for i in self.files if i not in docs]:
            del self.files[i]
            self.jobs.discard(i)
        there = {m["id"]: m["content"] for m in self.ask("GET", f"{self.at}/conversations/{self.talk}/messages", params={"limit": 1000})}
        for i, text in self.messages.items():
            if there.get(i) != text:
                raise Lost(f"the message {i} is lost")
        if (indexed := sorted(i for i, f in self.files.items() if f["asked"])):
            one = self.files[self.rng.choice(indexed)]
            got = self.c.get(f"{self.at}/documents/{one['file_id']}/content")
            if got.status_code != 200 or one["text"].split()[-1].strip(".") not in got.text:
                raise Lost(f"the content of {one['file_name']} is not what was uploaded: {got.status_code} {got.text[:200]}")
        left = os.listdir(self.ws / ".br" / "tmp") if (self.ws / ".br" / "tmp").exists() else []
        if left:
            raise Lost(f"left in .br/tmp: {left}")
        if verify:
            self.run("verify")


def one(p, name):
    """Begins the operation, kills the server at some moment of it, starts it again. Files that an unanswered request may have deleted are in doubt."""
    before, result = set(p.files), []
    took = TOOK.get(name, 0.05)

    def work():
        began = time.monotonic()
        try:
            getattr(p, "op_" + name)()
            TOOK[name] = (TOOK.get(name, 0.05) + time.monotonic() - began) / 2
        except (httpx.HTTPError, ValueError):
            pass  # killed: nothing was acknowledged
        except Lost as e:
            result.append(e)

    t = threading.Thread(target=work)
    t.start()
    time.sleep(p.rng.random() * 2 * took)
    p.kill()
    t.join()
    if result:
        raise result[0]
    p.start()
    return before if name == "cleanup" else set()


TOOK = {}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--bin", default="build/release")
    a.add_argument("--n", type=int, default=100)
    a.add_argument("--seed", type=int, default=None)
    a = a.parse_args()
    seed = a.seed if a.seed is not None else random.randrange(1 << 30)
    rng, done, failed = random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="br-crash-") as d:
        p = Place(pathlib.Path(a.bin).resolve() / "br", pathlib.Path(d), rng)
        try:
            for i in range(a.n):
                name = rng.choice(("upload", "upload", "ingest", "ingest", "chat", "cleanup", "enhance"))
                doubt = one(p, name)
                p.check(doubt, verify=i % 10 == 9 or i == a.n - 1)
                done += 1
        except Lost as e:
            print(f"crash-http: seed {seed}, kill {done + 1} ({name}): {e}")
            failed = 1
        files = len(p.files)
        p.p.terminate()
        ended = p.p.wait(60)
        if ended:
            print(f"crash-http: the server ended with {ended}")
            failed = 1
    print(f"crash-http: seed {seed}, {files} files at the end: {done} passed, {failed} failed")
    return failed


sys.exit(main())
