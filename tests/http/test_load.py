"""What is large, slow or too much: uploads, forms of many files, a full disk, a server that was killed."""
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import pytest
from beyond import bad, good, ingest, new_notebook, upload
from conftest import B, CHECKS, SLOW, Server, until

HERE = pathlib.Path(__file__).resolve().parent
HEAD = b"--xYzZY\r\nContent-Disposition: form-data; name=\"files\"; filename=\"big.md\"\r\n\r\n"
TAIL = b"\r\n--xYzZY--\r\n"


@pytest.fixture
def own(tmp_path):
    """Starts br serve over a workspace of its own; further settings are given as lines of its configuration."""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **CHECKS}
    subprocess.run([B / "br", "init", "-q"], cwd=tmp_path, env=env, check=True)
    all_ = []

    def go(config="", **kw):
        (tmp_path / "br").mkdir(exist_ok=True)
        (tmp_path / "br" / "config").write_text(config)
        all_.append(Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=tmp_path, env={"XDG_CONFIG_HOME": str(tmp_path)}, **kw))
        return all_[-1]

    yield go
    for s in all_:
        if s.p.poll() is None:
            s.stop()


def own_kb(s):
    return int(pathlib.Path(f"/proc/{s.p.pid}/status").read_text().split("RssAnon:")[1].split()[0])


def head(nb, n):
    return (f"POST /api/notebooks/{nb}/documents/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary=xYzZY\r\nContent-Length: {n}\r\n\r\n").encode()


def test_a_file_larger_than_can_be_indexed_is_stored_with_flat_memory(own, tmp_path):
    s = own()
    size = int(os.environ.get("BR_UPLOAD_MB", 280)) << 20  # BR_UPLOAD_MB=1024 takes half a minute
    block, peak = os.urandom(1 << 20), 0
    with s.client() as c:
        nb = new_notebook(c)
        before, rss = own_kb(s), s.rss_kb()
        with s.socket(120) as k:
            k.sendall(head(nb, len(HEAD) + size + len(TAIL)) + HEAD)
            for i in range(size >> 20):
                k.sendall(block)
                if i % 64 == 0:
                    peak = max(peak, s.rss_kb())
            k.sendall(TAIL)
            reply = k.makefile("rb").read()
        assert reply.startswith(b"HTTP/1.1 200") and b'"size":%d' % size in reply, reply[:500]
        if SLOW == 1:  # sanitizers keep what was freed
            assert own_kb(s) - before < 20000 and max(peak, s.rss_kb()) - rss < 40000, (before, own_kb(s), rss, peak)
        objects = [f for f in (tmp_path / ".br" / "objects").rglob("*") if f.is_file()]
        assert [f.stat().st_size for f in objects] == [size] and not list((tmp_path / ".br" / "tmp").iterdir())
        source = good(c.get(f"/api/notebooks/{nb}/documents/sources"))[0]
        files = [{"file_id": source["file_id"], "file_name": "big.md", "storage_path": source["file_path"]}]
        _, (stage,) = ingest(c, nb, files)
        assert stage["status"] == "error" and "256" in stage["error_description"]
        assert SLOW > 1 or s.rss_kb() - rss < 60000
    subprocess.run([B / "br", "verify", "-q"], cwd=tmp_path, env={"HOME": str(tmp_path), **CHECKS}, check=True)


def test_more_than_the_limit_is_refused_before_and_while_it_comes(own, tmp_path):
    s = own("[serve]\nupload = 1M\n")
    with s.client() as c:
        nb = new_notebook(c)
        reply = s.raw(head(nb, 2 << 20), half_close=True)  # nothing of the body was sent
        assert reply.startswith(b"HTTP/1.1 413")

        def blocks():
            yield HEAD
            for _ in range(40):
                yield b"x" * 50000

        r = c.post(f"/api/notebooks/{nb}/documents/upload", content=blocks(), headers={"content-type": "multipart/form-data; boundary=xYzZY"})
        bad(r, 413)
        until(lambda: not list((tmp_path / ".br" / "tmp").iterdir()))
        assert good(c.get(f"/api/notebooks/{nb}/documents/sources")) == []
        good(c.post(f"/api/notebooks/{nb}/documents/upload", files=[("files", ("a.md", b"x" * 900000))]))


