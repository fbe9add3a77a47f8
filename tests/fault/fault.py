#!/usr/bin/env python3
"""Fails each call of br in turn - allocations, writes, syncs, opens, reads, maps, locks, ... - and looks at what is left.

After every failure: a documented exit status (never a signal or a hang), a message on stderr, a workspace that verifies
clean and holds what it held or what the command was to make of it, document by document; and the same command again
without a fault ends where an undisturbed one ends.

    fault.py                  a seeded sample, for the gate       fault.py --all       every call
    fault.py --list           the scenarios                       fault.py --case sync/alloc/once/17   one of them
"""
import filecmp
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lab  # noqa: E402

# How a class of calls fails: name, what BR_SEAM gets, statuses that are allowed besides those of the undisturbed command.
# 2 is "some inputs failed": the fault was met while one of several documents was read.
KINDS = {
    "alloc": [("once", "errno=ENOMEM", {128, 2}), ("from", "errno=ENOMEM,from", {128, 2})],
    "write": [("full", "errno=ENOSPC,from", {14, 2}), ("io", "errno=EIO", {128, 2}), ("short", "short", {128, 2, 14})],
    "sync": [("io", "errno=EIO", {128}), ("full", "errno=ENOSPC", {14})],
    "open": [("files", "errno=EMFILE", {128, 2}), ("from", "errno=EMFILE,from", {128, 2})],
    "read": [("io", "errno=EIO", {128, 2}), ("short", "short", {128, 2, 15})],  # LMDB takes a file that reads short for damaged
    "map": [("mem", "errno=ENOMEM", {128}), ("from", "errno=ENOMEM,from", {128})],
    "name": [("io", "errno=EIO", {128}), ("full", "errno=ENOSPC", {14})],
    "stat": [("io", "errno=EIO", {128, 2, 10}), ("from", "errno=EIO,from", {128, 2, 10})],
    "lock": [("io", "errno=EIO", {128})],
    "spawn": [("again", "errno=EAGAIN", {2}), ("from", "errno=EAGAIN,from", {2})],
    "thread": [("once", "errno=EAGAIN", set())],
}


class Scenario:
    """base: what is done before; args: the command; text: its input; again: statuses of doing it once more when it was done."""

    def __init__(self, name, base, *args, text=None, reads=False, again=(0,), change=False):
        self.name, self.base, self.args, self.text = name, base, list(args), text
        self.reads, self.again, self.change = reads, again, change

    def prepare(self, br, place):
        self.place = place
        os.makedirs(os.path.join(place, "home"), exist_ok=True)
        lab.small_corpus(place)
        for step in self.base:
            br.ok(step, place)
        if self.change:
            lab.change_corpus(place)
        self.before = state(br, place)


INIT, SYNC = ["init", "-q"], ["sync", "-q", "docs"]


def scenarios(br):
    yield Scenario("init", [], "init", again=(128,))
    yield Scenario("keys", [INIT, ["keys", "create", "-q", "k"]], "keys", "rotate", "-q", "k", "--grace", "1h")
    yield Scenario("notebook-set", [INIT], "notebook", "set", "chat.persona", "clear", "tags", "a,b", "chunk.size", "500")
    yield Scenario("ingest", [INIT], "ingest", "docs")
    yield Scenario("records", [INIT, SYNC], "ingest", "--ndjson", "records.ndjson")
    yield Scenario("stdin", [INIT], "ingest", "-", text="A marker of the captain's letter.\n")
    yield Scenario("upload", [INIT, SYNC], "upload", "given.md")
    yield Scenario("pending", [INIT, ["upload", "-q", "given.md"]], "ingest")
    yield Scenario("sync", [INIT, SYNC], "sync", change=True)
    yield Scenario("rm", [INIT, SYNC], "docs", "rm", "docs/locks.md", "docs/sub/*", again=(1,))
    yield Scenario("notebook", [INIT, SYNC], "notebook", "create", "second", again=(128,))
    yield Scenario("drop", [INIT, SYNC, ["notebook", "create", "-q", "second"]], "notebook", "delete", "--yes", "default", again=(1,))
    yield Scenario("config", [INIT], "config", "set", "search.top", "5")
    for s in lab.STRATEGIES:
        yield Scenario("query-" + s, [INIT, SYNC], "query", "--json", "-s", s, "harbour pilot", reads=True)
    if br.has("chat"):
        said = [INIT, SYNC, ["chat", "-q", "--new", "harbour pilot"]]
        yield Scenario("chat", [INIT, SYNC], "chat", "--json", "harbour pilot", reads=True)
        yield Scenario("chat-new", [INIT, SYNC], "chat", "--new", "harbour pilot")
        yield Scenario("chat-on", said, "chat", "-c", "last", "--json", "harbour pilot")
        yield Scenario("chat-delete", said, "chat", "delete", "-y", "last", again=(1,))
    yield Scenario("list", [INIT, SYNC], "docs", "list", "--json", reads=True)
    yield Scenario("status", [INIT, SYNC], "status", "--json", reads=True)
    yield Scenario("verify", [INIT, SYNC, ["upload", "-q", "given.md"]], "verify", "--json", reads=True)
    gone = [INIT, SYNC, ["docs", "rm", "-q", "docs/sub/*"]]
    if br.has("gc"):
        yield Scenario("gc", gone, "gc")
    if br.has("enhance"):
        run = ["enhance", "run", "-q"]
        yield Scenario("enhance", [INIT, SYNC], *run)
        yield Scenario("publish", [INIT, SYNC, run], "enhance", "publish")
        yield Scenario("reset", [INIT, SYNC, run, ["enhance", "publish", "-q"]], "enhance", "reset")
    if br.has("index"):
        yield Scenario("index", [INIT, SYNC], *lab.INDEX_BUILD)
        yield Scenario("query-index", [INIT, SYNC, lab.INDEX_BUILD], "query", "--json", "-s", "semantic", "harbour pilot", reads=True)
    if "--repair" in br.run(["help", "verify"], "/").out:
        yield Scenario("repair", gone, "verify", "--repair")


