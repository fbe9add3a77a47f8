#!/usr/bin/env python3
"""Kills br -9 at random moments of ingest, sync, delete, upload, gc and index, over and over in the same workspace.

A kill comes after a random part of the time that the command usually takes, or at a random call of the seam (before it,
after it, or in the middle of a write). Then: the workspace verifies clean; `generation` did not go back; each document is
as it was or as the command makes it; what a line of NDJSON or an exit status acknowledged is there. The same command again,
undisturbed, does the rest, and now and then all answers are compared with those of a workspace that was made from the same
files in one go.

    crash.py --n 200          crash.py --seed 7 --n 20
"""
import hashlib
import json
import os
import random
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))
import lab  # noqa: E402


def sha(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Place:
    """A workspace with docs/ (synced), drop/ (ingested file by file) and uploads; want: {path: SHA-256} of what is indexed."""

    def __init__(self, root, rng, files):
        self.root, self.rng, self.want, self.serial, self.generation = root, rng, {}, 0, 0
        self.uploads = {}   # name in the workspace: file
        os.makedirs(os.path.join(root, "home"))
        os.makedirs(os.path.join(root, "drop"))
        for _ in range(files):
            self.new_file("docs")

    def new_file(self, folder):
        self.serial += 1
        path = f"{folder}/{self.rng.choice('abc')}/f{self.serial}.md"
        lab.write(os.path.join(self.root, path), f"# Piece {self.serial}\n\n{lab.prose(self.rng, self.rng.randint(20, 400))}\n")
        return path

    def in_docs(self):
        out = {}
        for folder, _, names in os.walk(os.path.join(self.root, "docs")):
            for n in names:
                p = os.path.join(folder, n)
                out[os.path.relpath(p, self.root)] = sha(p)
        return out

    def others(self):
        return {p: s for p, s in self.want.items() if not p.startswith("docs/")}

    # ---- what may be done: (arguments, what is wanted afterwards, statuses of doing it again) ----

    def op_sync(self):
        files = sorted(self.in_docs())
        for _ in range(self.rng.randint(0, 12)):
            self.new_file("docs")
        for p in self.rng.sample(files, min(len(files), self.rng.randint(0, 8))):
            full, what = os.path.join(self.root, p), self.rng.choice(("change", "move", "delete"))
            if what == "delete":
                os.remove(full)
            elif what == "change":
                with open(full, "a") as f:
                    f.write(f"\nAnd {lab.prose(self.rng, 30)}\n")
            else:
                self.serial += 1
                os.rename(full, os.path.join(os.path.dirname(full), f"moved{self.serial}.md"))
        return ["sync", "--json", "docs"], {**self.others(), **self.in_docs()}, (0,)

    def op_ingest(self):
        new = [self.new_file("drop") for _ in range(self.rng.randint(1, 10))]
        return ["ingest", "--json", *new], {**self.want, **{p: sha(os.path.join(self.root, p)) for p in new}}, (0,)

    def op_rm(self):
        mine = sorted(self.others())
        if not mine:
            return self.op_ingest()
        gone = self.rng.sample(mine, self.rng.randint(1, len(mine)))
        return ["docs", "rm", *gone], {p: s for p, s in self.want.items() if p not in gone}, (0, 1, 2)

    def op_upload(self):
        new = [self.new_file("drop") for _ in range(2)]
        self.uploads.update({os.path.basename(p): p for p in new})
        return ["upload", "--json", *new], self.want, (0,)

    def op_pending(self):
        return ["ingest", "--json"], None, (0,)

    def op_gc(self):
        return ["gc"], self.want, (0,)

    def op_index(self):
        return lab.INDEX_BUILD, self.want, (0,)


def indexed(br, root):
    return {p: d[1] for p, d in lab.documents(br, root).items() if d[0] == "indexed"}


def generation(br, root):
    return json.loads(br.ok(["status", "--json"], root).out)["generation"]


class Killer:
    """Learns how long each command takes and how many calls it makes, and picks moments in between."""

    def __init__(self, br, fault, rng, scratch):
        self.br, self.fault, self.rng, self.count = br, fault, rng, os.path.join(scratch, "count")
        self.takes, self.calls = {}, {}

    def run(self, args, root):
        """(result, how it was killed)"""
        verb = args[0] + ("" if len(args) < 2 or args[1][:1] == "-" else " " + args[1][:4])
        if verb in self.calls and self.rng.random() < 0.5:
            cls = self.rng.choice(("write", "write", "sync", "name", "open", "all"))
            n = sum(self.calls[verb][c] for c in lab.CLASSES if c != "alloc") if cls == "all" else self.calls[verb][cls]
            how = f"class={cls},at={self.rng.randint(1, max(n, 1))},{self.rng.choice(('kill', 'killed', 'torn') if cls == 'write' else ('kill', 'killed'))}"
            return self.fault.run(args, root, how), how
        delay = self.rng.random() * self.takes.get(verb, 0.03) * 0.8
        began = time.monotonic()
        p = self.fault.start(args, root, f"count={self.count}")
        try:
            out, err = p.communicate(timeout=delay)
        except lab.subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
        if p.returncode == 0:
            self.takes[verb] = max(time.monotonic() - began, self.takes.get(verb, 0) * 0.7)
            self.calls[verb] = lab.read_counts(self.count)
        elif p.returncode == -9:
            self.takes[verb] = max(self.takes.get(verb, 0.03), delay * 1.2)
        return lab.Result(args, p.returncode, out, err), f"after {delay * 1000:.1f} ms"


def told(text):
    for line in text.splitlines():
        try:
            e = json.loads(line)
        except ValueError:
            continue  # the line that the kill cut
        if e.get("event") == "file":
            yield e


def check_killed(br, place, want, r):
    """What has to hold after a kill, before anything is done again."""
    lab.clean(br, place.root)
    g = generation(br, place.root)
    if g < place.generation:
        raise lab.Wrong(f"generation went back from {place.generation} to {g}")
    place.generation = g
    now = indexed(br, place.root)
    for p in {**place.want, **want, **now}:
        if now.get(p) not in (place.want.get(p), want.get(p)):
            raise lab.Wrong(f"{p} is neither as before nor as after")
    if r.rc == 0 and now != want:
        raise lab.Wrong("exit 0, but not all is done: " + lab.differences(now, want))
    if r.args[0] == "upload":
        return
    for e in told(r.out):
        if e["action"] in ("add", "change", "move", "delete") and now.get(e["path"]) != want.get(e["path"]):
            raise lab.Wrong(f"{e['action']} of {e['path']} was told and is lost")


def compare(br, place, scratch):
    """Answers are those of a workspace that was never disturbed."""
    other = os.path.join(scratch, "undisturbed")
    shutil.rmtree(other, ignore_errors=True)
    os.makedirs(os.path.join(other, "home"))
    for p in ("docs", "drop"):
        shutil.copytree(os.path.join(place.root, p), os.path.join(other, p))
    br.ok(["init"], other)
    if len(place.others()) < len(place.want):  # else nothing was synced yet
        br.ok(["sync", "docs"], other)
    for p in sorted(place.others()):
        br.ok(["upload", place.uploads[p]] if p in place.uploads else ["ingest", p], other)
    br.ok(["ingest"], other)
    a, b = lab.answers(br, place.root), lab.answers(br, other)
    if a != b:
        raise lab.Wrong("answers differ from those of an undisturbed workspace: " + lab.differences(a, b))


def one_round(br, killer, place, ops):
    op = killer.rng.choice(ops)
    args, want, again = getattr(place, op)()
    if want is None:  # uploads that wait
        want = {**place.want, **{p: d[1] for p, d in lab.documents(br, place.root).items() if d[0] == "uploaded"}}
    r, how = killer.run(args, place.root)
    where = f"br {' '.join(args)[:80]} killed {how} (exit {r.rc}): "
    try:
        if r.rc not in (0, -9):
            raise lab.Wrong(r.say())
        check_killed(br, place, want, r)
        br.ok(args, place.root, allowed=again)
        place.want = want
        lab.clean(br, place.root)
        now = indexed(br, place.root)
        if now != want:
            raise lab.Wrong("done again, it is not what it should be: " + lab.differences(now, want))
        place.generation = generation(br, place.root)
    except lab.Wrong as e:
        raise lab.Wrong(where + str(e)) from e
    return r.rc == -9


def kill_init(br, killer, scratch):
    root = os.path.join(scratch, "new")
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(os.path.join(root, "home"))
    lab.write(os.path.join(root, "a.txt"), "An anchor.\n")
    r, how = killer.run(["init"], root)
    again = br.run(["init"], root)
    if again.rc not in ((128,) if r.rc == 0 else (0, 128)):
        raise lab.Wrong(f"init killed {how}: then {again.say()}")
    br.ok(["ingest", "a.txt"], root)
    lab.clean(br, root)
    return r.rc == -9


def big(br, killer, rng, scratch, rounds):
    """A sync of several commits, deletes of several commits: what was told before the kill is there."""
    place = Place(os.path.join(scratch, "big"), rng, 0)
    br.ok(["init"], place.root)
    for i in range(1300):
        lab.write(f"{place.root}/docs/small/s{i}.txt", f"marker {i} {lab.prose(rng, 8)}\n")
    text = lab.prose(rng, 40000)
    for i in range(160):
        lab.write(f"{place.root}/docs/large/l{i}.txt", f"large {i}\n{text}\n")
    killer.takes["sync"] = 6.0
    for n in range(rounds):
        if n % 2:
            shutil.move(f"{place.root}/docs/small", f"{place.root}/small")
            shutil.move(f"{place.root}/docs/large", f"{place.root}/large")
        elif n:
            shutil.move(f"{place.root}/small", f"{place.root}/docs/small")
            shutil.move(f"{place.root}/large", f"{place.root}/docs/large")
        os.makedirs(f"{place.root}/docs", exist_ok=True)
        want, args = place.in_docs(), ["sync", "--json", "docs"]
        while True:
            r, how = killer.run(args, place.root)
            check_killed(br, place, want, r)
            if r.rc == 0:
                break
            place.want = indexed(br, place.root)
        place.want = want
    return rounds


def main():
    p = lab.options(__doc__.splitlines()[0])
    p.add_argument("--n", type=int, default=20)
    p.add_argument("--files", type=int, default=120)
    o = p.parse_args()
    br, fault, seed = lab.Br(o.bin), lab.Br(o.bin, "br-fault"), lab.pick_seed(o.seed)
    rng = random.Random(seed)
    bad, killed = [], 0
    with lab.Scratch("crash", o.keep) as scratch:
        killer = Killer(br, fault, rng, scratch.dir)
        place = Place(os.path.join(scratch.dir, "w"), rng, o.files)
        br.ok(["init"], place.root)
        ops = ["op_sync", "op_sync", "op_ingest", "op_rm", "op_upload", "op_pending"]
        ops += [op for verb, op in (("gc", "op_gc"), ("index", "op_index")) if br.has(verb)]
        try:
            for n in range(o.n):
                killed += kill_init(br, killer, scratch.dir) if n % 10 == 9 else one_round(br, killer, place, ops)
                if n % 5 == 4 or n == o.n - 1:
                    compare(br, place, scratch.dir)
            if o.n >= 100:
                big(br, killer, rng, scratch.dir, o.n // 25)
        except lab.Wrong as e:
            bad.append(f"round {n}: {e}")
            scratch.keep = True
        return lab.report(bad, o.n, f"crash: {killed} kills in {o.n} rounds, seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
