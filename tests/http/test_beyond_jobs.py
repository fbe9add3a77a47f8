"""Jobs: stages as a poller sees them, cancelling, events; and what language models do for retrieval, chat and ingestion."""
import contextlib
import json
import subprocess
import sys
import threading
import time

import pytest
from beyond import BOOL, INT, NOBODY, NUM, OPT, STR, asked, bad, good, ingest, like, new_notebook, upload, wait
from conftest import B, Server, until

EVENT = {"file_id": STR, "job_id": STR, "file_name": STR, "kind": STR, "status": STR, "stage": STR, "progress": NUM, "error_description": OPT}
STAGES = ["queued", "parsing", "cleaning", "chunking", "embedding", "storing", "completed"]
LONG = "\n\n".join(f"Paragraph {i} speaks of the number {i * 7} at length, as all of the others do, too." for i in range(24000))


@pytest.fixture
def c(serve):
    with serve.client() as client:
        yield client


def start_ingest(c, nb, files, **settings):
    return good(c.post(f"/api/notebooks/{nb}/documents/ingest", json={"files": asked(files), "settings": settings}))["jobs"]


def stage_of(c, nb, f):
    return good(c.get(f"/api/notebooks/{nb}/documents/{f['file_id']}/stage"))


def test_a_poller_sees_stages_and_progress_in_order(c):
    nb = new_notebook(c)
    f = upload(c, nb, long_txt=LONG)[0]
    start_ingest(c, nb, [f])
    seen, progress = [], []
    until(lambda: (s := stage_of(c, nb, f)) and (seen.append(s["stage"]), progress.append(s["progress"])) and s["status"] in ("success", "error"), 60)
    assert seen[-1] == "completed" and progress[-1] == 1.0 and progress == sorted(progress)
    order = [STAGES.index(s) for s in seen]
    assert order == sorted(order) and {"embedding", "completed"} <= set(seen) and len(set(seen)) >= 3


def test_what_waits_is_cancelled_at_once_and_what_is_over_cannot_be(c):
    nb = new_notebook(c)
    slow, other, third = (upload(c, nb, **{f"{n}_txt": t})[0] for n, t in (("slow", LONG), ("other", "Valves are red."), ("third", "Oil is black.")))
    start_ingest(c, nb, [slow], chunk_size=1000)
    start_ingest(c, nb, [other], chunk_size=500)
    start_ingest(c, nb, [third], chunk_size=501)
    at = f"/api/notebooks/{nb}/documents"
    answer = like(good(c.post(f"{at}/{other['file_id']}/cancel")), {"cancelled": BOOL, "file_id": STR, "status": STR})
    assert answer["cancelled"] is True and answer["status"] == "error"
    s = stage_of(c, nb, other)
    assert (s["status"], s["stage"], s["error_description"]) == ("error", "cancelled", "cancelled")
    bad(c.post(f"{at}/{other['file_id']}/cancel/"), 409)
    assert wait(c, nb, third)["status"] == wait(c, nb, slow, 60)["status"] == "success"
    assert stage_of(c, nb, other)["status"] == "error"
    bad(c.post(f"{at}/{third['file_id']}/cancel"), 409)
    bad(c.post(f"{at}/{NOBODY}/cancel"), 404)
    bad(c.post(f"{at}/{upload(c, nb, x_txt='x')[0]['file_id']}/cancel"), 404)
    ingest(c, nb, [other])  # and may be asked for again
    assert stage_of(c, nb, other)["status"] == "success"


def test_the_state_of_jobs_is_told_on_the_command_line(c, workspace):
    nb = new_notebook(c)
    ingest(c, nb, upload(c, nb, bad_pdf="%PDF-1.7\nno"))
    r = subprocess.run([B / "br", "status", "--json"], cwd=workspace, capture_output=True, text=True, check=True)
    assert json.loads(r.stdout)["jobs"]["error"] >= 1
    assert " failed" in subprocess.run([B / "br", "status"], cwd=workspace, capture_output=True, text=True, check=True).stdout


# ---- events ----

class Listener:
    """Takes in events of a notebook in a thread of its own."""

    def __init__(self, server, nb):
        self.got, self.open, self.over = [], threading.Event(), threading.Event()
        self.client = server.client()
        self.thread = threading.Thread(target=self.run, args=(f"/api/notebooks/{nb}/events",), daemon=True)
        self.thread.start()
        assert self.open.wait(10)

    def run(self, path):
        with contextlib.suppress(Exception), self.client.stream("GET", path) as r:
            self.status, self.type = r.status_code, r.headers["content-type"]
            self.open.set()
            name = None
            for line in r.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    self.got.append((name, json.loads(line[6:])))
        self.over.set()


def test_events_tell_how_jobs_go(serve, c):
    nb = new_notebook(c)
    files = upload(c, nb, long_txt=LONG, bad_pdf="%PDF-1.7\nno")
    ingest(c, nb, upload(c, nb, before_txt="Valves."))
    one = Listener(serve, nb)
    assert one.status == 200 and one.type == "text/event-stream"
    start_ingest(c, nb, files)
    until(lambda: len([e for _, e in one.got if e["status"] in ("success", "error")]) >= 2, 60)
    assert {n for n, _ in one.got} == {"job"}
    mine = [like(e, EVENT) for _, e in one.got if e["file_id"] == files[0]["file_id"]]
    assert mine[-1]["status"] == "success" and mine[-1]["progress"] == 1.0 and mine[-1]["kind"] == "ingest"
    order = [STAGES.index(e["stage"]) for e in mine]
    assert order == sorted(order) and len(mine) >= 3 and [e["progress"] for e in mine] == sorted(e["progress"] for e in mine)
    broken = [e for _, e in one.got if e["file_id"] == files[1]["file_id"]][-1]
    assert broken["status"] == "error" and broken["error_description"]
    one.client.close()
    bad(c.get(f"/api/notebooks/{NOBODY}/events"), 404)


def test_listeners_are_bounded_and_those_that_went_make_room(workspace):
    s = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=workspace)
    with s.client() as c:
        nb = new_notebook(c)
        path = f"/api/notebooks/{nb}/events"
        open_ = []
        for _ in range(64):
            sock = s.socket()
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert b" 200 " in sock.recv(1000)
            open_.append(sock)
        bad(c.get(path), 503)
        for sock in open_:
            sock.close()
        with contextlib.closing(until(lambda: (r := c.send(c.build_request("GET", path), stream=True)).status_code == 200 and r or r.close())) as r:
            assert r.headers["content-type"] == "text/event-stream"
            good(c.get(f"/api/notebooks/{nb}/status"))
            began = time.monotonic()
            s.ask_to_end()  # a stream without an end ends with the server
            for _ in r.iter_lines():
                pass
            assert time.monotonic() - began < 10
    s.stop()
