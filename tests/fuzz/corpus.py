"""Chooses the committed corpora anew: corpus.py BUILD TARGET...

Of all inputs known, those in BUILD/corpus and those committed, as few as reach most: the next one is always that which reaches the
most code not reached before, for its size. Files whose name begins with "bug-" are what a bug was found with and always stay.
"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile

FILES, BYTES, TOTAL = 40, 2048, 14000  # of one target: how many, how large one may be, how large together


def reached(program, files, tmp):
    """What each file reaches, by libFuzzer's own account of a merge."""
    source, control = tmp / "in", tmp / "control"
    source.mkdir()
    for i, path in enumerate(files):
        (source / f"{i:06}").write_bytes(path.read_bytes())
    (tmp / "out").mkdir()
    subprocess.run(
        [program, "-merge=1", f"-merge_control_file={control}", tmp / "out", source],
        env={"TMPDIR": str(tmp)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )
    lines = control.read_text().splitlines()
    names = [line.rsplit("/", 1)[1] for line in lines[2 : 2 + int(lines[0])]]
    seen = {}
    for line in lines[2 + int(lines[0]) :]:
        word = line.split()
        if word[0] in ("FT", "COV"):
            seen.setdefault(files[int(names[int(word[1])])], set()).update(word[0] + x for x in word[2:])
    return seen


def choose(seen, known):
    left, total, chosen = dict(seen), 0, []
    while left and len(chosen) < FILES:
        best = max(left, key=lambda p: (sum(10 if x[0] == "C" else 1 for x in left[p] - known) / (p.stat().st_size + 500), p.name))
        new = left.pop(best)
        size = best.stat().st_size
        if not new - known:
            break
        if size <= BYTES and total + size <= TOTAL:
            chosen.append(best)
            known |= new
            total += size
    return chosen


def main():
    build, targets = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for target in targets:
        home = pathlib.Path("tests/fuzz/corpus") / target
        home.mkdir(parents=True, exist_ok=True)
        bugs = sorted(home.glob("bug-*"))
        files = sorted(p for d in (home, build / "corpus" / target) if d.is_dir() for p in d.iterdir() if p not in bugs)
        with tempfile.TemporaryDirectory() as tmp:
            seen = reached(build.absolute() / "fuzz" / target, bugs + files, pathlib.Path(tmp))
        known = set().union(*(seen.pop(p, set()) for p in bugs))
        chosen = {p: p.read_bytes() for p in choose(seen, known)}
        for p in home.iterdir():
            if p not in bugs:
                p.unlink()
        for data in chosen.values():
            (home / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
        print(f"{target:20} {len(files):6} known, {len(chosen) + len(bugs):3} kept, {sum(map(len, chosen.values())):6} bytes")


main()
