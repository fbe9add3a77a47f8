#!/usr/bin/env python3
"""A notebook that grows to a million passages: is the rate flat, is memory bounded, how long do questions take?

  scale.py [--br BR] [--inproc PROGRAM] [--chunks N] [--tmp DIR] [--json FILE] [DOCS]

The documents (DOCS, else as bench.py finds them) are copied into a new folder a round, perturbed, and synced, until the notebook has N
passages (1,000,000). In a copy one word in eight becomes another word of the same text, numbers are changed, and some words get the round's
number, so that copies share most words but no passage, and the vocabulary grows as it does with new text. Each round is told
with its passages a second, by the clock and by processor time (which a busy machine disturbs less), and its peak memory. Then:
syncing again, and questions in new processes and in one process. Everything is deleted at the end.
"""
import argparse, json, os, random, re, shutil, sys, tempfile, time

import bench, benchlib, fts5
from benchlib import quantile, run

WORD = re.compile(r"[A-Za-z]{3,}|\d+")


def perturbed(text, rng, number):
    words = [w for w in WORD.findall(text) if not w.isdigit()] or ["text"]

    def other(m):
        word, r = m.group(), rng.random()
        if word.isdigit():
            return str((int(word[:12]) * 31 + number) % 10 ** min(len(word), 12))
        if r < 0.12:
            return rng.choice(words)
        return "%s%d" % (word, number) if r < 0.123 else word

    return WORD.sub(other, text)


def texts(docs):
    for path in fts5.files(docs):
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read(1 << 20)
        if text.strip() and "\0" not in text:
            yield os.path.relpath(path, docs), text


def write_round(sources, into, number):
    """Returns the bytes written. The same sources and number give the same files."""
    rng, size = random.Random(1000003 * number), 0
    for name, text in sources:
        path = os.path.join(into, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            size += f.write(perturbed(text, rng, number))
    return size


def last_event(path):
    with open(path, encoding="utf-8") as f:
        return json.loads(f.readlines()[-1])


class Scale:
    def __init__(self, a, work):
        self.a, self.work, self.env = a, work, benchlib.environment(work)
        self.table = bench.Table()
        self.questions = [q for q, _ in benchlib.read_questions(benchlib.QUESTIONS)][:20]
        self.rounds = []

    def grow(self, sources):
        chunks = size = number = 0
        print("%6s %10s %8s %12s %12s %8s %8s %10s" % ("round", "passages", "wall s", "wall 1/s", "cpu 1/s", "cpu s", "peak MB", ".br MB"))
        run([self.a.br, "init"], self.env)
        while chunks < self.a.chunks:
            number += 1
            size += write_round(sources, os.path.join("docs", "%04d" % number), number)
            r = run([self.a.br, "sync", "--json", os.path.join("docs", "%04d" % number)], self.env, "events", accept=(0, 2))
            new = last_event("events")["chunks"]
            if not new:
                raise benchlib.Failed("a round brought no passages")
            chunks += new
            disk = os.path.getsize(".br/data.mdb")
            self.rounds.append({"chunks": chunks, "wall": r.wall, "cpu": r.cpu, "rss": r.rss, "bytes": disk})
            print("%6d %10d %8.2f %12.0f %12.0f %8.2f %8.0f %10.0f" % (
                number, chunks, r.wall, new / r.wall, new / r.cpu, r.cpu, r.rss / 1e6, disk / 1e6), flush=True)
        _, _, blocks = benchlib.tree_size(".br")
        self.table.head("%d passages, %d files, %.0f MB of text" % (chunks, number * len(sources), size / 1e6))
        self.table.add("workspace on disk / size of the files", [blocks / size], "")

    def again(self, word):
        runs = [run([self.a.br, "sync"], self.env, accept=(0, 2)) for _ in range(3)]
        self.table.add("nothing changed, wall" + word, [r.wall for r in runs], "s")
        self.table.add("nothing changed, peak memory" + word, [r.rss / 1e6 for r in runs], "MB")

    def ask(self, word):
        for strategy in ("hybrid", "full_text", "semantic"):
            argv = [self.a.br, "query", "-k", "8", "-s", strategy, "--"]
            runs = [run(argv + [q], self.env, accept=(0, 1)) for _ in range(4) for q in self.questions][len(self.questions):]
            walls = [r.wall * 1e3 for r in runs]
            self.table.add("new process, %s, p50%s" % (strategy, word), walls, "ms", None, "p99 %.1f ms, %.0f MB" % (
                quantile(walls, 0.99), max(r.rss for r in runs) / 1e6))
        with open("questions", "w", encoding="utf-8") as f:
            f.writelines(q + "\n" for q in self.questions)
        for strategy, goal in (("hybrid", 3), ("full_text", None), ("semantic", None)):
            _, text = benchlib.output([self.a.inproc, "-s", strategy, self.work, "questions"], self.env)
            told = json.loads(text)
            self.table.add("in process, %s, p50%s" % (strategy, word), [told["p50_ms"]], "ms", goal, "p95 %.2f p99 %.2f ms" % (told["p95_ms"], told["p99_ms"]))

    def index(self):
        """With a vector index, where this br has them and FAISS is there."""
        if run([self.a.br, "help", "index"], self.env, accept=range(256)).status != 0:
            return
        r = run([self.a.br, "index", "build"], self.env, accept=range(256))
        if r.status != 0:
            print("skipped: a vector index: br index build ended with status %d" % r.status, file=sys.stderr)
            return
        self.table.add("br index build, wall", [r.wall], "s", None, "%.0f MB" % (r.rss / 1e6))
        self.ask(", indexed")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--br", default=os.environ.get("BR", os.path.join(benchlib.ROOT, "build/release/br")))
    ap.add_argument("--inproc", default=os.environ.get("BR_INPROC"))
    ap.add_argument("--chunks", type=int, default=1000000)
    ap.add_argument("--tmp", help="where the scratch folder goes: a real disk with some 4 KB a passage")
    ap.add_argument("--json", metavar="FILE")
    ap.add_argument("docs", nargs="?")
    a = ap.parse_args()
    a.br = os.path.abspath(a.br)
    a.inproc = os.path.abspath(a.inproc or os.path.join(os.path.dirname(a.br), "inproc"))
    a.json = a.json and os.path.abspath(a.json)
    docs = a.docs and os.path.realpath(a.docs)
    work = os.path.realpath(tempfile.mkdtemp(prefix="br-scale-", dir=a.tmp))
    os.chdir(work)
    try:
        if not docs:
            docs = os.path.join(work, "source")
            benchlib.documents(docs)
        about = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": bench.machine(), "file_system": benchlib.file_system(work)}
        print("\n".join("%-12s %s" % (k, v) for k, v in about.items()))
        s = Scale(a, work)
        s.grow(list(texts(docs)))
        s.again("")
        s.ask("")
        s.index()
    except benchlib.Failed as e:
        sys.exit("scale: %s" % e)
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump({"v": 1, "about": about, "rounds": s.rounds, "rows": s.table.rows}, f, indent=1)


if __name__ == "__main__":
    main()
