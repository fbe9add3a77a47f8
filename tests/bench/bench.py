#!/usr/bin/env python3
"""Every figure that br promises, measured, with the goal beside it. See README.md in this folder.

  bench.py [--br BR] [--inproc PROGRAM] [--fts PROGRAM] [--peers VENV] [--runs N] [--quick] [--tmp DIR] [--json FILE] [--strict]

Documents: BR_DOCS (a folder), else BR_SHARED/corpora/docs.tar.xz, else /usr/share/doc. Each figure is the median
of N runs with the smallest and the largest; questions give the 50th and 95th of a hundred. --json: the figures, as JSON, also
into FILE. --strict: status 1 when a goal is missed. --quick: one run of each, and no keyword search over passages.
"""
import argparse, json, os, platform, shutil, subprocess, sys, tempfile, time

import benchlib, fts5, keywords
from benchlib import quantile, run

MB = 1e6


class Table:
    """Rows as they come: name, values, unit, goal (at most), a word on what was measured."""

    def __init__(self):
        self.rows, self.part = [], ""

    def head(self, text):
        self.part = text
        print("\n%s\n%-46s %10s %23s %9s" % (text, "", "median", "min .. max", "goal"), flush=True)

    def add(self, name, values, unit, goal=None, note=""):
        row = {"part": self.part, "name": name, "unit": unit, "median": quantile(values, 0.5), "min": min(values), "max": max(values),
               "runs": len(values), "goal": goal, "note": note}
        if goal is not None:
            row["met"] = row["median"] <= goal
        self.rows.append(row)
        spread = "%.4g .. %.4g" % (row["min"], row["max"]) if len(values) > 1 else ""
        mark = "" if goal is None else "%6.4g %s" % (goal, "ok" if row["met"] else "MISSED")
        print("%-46s %7.4g %-2s %23s %9s  %s" % (name, row["median"], unit, spread, mark, note), flush=True)


