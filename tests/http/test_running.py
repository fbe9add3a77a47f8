"""Starting, ending and reloading: sockets, TLS, systemd, signals, logs."""
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import httpx
import pytest
from conftest import B, CHECKS, SLOW, Server, read_all, until

H = b"Host: localhost\r\n"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls(start, cert):
    pem, key, context = cert
    lab = start("--cert", pem, "--key", key)
    assert lab.url.startswith("https://")
    with lab.client(verify=context) as c:
        assert c.get("/healthz").text == "ok\n"
        assert len(c.get("/lab/big?size=5000000", headers={"accept-encoding": ""}).content) == 5000000
        assert len(c.get("/lab/file").content) > 10000
        r = c.post("/lab/upload", files={"files": os.urandom(3000000)})
        assert r.json()["data"]["parts"][0]["size"] == 3000000
        with c.stream("GET", "/lab/sse?n=3&ms=50") as r:
            assert sum(line.startswith("data:") for line in r.iter_lines()) == 3
    raw = socket.create_connection(("127.0.0.1", lab.port))
    with context.wrap_socket(raw, server_hostname="localhost") as s:
        assert s.version() in ("TLSv1.2", "TLSv1.3")
        s.sendall(b"GET /healthz HTTP/1.1\r\n" + H + b"\r\n" * 1 + b"GET /healthz HTTP/1.1\r\n" + H + b"Connection: close\r\n\r\n")
        assert read_all(s).count(b"HTTP/1.1 200") == 2
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(socket.create_connection(("127.0.0.1", lab.port)))
    assert b"HTTP" not in lab.raw(b"GET / HTTP/1.1\r\n" + H + b"\r\n", half_close=True)
    with lab.client(verify=context) as c:
        assert c.get("/healthz").status_code == 200


def test_tls_with_files_that_do_not_fit(workspace, cert, tmp_path):
    (tmp_path / "x.pem").write_text("nonsense")
    for args, what in [(["--cert", tmp_path / "x.pem", "--key", cert[1]], "certificate"), (["--cert", cert[0], "--key", tmp_path / "x.pem"], "key"),
                       (["--cert", cert[0]], "both")]:
        p = subprocess.run([B / "br", "serve", "--listen", "127.0.0.1:0", *args], cwd=workspace, capture_output=True, text=True,
                           env={"HOME": str(workspace), **CHECKS})
        assert p.returncode in (128, 129) and what in p.stderr


def test_a_socket_file(start, tmp_path):
    path = tmp_path / "s"
    lab = start("--unix", path)
    assert lab.url == f"unix:{path}" and os.stat(path).st_mode & 0o777 == 0o600
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost") as c:
        assert c.get("/lab/who", headers={"X-Lab": "user"}).json()["data"]["address"] == "unix"
    lab.stop()
    assert not path.exists()
    lab = start("--unix", path)  # and over one that was left behind
    lab.p.kill()
    lab.p.wait()
    assert path.exists()
    start("--unix", path).stop()


def test_sockets_of_systemd_and_readiness(start, workspace, tmp_path):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "n"))
    notify.settimeout(10)
    listener = socket.create_server(("127.0.0.1", 0))
    code = 'exec 3<&$1; export LISTEN_PID=$$ LISTEN_FDS=1; shift; exec "$@"'
    lab = Server("bash", "-c", code, "-", str(listener.fileno()), *(["setarch", "-R"] if B.name.endswith("tsan") else []), B / "http-lab", workspace,
                 env={"NOTIFY_SOCKET": str(tmp_path / "n")}, pass_fds=[listener.fileno()])
    assert lab.port == listener.getsockname()[1]
    assert notify.recv(100) == b"READY=1"
    with lab.client() as c:
        assert c.get("/healthz").status_code == 200
    lab.ask_to_end()
    assert notify.recv(100) == b"STOPPING=1"
    lab.stop()
    with socket.create_connection(listener.getsockname()):  # the socket lives on for who comes after
        pass


