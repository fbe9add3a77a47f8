"""Streams of events, upgraded connections, and clients that go away."""
import re
import socket
import time

import pytest
from conftest import SLOW, read_all, until

H = b"Host: localhost\r\n"


@pytest.fixture
def c(lab):
    with lab.client() as client:
        yield client


def counts(c):
    return c.get("/lab/counts").json()["data"]


def open_stream(lab, query, rcvbuf=None):
    s = socket.socket()
    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    s.settimeout(20)
    s.connect(("127.0.0.1", lab.port))
    s.sendall(b"GET /lab/sse?" + query + b" HTTP/1.1\r\n" + H + b"\r\n")
    return s


def test_events_come_as_they_are_made(c):
    times, data = [], []
    with c.stream("GET", "/lab/sse?n=5&ms=200") as r:
        assert r.status_code == 200 and r.headers["content-type"] == "text/event-stream" and r.headers["cache-control"] == "no-store"
        for line in r.iter_lines():
            if line.startswith("data: "):
                number, sent = line[6:].split()[:2]
                data.append(int(number))
                times.append(time.time() - int(sent) / 1e6)
    assert data == [0, 1, 2, 3, 4]
    assert min(times) < 0.1 * SLOW


def test_a_stream_to_http_1_0_ends_with_the_connection(lab):
    reply = lab.raw(b"GET /lab/sse?n=2 HTTP/1.0\r\n\r\n")
    assert b"chunked" not in reply and reply.count(b"event: tick") == 2 and reply.endswith(b"\n\n")


def test_a_stream_leaves_the_connection_usable(c, lab):
    with lab.socket() as s:
        s.sendall(b"GET /lab/sse?n=1 HTTP/1.1\r\n" + H + b"\r\nGET /healthz HTTP/1.1\r\n" + H + b"Connection: close\r\n\r\n")
        reply = read_all(s)
    assert reply.count(b"HTTP/1.1 200 OK") == 2 and b"\r\n0\r\n\r\nHTTP/1.1" in reply


@pytest.mark.parametrize("how", ["close", "reset", "half"])
def test_a_client_that_goes_away_is_noticed_while_nothing_is_written(lab, c, how):
    took = []
    for _ in range(5):
        before = counts(c)
        s = open_stream(lab, b"n=2&ms=30000")
        data = b""
        while b"tick" not in data:
            data += s.recv(4096)
        at = time.time()
        if how == "reset":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if how == "half":
            s.shutdown(socket.SHUT_WR)
        else:
            s.close()
        until(lambda: counts(c)["gone"] > before["gone"])
        took.append(counts(c)["gone_at_us"] / 1e6 - at)
        until(lambda: counts(c)["streams"] == before["streams"])
        s.close()
    assert min(took) < 0.1 * SLOW  # of several, since this machine may be busy with other things


def test_a_reader_that_stops_holds_its_writer_and_nobody_else(lab, c):
    before, rss = counts(c)["streams"], lab.rss_kb()
    stalled = [open_stream(lab, b"n=100000&size=10000", 8192) for _ in range(20)]
    until(lambda: counts(c)["streams"] == before + 20)
    time.sleep(1)
    assert lab.rss_kb() - rss < 60000 * SLOW
    took = []
    with c.stream("GET", "/lab/sse?n=50&ms=10") as r:
        for line in r.iter_lines():
            if line.startswith("data: "):
                took.append(time.time() - int(line.split()[2]) / 1e6)
    assert len(took) == 50 and min(took) < 0.1 * SLOW
    for s in stalled:
        s.close()
    until(lambda: counts(c)["streams"] == before)


def test_a_slow_reader_gets_everything_in_order(lab):
    s = open_stream(lab, b"n=300&size=5000", 8192)
    data = b""
    while not data.endswith(b"\r\n0\r\n\r\n"):
        data += s.recv(3000)
    s.close()
    body, rest = b"", data.split(b"\r\n\r\n", 1)[1]
    while rest != b"0\r\n\r\n":
        size, rest = rest.split(b"\r\n", 1)
        n = int(size, 16)
        body, rest = body + rest[:n], rest[n + 2:]
    assert [int(n) for n in re.findall(rb"data: (\d+) ", body)] == list(range(300))
    assert len(body) > 300 * 5000


def test_200_streams_at_once(lab, c):
    before = counts(c)["streams"]
    socks = [open_stream(lab, b"n=10&ms=200") for _ in range(200)]
    until(lambda: counts(c)["streams"] == before + 200, 10 * SLOW)
    for s in socks:
        data = b""
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data += s.recv(65536)
        assert data.count(b"event: tick") == 10
        s.close()


def test_bytes_in_both_directions(lab):
    with lab.socket() as s:
        s.sendall(b"GET /lab/bytes HTTP/1.1\r\n" + H + b"Connection: Upgrade\r\nUpgrade: lab\r\n\r\nearly")
        head = b""
        while b"\r\n\r\n" not in head or not head.endswith(b"early"):
            head += s.recv(1000)
        assert head.startswith(b"HTTP/1.1 101 Switching Protocols") and b"Connection: Upgrade\r\n" in head and b"Upgrade: lab\r\n" in head
        took = []
        for i in range(100):
            at = time.monotonic()
            s.sendall(b"%04d" % i)
            assert s.recv(100) == b"%04d" % i
            took.append(time.monotonic() - at)
        assert min(took) < 0.02 * SLOW
        blob = bytes(range(256)) * 4000
        s.setblocking(False)
        sent, got = 0, b""
        end = time.monotonic() + 30
        while len(got) < len(blob) and time.monotonic() < end:
            try:
                sent += s.send(blob[sent:sent + 65536]) if sent < len(blob) else 0
            except BlockingIOError:
                pass
            try:
                got += s.recv(65536)
            except BlockingIOError:
                time.sleep(0.001)
        assert got == blob
    assert b" 426 " in lab.raw(b"GET /lab/bytes HTTP/1.1\r\n" + H + b"Connection: close\r\n\r\n").split(b"\r\n")[0]
