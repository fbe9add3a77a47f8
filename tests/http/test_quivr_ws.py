"""Questions over WebSockets, as a client library speaks them: in sequence, cancelled, malformed, refused, while the server ends."""
import asyncio
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

import httpx
import pytest
import websockets
from conftest import B, CHECKS, SLOW, until
from quivr import API, Model, Quivr, br

WS = API + "/ws/query"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    m = Model(tmp_path_factory.mktemp("model"))
    yield m
    m.stop()


@pytest.fixture(scope="module")
def q(tmp_path_factory, model):
    q = Quivr(tmp_path_factory.mktemp("ws"), model.env()).start()
    q.user = q.key("user", "query")
    yield q
    q.stop()


def connect(q, key=None, **kw):
    url = q.server.url.replace("http", "ws") + WS
    return websockets.connect(url, extra_headers={"Authorization": f"Bearer {key or q.user}"}, **kw)


def question(q, **more):
    return json.dumps({"knowledge_base_id": q.nb, "question": "How do deploys go?", "top_k": 5, **more})


SAYS = "fake;text=one_two_three_four_five_six_seven_eight;gap=100"  # a model that takes its time


async def answer(ws):
    got = []
    while True:
        got.append(json.loads(await asyncio.wait_for(ws.recv(), 20)))
        if got[-1]["type"] in ("done", "error"):
            return got


def run(co):
    return asyncio.run(asyncio.wait_for(co, 60))


def test_the_sample_client(q):
    async def go():
        async with connect(q) as ws:
            await ws.send(question(q))
            text = ""
            while True:
                data = json.loads(await ws.recv())
                if data["type"] == "token":
                    text += data["token"]
                elif data["type"] == "sources":
                    sources = data["sources"]
                elif data["type"] == "error":
                    raise AssertionError(data["message"])
                elif data["type"] == "done":
                    return text, sources, data
    text, sources, done = run(go())
    assert text and sources[0]["filename"] == "deploy.md" and isinstance(sources[0]["score"], float)
    assert done["query_id"].startswith("q-") and done["usage"]["total_tokens"] > 0 and 0 <= done["confidence"] <= 1


def test_many_questions_in_sequence_and_the_order_of_frames(q):
    async def go():
        async with connect(q) as ws:
            for i in range(5):
                await ws.send(question(q, include_sources=i % 2 == 0))
                got = await answer(ws)
                kinds = [g["type"] for g in got]
                assert kinds[-2:] == ["sources", "done"] and set(kinds[:-2]) == {"token"} and kinds.count("sources") == 1
                assert bool(got[-2]["sources"]) == (i % 2 == 0)
    run(go())


def test_malformed_messages_keep_the_socket(q):
    async def go():
        async with connect(q) as ws:
            for text, field in (("{", "body"), ("5", "body"), ("{}", "knowledge_base_id"), (question(q, top_k="many"), "top_k"),
                                (question(q, filters={"n": {"$near": 5}}), "filters.n.$near"), (question(q, question=""), "question")):
                await ws.send(text)
                got = await answer(ws)
                assert len(got) == 1 and got[0] == {**got[0], "type": "error", "status_code": 400, "field": field}, (text, got)
            await ws.send(question(q, knowledge_base_id="kb-999"))
            got = (await answer(ws))[0]
            assert got == {**got, "type": "error", "status_code": 404, "resource_type": "knowledge_base", "resource_id": "kb-999"}
            await ws.send(question(q))
            assert (await answer(ws))[-1]["type"] == "done"
    run(go())


def test_close_codes(q):
    async def go():
        async with connect(q) as ws:
            await ws.send(b"\x00binary")
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 10)
            assert ws.close_code == 1003
        async with connect(q) as ws:
            with contextlib.suppress(websockets.ConnectionClosed):
                await ws.send("x" * (2 << 20))
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 10)
            assert ws.close_code == 1009
        async with connect(q) as ws:
            await ws.close(1000)
            assert ws.close_code == 1000
    run(go())


@pytest.mark.parametrize("key, status", [("qk_nobody", 401), (None, 401)])
def test_refusal_is_an_ordinary_answer(q, key, status):
    async def go():
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with pytest.raises(websockets.InvalidStatusCode) as e:
            async with websockets.connect(q.server.url.replace("http", "ws") + WS, extra_headers=headers):
                pass
        assert e.value.status_code == status
    run(go())


def test_refused_with_the_flat_error_object(q):
    low = q.key("low", "kb:read")
    up = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    with httpx.Client(base_url=q.server.url, trust_env=False, headers={"Authorization": f"Bearer {low}"}) as c:
        r = c.get(WS, headers=up)
        assert r.status_code == 403 and r.json()["required_scope"] == "query"
    with q.client(q.user) as c:
        assert c.get(WS, headers={**up, "Sec-WebSocket-Version": "8"}).json()["field"] == "Sec-WebSocket-Version"
        assert c.get(WS, headers={**up, "Sec-WebSocket-Key": "short"}).status_code == 400
        assert c.get(WS).status_code == 400


