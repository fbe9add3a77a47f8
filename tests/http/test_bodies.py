"""Bodies that go to disk: forms and raw uploads."""
import os

import pytest
from conftest import SLOW, until

BOUNDARY = b"xYzZY"


def form(*parts, end=b"--xYzZY--\r\n"):
    return b"".join(b"--xYzZY\r\n" + head + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + end


def named(name, extra=b""):
    return b'Content-Disposition: form-data; name="' + name + b'"' + extra


@pytest.fixture
def c(lab):
    with lab.client() as client:
        yield client


def send(c, body, boundary=b"xYzZY", path="/lab/small"):
    return c.post(path, content=body, headers={"content-type": b"multipart/form-data; boundary=" + boundary})


def test_repeated_files_and_values(c, workspace):
    files = [("files", ("a.txt", b"alpha", "text/plain")), ("files", ("b.bin", bytes(range(256)) * 1000, None)), ("files", ("leer", b"", None))]
    r = c.post("/lab/upload", files=files, data={"title": "Grüße", "year": "1999"})
    assert r.status_code == 200, r.text
    parts = {p["filename"] or p["name"]: p for p in r.json()["data"]["parts"]}
    assert parts["a.txt"]["size"] == 5 and parts["a.txt"]["type"] == "text/plain" and parts["a.txt"]["name"] == "files"
    assert parts["b.bin"]["size"] == 256000 and parts["leer"]["size"] == 0
    assert parts["title"]["value"] == "Grüße" and parts["year"]["value"] == "1999"
    assert not list((workspace / ".br/tmp").iterdir())


def test_forms_are_checked_by_their_table(c):
    assert c.post("/lab/upload", data={"year": "1999"}, files={"other": b"x"}).json()["where"] == ["files"]
    r = c.post("/lab/upload", files={"files": b"x"}, data={"title": "x" * 21, "year": "3000"})
    assert r.status_code == 422 and r.json()["where"] == ["title", "year"]
    assert c.post("/lab/upload", json={}).status_code == 415
    assert c.post("/lab/upload").status_code == 422


@pytest.mark.parametrize("filename,clean", [
    (b"../../etc/passwd", "passwd"), (b"C:\\\\dir\\\\x.txt", "x.txt"), (b"a\\\"b", 'a"b'), (b"..", "file"), (b"", "file"), (b"a/", "file"),
    (b"x" * 300 + b".txt", "x" * 255), ("n\u00e4me.md".encode(), "n\u00e4me.md"), (b"ta\tb", "tab"), (b"\xff\xfe.txt", "file")])
def test_names_of_files_lead_nowhere(c, filename, clean):
    r = send(c, form((named(b"f", b'; filename="' + filename + b'"'), b"x")))
    assert r.json()["data"]["parts"][0]["filename"] == clean


def test_extended_names_win(c):
    r = send(c, form((named(b"f", b"; filename=\"x\"; filename*=UTF-8''%e2%82%ac.txt"), b"x")))
    assert r.json()["data"]["parts"][0]["filename"] == "€.txt"


def test_data_that_looks_like_a_boundary(c):
    tricky = b"\r\n--xYzZ\r\n--xYzZ Y--\r\n-\r\n--\r\r\n\r\n--xYz"
    r = send(c, form((named(b"a", b'; filename="t"'), tricky), (named(b"b"), b"v")))
    assert [p["size"] for p in r.json()["data"]["parts"]] == [len(tricky), 1]
    assert send(c, b"preamble\r\n" + form((named(b"b"), b"v")) + b"epilogue").json()["data"]["parts"][0]["value"] == "v"
    assert send(c, form((named(b"b"), b"v")), boundary=b'"xYzZY"; charset=utf-8').status_code == 200


BROKEN = {
    "no end": form((named(b"a"), b"x"), end=b""), "nothing": b"", "no name": form((b"Content-Disposition: form-data", b"x")),
    "no disposition": form((b"X-A: b", b"x")), "no colon": form((b"nonsense", b"x")), "cut in a head": b"--xYzZY\r\nContent-Dis",
    "boundary with text behind": b"--xYzZYq\r\n" + named(b"a") + b"\r\n\r\nx\r\n--xYzZY--",
    "a long head": form((named(b"a") + b"\r\nX: " + b"y" * 9000, b"x")), "an endless head": b"--xYzZY\r\n" + b"x" * 50000,
    "value not UTF-8": form((named(b"a"), b"\xff\xfe")), "name not UTF-8": form((named(b"\xff"), b"x")), "NUL in a head": form((named(b"a\0b"), b"x")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_forms(c, name):
    r = send(c, BROKEN[name])
    assert r.status_code == (422 if name == "nothing" else 400) or (name == "nothing" and r.status_code == 200), r.text


def test_limits_of_forms(c, lab, workspace):
    assert send(c, form((named(b"a"), b"x" * 70000))).status_code == 413
    assert send(c, form(*[(named(b"a"), b"")] * 1001)).status_code == 413
    assert send(c, form((named(b"a", b'; filename="f"'), b"x" * 100000))).status_code == 413

    def chunks():
        yield b"--xYzZY\r\n" + named(b"a", b'; filename="f"') + b"\r\n\r\n"
        for _ in range(200):
            yield b"x" * 1000

    assert send(c, chunks()).status_code == 413
    until(lambda: not list((workspace / ".br/tmp").iterdir()))
    assert c.post("/lab/small", content=b"x", headers={"content-type": "multipart/form-data"}).status_code == 400


def test_a_gigabyte_streams_with_flat_memory(lab, workspace, tmp_path):
    size, block = 1 << (30 if SLOW == 1 else 26), os.urandom(1 << 20)
    before, peak = lab.rss_kb(), 0
    with lab.socket(60) as s:
        s.sendall(b"PUT /lab/raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        for i in range(size >> 20):
            s.sendall(block)
            if i % 64 == 0:
                peak = max(peak, lab.rss_kb())
        reply = s.makefile("rb").read()
    assert reply.startswith(b"HTTP/1.1 200") and b'"size":%d' % size in reply
    assert peak - before < 20000 * SLOW, (before, peak)
    assert not list((workspace / ".br/tmp").iterdir())


def test_an_upload_over_its_limit_is_refused_before_it_comes(lab):
    reply = lab.raw(b"PUT /lab/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", half_close=True)
    assert reply.startswith(b"HTTP/1.1 413")