class Bench:
    def __init__(self, a, work):
        self.a, self.work, self.env, self.table = a, work, benchlib.environment(work), Table()
        self.docs = os.path.join(work, "docs")
        self.source = benchlib.documents(self.docs)
        self.files, self.bytes, _ = benchlib.tree_size(self.docs)
        self.questions = [q for q, _ in benchlib.read_questions(a.questions)][:20]
        self.floor = benchlib.floor(self.env)
        self.br, self.keywords = a.br, None

    def warm(self):
        for path in fts5.files(self.docs):
            with open(path, "rb") as f:
                f.read()

    def fresh(self):
        shutil.rmtree(".br", ignore_errors=True)
        os.sync()

    # ---- rows ----

    def start_up(self):
        self.table.head("Starting")
        n = self.a.runs * 20
        self.table.add("a program that does nothing (measuring costs)", [run(["true"], self.env).wall * 1e3 for _ in range(n)], "ms")
        self.table.add("br --version", [run([self.br, "--version"], self.env).wall * 1e3 for _ in range(n)], "ms", 2)
        if shutil.which("git"):
            self.table.add("git --version", [run(["git", "--version"], self.env).wall * 1e3 for _ in range(n)], "ms")

    def installed(self):
        root = os.path.join(self.work, "installed")
        made = subprocess.run(["make", "-s", "-C", benchlib.ROOT, "install", "DESTDIR=" + root], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if made.returncode:
            print("skipped: installed size: make install: %s" % made.stderr.strip()[-200:], file=sys.stderr)
            return
        for folder, _, names in os.walk(root):
            for name in names:
                subprocess.run(["strip", "--strip-unneeded", os.path.join(folder, name)], stderr=subprocess.DEVNULL)
        files, size, _ = benchlib.tree_size(root)
        self.table.add("installed size, debug symbols stripped", [size / MB], "MB", 30, "%d files, model with it" % files)

    def ingest_once(self):
        self.fresh()
        both = run([self.br, "init"], self.env), run([self.br, "sync", "docs"], self.env, accept=(0, 2))
        if both[1].status == 2:
            print("note: br sync ended with status 2: some files could not be read", file=sys.stderr)
        return sum(c.wall for c in both), sum(c.cpu for c in both), max(c.rss for c in both)

    def first_ingest(self):
        self.table.head("First ingest: br init && br sync, %d files, %.1f MB, page cache warm" % (self.files, self.bytes / MB))
        self.warm()
        runs = [self.ingest_once() for _ in range(self.a.runs)]
        self.table.add("wall", [r[0] for r in runs], "s", 1.3)
        self.table.add("processor time", [r[1] for r in runs], "s")
        self.table.add("peak memory, largest process", [r[2] / MB for r in runs], "MB", 150, "not below %.0f" % (self.floor[1] / MB))
        _, disk, blocks = benchlib.tree_size(".br")
        self.table.add("workspace on disk / size of the files", [blocks / self.bytes], "", 1.0, "%.1f MB, %.1f MB by name" % (blocks / MB, disk / MB))
        self.fresh()
        run([self.br, "init"], self.env)
        anon, pss = benchlib.tree_peak([self.br, "sync", "docs"], self.env, accept=(0, 2))
        self.table.add("peak private memory, all processes (sampled)", [anon / MB], "MB")
        self.table.add("peak memory with mapped files, all (sampled)", [pss / MB], "MB")

    def change_some(self, round_no):
        """Adds a paragraph to every hundredth file."""
        paths = list(fts5.files(self.docs))[::100]
        for path in paths:
            with open(path, "a", encoding="utf-8") as f:
                f.write("\n\nChanged in round %d of the measurement.\n" % round_no)
        return len(paths)

    def sync_again(self):
        self.table.head("Sync again")
        runs = [run([self.br, "sync", "docs"], self.env, accept=(0, 2)) for _ in range(self.a.runs * 2)]
        self.table.add("nothing changed, wall", [r.wall for r in runs], "s", 0.05)
        self.table.add("nothing changed, processor time", [r.cpu for r in runs], "s")
        runs = []
        for i in range(self.a.runs):
            n = self.change_some(i)
            runs.append(run([self.br, "sync", "docs"], self.env, accept=(0, 2)))
        self.table.add("1 %% changed (%d files), wall" % n, [r.wall for r in runs], "s", 0.15)
        self.table.add("1 %% changed (%d files), processor time" % n, [r.cpu for r in runs], "s")

    def ask(self, name, argv_of, goal=None):
        """Each question in a new process; a first pass is not counted."""
        for q in self.questions:
            run(argv_of(q), self.env, accept=(0, 1))
        runs = [run(argv_of(q), self.env, accept=(0, 1)) for _ in range(self.a.runs) for q in self.questions]
        walls = [r.wall * 1e3 for r in runs]
        self.table.add(name + ", wall p50", walls, "ms", goal, "p95 %.2f ms" % quantile(walls, 0.95))
        self.table.rows[-1]["p95"] = quantile(walls, 0.95)
        self.table.add(name + ", peak memory", [r.rss / MB for r in runs], "MB", None, "not below %.0f" % (self.floor[1] / MB))

    def queries(self):
        self.table.head("A question, new process: %d questions, %d passes, 8 hits" % (len(self.questions), self.a.runs))
        for strategy, goal in (("hybrid", 5), ("full_text", None), ("semantic", None)):
            self.ask("br query -s " + strategy, lambda q: [self.br, "query", "-k", "8", "-s", strategy, "--", q], goal)

    def in_process(self):
        if not os.access(self.a.inproc, os.X_OK):
            print("skipped: questions in process: no program at '%s' (make bench builds it)" % self.a.inproc, file=sys.stderr)
            return
        with open("questions", "w", encoding="utf-8") as f:
            f.writelines(q + "\n" for q in self.questions)
        self.table.head("A question in process: 1 pass not counted, then 5")
        for strategy, goal in (("hybrid", 0.5), ("full_text", None), ("semantic", None)):
            _, text = benchlib.output([self.a.inproc, "-s", strategy, self.work, "questions"], self.env)
            told = json.loads(text)
            note = "%d chunks; p95 %.3f p99 %.3f ms" % (told["chunks"], told["p95_ms"], told["p99_ms"])
            self.table.add("%s, p50" % strategy, [told["p50_ms"]], "ms", goal if told["chunks"] < 60000 else None, note)
            self.table.rows[-1].update(p95=told["p95_ms"], p99=told["p99_ms"], chunks=told["chunks"])

    # ---- peers ----

    def peer_fts5(self):
        self.table.head("SQLite FTS5, text only, same files, passages of at most 1,000 characters, durable")
        build = [sys.executable, os.path.join(benchlib.HERE, "fts5.py"), "build", "docs", "fts5.db"]
        runs, told = [], []
        for _ in range(self.a.runs):
            if os.path.exists("fts5.db"):
                os.unlink("fts5.db")
            os.sync()
            runs.append(run(build, self.env, "fts5.json"))
            with open("fts5.json") as f:
                told.append(json.load(f))
        self.table.add("index and commit, wall", [t["index_seconds"] for t in told], "s", None, "without reading and cutting the files")
        self.table.add("the whole script, wall", [r.wall for r in runs], "s", None, "%d passages, SQLite %s" % (told[0]["passages"], told[0]["sqlite"]))
        self.table.add("peak memory", [r.rss / MB for r in runs], "MB", None, "Python with it")
        self.table.add("index / size of the files", [told[-1]["bytes"] / told[-1]["text_bytes"]], "")
        if shutil.which("sqlite3"):
            for name, every in (("any word", False), ("every word", True)):
                self.ask("sqlite3 shell, bm25, " + name, lambda q: ["sqlite3", "-readonly", "fts5.db", fts5.sql(q, 8, every)])
        else:
            print("skipped: questions to FTS5: no sqlite3 program", file=sys.stderr)

    def peer_recoll(self):
        if not shutil.which("recollindex") or not shutil.which("recollq"):
            print("skipped: Recoll: no recollindex and recollq (make bench-peers installs them)", file=sys.stderr)
            return
        self.table.head("Recoll, text only, same files, whole documents")
        runs = []
        for _ in range(self.a.runs):
            shutil.rmtree("recoll", ignore_errors=True)
            os.mkdir("recoll")
            with open("recoll/recoll.conf", "w") as f:
                f.write("topdirs = %s\nindexstemminglanguages = english\nloglevel = 1\n" % self.docs)
            os.sync()
            runs.append(run(["recollindex", "-c", "recoll"], self.env))
        self.table.add("recollindex, wall", [r.wall for r in runs], "s")
        self.table.add("peak memory, largest process", [r.rss / MB for r in runs], "MB")
        _, _, blocks = benchlib.tree_size("recoll")
        self.table.add("index / size of the files", [blocks / self.bytes], "")
        again = [run(["recollindex", "-c", "recoll"], self.env) for _ in range(self.a.runs)]
        self.table.add("nothing changed, wall", [r.wall for r in again], "s")
        self.ask("recollq, any word", lambda q: ["recollq", "-c", "recoll", "-o", "-n", "8"] + fts5.words(q))

    def peer_lancedb(self):
        python = keywords.peer_python(self.a.peers, "lancedb")
        if not python:
            return
        self.table.head("LanceDB, passages as with FTS5, vectors given: 256 random numbers each, no model's time in it")
        script = [python, os.path.join(benchlib.HERE, "peer_lancedb.py")]
        built = run(script + ["build", "docs", "lance"], self.env, "lance.json")
        with open("lance.json") as f:
            told = json.load(f)
        self.table.add("table and full-text index, wall", [told["seconds"]], "s", None, "%d passages, LanceDB %s; one run" % (told["passages"], told["version"]))
        self.table.add("peak memory", [built.rss / MB], "MB", None, "Python with it")
        self.table.add("table / size of the files", [told["bytes"] / told["text_bytes"]], "")
        cold = [run(script + ["ask", "lance", "hybrid", q], self.env).wall * 1e3 for q in self.questions[:5]]
        self.table.add("a question, new process, hybrid, wall", cold, "ms", None, "Python with it")
        for strategy in ("hybrid", "full_text", "semantic"):
            run(script + ["time", "lance", strategy, "questions", "5"], self.env, "lance.json")
            with open("lance.json") as f:
                ms = [ns / 1e6 for ns in json.load(f)["ns"]]
            self.table.add("in process, %s, p50" % strategy, ms, "ms", None, "p95 %.2f p99 %.2f ms" % (quantile(ms, 0.95), quantile(ms, 0.99)))

    def peer_tantivy(self):
        """Keyword search over many more passages; see keywords.py."""
        if self.a.quick or not os.access(self.a.fts, os.X_OK):
            print("skipped: keyword search over passages: %s" % ("--quick" if self.a.quick else "no program at '%s'" % self.a.fts), file=sys.stderr)
            return
        told = keywords.measure(self.a.fts, self.a.peers, keywords.HOME + [self.docs], os.path.join(self.work, "keywords"))
        keywords.show(*told)
        self.keywords = dict(zip(("passages", "builds", "rows"), told))

    def everything(self):
        about = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine(), "documents": self.source,
                 "files": self.files, "bytes": self.bytes, "file_system": benchlib.file_system(self.work), "runs": self.a.runs}
        if about["file_system"] == "tmpfs":
            print("note: %s is a tmpfs: what durability costs is not measured; see --tmp" % self.work, file=sys.stderr)
        print("\n".join("%-12s %s" % (k, v) for k, v in about.items()))
        for step in (self.start_up, self.installed, self.first_ingest, self.queries, self.in_process, self.sync_again,
                     self.peer_fts5, self.peer_recoll, self.peer_lancedb, self.peer_tantivy):
            step()
        return about


