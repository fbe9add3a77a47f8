#!/usr/bin/env python3
"""Keyword search over the same passages, br's index beside tantivy's, asked in turn within one run.

  keywords.py [--fts PROGRAM] [--peers VENV] [--count N] [--passes N] [--json FILE] [--tmp DIR] [FOLDER...]

passages.py cuts the text under the folders (default: /usr/share/doc, /usr/share/man and Python's library, the documents of BR_DOCS or
BR_SHARED with them). Both engines index all passages, then answer both sets of questions in turn, one thread each, all data in memory.
A question's time is the least of its passes, so that other work on the machine counts little; p50 and p99 are over questions.
Without tantivy (make bench-peers installs it) br is measured alone, and the program says so.
"""
import argparse, json, os, shutil, subprocess, sys, tempfile

import benchlib
from benchlib import quantile

HOME = [p for p in ("/usr/share/doc", "/usr/share/man", os.path.dirname(os.__file__)) if os.path.isdir(p)]


def peer_python(peers, package):
    """The Python that has a peer's package, or None, said aloud."""
    python = os.path.join(peers, "bin", "python")
    if os.path.exists(python) and subprocess.run([python, "-c", "import " + package], stderr=subprocess.DEVNULL).returncode == 0:
        return python
    print("skipped: %s: not in '%s' (make bench-peers installs it)" % (package, os.path.relpath(peers, benchlib.ROOT)), file=sys.stderr)
    return None


class Engine:
    def __init__(self, name, argv, passages, folder):
        self.name, self.argv, self.folder = name, argv, folder
        self.built = json.loads(subprocess.run(argv + ["build", passages, folder], stdout=subprocess.PIPE, check=True).stdout)

    def start(self):
        self.child = subprocess.Popen(self.argv + ["serve", self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, questions, k):
        self.child.stdin.write("%s %d\n" % (questions, k))
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def stop(self):
        self.child.stdin.close()
        self.child.wait()


def engines(fts, peers, work):
    passages = os.path.join(work, "set", "passages")
    out = [Engine("br", [fts], passages, os.path.join(work, "br"))]
    python = peer_python(peers, "tantivy")
    if python:
        out.append(Engine("tantivy", [python, os.path.join(benchlib.HERE, "peer_tantivy.py")], passages, os.path.join(work, "tantivy")))
    return out


def compare(these, questions, k, passes):
    """One row an engine; the engines take turns, and the first of a turn changes."""
    best, told = {}, {}
    for i in range(passes):
        for e in these if i % 2 else reversed(these):
            told[e.name] = e.ask(questions, k)
            ns = told[e.name]["ns"]
            best[e.name] = list(map(min, best[e.name], ns)) if e.name in best else ns
    return [{"engine": e.name, "questions": os.path.basename(questions), "k": k, "hits": told[e.name]["hits"], "passes": passes,
             "p50_us": quantile(best[e.name], 0.5) / 1e3, "p99_us": quantile(best[e.name], 0.99) / 1e3,
             "mean_us": sum(best[e.name]) / len(best[e.name]) / 1e3, "call_us": told[e.name].get("empty_ns", 0) / 1e3} for e in these]


def measure(fts, peers, folders, work, count=200000, passes=7):
    """(what the set is, builds, rows)"""
    made = os.path.join(work, "set")
    about = subprocess.run([sys.executable, os.path.join(benchlib.HERE, "passages.py"), "--count", str(count), made] + folders,
                           stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    these = engines(fts, peers, work)
    for e in these:
        e.start()
    rows = [row for name in ("content", "natural") for k in (10, 100) for row in compare(these, os.path.join(made, name), k, passes)]
    for e in these:
        e.stop()
    return about, {e.name: e.built for e in these}, rows


def show(about, builds, rows):
    print("\nKeyword search in process, warm, one thread: %s; least of %d passes, in turn" % (about, rows[0]["passes"]))
    for name, b in builds.items():
        print("%-10s built in %.1f s, %.0f MB" % (name, b["seconds"], b["bytes"] / 1e6))
    print("%-10s %-10s %5s %9s %9s %9s  %s" % ("questions", "engine", "k", "p50 us", "p99 us", "mean us", "hits"))
    for r in rows:
        call = ", a question without hits %.1f us" % r["call_us"] if r["call_us"] else ""
        print("%-10s %-10s %5d %9.1f %9.1f %9.1f  %d%s" % (r["questions"], r["engine"], r["k"], r["p50_us"], r["p99_us"], r["mean_us"], r["hits"], call))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--fts", default=os.path.join(benchlib.ROOT, "build/release/fts"))
    ap.add_argument("--peers", default=os.path.join(benchlib.ROOT, "build/peers"))
    ap.add_argument("--count", type=int, default=200000)
    ap.add_argument("--passes", type=int, default=7)
    ap.add_argument("--json", metavar="FILE")
    ap.add_argument("--tmp")
    ap.add_argument("folders", nargs="*")
    a = ap.parse_args()
    work = tempfile.mkdtemp(prefix="br-keywords-", dir=a.tmp)
    try:
        folders = a.folders
        if not folders:
            benchlib.documents(os.path.join(work, "docs"))
            folders = HOME + [os.path.join(work, "docs")]
        about, builds, rows = measure(a.fts, a.peers, folders, work, a.count, a.passes)
    except (benchlib.Failed, subprocess.CalledProcessError) as e:
        sys.exit("keywords: %s" % e)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    show(about, builds, rows)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump({"v": 1, "passages": about, "builds": builds, "rows": rows}, f, indent=1)


if __name__ == "__main__":
    main()
