#!/usr/bin/env python3
"""Power loss: replays what br wrote, cut off at any point, with the writes that were not synced lost, torn or reordered.

br-fault records every change of a file or folder with its data. A model of a disk is fed with a beginning of the record:
each file has what a sync made durable and, in sectors of 512 bytes, what was written since; each folder has its durable
entries and the changes since. From such a point several disks could be left: without anything unsynced, with all of it,
and with seeded subsets, sector by sector. Each is laid out as a workspace, which has to open, to verify clean, and to hold
everything that was acknowledged before the point: a command's exit 0, or a line of NDJSON on its standard output.

    power.py                 a seeded sample of the points, for the gate
    power.py --all           every point          power.py --case 57/2      one point and variant
"""
import json
import os
import random
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))
import lab  # noqa: E402

HEAD = struct.Struct("<IIQQIII4x")
START, OPEN, WRITE, TRUNC, SYNC, RENAME, UNLINK, MKDIR, LINK = range(1, 10)
O_DSYNC, O_CREAT, O_TRUNC, O_DIRECTORY = os.O_DSYNC, os.O_CREAT, os.O_TRUNC, os.O_DIRECTORY
SECTOR = 512


def read_record(path):
    """(op, fd, off, flags, path, to, data) for each entry."""
    with open(path, "rb") as f:
        b = f.read()
    at, out = 0, []
    while at < len(b):
        op, fd, off, n, flags, np, nt = HEAD.unpack_from(b, at)
        at += HEAD.size
        p, t = b[at:at + np].decode(), b[at + np:at + np + nt].decode()
        at += np + nt
        data = b[at:at + n] if op == WRITE else b""
        at += len(data)
        out.append((op, fd, off, flags, os.path.normpath(p) if p else "", os.path.normpath(t) if t else "", data))
    return out


class File:
    def __init__(self):
        self.durable = bytearray()
        self.exists = False     # its inode was synced at all
        self.pending = []       # (offset, bytes) or ("cut", size), since the last sync

    def change(self, at, data):
        """Kept in pieces of a sector: those that a disk writes whole or not at all."""
        while data:
            n = min(len(data), SECTOR - at % SECTOR)
            self.pending.append((at, data[:n]))
            at, data = at + n, data[n:]

    @staticmethod
    def apply(image, changes):
        for at, data in changes:
            if at == "cut":
                del image[data:]
                image.extend(b"\0" * (data - len(image)))
            else:
                image.extend(b"\0" * (at + len(data) - len(image)))
                image[at:at + len(data)] = data
        return image

    def sync(self):
        self.apply(self.durable, self.pending)
        self.pending = []
        self.exists = True

    def sync_range(self, at, n):
        """A write to a descriptor opened with O_DSYNC: durable with its length, the rest of the file is not."""
        mine = [c for c in self.pending if c[0] != "cut" and at <= c[0] < at + n]
        self.apply(self.durable, mine)
        self.pending = [c for c in self.pending if c not in mine]

    def left(self, chosen):
        return bytes(self.apply(bytearray(self.durable), chosen))


