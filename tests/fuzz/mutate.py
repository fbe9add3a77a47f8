#!/usr/bin/env python3
"""Mutated copies of files, ingested: br must not crash, hang, grow without bound or touch anything outside its workspace.

usage: mutate.py [--br PATH] [-n COPIES] [--seed N] [--batch N] FILE|FOLDER...

Every copy is one of the files with a few bytes flipped, ranges cut, doubled or moved, lengths changed, or parts of another file
put in. Copies are ingested in batches; each batch is a run of br in a workspace of its own, checked by `br verify`. The same seed
makes the same copies. A batch that fails is cut down to the copy that does it, which is kept and named.
"""
import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

SECONDS = 90  # for one batch: above it br hangs
MEMORY = 4 << 30  # address space of br, bytes
INTERESTING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\r\n", b"\n\n", b"<", b">", b"{", b"}", b"\\", b"%", b"=?", b"--", b"PK\3\4", b"PK\1\2",
               b"\xff\xff\xff\xff", b"\0\0\0\0", b"From ", b"endobj", b"&x;", b"../", b"\xef\xbb\xbf", b"\xff\xfe"]


def mutate(rng, data, other):
    """data with up to eight changes."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if not data:
            break
        at, n = rng.randrange(len(data)), rng.choice((1, 2, 4, 16, 256, 4096))
        kind = rng.randrange(8)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at + n] = rng.randbytes(min(n, len(data) - at))
        elif kind == 2:
            del data[at:at + n]
        elif kind == 3:
            data[at:at] = data[at:at + n] * rng.choice((1, 2, 50))
        elif kind == 4:
            data[at:at] = rng.choice(INTERESTING) * rng.choice((1, 1, 3, 200))
        elif kind == 5:
            begin = rng.randrange(len(other)) if other else 0
            data[at:at + n] = other[begin:begin + n]
        elif kind == 6:
            del data[at:at + 1 if rng.random() < 0.7 else len(data)]
        else:
            piece = data[at:at + n]
            del data[at:at + n]
            to = rng.randrange(len(data) + 1)
            data[to:to] = piece
    return bytes(data)


def tree(path):
    """What a folder holds: names, sizes, times of change and kinds."""
    seen = {}
    for base, dirs, files in os.walk(path):
        for name in dirs + files:
            full = os.path.join(base, name)
            st = os.lstat(full)
            seen[full] = (st.st_mode, st.st_size, st.st_mtime_ns)
    return seen


def limit():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "ASAN_OPTIONS" not in os.environ:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class Trial:
    """One workspace, outside of which nothing may change."""

    def __init__(self, br):
        self.br = br
        self.top = tempfile.mkdtemp(prefix="br-mutate-")
        self.docs, self.work, self.home = (os.path.join(self.top, n) for n in ("docs", "work", "home"))
        for folder in (self.docs, self.work, self.home):
            os.mkdir(folder)
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.home, "TMPDIR": self.home, "LC_ALL": "C.UTF-8"}
        self.env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})

    def close(self):
        shutil.rmtree(self.top, ignore_errors=True)

    def run(self, *args):
        return subprocess.run([self.br, "-C", self.work, *args], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=SECONDS, preexec_fn=limit, check=False)

    def problem(self, copies):
        """What goes wrong with these (name, bytes), or None; and the reasons br gave."""
        for name, data in copies:
            with open(os.path.join(self.docs, name), "wb") as f:
                f.write(data)
        if self.run("init", "-q").returncode:
            return "cannot make a workspace", []
        before = tree(self.docs), tree(self.home)
        try:
            done = self.run("ingest", "--json", self.docs)
        except subprocess.TimeoutExpired:
            return f"took more than {SECONDS} s", []
        if done.returncode not in (0, 2):
            return f"ended with {done.returncode}: {done.stderr[-2000:].decode('utf-8', 'replace')}", []
        events = [json.loads(line) for line in done.stdout.splitlines()]
        told = {e["path"] for e in events if e["event"] == "file"}
        missing = [n for n, _ in copies if not any(p.endswith("/" + n) for p in told)]
        if missing:
            return f"says nothing of {missing[0]}", []
        if (tree(self.docs), tree(self.home)) != before:
            return "something outside the workspace changed", []
        verified = self.run("verify")
        if verified.returncode:
            return "verify: " + verified.stderr[-500:].decode("utf-8", "replace"), []
        return None, [e["reason"] for e in events if e.get("reason")]


def attempt(br, copies):
    trial = Trial(br)
    try:
        return trial.problem(copies)
    finally:
        trial.close()


def cut_down(br, copies, keep):
    """The copy that alone makes trouble, kept as a file."""
    for name, data in copies:
        trouble, _ = attempt(br, [(name, data)])
        if trouble:
            os.makedirs(keep, exist_ok=True)
            path = os.path.join(keep, name)
            with open(path, "wb") as f:
                f.write(data)
            return f"{path}: {trouble}"
    return "no copy alone does it"


def sources(paths):
    found = []
    for path in paths:
        if os.path.isdir(path):
            found += [os.path.join(b, f) for b, _, names in os.walk(path) for f in names]
        else:
            found.append(path)
    return sorted(found)


def main():
    ap = argparse.ArgumentParser(description="ingest mutated copies of files")
    ap.add_argument("--br", default="build/release/br")
    ap.add_argument("-n", type=int, default=1000, help="copies")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--batch", type=int, default=50)
    ap.add_argument("--keep", default="mutate-found", help="folder for copies that make trouble")
    ap.add_argument("path", nargs="+")
    args = ap.parse_args()
    br, rng = os.path.abspath(args.br), random.Random(args.seed)
    seeds = []
    for path in sources(args.path):
        with open(path, "rb") as f:
            seeds.append((os.path.basename(path), f.read()))
    reasons, failed, began = {}, 0, time.monotonic()
    for start in range(0, args.n, args.batch):
        copies = []
        for i in range(start, min(start + args.batch, args.n)):
            name, data = seeds[i % len(seeds)]
            copies.append((f"{i:06d}-{name}", mutate(rng, data, rng.choice(seeds)[1])))
        trouble, given = attempt(br, copies)
        for reason in given:
            reasons[reason[:40]] = reasons.get(reason[:40], 0) + 1
        if trouble:
            failed += 1
            print(f"FAIL copies {start}..: {trouble}\n     {cut_down(br, copies, args.keep)}", flush=True)
    for reason, n in sorted(reasons.items(), key=lambda r: -r[1])[:12]:
        print(f"{n:6d}  {reason}")
    print(f"{args.n} mutated copies of {len(seeds)} files (seed {args.seed}) in {time.monotonic() - began:.0f} s: "
          + (f"{failed} batches with trouble" if failed else "no crash, no hang, nothing touched, verify clean"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
