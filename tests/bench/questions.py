#!/usr/bin/env python3
"""Questions in plain words with known answers: how often is the right page among the first three hits?

  questions.py [--br BR] [--min SHARE] [--strategy NAME] [--json] [DOCS [QUESTIONS]]

DOCS is the unpacked corpus (default: as bench.py finds it), QUESTIONS a file of `question TAB page|page...`
(default: tests/data/docs-questions.tsv). A new workspace in a scratch folder is synced, each question is asked
in a new process, and SQLite's FTS5 is asked the same beside it. Status 1 when the share is below --min (0.95).
"""
import argparse, json, os, shutil, sqlite3, sys, tempfile

import benchlib, fts5


def ask_br(br, env, question, strategy, k):
    """Absolute paths of the hits, best first. Status 1 means that nothing was found."""
    status, text = benchlib.output([br, "query", "--json", "-k", str(k), "-s", strategy, "--", question], env, accept=(0, 1))
    if status == 1:
        return []
    answer = json.loads(text)
    if answer.get("degraded"):
        print("degraded: %s" % answer["degraded"], file=sys.stderr)
    return [os.path.realpath(h["path"]) for h in answer["hits"]]


def place(paths, pages):
    """Place of the first right page, from 1, or 0."""
    return next((i + 1 for i, p in enumerate(paths) if p in pages), 0)


def places(ask, question, pages, depth=100):
    """(place among three, place among many)"""
    first = place(ask(question, 3), pages)
    return first, first or place(ask(question, depth), pages)


def measure(a, work):
    if a.docs:
        docs = os.path.realpath(a.docs)
    else:
        docs = os.path.join(work, "docs")
        benchlib.documents(docs)
    os.chdir(work)
    env = benchlib.environment(work)
    benchlib.run([a.br, "init"], env)
    benchlib.run([a.br, "sync", docs], env, accept=(0, 2))
    fts5.build(docs, "fts5.db")
    db = sqlite3.connect("fts5.db")

    def br(question, k):
        return ask_br(a.br, env, question, a.strategy, k)

    def peer(question, k):
        return [os.path.realpath(os.path.join(docs, p)) for p in fts5.ask(db, question, k)]

    rows = []
    for question, pages in benchlib.read_questions(a.questions):
        right = {os.path.realpath(os.path.join(docs, p)) for p in pages}
        missing = [p for p in right if not os.path.exists(p)]
        if missing:
            raise benchlib.Failed("no such page: %s" % missing[0])
        ours, theirs = places(br, question, right), places(peer, question, right)
        rows.append({"question": question, "br": ours[1], "in_three": bool(ours[0]),
                     "fts5": theirs[1], "fts5_in_three": bool(theirs[0])})
    db.close()
    return rows


def show(rows, strategy):
    print("%4s %5s  question (place of the first right page; - not among the first hundred hits)" % ("br", "FTS5"))
    for r in rows:
        print("%4s %5s  %s" % (r["br"] or "-", r["fts5"] or "-", r["question"]))
    for key, name in (("in_three", "br " + strategy), ("fts5_in_three", "SQLite FTS5")):
        n = sum(r[key] for r in rows)
        print("%s: right page among the first three hits for %d of %d = %.3f" % (name, n, len(rows), n / len(rows)))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("docs", nargs="?")
    ap.add_argument("questions", nargs="?", default=benchlib.QUESTIONS)
    ap.add_argument("--br", default=os.environ.get("BR", os.path.join(benchlib.ROOT, "build/release/br")))
    ap.add_argument("--min", type=float, default=0.95)
    ap.add_argument("--strategy", default="hybrid")
    ap.add_argument("--json", action="store_true")
    a = ap.parse_args()
    a.br, a.questions = os.path.abspath(a.br), os.path.abspath(a.questions)
    work = os.path.realpath(tempfile.mkdtemp(prefix="br-questions-"))
    try:
        rows = measure(a, work)
    except benchlib.Failed as e:
        sys.exit("questions: %s" % e)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    share = sum(r["in_three"] for r in rows) / len(rows)
    if a.json:
        print(json.dumps({"v": 1, "strategy": a.strategy, "share": share,
                          "fts5_share": sum(r["fts5_in_three"] for r in rows) / len(rows), "questions": rows}))
    else:
        show(rows, a.strategy)
    if share < a.min:
        sys.exit("questions: %.3f is below %.3f" % (share, a.min))


if __name__ == "__main__":
    main()