def test_a_second_question_while_one_runs_and_cancel(q, model):
    async def go():
        async with connect(q) as ws:
            await ws.send(question(q, model=SAYS))
            assert json.loads(await ws.recv())["type"] == "token"
            await ws.send(question(q))
            while (m := json.loads(await ws.recv()))["type"] == "token":
                pass
            assert m == {**m, "type": "error", "status_code": 409}
            await ws.send(json.dumps({"type": "cancel"}))
            began = time.monotonic()
            while (m := json.loads(await ws.recv()))["type"] == "token":
                pass
            assert m == {**m, "type": "error", "error": "cancelled"} and time.monotonic() - began < 0.3 * SLOW
            await ws.send(question(q))
            assert (await answer(ws))[-1]["type"] == "done"
    run(go())


def closed(model, name):
    return [e for e in model.log() if e["event"] == "closed" and e["model"] == name]


def test_a_vanished_client_stops_the_model(q, model):
    name = SAYS + ";comments"

    async def go():
        ws = await connect(q)
        await ws.send(question(q, model=name))
        await ws.recv()
        ws.transport.abort()
    run(go())
    until(lambda: closed(model, name), 3)


def test_each_question_counts(q):
    key = q.key("few", "query", "--rate", "3/minute")

    async def go():
        async with connect(q, key) as ws:
            for _ in range(3):
                await ws.send(question(q))
                assert (await answer(ws))[-1]["type"] == "done"
            await ws.send(question(q))
            last = (await answer(ws))[-1]
            assert last == {**last, "type": "error", "status_code": 429, "limit": "requests_per_minute"} and last["retry_after_seconds"] > 0
        with pytest.raises(websockets.InvalidStatusCode) as e:
            async with connect(q, key):
                pass
        assert e.value.status_code == 429
    run(go())


def test_a_revoked_key_stops_at_the_next_frame(q):
    key = q.key("shortlived", "query")

    async def go():
        async with connect(q, key) as ws:
            await ws.send(question(q, model=SAYS))
            await ws.recv()
            br(q.d, "keys", "revoke", "shortlived")
            last = (await answer(ws))[-1]
            assert last == {**last, "type": "error", "status_code": 403}
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 5)
            assert ws.close_code == 1008
    run(go())


def test_pings_are_answered_also_while_a_model_writes(q):
    async def go():
        async with connect(q, ping_interval=None) as ws:
            await (await ws.ping(b"idle"))
            await ws.send(question(q, model=SAYS))
            await ws.recv()
            await asyncio.wait_for(await ws.ping(b"busy"), 1)
            assert (await answer(ws))[-1]["type"] == "done"
    run(go())


def test_frames_in_pieces_and_several_at_once(q):
    """Fragments, one byte at a time; then two questions in one packet: the second is refused or answered, never lost."""
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    s = q.server.socket()
    s.sendall(f"GET {WS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {q.user}\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n"
              f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    f = s.makefile("rb")
    assert b"101" in f.readline()
    head = b""
    while (line := f.readline().strip()):
        head += line + b"\n"
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head

    def masked(opcode, data, fin=True):
        n = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
        mask = os.urandom(4)
        return bytes([opcode | (0x80 if fin else 0)]) + n + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))

    def frame():
        a, n = f.read(2)
        n = int.from_bytes(f.read(2 if n == 126 else 8), "big") if n > 125 else n
        return a & 15, f.read(n)

    text = question(q).encode()
    for b in masked(1, text[:10], False) + masked(9, b"hi") + masked(0, text[10:20], False) + masked(0, text[20:]):
        s.sendall(bytes([b]))
    assert frame() == (10, b"hi")
    while json.loads(frame()[1])["type"] != "done":
        pass
    s.sendall(masked(1, text) + masked(1, text))
    ends = 0
    while ends < 2:
        ends += json.loads(frame()[1])["type"] in ("done", "error")
    s.sendall(bytes([0x81, 2]) + b"{}")  # not masked: a mistake of the protocol
    while (got := frame())[0] != 8:
        pass
    assert int.from_bytes(got[1][:2], "big") == 1002
    s.close()


def test_the_end_of_the_server_closes_with_1001(tmp_path, model):
    q = Quivr(tmp_path, model.env()).start()
    q.user = q.key("user", "query")

    async def go():
        async with connect(q) as idle, connect(q) as busy:
            await busy.send(question(q, model=SAYS))
            await busy.recv()
            q.server.ask_to_end()
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(idle.recv(), 5)
            assert idle.close_code == 1001
            assert (await answer(busy))[-1]["type"] in ("done", "error")
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(busy.recv(), 5)
            assert busy.close_code == 1001
    run(go())
    q.stop()
    q.server.p.wait()


def test_many_streams_at_once_all_end(tmp_path):
    """tests/bench/streams.py, in short: none starves, none is lost, and the end of the server closes all of them."""
    script = pathlib.Path(__file__).resolve().parent.parent / "bench" / "streams.py"
    p = subprocess.run([sys.executable, script, B / "br", "--sse", "40", "--ws", "40", "--tokens", "5", "--gap", "50"],
                       capture_output=True, text=True, timeout=120, env={**os.environ, **CHECKS})
    assert "80 of 80 whole" in p.stdout and "SIGTERM amid 80 streams: status 0" in p.stdout, p.stdout + p.stderr
