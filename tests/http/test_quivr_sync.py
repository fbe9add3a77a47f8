"""br sync --remote: uploads what changed, deletes what went; interrupted and repeated it comes to the same."""
import hashlib
import json
import signal
import subprocess

import pytest
from conftest import B, until
from quivr import API, Quivr, Receiver, br

EVENTS = ["document.uploaded", "document.updated", "document.deleted", "sync.completed", "error.ingestion"]


@pytest.fixture(scope="module")
def q(tmp_path_factory):
    q = Quivr(tmp_path_factory.mktemp("remote")).start()
    q.ci = q.key("ci", "kb:read,documents:write")
    yield q
    q.stop()


@pytest.fixture
def kb(q):
    with q.client() as c:
        r = c.post(API + "/kb", json={"name": f"KB {len(c.get(API + '/kb').json()['knowledge_bases'])}"})
        assert r.status_code == 201, r.text
        return r.json()["id"]


def sync(q, kb, folder, *more, key=None, code=0):
    env = {"BR_REMOTE_KEY": key or q.ci, "XDG_CACHE_HOME": str(q.d / "cache")}
    p = br(q.d, "sync", "--remote", q.server.url, "--kb", kb, folder, *more, ok=False, env=env)
    assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
    return p


def done(p):
    end = json.loads(p.stdout.splitlines()[-1])
    return {k: end[k] for k in ("added", "changed", "deleted", "kept", "skipped", "failed") if end[k]}


def here(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def there(q, kb):
    with q.client(q.ci) as c:
        return {d["file_path"]: d["content_hash"] for d in c.get(f"{API}/kb/{kb}/documents").json()["documents"]}


def files(folder, n):
    for i in range(n):
        (folder / f"d{i % 5}").mkdir(parents=True, exist_ok=True)
        (folder / f"d{i % 5}" / f"f{i}.md").write_text(f"# Document {i}\n\nThis is text number {i}.\n")


def test_first_no_op_changed_and_repeated(q, kb, tmp_path):
    d = tmp_path / "docs"
    files(d, 60)
    r = Receiver()
    with q.client() as c:
        h = c.post(API + "/webhooks", json={"url": r.url, "events": EVENTS}).json()
    assert done(sync(q, kb, d, "--json")) == {"added": 60}
    assert there(q, kb) == here(d)
    r.wait(61)
    assert done(sync(q, kb, d, "--json")) == {"kept": 60}
    sync(q, kb, d, "--plan")
    (d / "d0" / "f0.md").write_text("# Another\n\nOther words.\n")
    (d / "d1" / "f1.md").unlink()
    (d / "d2" / "f2.md").rename(d / "moved \"so\" ünd.md")
    (d / "copy.md").write_bytes((d / "d3" / "f3.md").read_bytes())
    (d / "none.bin").write_bytes(b"\0\1\2")
    plan = sync(q, kb, d, "--plan", code=4)
    assert "3 to add, 1 to change, 2 to delete, 57 unchanged" in plan.stdout and "D d1/f1.md" in plan.stdout
    assert done(sync(q, kb, d, "--json")) == {"added": 2, "changed": 1, "deleted": 2, "kept": 57, "skipped": 1}
    assert done(sync(q, kb, d, "--json")) == {"kept": 60, "skipped": 1}
    want = here(d)
    del want["none.bin"]
    assert there(q, kb) == want
    r.wait(61 + 2 + 1 + 2 + 1)
    events = [json.loads(b)["type"] for _, b in r.got]
    assert {e: events.count(e) for e in EVENTS[:4]} == {"document.uploaded": 62, "document.updated": 1, "document.deleted": 2, "sync.completed": 2}
    last = [json.loads(b)["data"] for _, b in r.got if b'"sync.completed"' in b][-1]
    assert (last["added"], last["updated"], last["deleted"], last["kb_id"]) in ((2, 1, 2, kb), (60, 0, 0, kb))
    with q.client() as c:
        c.delete(f"{API}/webhooks/{h['id']}")
    r.stop()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_repeated(q, kb, tmp_path, how):
    d = tmp_path / "docs"
    files(d, 80)
    p = subprocess.Popen([B / "br", "sync", "--remote", q.server.url, "--kb", kb, d, "--jobs", "2", "--json"], stdout=subprocess.PIPE, text=True,
                         env={"PATH": "/usr/bin:/bin", "HOME": str(q.d), "BR_REMOTE_KEY": q.ci, "XDG_CACHE_HOME": str(q.d / "cache")})
    for _ in range(10):
        p.stdout.readline()
    p.send_signal(how)
    p.stdout.read()
    assert p.wait() == (130 if how == signal.SIGINT else -9)
    until(lambda: 10 <= len(there(q, kb)) <= 80)
    counts = done(sync(q, kb, d, "--json"))
    assert counts.get("added", 0) + counts.get("changed", 0) + counts["kept"] == 80
    assert there(q, kb) == here(d)
    assert done(sync(q, kb, d, "--json")) == {"kept": 80}


def test_documents_of_others_stay(q, kb, tmp_path):
    d = tmp_path / "docs"
    files(d, 2)
    with q.client(q.ci) as c:
        for name, source in (("hand.md", None), ("wiki.md", "wiki")):
            r = c.post(API + "/ingest", data={"knowledge_base_id": kb, "metadata": json.dumps({"source": source} if source else {})},
                       files={"file": (name, b"# By hand\n\nText of " + name.encode())})
            assert r.status_code == 201, r.text
    sync(q, kb, d, "--meta", '{"commit": "abcdef12"}')
    assert set(there(q, kb)) == {"hand.md", "wiki.md", "d0/f0.md", "d1/f1.md"}
    with q.client(q.ci) as c:
        docs = {x["file_path"]: x["metadata"] for x in c.get(f"{API}/kb/{kb}/documents").json()["documents"]}
    assert docs["d0/f0.md"] == {"source": "ci-cd", "commit": "abcdef12"}
    (d / "d0" / "f0.md").unlink()
    sync(q, kb, d)
    assert set(there(q, kb)) == {"hand.md", "wiki.md", "d1/f1.md"}


def test_exit_codes(q, kb, tmp_path):
    d = tmp_path / "docs"
    files(d, 1)
    p = sync(q, kb, d, key="qk_wrong", code=12)
    assert "refuses the key" in p.stderr and "qk_wrong" not in p.stderr
    sync(q, kb, d, key=q.key("reader", "kb:read"), code=12)
    sync(q, "nowhere", d, code=1)
    sync(q, kb, tmp_path / "missing", code=129)
    sync(q, "a/b", d, code=129)
    assert br(q.d, "sync", "--kb", kb, d, ok=False).returncode == 129
    (d / "large.md").write_bytes(b"x" * (101 << 20))  # more than the profile allows
    p = sync(q, kb, d, code=2)
    assert "large.md" in p.stderr and "1 added" in p.stdout and "1 failed" in p.stdout


def test_a_server_that_asks_to_come_back_later(q, kb, tmp_path):
    """A rate limit: Retry-After is obeyed, and nothing is lost."""
    d = tmp_path / "docs"
    files(d, 6)
    key = q.key("slow", "kb:read,documents:write", "--rate", "4/second")
    assert done(sync(q, kb, d, "--json", key=key)) == {"added": 6}
