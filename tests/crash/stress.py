#!/usr/bin/env python3
"""Readers and writers at once: 8 processes that ask, 2 that sync, ingest and remove, gc, verify - in one workspace.

Documents are written in pairs that carry the same number, both in one commit, so a reader that saw half of a commit would
find one of them alone, or two of different numbers; a third kind comes and goes only in whole groups. Every command has to
end with 0 or 1, and nothing may wait for the lock longer than --wait. Printed: the readers' p50 and p99 without writers,
then with them, and how long a single `br ingest FILE` waited for its turn while a long sync ran.

    stress.py --seconds 60
"""
import collections
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))
import lab  # noqa: E402

READERS, PAIRS, GROUP = 8, 6, 5


def percentile(values, p):
    v = sorted(values)
    return v[min(len(v) - 1, int(len(v) * p))] * 1000 if v else 0.0


class Stress:
    def __init__(self, br, root, seed):
        self.br, self.root, self.seed = br, root, seed
        self.stop, self.writing = threading.Event(), threading.Event()
        self.bad, self.counts = [], collections.Counter()
        self.times = {False: [], True: []}      # of readers, without and with writers
        self.ends = collections.Counter()

    def run(self, args, allowed=(0, 1), **kw):
        began = time.monotonic()
        r = self.br.run(args, self.root, **kw)
        self.counts[args[0]] += 1
        if lab.died(r) or r.rc not in allowed:
            self.fail(r.say())
        return r, time.monotonic() - began

    def fail(self, why):
        self.bad.append(why)
        self.stop.set()

    # ---- writers ----

    def write_pair(self, n, value):
        """Both files of a pair, in place before anything is synced."""
        for side in "ab":
            lab.write(f"{self.root}/pairs/{side}{n}.txt", f"pairmark{n} carries value{value} and side{side} "
                      + lab.prose(random.Random(value), 60) + "\n")

    def sync_pairs(self):
        rng, value = random.Random(self.seed), 0
        while not self.stop.is_set():
            value += 1
            for n in rng.sample(range(PAIRS), rng.randint(1, PAIRS)):
                self.write_pair(n, value)
            self.run(["sync", "--wait", "30", "pairs"], allowed=(0,))

    def come_and_go(self):
        """A group of documents that is added in one commit and removed in one commit, and a file of our own."""
        names = [f"group/g{i}.txt" for i in range(GROUP)]
        turn = 0
        while not self.stop.is_set():
            turn += 1
            self.run(["ingest", "--wait", "30", *names], allowed=(0,))
            lab.write(f"{self.root}/own.txt", f"ownmark turn {turn}\n")
            self.run(["ingest", "--wait", "30", "own.txt"], allowed=(0,))
            self.run(["docs", "rm", "--wait", "30", *names], allowed=(0,))

    def collect(self):
        while not self.stop.is_set():
            if self.br.has("gc"):
                self.run(["gc", "--wait", "30"], allowed=(0,))
            time.sleep(0.5)

    def check(self):
        while not self.stop.is_set():
            self.run(["verify"], allowed=(0,))
            time.sleep(1)

    # ---- readers ----

    def read(self, me):
        rng = random.Random(f"{self.seed}/{me}")
        while not self.stop.is_set():
            writing = self.writing.is_set()
            what = rng.choice((self.ask_pair, self.ask_pair, self.ask_group, self.ask_any))
            self.times[writing].append(what(rng))

    def ask(self, question, strategy):
        r, took = self.run(["query", "--json", "-k", "50", "--no-fold", "-s", strategy, question])
        try:
            return json.loads(r.out)["hits"] if r.rc == 0 else [], took
        except ValueError:
            self.fail("an answer that is not JSON: " + r.out[:200])
            return [], took

    def ask_pair(self, rng):
        n = rng.randrange(PAIRS)
        found, took = self.ask(f"pairmark{n}", "full_text")
        sides = {h["path"]: [w for w in h["text"].split() if w.startswith("value")] for h in found if f"pairmark{n} " in h["text"]}
        if sorted(sides) != [f"pairs/a{n}.txt", f"pairs/b{n}.txt"] or len({tuple(v) for v in sides.values()}) != 1:
            self.fail(f"a torn pair: {sides}")
        return took

    def ask_group(self, rng):
        found, took = self.ask("groupmark", "full_text")
        n = sum("groupmark" in h["text"] for h in found)
        if n not in (0, GROUP):
            self.fail(f"{n} of a group of {GROUP}")
        return took

    def ask_any(self, rng):
        found, took = self.ask(rng.choice(lab.QUESTIONS), rng.choice(lab.STRATEGIES))
        if not found:
            self.fail("an answer without hits")
        return took

    # ---- all together ----

    def prepare(self):
        os.makedirs(os.path.join(self.root, "home"))
        lab.small_corpus(self.root)
        rng = random.Random(self.seed)
        for i in range(200):
            lab.write(f"{self.root}/docs/bulk/d{i}.md", f"# Bulk {i}\n\n{lab.prose(rng, 200)}\n")
        for n in range(PAIRS):
            self.write_pair(n, 0)
        for i in range(GROUP):
            lab.write(f"{self.root}/group/g{i}.txt", f"groupmark number {i} {lab.prose(rng, 40)}\n")
        for args in (["init"], ["sync", "docs"], ["sync", "pairs"]):
            self.br.ok(args, self.root)

    def go(self, seconds):
        alone = [threading.Thread(target=self.read, args=(i,)) for i in range(READERS)]
        writers = [threading.Thread(target=f) for f in (self.sync_pairs, self.come_and_go, self.collect, self.check)]
        for t in alone:
            t.start()
        self.stop.wait(seconds / 4)
        self.writing.set()
        for t in writers:
            t.start()
        self.stop.wait(seconds * 3 / 4)
        self.stop.set()
        for t in alone + writers:
            t.join()
        if not self.bad:
            lab.clean(self.br, self.root)

    def say(self):
        for writing, name in ((False, "alone"), (True, "with writers")):
            t = self.times[writing]
            print(f"readers {name:13} {len(t):6} questions  p50 {percentile(t, 0.5):7.1f} ms  p99 {percentile(t, 0.99):7.1f} ms")
        print("commands: " + ", ".join(f"{n} {v}" for v, n in sorted(self.counts.items())))


