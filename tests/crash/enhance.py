#!/usr/bin/env python3
"""Kills br -9 at random moments of `enhance run`, then of `enhance publish` and `enhance reset`, with the fake model service.

After each kill the workspace verifies clean and no context that there was is gone; what was there is not asked for again. Publishing is
one commit: all contexts are published or none, and however often it was killed, each is published once. Then a word that only contexts have
is found, and passages are shown as the documents have them.

    enhance.py --n 20 --chunks 2000          enhance.py --seed 7
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))
import lab  # noqa: E402

FILES = 10
CONCURRENCY = 8
LOST = 4 * CONCURRENCY  # answers that one kill may cost: those under way, and those of a commit that did not end
ANSWER = "About zanzibar."


class Service:
    def __init__(self, root):
        self.port, self.log, self.read = os.path.join(root, "port"), os.path.join(root, "model.log"), 0
        fake = os.path.join(os.path.dirname(__file__), "..", "fake", "model.py")
        self.process = subprocess.Popen([sys.executable, "-B", fake, self.port, self.log])
        end = time.monotonic() + 20
        while not os.path.exists(self.port):
            if time.monotonic() > end:
                raise lab.Wrong("the fake service does not start")
            time.sleep(0.02)
        with open(self.port, encoding="ascii") as f:
            self.url = f"http://127.0.0.1:{f.read()}/v1"

    def asked(self):
        """Markers of the passages that were asked for since the last call."""
        out = []
        with open(self.log, encoding="utf-8") as f:
            f.seek(self.read)
            for line in f.read().splitlines(True):
                if not line.endswith("\n"):
                    break
                self.read += len(line.encode())
                entry = json.loads(line)
                if entry["event"] == "request":
                    text = entry["ask"]["messages"][-1]["content"]
                    out.append(re.search(r"<passage>\n(?s:.*?)(marker\d+x)", text).group(1))
        return out

    def end(self):
        self.process.kill()
        self.process.wait()


def make_corpus(root, rng, chunks):
    each, n = -(-chunks // FILES), 0
    for i in range(FILES):
        parts = []
        for k in range(min(each, chunks - n)):
            parts.append(f"## Part {k}\n\nThe marker{n}x stands here. {lab.prose(rng, 130)}\n")
            n += 1
        lab.write(os.path.join(root, "docs", f"f{i}.md"), f"# File {i}\n\n" + "\n".join(parts))


class Trial:
    def __init__(self, br, root, rng, service):
        self.br, self.root, self.rng, self.service, self.passed = br, root, rng, service, 0
        self.done, self.requests = set(), 0

    def ok(self, *args):
        return self.br.ok(list(args), self.root)

    def status(self):
        return json.loads(self.ok("enhance", "status", "--json").out)

    def states(self):
        """{marker: state} of all chunks."""
        out = {}
        for i in range(FILES):
            for line in self.ok("enhance", "show", "--json", f"docs/f{i}.md").out.splitlines():
                c = json.loads(line)
                found = re.search(r"marker\d+x", c["text"])
                if not found:
                    raise lab.Wrong(f"a chunk without a marker: {c['text'][:80]!r}")
                out[found.group()] = c["state"]
                if c["state"] in ("success", "embedded") and c["context"] != ANSWER:
                    raise lab.Wrong(f"{found.group()}: context {c['context']!r}")
        return out

    def kill(self, args, most):
        p = self.br.start(args, self.root)
        time.sleep(self.rng.uniform(0.01, most))
        p.kill()
        p.communicate()

    def look(self):
        """After a kill: clean, nothing lost, nothing asked for twice that was there."""
        self.ok("verify")
        states = self.states()
        done = {m for m, s in states.items() if s in ("success", "embedded")}
        asked = self.service.asked()
        if not self.done <= done:
            raise lab.Wrong(f"lost: {sorted(self.done - done)[:5]}")
        again = self.done & set(asked)
        if again:
            raise lab.Wrong(f"asked for what was there: {sorted(again)[:5]}")
        if len(asked) != len(set(asked)):
            raise lab.Wrong("one run asked for the same passage twice")
        lost = set(asked) - done
        if len(lost) > LOST:
            raise lab.Wrong(f"{len(lost)} answers were lost by one kill")
        if "processing" in states.values():
            raise lab.Wrong("a chunk is processing, and nobody works")
        self.requests += len(asked)
        self.done = done
        self.passed += 1
        return states

    def run(self, kills):
        for _ in range(kills):
            self.kill(["enhance", "run", "--json"], 0.5)
            self.look()
        self.ok("enhance", "run")
        states = self.look()
        if set(states.values()) != {"success"}:
            raise lab.Wrong(f"not finished: {sorted(set(states.values()))}")
        self.ok("enhance", "run")
        if self.service.asked():
            raise lab.Wrong("asked although everything was there")
        self.passed += 1

    def change(self, verb, done, kills):
        """publish or reset: killed at random, in the end done once."""
        before = self.status()
        total, times = before["total"], 0
        for i in range(kills + 1):
            if i < kills:
                self.kill(["enhance", verb], 0.3)
            else:
                changed = json.loads(self.ok("enhance", verb, "--json").out)["published" if verb == "publish" else "reset"]
                if changed != (0 if times else total):
                    raise lab.Wrong(f"{verb} changed {changed} of {total}, after it was done {times} times")
            now = self.status()
            if now[done] not in (0, total):
                raise lab.Wrong(f"{verb} was done in part: {now[done]} of {total}")
            self.ok("verify")
            times = int(now[done] == total)
            self.passed += 1
        if not times:
            raise lab.Wrong(f"{verb} was not done")

    def find(self, chunks):
        hits = json.loads(self.ok("query", "--json", "-s", "full_text", "-k", "50", "--no-fold", "zanzibar").out)["hits"]
        if len(hits) != min(50, chunks) or any("zanzibar" in h["text"] or "marker" not in h["text"] for h in hits):
            raise lab.Wrong(f"{len(hits)} hits: {hits[:1]}")
        self.passed += 1


def trial(args, br, root, service):
    rng = random.Random(lab.pick_seed(args.seed))
    t = Trial(br, root, rng, service)
    os.makedirs(os.path.join(root, "home"), exist_ok=True)
    make_corpus(root, rng, args.chunks)
    t.ok("init")
    t.ok("sync", "-q", "docs")
    for key, value in (("chat.base_url", service.url), ("chat.model", "fake;delay=5;text=" + ANSWER.replace(" ", "_")),
                       ("llm.concurrency", str(CONCURRENCY))):
        t.ok("config", "set", "--user", key, value)
    chunks = t.status()["total"]
    if chunks < args.chunks:
        raise lab.Wrong(f"only {chunks} chunks")
    plain = t.ok("query", "--json", "-s", "full_text", "-k", "20", "harbour pilot").out
    t.run(args.n)
    t.change("publish", "embedded", max(2, args.n // 4))
    t.find(chunks)
    t.ok("gc")
    t.ok("verify")
    t.find(chunks)
    t.change("reset", "pending", max(2, args.n // 4))
    t.ok("gc")
    t.ok("verify")
    hits = [[(h["path"], h["chunk"], h["score"]) for h in json.loads(x)["hits"]]
            for x in (plain, t.ok("query", "--json", "-s", "full_text", "-k", "20", "harbour pilot").out)]
    if hits[0] != hits[1]:
        raise lab.Wrong("answers are not what they were before")
    print(f"{chunks} chunks, {args.n} kills of run: {t.requests} requests")
    return t.passed + 1


def main():
    p = lab.options(__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--n", type=int, default=20, help="kills")
    p.add_argument("--chunks", type=int, default=2000)
    args = p.parse_args()
    root = tempfile.mkdtemp(prefix="br-enhance-")
    service = None
    passed = failed = 0
    try:
        service = Service(root)
        passed = trial(args, lab.Br(args.bin), root, service)
    except lab.Wrong as e:
        print(f"FAILED (seed {lab.pick_seed(args.seed)}): {e}")
        failed = 1
    finally:
        if service:
            service.end()
        if args.keep:
            print(root)
        else:
            shutil.rmtree(root, ignore_errors=True)
    print(f"enhance: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