def machine():
    model = "?"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return "%s, %d processors, %.0f GB, Linux %s" % (model, len(os.sched_getaffinity(0)), memory, platform.release().split("-")[0])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--br", default=os.environ.get("BR", os.path.join(benchlib.ROOT, "build/release/br")))
    ap.add_argument("--inproc", default=os.environ.get("BR_INPROC"))
    ap.add_argument("--fts")
    ap.add_argument("--peers", default=os.path.join(benchlib.ROOT, "build/peers"))
    ap.add_argument("--questions", default=benchlib.QUESTIONS)
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--quick", action="store_true", help="one run of each")
    ap.add_argument("--tmp", help="where the scratch folder goes: a real disk, since commits are measured")
    ap.add_argument("--json", metavar="FILE")
    ap.add_argument("--strict", action="store_true")
    a = ap.parse_args()
    a.br, a.runs = os.path.abspath(a.br), 1 if a.quick else max(1, a.runs)
    a.inproc = os.path.abspath(a.inproc or os.path.join(os.path.dirname(a.br), "inproc"))
    a.fts = os.path.abspath(a.fts or os.path.join(os.path.dirname(a.br), "fts"))
    a.peers, a.questions, a.json = os.path.abspath(a.peers), os.path.abspath(a.questions), a.json and os.path.abspath(a.json)
    if not os.access(a.br, os.X_OK):
        sys.exit("bench: no program at '%s': run make, or set BR" % a.br)
    if os.environ.get("BR_DOCS"):
        os.environ["BR_DOCS"] = os.path.abspath(os.environ["BR_DOCS"])
    work = os.path.realpath(tempfile.mkdtemp(prefix="br-bench-", dir=a.tmp))
    os.chdir(work)
    try:
        bench = Bench(a, work)
        about = bench.everything()
    except benchlib.Failed as e:
        sys.exit("bench: %s" % e)
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump({"v": 1, "about": about, "rows": bench.table.rows, "keywords": bench.keywords}, f, indent=1)
    if a.strict and not all(r.get("met", True) for r in bench.table.rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