def same_bytes(place, other):
    return all(os.path.exists(f"{p}/.br/data.mdb") for p in (place, other)) and \
        filecmp.cmp(f"{place}/.br/data.mdb", f"{other}/.br/data.mdb", shallow=False)


def state(br, place):
    """Documents, answers and the settings of the workspace at place; None where there is none."""
    if not lab.is_workspace(place):
        return None
    lab.clean(br, place)
    books = br.ok(["notebook", "list", "--json"], place).out.count("\n")
    top = br.ok(["config", "get", "search.top"], place, allowed=(0, 1)).out
    return {"docs": lab.documents(br, place), "answers": lab.answers(br, place, lab.QUESTIONS[:2]), "rest": (books, top)}


def between(now, before, after):
    """Every document is as it was or as it was to be; a workspace that is whole in one of them answers like it."""
    if now is None:
        return None if before is None else "the workspace is gone"
    same = [s for s in (before, after) if s and now["docs"] == s["docs"] and now["rest"] == s["rest"]]
    if same:
        return None if any(now["answers"] == s["answers"] for s in same) else "answers differ: " + lab.differences(now["answers"], same[-1]["answers"])
    if before is None:
        return None
    for path in {**now["docs"], **before["docs"], **after["docs"]}:
        if now["docs"].get(path) not in (before["docs"].get(path), after["docs"].get(path)) and now["docs"][path][0] != "failed":
            return f"document {path} is neither as before nor as after: {now['docs'].get(path)}"
    return None


# ---- one fault ----

def same_output(s, a, b):
    if s.name.startswith("query"):
        return lab.hits(json.loads(a)) == lab.hits(json.loads(b))
    if s.name == "list":
        return a == b
    return True


def check_end(s, cls, r, allowed):
    why = lab.died(r)
    if why:
        return why
    if s.name == "verify" and r.rc == 3 and cls in ("open", "read", "stat"):
        return None  # that a stored original cannot be read is a finding
    if r.rc != s.rc and r.rc not in allowed:
        return "that status does not fit this fault"
    if r.rc and not r.err.strip():
        return "nothing on stderr"
    if r.rc == s.rc == 0 and s.reads and not same_output(s, r.out, s.out):
        return "exit 0 and another answer: " + r.out[:300]
    return None


def check_left(br, s, r, place):
    if s.reads:
        return None if same_bytes(place, s.place) else "a reading command changed the workspace"
    now = s.before if s.before and s.name != "config" and same_bytes(place, s.place) else state(br, place)
    why = between(now, s.before, s.after)
    if why:
        return why
    if r.rc == s.rc and r.rc != 2 and (now is None or now["docs"] != s.after["docs"]):
        return "exit 0, but not done"
    again = br.run(s.args, place, text=s.text)
    if again.rc not in (s.rc, *s.again):
        return "done again without a fault: " + again.say()
    end = state(br, place)
    if end != s.after:
        return "done again, it ends elsewhere: " + lab.differences(end["docs"], s.after["docs"]) + lab.differences(end["answers"], s.after["answers"])
    return None


