"""What the tests of the server share: a workspace, servers that are started and ended, raw sockets.

BR_B names the folder of the build: br and http-lab (tests/http/lab.c) are there.
"""
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

import httpx
import pytest

B = pathlib.Path(os.environ.get("BR_B", "build/release")).resolve()
CHECKS = {
    "ASAN_OPTIONS": "abort_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
SLOW = 4 if B.name.endswith(("asan", "tsan")) else 1


class Server:
    """br serve or http-lab, started on a free port; the URL is read from what it prints."""

    def __init__(self, *argv, env=None, pass_fds=(), preexec=None, cwd=None):
        full = {"PATH": os.environ["PATH"], "HOME": str(cwd or "/nonexistent"), "BR_SERVE_CHECK": "1", **CHECKS, **(env or {})}
        wrap = ["setarch", "-R"] if B.name.endswith("tsan") else []
        self.p = subprocess.Popen([*wrap, *map(str, argv)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=full,
                                  pass_fds=pass_fds, preexec_fn=preexec, cwd=cwd, text=True)
        self.url, self.said, self.asked = None, "", False
        while self.url is None:
            line = self.p.stderr.readline()
            self.said += line
            if not line:
                raise RuntimeError(f"no server: {self.said}")
            if line.startswith("listening on "):
                self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1]) if self.url.startswith("http") else None

    def client(self, **kw):
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **kw)

    def socket(self, timeout=10):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def raw(self, data, timeout=10, half_close=False):
        """Sends bytes, returns everything until the server closes."""
        with self.socket(timeout) as s:
            try:
                s.sendall(data)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return read_all(s)

    def rss_kb(self):
        status = pathlib.Path(f"/proc/{self.p.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def fds(self):
        return len(os.listdir(f"/proc/{self.p.pid}/fd"))

    def ask_to_end(self, sig=signal.SIGTERM):
        self.asked = True  # a second signal would kill
        self.p.send_signal(sig)

    def stop(self, sig=signal.SIGTERM):
        if self.p.poll() is None and not self.asked:
            self.p.send_signal(sig)
        out, err = self.p.communicate(timeout=60)
        self.said += err
        assert self.p.returncode == 0, f"status {self.p.returncode}: {self.said}"
        return out


def read_all(s):
    data = b""
    try:
        while True:
            part = s.recv(65536)
            if not part:
                return data
            data += part
    except ConnectionResetError:
        return data


def read_reply(f):
    """One answer with Content-Length from a file of a socket: status, headers, body."""
    status = int(f.readline().split()[1])
    headers = {}
    while (line := f.readline().strip()):
        name, value = line.split(b":", 1)
        headers[name.decode().lower()] = value.strip().decode()
    return status, headers, f.read(int(headers.get("content-length", 0)))


def until(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (got := what()):
            return got
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    d = tmp_path_factory.mktemp("ws")
    env = {"PATH": os.environ["PATH"], "HOME": str(d), **CHECKS}
    (d / "locks.md").write_text("# Locks\n\nThe writer takes one lock. Others wait.\n\n## Reading\n\nReaders never block writers.\n")
    (d / "soup.md").write_text("# Soup\n\nBoil carrots with onions and salt.\n")
    subprocess.run([B / "br", "init", "-q"], cwd=d, env=env, check=True)
    subprocess.run([B / "br", "sync", "-q", "."], cwd=d, env=env, check=True)
    return d


@pytest.fixture(scope="session")
def lab(workspace):
    s = Server(B / "http-lab", workspace)
    yield s
    s.stop()


@pytest.fixture
def start(workspace):
    """Starts further http-labs, which end with the test."""
    all_ = []

    def go(*args, **kw):
        all_.append(Server(B / "http-lab", workspace, *args, **kw))
        return all_[-1]

    yield go
    for s in all_:
        if s.p.poll() is None:
            s.stop()


@pytest.fixture(scope="session")
def serve(workspace):
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=workspace)
    yield s
    s.stop()


@pytest.fixture(scope="session")
def cert(tmp_path_factory):
    d = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", d / "key.pem", "-out", d / "cert.pem"], check=True, capture_output=True)
    context = ssl.create_default_context(cafile=d / "cert.pem")
    return d / "cert.pem", d / "key.pem", context


class Model:
    """The fake model service of tests/fake, and what it was asked."""

    def __init__(self, folder):
        port = folder / "model.port"
        self.p = subprocess.Popen([sys.executable, pathlib.Path(__file__).parent.parent / "fake/model.py", port], stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{until(lambda: port.exists() and port.read_text().strip())}/v1"

    def log(self, kind="request"):
        return [e for e in httpx.get(self.url.replace("/v1", "/_/log"), trust_env=False).json() if e["event"] == kind]

    def script(self, *answers):
        httpx.post(self.url.replace("/v1", "/_/script"), json={"answers": answers}, trust_env=False).raise_for_status()

    def stop(self):
        self.p.terminate()
        self.p.wait()


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    m = Model(tmp_path_factory.mktemp("model"))
    yield m
    m.stop()


@pytest.fixture(scope="session")
def modelled(workspace, tmp_path_factory, model):
    """A server of its own workspace that has a language model and a rerank service."""
    home = tmp_path_factory.mktemp("modelled") / "ws"
    shutil.copytree(workspace, home)
    env = {"BR_CHAT_BASE_URL": model.url, "BR_CHAT_MODEL": "fake", "BR_RERANK_BASE_URL": model.url, "BR_RERANK_MODEL": "fake"}
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=home, env=env)
    yield s
    s.stop()