def test_drain(start):
    lab = start()
    idle = lab.socket()
    idle.sendall(b"GET /healthz HTTP/1.1\r\n" + H + b"\r\n")
    idle.recv(1000)
    busy = lab.socket()
    busy.sendall(b"GET /lab/slow?ms=1000 HTTP/1.1\r\n" + H + b"\r\n")
    stream = lab.socket()
    stream.sendall(b"GET /lab/sse?n=1000&ms=50 HTTP/1.1\r\n" + H + b"\r\n")
    stream.recv(1000)
    time.sleep(0.2)
    lab.ask_to_end()
    assert idle.recv(10) == b""
    until(lambda: refused(lab.port))
    reply = read_all(busy)
    assert reply.startswith(b"HTTP/1.1 200") and b"Connection: close" in reply and reply.endswith(b"done")
    assert read_all(stream).endswith(b"\r\n0\r\n\r\n")
    lab.stop()


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return False
    except ConnectionRefusedError:
        return True


def test_drain_does_not_wait_for_ever(start):
    lab = start()
    s = lab.socket(50)
    s.sendall(b"GET /lab/slow?ms=60000 HTTP/1.1\r\n" + H + b"\r\n")
    time.sleep(0.3)
    began = time.monotonic()
    lab.ask_to_end(signal.SIGINT)
    assert s.recv(10) == b""
    assert 2.5 < time.monotonic() - began < 40
    lab.stop()


def test_access_log_and_reload(start, tmp_path):
    log = tmp_path / "log"
    lab = start("--log", log)
    with lab.client() as c:
        c.get("/healthz?token=secret", headers={"X-Request-Id": "one"})
        c.get("/lab/user", headers={"X-Lab": "user", "X-Request-Id": "two"})
        c.get("/nothing")
        until(lambda: len(log.read_text().splitlines()) == 3)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert [line["status"] for line in lines] == [200, 200, 404] and [line["route"] for line in lines] == ["healthz", "lab_user", None]
        assert lines[0]["id"] == "one" and lines[1]["user"] == "user" and lines[0]["bytes"] == 3 and "secret" not in log.read_text()
        log.rename(tmp_path / "old")
        lab.p.send_signal(signal.SIGHUP)
        until(log.exists)
        c.get("/healthz")
        until(lambda: len(log.read_text().splitlines()) == 1)


def test_a_log_that_nobody_reads_holds_nobody(start):
    lab = start("--log", "-")  # a pipe of 64 KB
    with lab.client() as c:
        for _ in range(1500):
            assert c.get("/healthz").status_code == 200
    assert lab.stop().count('"healthz"') == 1500
    lab = start("--log", "-")
    with lab.client() as c:
        for _ in range(1000):
            assert c.get("/healthz").status_code == 200
        lab.ask_to_end()
        assert lab.p.wait(30) == 0


