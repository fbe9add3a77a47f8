#!/usr/bin/env python3
"""Flips bits, and zeroes sectors, in data.mdb and every file beside it, one at a time, and asks br.

Nothing may crash, hang or end with a status that is not documented. A command answers as it did before, or says that the
workspace is damaged (15). Every value but vectors is sealed with a checksum that is looked at when it is read: an answer
that is wrong although the place lies in such a value is a failure, and so is damage of a record that `br verify` does not
name. What reading cannot notice is counted apart: vectors, whose seals verify alone looks at, keys (a record that is not
found has no seal to look at), and LMDB's own pages and meta pages.

    bitflip.py --n 1000          bitflip.py --case data.mdb/12345/3
"""
import collections
import glob
import json
import os
import random
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))
sys.path.insert(0, os.path.dirname(__file__))
import lab  # noqa: E402
import pages  # noqa: E402

SECTOR = 512
ZEROES = 8          # "bit" 8: the whole sector becomes zeroes
OUTCOMES = ("same, verify clean", "same, verify names it", "refused, verify names it", "wrong, verify names it",
            "older state, verify clean", "FAILED")


def prepare(br, place):
    os.makedirs(os.path.join(place, "home"))
    lab.small_corpus(place)
    rng = random.Random(3)
    for i in range(150):
        lab.write(f"{place}/docs/more/m{i}.md", f"# More {i}\n\n{lab.prose(rng, rng.randint(50, 600))}\n")
    for step in (["init"], ["sync", "docs"], ["upload", "given.md"], ["ingest"], ["docs", "rm", "docs/more/m1*"]):
        br.ok(step, place)
    if br.has("index"):
        br.ok(lab.INDEX_BUILD, place)


def files_of(place):
    """Everything below .br but the locks, which are made anew; index files, whose names are random, by their ending."""
    out = []
    for folder, _, names in os.walk(os.path.join(place, ".br")):
        out += [os.path.relpath(os.path.join(folder, n), os.path.join(place, ".br")) for n in names]
    out = [f for f in out if os.path.basename(f) not in ("lock", "gate", "data.mdb-lock") and os.path.getsize(os.path.join(place, ".br", f))]
    return sorted("index/*" + os.path.splitext(f)[1] if f.startswith("index/") else f for f in out)


def queries(br, place):
    """{strategy: (exit status, answers)}"""
    out = {}
    for s in lab.STRATEGIES:
        r = br.run(["query", "--json", "--stdin", "-k", "50", "-s", s], place, text="\n".join(lab.QUESTIONS))
        out["query " + s] = r
    out["docs list"] = br.run(["docs", "list", "--json"], place)
    out["docs cat"] = br.run(["docs", "cat", "docs/more/m20.md"], place)
    return out


def meaning(r):
    """The part of an answer that must not change."""
    if r.args[0] == "query":
        return [(a["query"], lab.hits(a)) for a in map(json.loads, r.out.splitlines())]
    return r.out