class Disk:
    """Names are whole paths; below `root` alone. A folder's entries change in order, each change with one name or two."""

    def __init__(self, root):
        self.root = root
        self.files = {}         # path -> File or None for a folder: what programs see
        self.durable = {}       # the same, as synced
        self.names = {}         # folder -> changes since it was synced
        self.fd = {}

    def note(self, change, *paths):
        for p in {os.path.dirname(p) for p in paths}:
            self.names.setdefault(p, []).append(change)

    @staticmethod
    def rename(files, change):
        what, a, b, node = change
        if what == "put":
            files[a] = node
        elif what == "drop":
            files.pop(a, None)
        else:
            files.pop(a, None)
            files[b] = node

    def do(self, change, *paths):
        self.rename(self.files, change)
        self.note(change, *paths)

    def sync_folder(self, path):
        for change in self.names.pop(path, []):
            self.rename(self.durable, change)
            for other in self.names.values():
                if change in other:
                    other.remove(change)

    def step(self, e):
        op, fd, off, flags, path, to, data = e
        if op == START:
            self.fd = {}
        elif op == OPEN:
            if not (path + "/").startswith(self.root + "/"):
                self.fd.pop(fd, None)
                return
            if not flags & O_DIRECTORY and path not in self.files:
                self.do(("put", path, None, File()), path)
            f = self.files.get(path)
            if f and flags & O_TRUNC:
                f.pending.append(("cut", 0))
            self.fd[fd] = (f, path, bool(flags & O_DSYNC))
        elif op in (WRITE, TRUNC, SYNC):
            self.content(op, fd, off, data)
        elif op == MKDIR and (path + "/").startswith(self.root + "/"):
            self.do(("put", path, None, None), path)
        elif op == UNLINK and path in self.files:
            self.do(("drop", path, None, None), path)
        elif op in (RENAME, LINK) and path in self.files:
            self.do(("move" if op == RENAME else "put", path if op == RENAME else to, to, self.files[path]), path, to)

    def content(self, op, fd, off, data):
        f, path, direct = self.fd.get(fd, (None, None, False))
        if op == SYNC and path and not f:
            self.sync_folder(path)
        elif not f:
            return
        elif op == SYNC:
            f.sync()
        elif op == TRUNC:
            f.pending.append(("cut", off))
        else:
            f.change(off, data)
            if direct:
                f.sync_range(off, len(data))

    # ---- what a loss of power may leave ----

    def names_left(self, rng, how):
        files = dict(self.durable)
        for changes in self.names.values():
            n = 0 if how == "none" else len(changes) if how == "all" else rng.randint(0, len(changes))
            for change in changes[:n]:
                self.rename(files, change)
        return files

    @staticmethod
    def chosen(f, rng, how):
        if how == "none":
            return []
        if how == "all":
            return f.pending
        share = rng.choice((0.1, 0.5, 0.9))
        return [c for c in f.pending if rng.random() < share]  # later ones without earlier ones: reordered

    def lay_out(self, place, rng, how):
        """The files of such a disk below place, which stands for root."""
        files = self.names_left(rng, how)
        for path in sorted(files):
            to = place + path[len(self.root):]
            if files[path] is None:
                if os.path.isdir(os.path.dirname(to)):
                    os.makedirs(to, exist_ok=True)
            elif os.path.isdir(os.path.dirname(to)):
                with open(to, "wb") as out:
                    out.write(files[path].left(self.chosen(files[path], rng, how)))


# ---- the story that is recorded ----

def story(br, root):
    """Commands in order; the corpus is changed before the step that names a function."""
    yield None, ["init"]
    yield None, ["sync", "--json", "docs"]
    yield None, ["upload", "given.md"]
    yield None, ["ingest", "--json"]
    yield lab.change_corpus, ["sync", "--json"]
    yield None, ["ingest", "--json", "--ndjson", "records.ndjson"]
    yield None, ["docs", "rm", "docs/sub/*"]
    if br.has("gc"):
        yield None, ["gc"]
    if br.has("index"):
        yield None, lab.INDEX_BUILD
    yield None, ["notebook", "create", "second"]
    yield None, ["docs", "rm", "docs/soup.txt"]


def known(br, root):
    """The documents, and the number of notebooks: what must be there after a loss of power."""
    if not lab.is_workspace(root):
        return None
    docs = lab.documents(br, root)
    return docs, br.ok(["notebook", "list", "--json"], root).out.count("\n")


def record_story(br, fault, root, record):
    """[(length of the record when it was acknowledged, command, what was known then)]"""
    acks = [(0, None, None)]
    for change, args in story(br, root):
        if change:
            change(root)
        r = fault.run(args, root, f"record={record}")
        if r.rc != 0:
            raise lab.Wrong(r.say())
        acks.append((len(read_record(record)), args, known(br, root)))
    return acks


def drop_unrecorded(place):
    """The plugin writes index files, and the seam does not reach it: their bytes are not in the record. They are caches."""
    folder = os.path.join(place, ".br", "index")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name.endswith((".faiss", ".json")):
            os.unlink(os.path.join(folder, name))


