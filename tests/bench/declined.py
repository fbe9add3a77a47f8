#!/usr/bin/env python3
"""Does `br chat` decline what a notebook cannot answer, and answer the rest?

  declined.py [--br BR] [--shared DIR] [--tmp DIR] [--all]

For each judged set (DIR/eval) a notebook gets a part of the paragraphs; questions about the others cannot be answered. Asked are the
first 200 of each kind, a new process each. Wanted: at least 80 % declined and 90 % answered on squad2-dev, the mean of the other
languages alike. --all also prints harder splits, in which other paragraphs of the same article stay, without a bar.
"""
import argparse, json, os, sys, tempfile

import benchlib

N = 200


def load(folder):
    docs = [json.loads(line) for line in open(os.path.join(folder, "corpus.jsonl"), encoding="utf-8")]
    asked = [json.loads(line) for line in open(os.path.join(folder, "queries.jsonl"), encoding="utf-8")]
    right = {}
    for line in open(os.path.join(folder, "qrels.tsv"), encoding="utf-8"):
        question, doc, *_ = line.split("\t")
        right.setdefault(question, doc)
    return docs, [(q["text"], right[q["_id"]]) for q in asked if q["_id"] in right]


def articles(docs):
    """Number of each paragraph's article: by title, or five paragraphs each where there are no titles."""
    titles = list(dict.fromkeys(d["title"] for d in docs))
    return {d["_id"]: titles.index(d["title"]) if len(titles) > 5 else i // 5 for i, d in enumerate(docs)}


def splits(docs, asked, hard):
    of = articles(docs)
    half = len(docs) // 2
    yield "every other article", {d["_id"] for d in docs if of[d["_id"]] % 2 == 0}
    yield "second half", {d["_id"] for d in docs[half:]}
    if hard:
        yield "all but those of 200 questions", {d["_id"] for d in docs} - {doc for _, doc in asked[:N]}
        yield "every other paragraph", {d["_id"] for d in docs[::2]}


def share_found(br, env, questions):
    found = 0
    for q in questions:
        status, _ = benchlib.output([br, "chat", "--json", "--", q], env, accept=(0, 1))
        found += status == 0
    return found / len(questions)


def measure(br, work, docs, asked, kept):
    os.makedirs(work)
    os.chdir(work)
    env = benchlib.environment(work)
    with open("kept.jsonl", "w", encoding="utf-8") as f:
        for d in docs:
            if d["_id"] in kept:
                f.write(json.dumps({"id": d["_id"], "title": d["title"], "text": d["text"]}) + "\n")
    benchlib.run([br, "init"], env)
    benchlib.run([br, "ingest", "--ndjson", "kept.jsonl"], env)
    answerable = [q for q, doc in asked if doc in kept]
    step = max(1, len(answerable) // N)
    return share_found(br, env, answerable[::step][:N]), 1 - share_found(br, env, [q for q, doc in asked if doc not in kept][:N])


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("--br", default="build/release/br")
    a.add_argument("--shared", default=os.environ.get("BR_SHARED"))
    a.add_argument("--tmp")
    a.add_argument("--all", action="store_true")
    a = a.parse_args()
    br, bad, others = os.path.realpath(a.br), 0, []
    with tempfile.TemporaryDirectory(dir=a.tmp) as tmp:
        for name in ("squad2-dev", "xquad-de", "xquad-es", "xquad-ru", "xquad-zh"):
            docs, asked = load(os.path.join(a.shared, "eval", name))
            for i, (what, kept) in enumerate(splits(docs, asked, a.all)):
                answered, declined = measure(br, os.path.join(tmp, f"{name}-{i}"), docs, asked, kept)
                print(f"{name:12} {what:32} answered {answered:.3f}  declined {declined:.3f}", flush=True)
                if i < 2 and name == "squad2-dev":
                    bad += answered < 0.9 or declined < 0.8
                elif i < 2:
                    others.append((answered, declined))
    mean = [sum(x) / len(others) for x in zip(*others)]
    print(f"mean of the other languages: answered {mean[0]:.3f}  declined {mean[1]:.3f}")
    return 1 if bad or mean[0] < 0.9 or mean[1] < 0.8 else 0


if __name__ == "__main__":
    sys.exit(main())