class Trial:
    def __init__(self, s, cls, kind, n):
        self.s, self.cls, self.kind, self.n = s, cls, kind, n
        self.name = f"{s.name}/{cls}/{kind[0]}/{n}"

    def run(self, lab_, me):
        br, fault, scratch = lab_
        place = os.path.join(scratch.dir, self.s.name, f"t{me}")
        lab.copy_workspace(self.s.place, place)
        seam = f"class={self.cls},at={self.n},{self.kind[1]}"
        r = fault.run(self.s.args, place, seam, text=self.s.text, env={"BR_THREADS": "1"})
        try:
            why = check_end(self.s, self.cls, r, self.kind[2]) or check_left(br, self.s, r, place)
        except lab.Wrong as e:
            why = str(e)
        return why and f"{self.name}: {why}\n       BR_SEAM={seam} {r.say()}"


def undisturbed(br, fault, s, scratch):
    """Learns where the command ends, and how many calls of each class it makes."""
    for me in range(2):
        place = scratch.place(s.name, f"t{me}")
        for x in os.listdir(s.place):
            if x != ".br":
                os.symlink(os.path.join(s.place, x), os.path.join(place, x)) if x == "home" else clone(os.path.join(s.place, x), os.path.join(place, x))
    lab.copy_workspace(s.place, place)
    count = os.path.join(scratch.dir, s.name, "count")
    r = fault.run(s.args, place, f"count={count}", text=s.text, env={"BR_THREADS": "1"})
    if lab.died(r) or r.rc not in (0, 4):
        raise lab.Wrong("undisturbed: " + r.say())
    s.rc, s.out = r.rc, r.out
    s.after = state(br, place)
    s.calls = lab.read_counts(count)


def clone(a, b):
    """A copy with the same times, so that nothing counts as changed."""
    import shutil
    (shutil.copytree if os.path.isdir(a) else shutil.copy2)(a, b)


def trials_of(s):
    for cls, kinds in KINDS.items():
        for kind in kinds:
            for n in range(1, s.calls[cls] + 1):
                yield Trial(s, cls, kind, n)


def sample(all_trials, n, rng):
    """n of them; the first of each scenario, class and kind come before the rest."""
    rng.shuffle(all_trials)
    seen, first, rest = set(), [], []
    for t in all_trials:
        key = t.s.name, t.cls, t.kind[0]
        (rest if key in seen else first).append(t)
        seen.add(key)
    return (first + rest)[:n]


def check_seam(all_scenarios):
    """A misspelt --wrap is silently ignored, so every class must have been met somewhere."""
    for cls in lab.CLASSES:
        if not any(s.calls[cls] for s in all_scenarios):
            raise lab.Wrong(f"no call of class {cls} was counted: the seam is not in place")


def main():
    p = lab.options(__doc__.splitlines()[0])
    p.add_argument("--all", action="store_true")
    p.add_argument("--list", action="store_true")
    p.add_argument("--trials", type=int, default=300)
    p.add_argument("--only", default="", help="scenario or scenario/class")
    p.add_argument("--case", default="")
    o = p.parse_args()
    br, fault, seed = lab.Br(o.bin), lab.Br(o.bin, "br-fault"), lab.pick_seed(o.seed)
    with lab.Scratch("fault", o.keep) as scratch:
        use = [s for s in scenarios(br) if not (o.case or o.only) or s.name == (o.case or o.only).split("/")[0]]
        for s in use:
            s.prepare(br, scratch.place(s.name, "base"))
            undisturbed(br, fault, s, scratch)
        if o.list:
            for s in use:
                print(f"{s.name:16} " + " ".join(f"{c} {s.calls[c]}" for c in lab.CLASSES))
            return 0
        if not o.case and not o.only:
            check_seam(use)
        every = [t for s in use for t in trials_of(s) if (t.name == o.case if o.case else t.name.startswith(o.only))]
        chosen = every if o.all or o.case else sample(every, o.trials, random.Random(seed))
        by_scenario = sorted(chosen, key=lambda t: t.s.name)
        bad = [x for x in lab.in_parallel(by_scenario, lambda t, me: t.run((br, fault, scratch), me)) if x]
        scratch.keep |= bool(bad)
        return lab.report(bad, len(chosen), f"fault: {len(every)} calls in {len(use)} scenarios, seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
