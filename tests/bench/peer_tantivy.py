#!/usr/bin/env python3
"""A peer for keyword search: tantivy, through its own Python package. Speaks as fts.c does, so that both can be asked in turn.

  peer_tantivy.py build PASSAGES DIR    one segment, en_stem (words in lower case, stemmed as English), frequencies without positions
  peer_tantivy.py serve DIR             lines "QUESTIONS K" in, {"hits":N,"ns":[...],"empty_ns":T} out

A question's time is that of Searcher.search with the count of all matches off, which lets it skip; terms are cut before. The call from
Python is in it: empty_ns is the median of a search for a word that is nowhere, most of which is that call.
"""
import json, os, statistics, sys, time

import tantivy


def schema():
    return tantivy.SchemaBuilder().add_text_field("body", stored=False, tokenizer_name="en_stem", index_option="freq").build()


def build(passages, path):
    os.makedirs(path)
    start = time.perf_counter()
    index = tantivy.Index(schema(), path)
    writer = index.writer(heap_size=1 << 30, num_threads=1)
    with open(passages, encoding="utf-8") as f:
        for line in f:
            writer.add_document(tantivy.Document(body=line))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    segments = index.searcher().num_segments
    print(json.dumps({"seconds": time.perf_counter() - start, "segments": segments,
                      "bytes": sum(os.path.getsize(os.path.join(path, n)) for n in os.listdir(path))}))


def question(index, analyzer, line):
    """OR of the question's terms, as stemmed by the index's own tokenizer."""
    terms = sorted(set(analyzer.analyze(line)))
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, tantivy.Query.term_query(index.schema, "body", t, "freq")) for t in terms])


def serve(path):
    index = tantivy.Index.open(path)
    index.reload()
    searcher = index.searcher()
    analyzer = (tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.remove_long(40))
                .filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.stemmer("english")).build())
    nowhere = tantivy.Query.term_query(index.schema, "body", "\x01", "freq")

    def timed(query, k):
        start = time.perf_counter_ns()
        n = len(searcher.search(query, limit=k, count=False).hits)
        return n, time.perf_counter_ns() - start

    for line in sys.stdin:
        name, k = line.split()
        with open(name, encoding="utf-8") as f:
            queries = [question(index, analyzer, q) for q in f]
        told = [timed(q, int(k)) for q in queries]
        print(json.dumps({"hits": sum(t[0] for t in told), "ns": [t[1] for t in told],
                          "empty_ns": statistics.median(timed(nowhere, int(k))[1] for _ in range(200))}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "build":
        build(*sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(__doc__)
