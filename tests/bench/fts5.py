#!/usr/bin/env python3
"""The peer that every machine has: SQLite's FTS5 over the same files. Python 3 standard library only.

  fts5.py build DOCS DB       index DOCS into a new file DB; prints one JSON object
  fts5.py sql QUESTION [N]    the statement that asks it

Passages: the text of each file is cut at blank lines and packed to at most 1,000 characters, as `br` aims at
1,000; tags of HTML are dropped. Columns: file path, title, body; tokenizer `porter unicode61`. One transaction,
synchronous=FULL: durable as `br sync` is. The time of reading and cutting is told apart from that of indexing.
"""
import html, json, os, re, sqlite3, sys, time

SIZE = 1000
TITLE = [re.compile(p, re.M | re.I) for p in (
    r"^title:[ \t]*(.+)$", r"<title[^>]*>([^<]+)", r"\A\s*(?:=|#)[ \t]+(.+)$", r"\A(.+)\n[=~-]{3,}$", r"^#[ \t]+(.+)$")]


def files(docs):
    for folder, dirs, names in os.walk(docs):
        dirs.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield path


def title(text):
    for pattern in TITLE:
        found = pattern.search(text[:4000])
        if found:
            return found.group(1).strip(" \t\"'`")
    return ""


def plain(text, path):
    if not path.endswith((".html", ".htm")):
        return text
    text = re.sub(r"(?is)<(script|style)\b.*?</\1>|<!--.*?-->", " ", text)
    return html.unescape(re.sub(r"<[^>]*>", " ", text))


def pieces(paragraph):
    """A paragraph that is too long, cut at the last white space that fits."""
    while len(paragraph) > SIZE:
        cut = max(paragraph.rfind(" ", 1, SIZE), paragraph.rfind("\n", 1, SIZE))
        cut = cut if cut > 0 else SIZE
        yield paragraph[:cut]
        paragraph = paragraph[cut:].lstrip()
    yield paragraph


def passages(text):
    body = ""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        for piece in pieces(paragraph.strip()):
            if not piece:
                continue
            if body and len(body) + 2 + len(piece) > SIZE:
                yield body
                body = ""
            body = body + "\n\n" + piece if body else piece
    if body:
        yield body


class Rows:
    """The rows of every file; `seconds` is what reading and cutting took."""

    def __init__(self, docs):
        self.docs, self.seconds, self.count, self.bytes, self.files = docs, 0.0, 0, 0, 0

    def __iter__(self):
        for path in files(self.docs):
            start = time.perf_counter()
            with open(path, encoding="utf-8", errors="replace") as f:
                raw = f.read()
            name = title(raw)
            rows = [(os.path.relpath(path, self.docs), name, p) for p in passages(plain(raw, path))]
            self.count += len(rows)
            self.files += 1
            self.bytes += os.path.getsize(path)
            self.seconds += time.perf_counter() - start
            yield from rows


def build(docs, path):
    start = time.perf_counter()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous=FULL")
    db.execute("BEGIN")
    db.execute("CREATE VIRTUAL TABLE p USING fts5(path, title, body, tokenize='porter unicode61')")
    rows = Rows(docs)
    db.executemany("INSERT INTO p VALUES (?, ?, ?)", rows)
    db.execute("COMMIT")
    db.close()
    total = time.perf_counter() - start
    return {"files": rows.files, "passages": rows.count, "text_bytes": rows.bytes, "seconds": total,
            "index_seconds": total - rows.seconds, "bytes": os.path.getsize(path), "sqlite": sqlite3.sqlite_version}


def words(question):
    return re.findall(r"\w+", question.lower())


def match(question, every):
    """FTS5 itself wants every word, and then often finds nothing; "any word" is what `br` does."""
    return (" " if every else " OR ").join('"%s"' % w for w in words(question))


def sql(question, limit, every=False):
    return "SELECT path, title, body FROM p WHERE p MATCH '%s' ORDER BY rank LIMIT %d" % (match(question, every), limit)


def ask(db, question, limit):
    """Paths of the best passages, best first."""
    return [row[0] for row in db.execute(sql(question, limit))]


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "build":
        print(json.dumps(build(sys.argv[2], sys.argv[3])))
    elif len(sys.argv) in (3, 4) and sys.argv[1] == "sql":
        print(sql(sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 8))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
