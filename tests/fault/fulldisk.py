#!/usr/bin/env python3
"""A disk that is really full: small tmpfs mounts of several sizes, and the file size limit (RLIMIT_FSIZE).

A command that finds no room ends with 14 and says so; what was there stays and answers as before; with more room the same
command goes on to the end. The mounts need a user and mount namespace; where that is not allowed they are skipped aloud.
"""
import os
import random
import resource
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lab  # noqa: E402

INSIDE = "BR_FULLDISK_INSIDE"
SIZES = (96, 160, 224, 288, 352, 480, 640, 900, 1400)   # KiB


def corpus(place):
    """A few documents that are indexed while there is room, and many more that are not."""
    rng = random.Random(5)
    lab.small_corpus(os.path.join(place, "first"))
    for i in range(400):
        lab.write(f"{place}/many/{i % 7}/f{i}.md", f"# Many {i}\n\n{lab.prose(rng, 300)}\n")
    return os.path.join(place, "first", "docs"), os.path.join(place, "many")


def fill(br, root, first, many, more_room, **how):
    """Returns the statuses that were met."""
    met = []
    os.makedirs(os.path.join(root, "home"), exist_ok=True)
    for args in (["init"], ["sync", first], ["sync", many], ["upload", os.path.join(first, "soup.txt")], ["docs", "rm", os.path.join(first, "soup.txt")]):
        before = lab.documents(br, root) if lab.is_workspace(root) else None
        r = br.run(args, root, **how)
        met.append(r.rc)
        if lab.died(r) or r.rc not in ((0, 1, 14) if args[0] == "docs" else (0, 14)):
            raise lab.Wrong(r.say())
        if r.rc == 14 and "disk full" not in r.err and "File too large" not in r.err:
            raise lab.Wrong("does not say what is full: " + r.say())
        if before is None and not lab.is_workspace(root):
            break
        lab.clean(br, root)
        if r.rc == 14 and before is not None:
            now = lab.documents(br, root)
            lost = [p for p in before if now.get(p) != before[p]]
            if lost:
                raise lab.Wrong(f"{lost[0]} is lost after {r.say()}")
            lab.answers(br, root, lab.QUESTIONS[:1])
    more_room()
    br.ok(["init"], root, allowed=(0, 128))
    for args in (["sync", first], ["sync", many]):
        br.ok(args, root)
    lab.clean(br, root)
    if len(lab.documents(br, root)) < 400:
        raise lab.Wrong("not everything is there after there was room again")
    return met


def with_mounts(br, scratch, sizes, first, many):
    for size in sizes:
        root = scratch.place(f"mount{size}")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", root], check=True)
        try:
            met = fill(br, root, first, many,
                       lambda at=root: subprocess.run(["mount", "-o", "remount,size=64m", at], check=True))
            yield f"tmpfs {size} KiB: {met}", None
        except lab.Wrong as e:
            yield None, f"tmpfs {size} KiB: {e}"
        finally:
            subprocess.run(["umount", root], check=True)


def with_limits(br, scratch, sizes, first, many):
    for size in sizes:
        root = scratch.place(f"limit{size}")
        limit = (size << 10, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        try:
            met = fill(br, root, first, many, lambda: None,
                       preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_FSIZE, n))
            yield f"file limit {size} KiB: {met}", None
        except lab.Wrong as e:
            yield None, f"file limit {size} KiB: {e}"


def can_mount():
    probe = 'd=$(mktemp -d) && mount -t tmpfs -o size=64k none "$d" && umount "$d" && rmdir "$d"'
    return subprocess.run(["unshare", "-rm", "sh", "-c", probe], capture_output=True, check=False).returncode == 0


def main():
    p = lab.options(__doc__.splitlines()[0])
    p.add_argument("--short", action="store_true", help="three sizes instead of nine")
    o = p.parse_args()
    sizes = SIZES[::4] if o.short else SIZES
    inside = os.environ.get(INSIDE)
    if not inside and can_mount():
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])
    br, bad, n = lab.Br(o.bin), [], 0
    with lab.Scratch("fulldisk", o.keep) as scratch:
        first, many = corpus(scratch.place("corpus"))
        if not inside:
            print("skipped: small tmpfs mounts, unshare -rm is not allowed here")
        for make in (with_mounts, with_limits) if inside else (with_limits,):
            for said, why in make(br, scratch, sizes, first, many):
                n += 1
                if why:
                    bad.append(why)
                else:
                    print(said)
        scratch.keep |= bool(bad)
        return lab.report(bad, n, "full disk")


if __name__ == "__main__":
    sys.exit(main())