def test_settings_are_read_again(workspace, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    s = Server(B / "br", "serve", "-v", "--listen", "127.0.0.1:0", "--pid-file", tmp_path / "pid", cwd=workspace, env=env)
    assert int((tmp_path / "pid").read_text()) == s.p.pid
    with s.client() as c:
        assert c.post("/query", json={"query": "lock"}).json()["strategy"] == "hybrid"
        (tmp_path / "br").mkdir()
        (tmp_path / "br/config").write_text("[search]\nstrategy = full_text\n")
        s.p.send_signal(signal.SIGHUP)
        until(lambda: c.post("/query", json={"query": "lock"}).json()["strategy"] == "full_text")
        (tmp_path / "br/config").write_text("[search\nnonsense")
        s.p.send_signal(signal.SIGHUP)
        assert "the settings stay as they were" in s.p.stderr.readline() + s.p.stderr.readline()
        assert c.post("/query", json={"query": "lock"}).json()["strategy"] == "full_text"
    s.stop()
    assert not (tmp_path / "pid").exists()


def test_beyond_this_machine_only_when_meant(workspace):
    env = {"HOME": str(workspace), **CHECKS}
    for at in ["0.0.0.0:0", "[::]:0", "*:0"]:
        p = subprocess.run([B / "br", "serve", "--listen", at], cwd=workspace, capture_output=True, text=True, env=env)
        assert p.returncode == 129 and "--insecure" in p.stderr, (at, p.stderr)
    for at in ["nonsense", "1.2.3.4.5:1", "::1:80", "127.0.0.1:70000", "127.0.0.1:x"]:
        p = subprocess.run([B / "br", "serve", "--listen", at], cwd=workspace, capture_output=True, text=True, env=env)
        assert p.returncode in (128, 129), at
    s = Server(B / "br", "serve", "--listen", "0.0.0.0:0", "--insecure", cwd=workspace)
    assert httpx.get(f"http://127.0.0.1:{s.port}/healthz", trust_env=False).status_code == 200
    s.stop()


def test_an_address_in_use(workspace):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        p = subprocess.run([B / "br", "serve", "--listen", f"127.0.0.1:{busy.getsockname()[1]}"], cwd=workspace, capture_output=True, text=True,
                           env={"HOME": str(workspace), **CHECKS})
        assert p.returncode == 128 and "in use" in p.stderr


def test_reading_while_others_write(serve, workspace):
    env = {"PATH": os.environ["PATH"], "HOME": str(workspace), **CHECKS}
    stop, bad = threading.Event(), []

    def ask():
        with serve.client() as c:
            while not stop.is_set():
                r = c.post("/query", json={"query": "who waits for the lock"})
                if r.status_code != 200 or not r.json()["hits"]:
                    bad.append(r.text)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for t in threads:
        t.start()
    for i in range(5):
        (workspace / "more.md").write_text(f"# More\n\nText number {i} about onions.\n")
        subprocess.run([B / "br", "sync", "-q", "."], cwd=workspace, env=env, check=True)
    with serve.client() as c:
        assert any("number 4" in h["text"] for h in c.post("/query", json={"query": "text number onions"}).json()["hits"])
    stop.set()
    for t in threads:
        t.join()
    (workspace / "more.md").unlink()
    subprocess.run([B / "br", "sync", "-q", "."], cwd=workspace, env=env, check=True)
    assert not bad


def test_br_serve_as_systemd_runs_it(workspace, tmp_path):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "n"))
    notify.settimeout(30)
    listener = socket.create_server(("127.0.0.1", 0))
    code = 'exec 3<&$1; export LISTEN_PID=$$ LISTEN_FDS=1; shift; exec "$@"'
    s = Server("bash", "-c", code, "-", str(listener.fileno()), *(["setarch", "-R"] if B.name.endswith("tsan") else []), B / "br", "serve",
               "--pid-file", tmp_path / "pid", cwd=workspace, env={"NOTIFY_SOCKET": str(tmp_path / "n")}, pass_fds=[listener.fileno()])
    assert s.port == listener.getsockname()[1] and notify.recv(100) == b"READY=1" and (tmp_path / "pid").exists()
    with s.client() as c:
        assert c.get("/readyz").status_code == 200
        s.p.send_signal(signal.SIGHUP)
        assert notify.recv(100).startswith(b"RELOADING=1") and notify.recv(100) == b"READY=1"
        whole = c.get("/openapi.json", headers={"accept-encoding": "gzip"})
        head = c.head("/openapi.json", headers={"accept-encoding": "gzip"})
        assert whole.headers["content-encoding"] == "gzip" and len(whole.text) > 100000 and int(whole.headers["content-length"]) < 60000
        assert head.status_code == 200 and head.content == b"" and head.headers["etag"] == whole.headers["etag"]
        assert c.get("/openapi.json", headers={"if-none-match": whole.headers["etag"]}).status_code == 304
        options = c.options("/api/notebooks")
        assert options.status_code == 204 and {"GET", "POST", "DELETE", "OPTIONS"} <= set(options.headers["allow"].split(", "))
    s.ask_to_end()
    assert notify.recv(100) == b"STOPPING=1"
    s.stop()
    assert not (tmp_path / "pid").exists()


def test_br_serve_on_a_socket_file(workspace, tmp_path):
    s = Server(B / "br", "serve", "--unix", tmp_path / "s", cwd=workspace)
    assert s.url == f"unix:{tmp_path / 's'}"
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / "s")), base_url="http://localhost") as c:
        assert c.get("/api/notebooks").json()["success"] is True
    s.stop()
    assert not (tmp_path / "s").exists()