# ---- whose turn it is ----

def turns(br, root, seconds):
    """How long single ingests wait while a command commits again and again: removals, 500 documents a commit."""
    os.makedirs(os.path.join(root, "home"))
    for i in range(int(1500 * max(seconds / 5, 1))):
        lab.write(f"{root}/docs/d{i}.txt", f"turn {i} {lab.prose(random.Random(i), 30)}\n")
    lab.write(f"{root}/keep/keep.txt", "keep\n")
    br.ok(["init"], root)
    waits, long_ones = [], []
    for _ in range(2):
        os.makedirs(f"{root}/docs", exist_ok=True)
        for args, move in ((["sync", "docs"], None), (["sync", "docs"], ("docs", "away")), (["sync", "docs"], ("away", "docs"))):
            if move:
                os.rename(f"{root}/{move[0]}", f"{root}/{move[1]}")
                os.makedirs(f"{root}/docs", exist_ok=True) if move[0] == "docs" else None
            p = br.start(args, root)
            began = time.monotonic()
            while p.poll() is None:
                lab.write(f"{root}/one.txt", f"one {time.monotonic()}\n")
                at = time.monotonic()
                br.ok(["ingest", "--wait", "10", "one.txt"], root)
                waits.append(time.monotonic() - at)
            p.communicate()
            long_ones.append(time.monotonic() - began)
            if move and move[0] == "docs":
                os.rmdir(f"{root}/docs")
    print(f"single ingests during {len(long_ones)} long syncs ({max(long_ones):.1f} s the longest): {len(waits)}, "
          f"p50 {percentile(waits, 0.5):.0f} ms, longest {max(waits) * 1000:.0f} ms")
    return waits


def main():
    p = lab.options(__doc__.splitlines()[0])
    p.add_argument("--seconds", type=float, default=5)
    o = p.parse_args()
    br, seed = lab.Br(o.bin), lab.pick_seed(o.seed)
    with lab.Scratch("stress", o.keep) as scratch:
        s = Stress(br, os.path.join(scratch.dir, "w"), seed)
        s.prepare()
        s.go(o.seconds)
        s.say()
        try:
            turns(br, os.path.join(scratch.dir, "turns"), o.seconds)
        except lab.Wrong as e:
            s.bad.append(str(e))
        scratch.keep |= bool(s.bad)
        return lab.report(s.bad, sum(s.counts.values()), f"stress: {o.seconds:g} s, seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
