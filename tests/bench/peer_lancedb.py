#!/usr/bin/env python3
"""A peer for hybrid search: LanceDB, embedded, over the same files. The vectors are given, so that no model's time is in its figures.

  peer_lancedb.py build DOCS DIR             passages as fts5.py cuts them, 256 random numbers each as vector; prints one JSON object
  peer_lancedb.py ask DIR STRATEGY QUESTION  one question in this process: hybrid, full_text or semantic
  peer_lancedb.py time DIR STRATEGY FILE N   every question of FILE, N passes behind one that does not count; prints {"ns":[...]}

Random vectors cost a scan what real ones cost; what they find means nothing, so only time is told. The full-text index stems English.
"""
import json, os, sys, time

os.environ.setdefault("LANCE_LOG", "error")

import lancedb, lancedb.index, numpy, pyarrow

import fts5

DIM = 256


def vectors(rng, n):
    v = rng.standard_normal((n, DIM), dtype=numpy.float32)
    return v / numpy.linalg.norm(v, axis=1, keepdims=True)


def build(docs, path):
    rows = fts5.Rows(docs)
    table = list(rows)
    start = time.perf_counter()
    v = vectors(numpy.random.default_rng(7), len(table))
    data = pyarrow.table({
        "path": [r[0] for r in table], "body": [r[2] for r in table],
        "vector": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(v.reshape(-1)), DIM)})
    t = lancedb.connect(path).create_table("p", data)
    t.create_index("body", config=lancedb.index.FTS(language="English", stem=True, remove_stop_words=False, with_position=False))
    seconds = time.perf_counter() - start
    size = sum(os.path.getsize(os.path.join(f, n)) for f, _, names in os.walk(path) for n in names)
    print(json.dumps({"passages": len(table), "text_bytes": rows.bytes, "seconds": seconds, "bytes": size, "version": lancedb.__version__}))


def ask(table, strategy, question, rng):
    if strategy == "full_text":
        q = table.search(question, query_type="fts")
    elif strategy == "semantic":
        q = table.search(vectors(rng, 1)[0])
    else:
        q = table.search(query_type="hybrid").vector(vectors(rng, 1)[0]).text(question)
    return q.limit(8).to_list()


def words(question):
    """Without signs that mean something in a query language."""
    return "".join(ch if ch.isalnum() else " " for ch in question)


def main(argv):
    if len(argv) == 4 and argv[1] == "build":
        return build(argv[2], argv[3])
    if len(argv) not in (5, 6) or argv[1] not in ("ask", "time"):
        sys.exit(__doc__)
    table, rng = lancedb.connect(argv[2]).open_table("p"), numpy.random.default_rng(8)
    if argv[1] == "ask":
        return print(len(ask(table, argv[3], words(argv[4]), rng)))
    with open(argv[4], encoding="utf-8") as f:
        questions = [words(line.strip()) for line in f if line.strip()]
    ns = []
    for turn in range(int(argv[5]) + 1):
        for q in questions:
            start = time.perf_counter_ns()
            ask(table, argv[3], q, rng)
            if turn:
                ns.append(time.perf_counter_ns() - start)
    print(json.dumps({"ns": ns}))


if __name__ == "__main__":
    main(sys.argv)
