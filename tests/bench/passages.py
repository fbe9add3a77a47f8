#!/usr/bin/env python3
"""Real text cut into passages, with questions, for measuring keyword search. Python 3 standard library only.

  passages.py [--count N] [--words N] [--questions N] [--seed N] OUT FOLDER...

OUT/passages holds at most --count passages (200,000) of at most --words words (100), one a line and no two alike, cut along
paragraphs from the text, manual pages, HTML and Python files under the folders, taken in order of their paths. OUT/content and
OUT/natural hold --questions questions each (1,000): of 2 to 6 words of one passage, each in at most 8 % of the passages; and of
2 to 6 neighbouring words of a passage, function words with them. Questions are plain words of ASCII letters in lower case,
which every engine cuts alike. The same folders and seed give the same files.
"""
import argparse, gzip, html, os, random, re, sys

TEXT = re.compile(r"\.(txt|md|rst|adoc|html?|py|tex|news|changes|jsonl|[1-9][a-z]*|\d)(\.gz)?$|^[A-Z][A-Za-z._-]*(\.gz)?$", re.I)
MANUAL = re.compile(r"\.[1-9][a-z]*(\.gz)?$")
MARKUP = re.compile(r"(?is)<(script|style)\b.*?</\1>|<!--.*?-->|<[^>]*>")
ROFF = [(re.compile(p, re.M), to) for p, to in (
    (r"^['.]\\\".*$", ""), (r"^\.(?:P|PP|LP|SH|SS|TP|Pp|Sh|Ss|IP|sp)\b.*$", "\n"), (r"^['.] *[A-Za-z]{1,3}\b", ""),
    (r"\\f(?:\[[^]]*\]|\(..|.)", ""), (r"\\-", "-"), (r"\\\(..|\\\[[^]]*\]|\\[&e|^%c]", ""), (r"\\", ""))]
WORD = re.compile(r"[A-Za-z]{2,20}$")
PUNCTUATION = ".,;:!?()\"'"


def files(folders):
    for top in folders:
        for folder, dirs, names in os.walk(top):
            dirs.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if TEXT.search(name) and os.path.isfile(path) and not os.path.islink(path):
                    yield path


def text_of(path):
    try:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
            raw = f.read(4 << 20)
    except (OSError, EOFError):
        return ""
    if b"\0" in raw[:8192]:
        return ""
    text = raw.decode("utf-8", "replace")
    if MANUAL.search(path):
        for pattern, to in ROFF:
            text = pattern.sub(to, text)
    elif re.search(r"\.html?(\.gz)?$", path):
        text = html.unescape(MARKUP.sub(" ", text))
    return text


def passages(text, size):
    """Paragraphs packed to at most `size` words; longer ones are cut."""
    held = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        words = paragraph.split()
        if held and len(held) + len(words) > size:
            yield held
            held = []
        held += words
        while len(held) > size:
            yield held[:size]
            held = held[size:]
    if held:
        yield held


def collect(a):
    seen, out = set(), []
    for path in files(a.folders):
        for words in passages(text_of(path), a.words):
            line = " ".join(words).replace("\0", "")
            key = hash(line)
            if len(words) < 5 or len(line) > 40 * a.words or key in seen:
                continue
            seen.add(key)
            out.append(line)
    return out


def plain(word):
    """The word as a question has it, or None."""
    word = word.strip(PUNCTUATION)
    return word.lower() if WORD.match(word) else None


def frequencies(lines):
    df = {}
    for line in lines:
        for word in {plain(w) for w in line.split()}:
            df[word] = df.get(word, 0) + 1
    return df


def content(rng, lines, df, limit):
    while True:
        words = sorted({w for w in map(plain, rng.choice(lines).split()) if w and len(w) > 2 and df[w] <= limit})
        n = rng.randint(2, 6)
        if len(words) >= n:
            return " ".join(rng.sample(words, n))


def natural(rng, lines):
    while True:
        words = [plain(w) for w in rng.choice(lines).split()]
        n = rng.randint(2, 6)
        if len(words) >= n:
            at = rng.randint(0, len(words) - n)
            if all(words[at:at + n]):
                return " ".join(words[at:at + n])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--count", type=int, default=200000)
    ap.add_argument("--words", type=int, default=100)
    ap.add_argument("--questions", type=int, default=1000)
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("out")
    ap.add_argument("folders", nargs="+")
    a = ap.parse_args()
    rng = random.Random(a.seed)
    lines = collect(a)
    found = len(lines)
    if found < 1000:
        sys.exit("passages: %d passages are too few: name folders with more text" % found)
    if found > a.count:
        lines = [lines[i] for i in sorted(rng.sample(range(found), a.count))]
    df = frequencies(lines)
    os.makedirs(a.out, exist_ok=True)
    sets = {"passages": lines, "content": [content(rng, lines, df, 0.08 * len(lines)) for _ in range(a.questions)],
            "natural": [natural(rng, lines) for _ in range(a.questions)]}
    for name, rows in sets.items():
        with open(os.path.join(a.out, name), "w", encoding="utf-8") as f:
            f.writelines(row + "\n" for row in rows)
    print("%d passages of %d found, %.1f MB, %.1f words each" % (
        len(lines), found, sum(map(len, lines)) / 1e6, sum(line.count(" ") + 1 for line in lines) / len(lines)))


if __name__ == "__main__":
    main()