class Flip:
    def __init__(self, file, at, bit, kind):
        self.file, self.at, self.bit, self.kind = file, at, bit, kind
        self.name = f"{file}/{at}/{bit}"

    def damage(self, path):
        with open(path, "r+b") as f:
            if self.bit == ZEROES:
                f.seek(self.at // SECTOR * SECTOR)
                f.write(b"\0" * min(SECTOR, os.path.getsize(path) - f.tell()))
                return
            f.seek(self.at)
            b = f.read(1)[0]
            f.seek(self.at)
            f.write(bytes([b ^ 1 << self.bit]))

    def run(self, br, base, good, place):
        """(outcome, why it is a failure or None)"""
        lab.copy_workspace(base, place)
        if self.file.startswith("index/"):  # the copy of an index counts as foreign and is read in whole: a fresh one is not
            br.ok([*lab.INDEX_BUILD, "--force"], place)
        path = glob.glob(os.path.join(place, ".br", self.file))[0]
        before = os.stat(path)
        self.damage(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # a disk that rots does not touch the time
        got = queries(br, place)
        verify = br.run(["verify"], place)
        self.nowhere = any("leads nowhere" in r.err for r in (*got.values(), verify))
        change = br.run(["docs", "rm", "docs/soup.txt"], place)  # whatever it does to such a file, it must not crash
        for what, r in [*got.items(), ("verify", verify), ("docs rm", change)]:
            if lab.died(r):
                return "FAILED", f"{what}: {lab.died(r)}, stderr {r.err[:200]!r}"
        refused = [w for w, r in got.items() if r.rc not in (0, 1)]
        strange = [w for w in refused if got[w].rc not in (15, 128) or not got[w].err.strip()]
        wrong = [w for w, r in got.items() if w not in refused and (r.rc, meaning(r)) != good[w]]
        if strange:
            return "FAILED", f"{strange[0]}: {got[strange[0]].say()}"
        return self.judge(refused, wrong, verify.rc != 0, got)

    def judge(self, refused, wrong, named, got):
        if wrong and self.file == "data.mdb" and self.kind == "value":
            return "FAILED", f"{wrong[0]}: another answer, exit {got[wrong[0]].rc}, from a sealed record"
        if wrong and not named and self.kind in ("meta", "old meta"):
            return "older state, verify clean", None    # LMDB falls back to its older meta page, a whole state
        if (wrong or refused) and not named:
            return "FAILED", f"{(wrong + refused)[0]}: exit {got[(wrong + refused)[0]].rc}, and verify says clean"
        if not named and self.file == "data.mdb" and self.kind in ("key", "value", "vec"):
            return "FAILED", f"a damaged record ({self.kind}), and verify says clean"
        return OUTCOMES[3 if wrong else 2 if refused else 1 if named else 0], None


def choose(place, n, rng):
    """
    n places in data.mdb, two in five of them anywhere, the others spread over what there is; and a tenth of that in each
    other file. One in sixteen is a sector.
    """
    flips = []
    for file in files_of(place):
        with open(glob.glob(os.path.join(place, ".br", file))[0], "rb") as f:
            data = f.read()
        layout = pages.Pages(data) if file == "data.mdb" else None
        places = layout and layout.places()
        for _ in range(n if layout else max(n // 10, 4)):
            at = rng.choice(places[rng.choice(sorted(places))]) if layout and rng.random() < 0.6 else rng.randrange(len(data))
            bit = ZEROES if rng.random() < 1 / 16 else rng.randrange(8)
            kind = layout.kind(at) if layout else file.split("/")[0]
            if bit == ZEROES and layout:
                at = at // SECTOR * SECTOR
                kinds = {layout.kind(i) for i in range(at, min(at + SECTOR, len(data))) if data[i]}
                kind = "free" if not kinds else kinds.pop() if len(kinds) == 1 else "page"
            flips.append(Flip(file, at, bit, kind))
    return flips


def table(results):
    rows = collections.defaultdict(collections.Counter)
    for flip, (outcome, _) in results:
        rows[flip.kind][outcome] += 1
    width = max(map(len, OUTCOMES))
    print(f"{'place':10} " + "  ".join(f"{o:>{width}}" for o in OUTCOMES))
    for kind in sorted(rows):
        print(f"{kind:10} " + "  ".join(f"{rows[kind][o] or '-':>{width}}" for o in OUTCOMES))


def main():
    p = lab.options(__doc__.splitlines()[0])
    p.add_argument("--n", type=int, default=50)
    p.add_argument("--case", default="")
    o = p.parse_args()
    br, seed = lab.Br(o.bin), lab.pick_seed(o.seed)
    with lab.Scratch("bitflip", o.keep) as scratch:
        base = os.path.join(scratch.dir, "base")
        prepare(br, base)
        for me in range(2):
            shutil.copytree(base, os.path.join(scratch.dir, f"t{me}"))
        good = {w: (r.rc, meaning(r)) for w, r in queries(br, base).items()}
        if o.case:
            file, at, bit = o.case.rsplit("/", 2)
            with open(os.path.join(base, ".br", "data.mdb"), "rb") as f:
                kind = pages.Pages(f.read()).kind(int(at)) if file == "data.mdb" else file
            flips = [Flip(file, int(at), int(bit), kind)]
            scratch.keep = True
        else:
            flips = choose(base, o.n, random.Random(seed))
        outcomes = lab.in_parallel(flips, lambda f, me: f.run(br, base, good, os.path.join(scratch.dir, f"t{me}")))
        table(list(zip(flips, outcomes)))
        print(f"commands ended on a page that leads out of the file, or by LMDB itself: {sum(f.nowhere for f in flips)} places")
        bad = [f"{f.name} ({f.kind}): {why}" for f, (_, why) in zip(flips, outcomes) if why]
        scratch.keep |= bool(bad)
        return lab.report(bad, len(flips), f"bit flips: seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
