"""What the programs in tests/fault and tests/crash share: running br, small corpora, and what a workspace answers."""
import argparse
import dataclasses
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading

DOCUMENTED = {0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 128, 129, 130}
CLASSES = "alloc write sync open read map name stat lock spawn thread".split()
STRATEGIES = ("hybrid", "full_text", "semantic")
INDEX_BUILD = ["index", "build", "--kind", "flat"]
QUESTIONS = ("writer lock", "carrots and onions", "how does the harbour pilot signal", "marker")
HANG = 60  # seconds after which a command counts as hanging


class Wrong(Exception):
    """Something br must not do."""


def options(description):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--bin", default="build/release", help="folder with br and br-fault")
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--keep", action="store_true", help="leave the scratch folder")
    return p


def pick_seed(given):
    """The seed of the gate is fixed; SEED=random takes a new one."""
    return 1 if given is None else given if given >= 0 else random.SystemRandom().randrange(1 << 31)


@dataclasses.dataclass
class Result:
    args: list
    rc: int
    out: str
    err: str
    hung: bool = False

    def say(self):
        return f"br {' '.join(self.args)}: exit {self.rc}, stderr {self.err.strip()[:300]!r}" + (f", stdout {self.out.strip()[:300]!r}" if self.args[0] == "verify" else "")


def environment(home, **more):
    env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "TZ": "UTC", "BR_CLOCK": "1700000000",
           "BR_ANN_KIND": "flat", "BR_ANN_AUTO": "false"}  # an index is used where it was built; it answers exactly
    for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "BR_STORE_MAP"):
        if k in os.environ:
            env[k] = os.environ[k]
    env.update(more)
    return env