def test_many_files_in_one_request(own):
    s = own()
    with s.client() as c:
        nb = new_notebook(c)
        files = good(c.post(f"/api/notebooks/{nb}/documents/upload", files=[("files", (f"{i % 400}.md", b"text %d" % i)) for i in range(500)]))
        assert len({f["file_id"] for f in files}) == 500 and files[399]["file_name"] == "399.md" and files[400]["file_name"] == "0.md"
        assert len(good(c.get(f"/api/notebooks/{nb}/documents/sources"))) == 500
        bad(c.post(f"/api/notebooks/{nb}/documents/upload", files=[("files", ("a.md", b"x"))] * 1001), 413)


def test_a_slow_upload_holds_nobody(own):
    s = own()
    with s.client() as c:
        nb = new_notebook(c)
        slow = [s.socket(60) for _ in range(30)]
        body = HEAD + b"slow words" + TAIL
        for k in slow:
            k.sendall(head(nb, len(body)))
        for i in range(0, len(body), 10):
            for k in slow:
                k.sendall(body[i:i + 10])
            began = time.monotonic()
            good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": f"words {i}"}))
            assert time.monotonic() - began < 2 * SLOW
        assert all(k.makefile("rb").read().startswith(b"HTTP/1.1 200") for k in slow)


def test_a_full_disk_is_told_and_survived(own, tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (24 << 20, resource.RLIM_INFINITY))

    s = own(preexec=limit)
    with s.client() as c:
        nb = new_notebook(c)
        assert str(tmp_path) not in bad(c.post(f"/api/notebooks/{nb}/documents/upload", files=[("files", ("big.md", b"x" * (25 << 20)))]), 507)
        until(lambda: not list((tmp_path / ".br" / "tmp").iterdir()))
        assert good(c.get(f"/api/notebooks/{nb}/documents/sources")) == []
        f = upload(c, nb, a_md="# Pump\n\nOil is changed every year.\n")
        assert ingest(c, nb, f)[1][0]["status"] == "success"


def test_an_answer_is_kept_until_its_notebook_changes(own):
    s = own()
    with s.client() as c:
        def repeated():
            return int(c.get("/metrics").text.split("\nbr_answers_repeated_total ")[1].split()[0])

        def found(nb):
            return [x["file_name"] for x in good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "oil"}))["chunks"]]

        a, b = new_notebook(c, "A"), new_notebook(c, "B")
        one = upload(c, a, one_md="# Pump\n\nOil is changed every year.\n")
        ingest(c, a, one)
        assert found(a) == ["one.md"] and repeated() == 0
        ingest(c, b, upload(c, b, other_md="# Valve\n\nOil too.\n"))
        two = upload(c, a, two_md="# Seal\n\nOil is bad for rubber.\n")  # not indexed: found by nobody
        assert found(a) == ["one.md"] and repeated() == 1
        ingest(c, a, two)
        assert sorted(found(a)) == ["one.md", "two.md"] and repeated() == 1
        good(c.delete(f"/api/notebooks/{a}/documents/{one[0]['file_id']}"))
        assert found(a) == ["two.md"] and repeated() == 1
        s.p.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert found(a) == ["two.md"] and repeated() == 1


def test_kill_9_at_any_moment(tmp_path):
    p = subprocess.run([sys.executable, HERE / "crash.py", "--bin", B, "--n", "6", "--seed", "5"], capture_output=True, text=True, env={**os.environ, **CHECKS})
    assert p.returncode == 0, p.stdout + p.stderr
