"""What clients do wrong, by mistake or on purpose: smuggling, limits, slowness, hang-ups. Raw sockets."""
import json
import socket
import threading
import time

import pytest
from conftest import SLOW, read_all, read_reply, until

ID = "0b6f1c1e-5a0e-4a3b-9d3a-2f6d6f1a9c11"
H = b"Host: localhost\r\n"
BODY = b'{"name":"x"}'


def statuses(reply):
    """Of every answer in a stream of answers with Content-Length."""
    out = []
    while reply:
        head, _, rest = reply.partition(b"\r\n\r\n")
        out.append(int(head.split()[1]))
        length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        reply = rest[length[0]:] if length else rest if out[-1] == 100 else b""
    return out


def post(headers, body=b"", version=b"1.1", path=b"/lab/echo/" + ID.encode()):
    return b"POST " + path + b" HTTP/" + version + b"\r\n" + H + b"Content-Type: application/json\r\n" + headers + b"\r\n" + body


NEXT = b"GET /healthz HTTP/1.1\r\n" + H + b"\r\n"
SMUGGLED = {
    "two lengths": (400, post(b"Content-Length: 12\r\nContent-Length: 5\r\n", BODY)),
    "the same length twice": (400, post(b"Content-Length: 12\r\nContent-Length: 12\r\n", BODY)),
    "a list of lengths": (400, post(b"Content-Length: 12, 12\r\n", BODY)),
    "length and chunks": (400, post(b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", b"c\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "chunks and length": (400, post(b"Transfer-Encoding: chunked\r\nContent-Length: 12\r\n", b"0\r\n\r\n")),
    "negative length": (400, post(b"Content-Length: -1\r\n")),
    "plus length": (400, post(b"Content-Length: +12\r\n", BODY)),
    "hex length": (400, post(b"Content-Length: 0xc\r\n", BODY)),
    "huge length": (400, post(b"Content-Length: 99999999999999999999999\r\n", BODY)),
    "empty length": (400, post(b"Content-Length:\r\n", BODY)),
    "length with a blank inside": (400, post(b"Content-Length: 1 2\r\n", BODY)),
    "two encodings": (400, post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n")),
    "gzip, chunked": (501, post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    "chunked, identity": (501, post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n")),
    "identity": (501, post(b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n")),
    "xchunked": (501, post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n")),
    "quoted chunked": (501, post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n")),
    "chunked in HTTP/1.0": (400, post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", version=b"1.0")),
    "a blank before the colon": (400, post(b"Content-Length : 12\r\n", BODY)),
    "a tab before the colon": (400, post(b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n")),
    "a folded header": (400, post(b"X-A: b\r\n c\r\nContent-Length: 12\r\n", BODY)),
    "a folded length": (400, post(b"Content-Length:\r\n 12\r\n", BODY)),
    "a folded first header": (400, b"GET /healthz HTTP/1.1\r\n X: y\r\n" + H + b"\r\n"),
    "a bare line feed": (400, b"GET /healthz HTTP/1.1\nHost: localhost\n\n"),
    "a bare line feed between headers": (400, b"GET /healthz HTTP/1.1\r\nX: y\nHost: localhost\r\n\r\n"),
    "a bare carriage return": (400, b"GET /healthz HTTP/1.1\r\n" + H + b"X: a\rTransfer-Encoding: chunked\r\n\r\n"),
    "NUL in a value": (400, b"GET /healthz HTTP/1.1\r\n" + H + b"X: a\0b\r\n\r\n"),
    "NUL in the target": (400, b"GET /heal\0thz HTTP/1.1\r\n" + H + b"\r\n"),
    "a control character": (400, b"GET /healthz HTTP/1.1\r\n" + H + b"X: a\x0bb\r\n\r\n"),
    "no colon": (400, b"GET /healthz HTTP/1.1\r\n" + H + b"nonsense\r\n\r\n"),
    "an empty name": (400, b"GET /healthz HTTP/1.1\r\n" + H + b": x\r\n\r\n"),
    "a name with a bracket": (400, b"GET /healthz HTTP/1.1\r\n" + H + b"X[y]: x\r\n\r\n"),
    "no host": (400, b"GET /healthz HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET /healthz HTTP/1.1\r\n" + H + b"Host: other\r\n\r\n"),
    "a host with a slash": (400, b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    "no version": (400, b"GET /healthz\r\n\r\n"),
    "two blanks": (400, b"GET  /healthz HTTP/1.1\r\n" + H + b"\r\n"),
    "a blank at the end": (400, b"GET /healthz HTTP/1.1 \r\n" + H + b"\r\n"),
    "lower case version": (400, b"GET /healthz http/1.1\r\n" + H + b"\r\n"),
    "HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/1.2": (505, b"GET /healthz HTTP/1.2\r\n" + H + b"\r\n"),
    "a bad method": (400, b"GE(T /healthz HTTP/1.1\r\n" + H + b"\r\n"),
    "a target in UTF-8": (400, "GET /hällo HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()),
    "a fragment": (400, b"GET /healthz#x HTTP/1.1\r\n" + H + b"\r\n"),
    "an address with a password": (400, b"GET http://user:pw@localhost/healthz HTTP/1.1\r\n" + H + b"\r\n"),
    "a tunnel": (400, b"CONNECT localhost:80 HTTP/1.1\r\n" + H + b"\r\n"),
    "TLS to a plain port": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "an expectation": (417, post(b"Expect: wonders\r\nContent-Length: 12\r\n", BODY)),
    "a long target": (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + H + b"\r\n"),
    "an endless target": (414, b"GET /" + b"a" * 20000),
    "a long head": (431, b"GET /healthz HTTP/1.1\r\n" + H + b"X: " + b"a" * 40000 + b"\r\n\r\n"),
    "an endless head": (431, b"GET /healthz HTTP/1.1\r\n" + H + b"X: y\r\n" * 9000),
    "many headers": (431, b"GET /healthz HTTP/1.1\r\n" + H + b"X: y\r\n" * 120 + b"\r\n"),
    "many parameters": (400, b"GET /healthz?" + b"a&" * 300 + b" HTTP/1.1\r\n" + H + b"\r\n"),
    "chunk size of letters": (400, post(b"Transfer-Encoding: chunked\r\n", b"zz\r\n" + BODY)),
    "chunk size with a sign": (400, post(b"Transfer-Encoding: chunked\r\n", b"+c\r\n" + BODY)),
    "chunk size of 17 digits": (400, post(b"Transfer-Encoding: chunked\r\n", b"1" * 17 + b"\r\n" + BODY)),
    "chunk size with 0x": (400, post(b"Transfer-Encoding: chunked\r\n", b"0xc\r\n" + BODY)),
    "no chunk size": (400, post(b"Transfer-Encoding: chunked\r\n", b"\r\n" + BODY)),
    "chunk longer than its size": (400, post(b"Transfer-Encoding: chunked\r\n", b"5\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "chunk lines ended by line feeds": (400, post(b"Transfer-Encoding: chunked\r\n", b"c\n" + BODY + b"\n0\n\n")),
    "a line feed in a chunk extension": (400, post(b"Transfer-Encoding: chunked\r\n", b"c;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "a huge chunk": (413, post(b"Transfer-Encoding: chunked\r\n", b"fffffff\r\n" + b"x" * 30000)),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_could_be_understood_differently_is_refused_and_ends_the_connection(lab, name):
    status, data = SMUGGLED[name]
    reply = lab.raw(data + NEXT, half_close=True)
    assert statuses(reply) == [status], reply
    assert b"Connection: close" in reply


GOOD = {
    "nothing special": ([201], post(b"Content-Length: 12\r\n", BODY)),
    "chunks": ([201], post(b"Transfer-Encoding: Chunked\r\n", b"5;x=y\r\n" + BODY[:5] + b"\r\n007\r\n" + BODY[5:] + b"\r\n0\r\nTrailer: t\r\n\r\n")),
    "two at once": ([201, 200], post(b"Content-Length: 12\r\n", BODY) + NEXT),
    "a body nobody takes": ([200, 200], b"GET /healthz HTTP/1.1\r\n" + H + b"Content-Length: 12\r\n\r\n" + BODY + NEXT),
    "a body behind an error": ([404, 200], b"POST /nothing HTTP/1.1\r\n" + H + b"Content-Length: 12\r\n\r\n" + BODY + NEXT),
    "an empty line in front": ([200], b"\r\n" + NEXT),
    "an absolute target": ([200], b"GET http://localhost/healthz HTTP/1.1\r\nHost: ignored.example\r\n\r\n"),
    "options of everything": ([204], b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n"),
    "100 at once": ([200] * 100, NEXT * 100),
    "a query with odd characters": ([200], b"GET /healthz?a=%20&b=c+d&=&&x HTTP/1.1\r\n" + H + b"\r\n"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_is_answered_in_order(lab, name):
    want, data = GOOD[name]
    assert statuses(lab.raw(data, half_close=True)) == want


def test_a_byte_at_a_time(lab):
    with lab.socket() as s:
        for b in post(b"Transfer-Encoding: chunked\r\n", b"c\r\n" + BODY + b"\r\n0\r\n\r\n"):
            s.send(bytes([b]))
        status, _, body = read_reply(s.makefile("rb"))
    assert status == 201 and json.loads(body)["data"]["name"] == "x"


def test_keep_alive_and_close(lab):
    with lab.socket() as s:
        f = s.makefile("rb")
        for _ in range(5):
            s.sendall(NEXT)
            assert read_reply(f)[1].get("connection") is None
        s.sendall(b"GET /healthz HTTP/1.1\r\n" + H + b"Connection: foo, Close\r\n\r\n")
        assert read_reply(f)[1]["connection"] == "close" and f.read() == b""
    assert lab.raw(b"GET /healthz HTTP/1.0\r\n\r\n").count(b"HTTP/1.1 200") == 1
    with lab.socket() as s:
        s.sendall(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)
        f = s.makefile("rb")
        assert read_reply(f)[1]["connection"] == "keep-alive" and read_reply(f)[0] == 200


def test_expect_100(lab):
    with lab.socket() as s:
        s.sendall(post(b"Content-Length: 12\r\nExpect: 100-continue\r\n"))
        f = s.makefile("rb")
        assert f.readline() == b"HTTP/1.1 100 Continue\r\n" and f.readline() == b"\r\n"
        s.sendall(BODY)
        assert read_reply(f)[0] == 201
        s.sendall(post(b"Content-Length: 30000\r\nExpect: 100-continue\r\n"))
        assert read_reply(f)[0] == 413


def test_half_closed_clients_get_their_answer(lab):
    assert statuses(lab.raw(b"GET /lab/slow?ms=200 HTTP/1.1\r\n" + H + b"\r\n", half_close=True)) == [200]
    assert statuses(lab.raw(post(b"Content-Length: 12\r\n", BODY), half_close=True)) == [201]


def test_a_client_that_leaves_in_mid_body_leaves_nothing(lab, workspace):
    before = lab.fds()
    for _ in range(20):
        with lab.socket() as s:
            s.sendall(b"PUT /lab/raw HTTP/1.1\r\n" + H + b"Content-Length: 1000000\r\n\r\n" + b"x" * 200000)
    until(lambda: lab.fds() <= before)
    until(lambda: not list((workspace / ".br/tmp").iterdir()))


def test_a_chunked_body_over_its_limit_is_answered_while_it_comes(lab):
    with lab.socket() as s:
        s.sendall(post(b"Transfer-Encoding: chunked\r\n"))
        f = s.makefile("rb")
        for _ in range(25):
            s.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        status, headers, _ = read_reply(f)
        assert status == 413 and headers["connection"] == "close"
        for _ in range(1000):  # a client that does not look is read from for a while, so that the answer is not lost
            s.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        s.shutdown(socket.SHUT_WR)
        assert f.read() == b""


def test_damaged_requests(lab):
    import random
    rnd = random.Random(5)
    samples = [d for _, d in SMUGGLED.values() if len(d) < 2000] + [d for _, d in GOOD.values()]
    for _ in range(500):
        data = bytearray(rnd.choice(samples) + rnd.choice(samples))
        for _ in range(rnd.randrange(1, 6)):
            at = rnd.randrange(len(data))
            data[at:at + rnd.randrange(3)] = bytes(rnd.choice(b"\r\n \t:;/?%0aA\0\xff") for _ in range(rnd.randrange(3)))
        reply = lab.raw(bytes(data), half_close=True)
        assert all(200 <= status < 506 and status != 500 for status in statuses(reply)), bytes(data)
    assert statuses(lab.raw(NEXT, half_close=True)) == [200]


# ---- time ----

@pytest.mark.skipif(SLOW > 1, reason="takes its time")
def test_slow_heads_are_cut_and_others_do_not_notice(lab):
    socks = [lab.socket(30) for _ in range(200)]
    stop, sent = threading.Event(), b"GET /healthz HTTP/1.1\r\nX: "
    for s in socks:
        s.sendall(sent)

    def drip():
        while not stop.wait(1):
            for s in socks:
                try:
                    s.send(b"x")
                except OSError:
                    pass

    t = threading.Thread(target=drip)
    t.start()
    try:
        began, took = time.monotonic(), []
        with lab.client() as c:
            while time.monotonic() - began < 9:
                at = time.monotonic()
                assert c.get("/healthz").status_code == 200
                took.append(time.monotonic() - at)
                time.sleep(0.05)
        assert sorted(took)[len(took) // 2] < 0.25  # these 200 would take seconds
        replies = [s.recv(200) for s in socks]
        assert all(r.startswith(b"HTTP/1.1 408") for r in replies)
        assert time.monotonic() - began < 60
    finally:
        stop.set()
        t.join()
        for s in socks:
            s.close()


def test_many_idle_connections(start):
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = min(10000 if SLOW == 1 else 1000, hard - 1000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    lab = start()
    before = lab.rss_kb()
    socks = []
    try:
        for _ in range(n):
            socks.append(lab.socket())
        until(lambda: lab.fds() >= n, 20)
        with lab.client() as c:
            took = []
            for _ in range(100):
                at = time.monotonic()
                assert c.get("/healthz").status_code == 200
                took.append(time.monotonic() - at)
        assert sorted(took)[50] < 0.25
        if SLOW == 1:
            assert lab.rss_kb() - before < 40000
        for s in socks[:50] + socks[-50:]:
            s.sendall(NEXT)
        for s in socks[:50] + socks[-50:]:
            assert s.recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        for s in socks:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_slow_handlers_do_not_hold_quick_ones(lab):
    with lab.client() as c:
        threads = [threading.Thread(target=lambda: lab.raw(b"GET /lab/slow?ms=1500 HTTP/1.1\r\n" + H + b"Connection: close\r\n\r\n")) for _ in range(60)]
        began = time.monotonic()
        for t in threads:
            t.start()
        took = []
        for _ in range(50):
            at = time.monotonic()
            assert c.get("/healthz").status_code == 200
            took.append(time.monotonic() - at)
        for t in threads:
            t.join()
        assert sorted(took)[25] < 0.5 * SLOW and time.monotonic() - began < 30 * SLOW  # one after the other they would take 90 seconds