def check(br, place, before, after):
    """before: acknowledged; after: what the command that was running would make of it."""
    now = known(br, place)
    if now is None and before is None:
        br.ok(["init"], place)
        now = known(br, place)
    if now is None:
        return "the workspace is gone"
    if before is None and now[1] == 0:  # an init that was not acknowledged is gone on with
        br.ok(["init"], place)
    drop_unrecorded(place)
    lab.clean(br, place)
    lab.answers(br, place, lab.QUESTIONS[:1])
    if before is None:
        return None
    allowed = [s for s in (before, after) if s]
    if now[1] not in [s[1] for s in allowed]:
        return f"{now[1]} notebooks"
    for path in {**before[0], **now[0]}:
        if now[0].get(path) not in [s[0].get(path) for s in allowed]:
            return f"document {path}: {now[0].get(path)}, acknowledged was {before[0].get(path)}"
    return None


def told(record, n, start):
    """Documents that a line of NDJSON named before entry n, within the command that began at `start`."""
    text = b"".join(e[6] for e in record[start:n] if e[0] == WRITE and e[1] == 1).decode(errors="replace")
    out = {}
    for line in text.splitlines():
        try:
            e = json.loads(line)
        except ValueError:
            continue
        if e.get("event") == "file":
            out[e["path"]] = e["action"]
    return out


class Point:
    """The record up to entry n; variants: nothing unsynced is left, all of it, subsets."""

    def __init__(self, n, variant):
        self.n, self.variant, self.name = n, variant, f"{n}/{variant}"

    def run(self, br, root, record, acks, seed, place, lying=False):
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(os.path.join(place, "home"))
        disk = Disk(root)
        for e in record[:self.n]:
            if not (lying and e[0] == SYNC):
                disk.step(e)
        disk.lay_out(place, random.Random(f"{seed}/{self.name}"), ("none", "all")[self.variant] if self.variant < 2 else "some")
        k = max(i for i, a in enumerate(acks) if a[0] <= self.n)
        before, after = acks[k][2], acks[k + 1][2] if k + 1 < len(acks) else None
        try:
            why = check(br, place, before, after)
            if not why and before and after:
                now = lab.documents(br, place)
                for path, action in told(record, self.n, acks[k][0]).items():
                    if action in ("add", "change", "move", "delete") and now.get(path) != after[0].get(path):
                        why = f"{action} of {path} was told and is lost"
        except lab.Wrong as e:
            why = str(e)
        doing = " ".join(acks[k + 1][1]) if k + 1 < len(acks) else "the end"
        return why and f"{self.name} (during '{doing}'): {why}"


def check_model(points, run):
    """A disk that ignores syncs loses what was acknowledged: when that is not noticed, this program notices nothing."""
    if not any(run(p) for p in points):
        raise lab.Wrong("a disk that ignores every sync loses nothing?")


def main():
    p = lab.options(__doc__.splitlines()[0])
    p.add_argument("--all", action="store_true")
    p.add_argument("--states", type=int, default=150)
    p.add_argument("--variants", type=int, default=6)
    p.add_argument("--case", default="")
    o = p.parse_args()
    br, fault, seed = lab.Br(o.bin), lab.Br(o.bin, "br-fault"), lab.pick_seed(o.seed)
    with lab.Scratch("power", o.keep) as scratch:
        root, record_file = scratch.place("w"), os.path.join(scratch.dir, "record")
        scratch.place("w", "home")
        lab.small_corpus(root)
        acks = record_story(br, fault, root, record_file)
        record = read_record(record_file)
        every = [Point(n, v) for n in range(1, len(record) + 1) for v in range(o.variants)]
        rng = random.Random(seed)
        chosen = [p for p in every if p.name == o.case] if o.case else every if o.all else rng.sample(every, min(o.states, len(every)))
        place = os.path.join(scratch.dir, "t")
        bad = lab.in_parallel(chosen, lambda p, me: p.run(br, root, record, acks, seed, place + str(me)))
        if not o.case:
            check_model(every[-40::7], lambda p: p.run(br, root, record, acks, seed, place, lying=True))
        syncs = sum(e[0] == SYNC for e in record)
        scratch.keep |= bool(o.case or any(bad))
        return lab.report([b for b in bad if b], len(chosen),
                          f"power loss: {len(record)} writes, syncs ({syncs}) and renames in {len(acks) - 1} commands, seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
