#!/usr/bin/env python3
"""Does every quotation of `br chat` stand in the lines it cites?

  quotations.py [--br BR] [DOCS [QUESTIONS...]]

DOCS is the unpacked documentation corpus (default: as bench.py finds it); questions are those of tests/data. Pages that are rendered
(HTML) have lines of their own and are compared by their words.
"""
import argparse, glob, html, json, os, re, sys, tempfile

import benchlib


def words(text):
    return re.sub(r"[^\w]+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text))).split()


def stands(docs, c):
    path = os.path.join(docs, c["path"])
    lines = open(path, encoding="utf-8", errors="replace", newline="").read().replace("\r\n", "\n").split("\n")
    cited = "\n".join(lines[c["lines"]["from"] - 1:c["lines"]["to"]])
    if c["quote"] in cited:
        return True
    return path.endswith((".html", ".htm")) and " ".join(words(c["quote"])) in " ".join(words(cited))


def check(br, docs, env, questions):
    asked = found = quotes = 0
    for question, _ in questions:
        status, text = benchlib.output([br, "chat", "--json", "--", question], env, accept=(0, 1))
        answer = json.loads(text)
        asked, found = asked + 1, found + answer["found"]
        if answer["found"] != (status == 0) or answer["found"] != bool(answer["citations"]):
            print("status, found and citations disagree:", question)
            return 1
        for c in answer["citations"]:
            quotes += 1
            if f"[{c['n']}]" not in answer["answer"] or not stands(docs, c):
                print("not there: %s:%s %r" % (c["path"], c["lines"], c["quote"]))
                return 1
    print(f"{asked} questions, {found} answered, {quotes} quotations, all in their lines")
    return 0 if found >= 0.8 * asked else 1


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--br", default="build/release/br")
    a.add_argument("docs", nargs="?")
    a.add_argument("questions", nargs="*")
    a = a.parse_args()
    br = os.path.realpath(a.br)
    files = a.questions or sorted(glob.glob(os.path.join(os.path.dirname(__file__), "..", "data", "docs-questions*.tsv")))
    questions = [q for f in files for q in benchlib.read_questions(f)]
    with tempfile.TemporaryDirectory() as work:
        docs = os.path.join(os.path.realpath(work), "docs")
        if a.docs:
            os.symlink(os.path.realpath(a.docs), docs)
        else:
            benchlib.documents(docs)
        os.chdir(work)
        env = benchlib.environment(work)
        benchlib.run([br, "init"], env)
        benchlib.run([br, "sync", os.path.realpath(docs)], env, accept=(0, 2))
        return check(br, work, env, questions)


if __name__ == "__main__":
    sys.exit(main())