class Br:
    """One of the two links of br, run in an empty environment."""

    def __init__(self, folder, name="br"):
        self.path = os.path.realpath(os.path.join(folder, name))
        if not os.access(self.path, os.X_OK):
            sys.exit(f"{self.path} is not there; 'make all {os.path.join(folder, 'br-fault')}' builds it")

    def start(self, args, cwd, seam=None, **popen):
        env = environment(os.path.join(cwd, "home"), **({"BR_SEAM": seam} if seam else {}), **popen.pop("env", {}))
        return subprocess.Popen([self.path, *args], cwd=cwd, env=env, stdin=popen.pop("stdin", subprocess.DEVNULL),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **popen)

    def run(self, args, cwd, seam=None, text=None, timeout=HANG, **popen):
        p = self.start(args, cwd, seam, stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL, **popen)
        try:
            out, err = p.communicate(text, timeout=timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            return Result(args, p.returncode, out, err, hung=True)
        return Result(args, p.returncode, out, err)

    def ok(self, args, cwd, allowed=(0,), **kw):
        r = self.run(args, cwd, **kw)
        if r.hung or r.rc not in allowed:
            raise Wrong(("hangs: " if r.hung else "") + r.say())
        return r

    def has(self, verb):
        return self.run(["help", verb], "/").rc == 0


def read_counts(path):
    with open(path, "rb") as f:
        return dict(zip(CLASSES + ["fired"], struct.unpack(f"<{len(CLASSES) + 1}Q", f.read())))


# ---- corpora ----

WORDS = ("harbour pilot signal lantern tide rope captain cargo anchor mast writer lock reader commit page index onion carrot "
         "soup salt boil river bridge stone mill wheel grain barrel winter garden apple orchard letter paper ink printer "
         "window engine valve pressure copper wire meter").split()


def prose(rng, n):
    out, line = [], []
    for i in range(n):
        line.append(rng.choice(WORDS))
        if rng.random() < 0.1 or i == n - 1:
            out.append(" ".join(line).capitalize() + ".")
            line = []
    return " ".join(out)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def small_corpus(root, seed=7):
    """A dozen documents of several kinds below root/docs, records, and a file to upload."""
    rng = random.Random(seed)
    d = os.path.join(root, "docs")
    write(f"{d}/locks.md", "# Locks\n\nThe writer takes one lock. Others wait.\n\n## Reading\n\nReaders never block writers.\n")
    write(f"{d}/soup.txt", "Boil carrots and onions with salt. The marker says soup.\n")
    write(f"{d}/page.html", "<html><head><title>Harbour</title></head><body><h1>Pilots</h1><p>The harbour pilot gives a signal"
                            " with a lantern.</p><table><tr><td>marker</td></tr></table></body></html>\n")
    write(f"{d}/table.csv", "name,depth\nnorth pier,12\nsouth pier,9\n")
    write(f"{d}/code.c", "int main(void)\n{\n\treturn writer_lock(); /* marker */\n}\n")
    write(f"{d}/empty.txt", "")
    for name, text in (("latin.txt", "Der Hafenlotse gr\u00fc\u00dft mit der Laterne; die Stra\u00dfe ist l\u00e4nger als der Weg.\n"),
                       ("latin.html", "<html><head><meta charset='iso-8859-15'></head><body><p>Caf\u00e9 am Hafen</p></body></html>\n")):
        with open(f"{d}/{name}", "w", encoding="latin-1") as f:
            f.write(text)
    for i in range(6):
        write(f"{d}/sub/n{i}.md", f"# Note {i}\n\n{prose(rng, 150)}\n\n## More\n\n{prose(rng, 200 * i + 50)}\n")
    write(f"{root}/records.ndjson", "".join(
        json.dumps({"id": f"r{i}", "title": f"Record {i}", "text": prose(rng, 60), "metadata": {"n": i}}) + "\n" for i in range(12)))
    write(f"{root}/given.md", "# Given\n\nAn upload about a marker in the orchard.\n")


def change_corpus(root):
    """What a sync then has to do: change, move, delete, add."""
    d = os.path.join(root, "docs")
    with open(f"{d}/soup.txt", "a") as f:
        f.write("And a second marker of the printer.\n")
    os.rename(f"{d}/sub/n1.md", f"{d}/sub/moved.md")
    os.remove(f"{d}/sub/n2.md")
    write(f"{d}/new.md", "# New\n\nThe valve keeps the pressure. marker\n")


# ---- what a workspace says ----

def documents(br, cwd, **kw):
    """{path: what is known of it} of the notebook in use."""
    out = {}
    r = br.ok(["docs", "list", "--json"], cwd, allowed=(0, 1), **kw)
    for line in r.out.splitlines():
        d = json.loads(line)
        out[d["path"]] = (d["state"], d["sha256"], d["chunks"], d["text_bytes"], d["title"], d["origin"], json.dumps(d["metadata"]))
    return out


def hits(answer):
    """The hits of one answer without what may change: place of equal scores, ids, times."""
    return sorted((-round(h["score"], 3), h["path"], h["lines"]["from"], h["text"]) for h in answer["hits"])


def answers(br, cwd, questions=QUESTIONS, strategies=STRATEGIES, **kw):
    out = {}
    for s in strategies:
        r = br.ok(["query", "--json", "--stdin", "-k", "1000", "--no-fold", "-s", s], cwd, allowed=(0, 1),
                  text="".join(q + "\n" for q in questions), **kw)
        for line in r.out.splitlines():
            a = json.loads(line)
            out[a["query"], s] = hits(a)
    return out


def clean(br, cwd, **kw):
    br.ok(["verify"], cwd, **kw)


def is_workspace(root):
    return os.path.exists(os.path.join(root, ".br", "data.mdb"))


def differences(a, b, n=3):
    keys = [k for k in {**a, **b} if a.get(k) != b.get(k)]
    return "; ".join(f"{k}: {str(a.get(k))[:120]} / {str(b.get(k))[:120]}" for k in keys[:n]) + (" ..." if len(keys) > n else "")


# ---- places, threads ----

class Scratch:
    """A scratch folder that goes away, unless it is asked for or something failed."""

    def __init__(self, name, keep):
        self.dir = tempfile.mkdtemp(prefix=f"br-{name}-")
        self.keep = keep

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.keep or exc[0]:
            print(f"scratch folder: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def place(self, *name):
        p = os.path.join(self.dir, *name)
        os.makedirs(p, exist_ok=True)
        return p


def copy_workspace(src, dst):
    """dst/.br as src/.br; the documents beside it are not touched."""
    to = os.path.join(dst, ".br")
    shutil.rmtree(to, ignore_errors=True)
    if os.path.isdir(os.path.join(src, ".br")):
        shutil.copytree(os.path.join(src, ".br"), to)


def in_parallel(jobs, work, n=2):
    """Runs work(job, number of the thread) for all jobs; returns {job's place: result}."""
    todo, results, mu, trouble = list(enumerate(jobs))[::-1], {}, threading.Lock(), []

    def loop(me):
        while True:
            with mu:
                if not todo:
                    return
                i, job = todo.pop()
            try:
                results[i] = work(job, me)
            except BaseException as e:  # of a thread: told by the one that waits
                trouble.append(e)
                todo.clear()

    threads = [threading.Thread(target=loop, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if trouble:
        raise trouble[0]
    return [results[i] for i in sorted(results)]


def report(failures, total, what):
    for f in failures[:20]:
        print("FAILED " + f)
    if len(failures) > 20:
        print(f"... and {len(failures) - 20} more")
    print(f"{what}: {total - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


def died(r):
    """Why the end of a command is a bug, or None."""
    if r.hung:
        return f"hangs for more than {HANG} s"
    if r.rc < 0:
        return f"killed by {signal.Signals(-r.rc).name}"
    if r.rc not in DOCUMENTED:
        return f"exit {r.rc} is not documented"
    return None
