"""What bench.py and questions.py share: the documents, the questions, and measuring a child process.

A child is measured from spawn to reap by the clock, with the kernel's own account (wait4) of its processor time
and peak memory: no shell stands between. The kernel counts the parent's memory at the moment of the spawn into
a child's peak, so small peaks are only upper bounds; `floor()` tells by how much.
"""
import os, shutil, sys, tarfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
QUESTIONS = os.path.join(ROOT, "tests", "data", "docs-questions.tsv")


class Failed(Exception):
    pass


def read_questions(path):
    """[(question, [pages])]; the pages column may be missing."""
    out = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            if line and not line.startswith("#"):
                question, _, pages = line.partition("\t")
                out.append((question, pages.split("|") if pages else []))
    return out


# ---- documents ----

def unpack(archive, into):
    with tarfile.open(archive) as tar:
        tar.extractall(into, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return into


def copy_plain(source, into):
    """Readable, uncompressed files of at most 1 MB."""
    for folder, dirs, names in os.walk(source):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or name.endswith((".gz", ".png", ".svg")) or os.path.getsize(path) > 1 << 20:
                continue
            to = os.path.join(into, os.path.relpath(path, source))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copyfile(path, to)
    return into


def documents(into):
    """Puts the documents to measure with into the folder `into`; returns a description."""
    given, shared = os.environ.get("BR_DOCS"), os.environ.get("BR_SHARED")
    if given:
        shutil.copytree(given, into)
        return given
    archive = os.path.join(shared, "corpora", "docs.tar.xz") if shared else None
    if archive and os.path.exists(archive):
        unpack(archive, into)
        return "docs.tar.xz"
    if os.path.isdir("/usr/share/doc"):
        copy_plain("/usr/share/doc", into)
        print("neither BR_DOCS nor BR_SHARED is set: measuring with /usr/share/doc; the goals are for another set", file=sys.stderr)
        return "/usr/share/doc"
    raise Failed("no documents: set BR_DOCS to a folder of text files, or BR_SHARED to the folder that has corpora/docs.tar.xz")


def tree_size(path):
    """(files, bytes in them, bytes on disk)"""
    files = size = disk = 0
    for folder, _, names in os.walk(path):
        for name in names:
            st = os.lstat(os.path.join(folder, name))
            files, size, disk = files + 1, size + st.st_size, disk + st.st_blocks * 512
    return files, size, disk


def file_system(path):
    best = ("", "?")
    path = os.path.realpath(path)
    with open("/proc/mounts") as f:
        for line in f:
            _, point, kind = line.split()[:3]
            if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]


# ---- children ----

class Child:
    """wall and cpu in seconds, rss in bytes (largest single process of the child and its own children)."""
    __slots__ = ("wall", "cpu", "rss", "status")


def environment(home):
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": home, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    env.update((k, os.environ[k]) for k in ("BR_THREADS", "LD_LIBRARY_PATH") if k in os.environ)
    return env


def spawn(argv, env, out="/dev/null", err="/dev/null"):
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawnp(argv[0], argv, env, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out, flags, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, err, flags, 0o600)])


def run(argv, env, out="/dev/null", accept=(0,)):
    """Runs to the end and measures; a status that is not accepted is an error with what it said."""
    log = os.path.join(env["HOME"], "stderr")
    c = Child()
    start = time.perf_counter()
    pid = spawn(argv, env, out, log)
    _, status, use = os.wait4(pid, 0)
    c.wall = time.perf_counter() - start
    c.cpu, c.rss, c.status = use.ru_utime + use.ru_stime, use.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)
    if c.status not in accept:
        with open(log, errors="replace") as f:
            raise Failed("%s: status %d: %s" % (" ".join(argv), c.status, f.read(2000).strip()))
    return c


def output(argv, env, accept=(0,)):
    path = os.path.join(env["HOME"], "stdout")
    status = run(argv, env, path, accept).status
    with open(path, encoding="utf-8", errors="replace") as f:
        return status, f.read()


def floor(env):
    """(seconds, bytes) that the measuring itself costs: those of a program that does nothing."""
    runs = [run(["true"], env) for _ in range(30)]
    return sorted(r.wall for r in runs)[15], max(r.rss for r in runs)


def descendants(pid):
    found = [pid]
    for p in found:
        try:
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, task)) as f:
                    found += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return found


def memory_now(pid):
    """(private memory, memory with mapped files shared out) of a process and all below it, bytes."""
    anon = pss = 0
    for p in descendants(pid):
        try:
            with open("/proc/%d/smaps_rollup" % p) as f:
                for line in f:
                    word = line.split()
                    anon += int(word[1]) * 1024 if word[0] == "Anonymous:" else 0
                    pss += int(word[1]) * 1024 if word[0] == "Pss:" else 0
        except OSError:
            pass
    return anon, pss


def tree_peak(argv, env, accept=(0,)):
    """Peaks of memory_now over a whole run, looked at every 5 ms. Looking slows the run: not for timing."""
    peak, done = [0, 0], threading.Event()
    pid = spawn(argv, env)

    def watch():
        while not done.wait(0.005):
            peak[:] = [max(a, b) for a, b in zip(peak, memory_now(pid))]

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status = os.waitpid(pid, 0)
    done.set()
    watcher.join()
    if os.waitstatus_to_exitcode(status) not in accept:
        raise Failed("%s: status %d" % (" ".join(argv), os.waitstatus_to_exitcode(status)))
    return peak


def quantile(values, q):
    """Nearest rank."""
    values = sorted(values)
    return values[min(len(values) - 1, max(0, int(-(-q * len(values) // 1)) - 1))]
