#!/usr/bin/env python3
"""Many streams at once on a slow model service: how long a token takes through br serve, whether a stream starves, memory, the end.

    streams.py BR [--sse N] [--ws N] [--tokens N] [--gap MS]

Starts a workspace, a fake model service that notes when it sent the first token of each question, and br serve; asks over server-sent
events and WebSockets, all at the same time; ends the server with SIGTERM while a second round is on its way.
"""
import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time


# ---- the model service: first tokens spread over two seconds, then one each `gap` ----

def service(port_out, sent, tokens, gap):
    async def serve(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                n = int(re.search(rb"content-length: *(\d+)", head.lower()).group(1))
                body = await reader.readexactly(n)
                who = int(re.findall(rb"number (\d+)", body)[-1])
                if writer.is_closing():
                    return
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                await asyncio.sleep(0.5 + who % 400 / 200)
                for i in range(tokens):
                    data = json.dumps({"choices": [{"index": 0, "delta": {"content": f"w{i} "}}]})
                    piece = f"data: {data}\n\n".encode()
                    if i == 0 and who < len(sent):
                        sent[who] = time.monotonic()
                    writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    await asyncio.sleep(gap)
                    if writer.is_closing():
                        return
                piece = b"data: [DONE]\n\n"
                writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(piece), piece))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
        port_out.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()
    asyncio.run(main())


# ---- clients: raw sockets, so that they cost little ----

class Seen:
    def __init__(self):
        self.first, self.tokens, self.end, self.gap, self.last = None, 0, None, 0, None

    def token(self):
        now = time.monotonic()
        if self.first is None:
            self.first = now
        else:
            self.gap = max(self.gap, now - self.last)
        self.last = now
        self.tokens += 1


def question(kb, i):
    return json.dumps({"knowledge_base_id": kb, "question": f"What is said of number {i}?"}).encode()


async def sse(port, key, kb, i, seen):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = question(kb, i)
    writer.write(b"POST /api/v1/query/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (key.encode(), len(body), body))
    try:
        async for line in reader:
            if line.startswith(b'data: {"type":"token"'):
                seen.token()
            elif line.startswith(b'data: {"type":"'):
                kind = line[15:20]
                if kind in (b"done\"", b"error"):
                    seen.end = kind.decode().strip('"')
                    break
            elif line.startswith(b"HTTP/1.1 ") and b" 200 " not in line:
                seen.end = line.decode().strip()
                break
    except ConnectionError:
        pass
    writer.close()


def masked(opcode, data):
    mask = os.urandom(4)
    n = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + n + mask + bytes(b ^ mask[k % 4] for k, b in enumerate(data))


async def ws(port, key, kb, i, seen):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    nonce = base64.b64encode(os.urandom(16))
    writer.write(b"GET /api/v1/ws/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (key.encode(), nonce))
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head:
            seen.end = head.split(b"\r\n")[0].decode()
            return
        writer.write(masked(1, question(kb, i)))
        while True:
            a, n = await reader.readexactly(2)
            if n == 126:
                n = int.from_bytes(await reader.readexactly(2), "big")
            data = await reader.readexactly(n)
            if a & 15 == 8:
                seen.end = (seen.end or "") + f" closed {int.from_bytes(data[:2], 'big')}"
                writer.write(masked(8, data[:2]))
                break
            if data.startswith(b'{"type":"token"'):
                seen.token()
            elif data.startswith(b'{"type":"done"'):
                seen.end = "done"
                writer.write(masked(8, b"\x03\xe8"))
                break
            elif data.startswith(b'{"type":"error"'):
                seen.end = "error"
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def round_of(args, port, key, kb, base, after=None):
    seen = [Seen() for _ in range(args.sse + args.ws)]
    jobs = [(sse if i < args.sse else ws)(port, key, kb, base + i, s) for i, s in enumerate(seen)]
    if after:
        jobs.append(after())
    await asyncio.gather(*jobs)
    return seen


def rss(pid, what="VmRSS"):
    return int(re.search(what + r":\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def main():
    p = argparse.ArgumentParser()
    p.add_argument("br")
    p.add_argument("--sse", type=int, default=200)
    p.add_argument("--ws", type=int, default=200)
    p.add_argument("--tokens", type=int, default=40)
    p.add_argument("--gap", type=float, default=100)
    args = p.parse_args()
    n = args.sse + args.ws
    br = pathlib.Path(args.br).resolve()
    port, sent = multiprocessing.Value("i", 0), multiprocessing.Array("d", n, lock=False)
    model = multiprocessing.Process(target=service, args=(port, sent, args.tokens, args.gap / 1000), daemon=True)
    model.start()
    while not port.value:
        time.sleep(0.01)
    with tempfile.TemporaryDirectory() as d:
        d = pathlib.Path(d)
        env = {"PATH": os.environ["PATH"], "HOME": str(d), "BR_CHAT_BASE_URL": f"http://127.0.0.1:{port.value}/v1", "BR_CHAT_MODEL": "fake",
               "BR_ALLOW_PRIVATE": "1"}
        (d / "a.md").write_text("# Numbers\n\nMuch is said of every number in this text. A number is what it is.\n")
        for cmd in (["init", "-q"], ["ingest", "-q", "a.md"]):
            subprocess.run([br, *cmd], cwd=d, env=env, check=True)
        kb = json.loads(subprocess.check_output([br, "notebook", "show", "--json"], cwd=d, env=env))["id"]
        key = subprocess.check_output([br, "keys", "create", "k", "--kind", "quivr", "--scope", "query", "-q"], cwd=d, env=env, text=True).strip()
        server = subprocess.Popen([br, "serve", "--listen", "127.0.0.1:0"], cwd=d, env=env, stderr=subprocess.PIPE, text=True)
        url = server.stderr.readline()
        there = int(url.rsplit(":", 1)[1])
        before = rss(server.pid)
        seen = asyncio.run(round_of(args, there, key, kb, 0))
        report(args, seen, sent, before, rss(server.pid), rss(server.pid, "VmHWM"))

        async def end():
            await asyncio.sleep(2)
            server.send_signal(signal.SIGTERM)
        began = time.monotonic()
        seen = asyncio.run(round_of(args, there, key, kb, 100000, end))
        status = server.wait(30)
        ends = {}
        for s in seen:
            ends[str(s.end).strip()] = ends.get(str(s.end).strip(), 0) + 1
        print(f"SIGTERM amid {n} streams: status {status}, {time.monotonic() - began - 2:.2f} s later all were at their end: {ends}")
    model.terminate()


def report(args, seen, sent, before, after, peak):
    late = sorted((s.first - at) * 1000 for s, at in zip(seen, sent) if s.first and at)
    done = sum((s.end or "").startswith("done") and s.tokens > 0 for s in seen)
    gaps = sorted(s.gap * 1000 for s in seen)
    print(f"{args.sse} SSE and {args.ws} WebSockets: {done} of {len(seen)} whole; others: {[s.end for s in seen if s.end != 'done'][:3]}")
    if late:
        print(f"first token behind the service's: median {late[len(late) // 2]:.1f} ms, 95 % {late[len(late) * 95 // 100]:.1f}, 99 % {late[len(late) * 99 // 100]:.1f}, most {late[-1]:.1f}")
    print(f"longest pause between two tokens ({args.gap:.0f} ms apart at the service): median {gaps[len(gaps) // 2]:.0f} ms, most {gaps[-1]:.0f}")
    print(f"memory of the server: {before:.0f} MB before, {after:.0f} after, {peak:.0f} at most")


if __name__ == "__main__":
    main()
