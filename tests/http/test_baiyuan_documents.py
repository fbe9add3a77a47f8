"""Documents of the Baiyuan dialect: texts, files, pages, sites, signed pushes, their states, and what becomes of those that fail."""
import hashlib
import hmac
import json
import threading
import time

import pytest
from baiyuan import DOC, NOBODY, Pages, bad, br, good, like, serving
from conftest import until

DOCS = "/api/v1/documents"
PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>The {0} has {1} windows and a tall door.</p>{2}</body></html>"


def page(name, n, links=""):
    return 200, "text/html", PAGE.format(name, n, "".join(f'<a href="{x}">x</a>' for x in links)).encode()


@pytest.fixture(scope="module")
def web():
    held = threading.Event()
    tries = []

    def slow():
        held.wait(20)
        return page("Lighthouse", 41)

    def flaky():
        tries.append(1)
        return (503, "text/plain", b"not yet") if len(tries) < 3 else page("Windmill", 43)

    p = Pages({
        "/tower": page("Tower", 17), "/twin": page("Tower", 17), "/slow": slow, "/flaky": flaky, "/down": (500, "text/plain", b"no"),
        "/picture": (200, "image/png", b"\x89PNG"), "/plain": (200, "text/plain", b"text"), "/empty": (200, "text/html", b"<html></html>"),
        "/gbk": (200, "text/html; charset=gbk", "<html><body><p>灯塔有四十一扇窗户和一扇高门。</p></body></html>".encode("gbk")),
        "/robots.txt": (200, "text/plain", b"User-agent: *\nDisallow: /private\n"),
        "/": page("Castle", 101, ["/a", "/b", "/private", "http://elsewhere.invalid/x", "/picture", "/a#part"]),
        "/a": page("Keep", 102, ["/deep"]), "/b": page("Gate", 103, ["/a", "/same"]), "/deep": page("Dungeon", 104, ["/deeper"]),
        "/deeper": page("Well", 105), "/same": page("Gate", 103, ["/a", "/same"]), "/private": page("Treasury", 106),
    })
    p.held, p.tries = held, tries
    yield p
    held.set()
    p.close()


@pytest.fixture(scope="module")
def all_(tmp_path_factory, web):
    env = {"BR_ALLOW_PRIVATE": "true"}
    config = [("tenant.scrape_delay", "0.05"), ("tenant.retry_delay", "0.05")]
    with serving(tmp_path_factory.mktemp("docs"), config=config, env=env) as got:
        yield got


@pytest.fixture(scope="module")
def t(all_):
    return all_[2]["acme"]


@pytest.fixture(scope="module")
def kb(t):
    return t.kb("Buildings")


def accepted(r, **want):
    d = like(good(r, 202), {**DOC, "duplicate": bool})
    assert d["id"] == d["document_id"]
    for k, v in want.items():
        assert d[k] == v, (k, d)
    return d


def states(d):
    return [x["status"] for x in d["history"]]


def test_a_text_on_its_way(t, kb):
    body = {"knowledge_base_id": kb, "title": "Barn", "content": "# Barn\n\nThe barn has 7 windows. 谷仓有七扇窗户。\n"}
    d = accepted(t.post(DOCS + "/text", json=body), doc_type="text", status="uploaded", duplicate=False, knowledge_base_id=kb, title="Barn")
    d = like(t.ready(d["id"]), DOC)
    assert states(d) == ["uploaded", "chunking", "embedding", "ready"]                 # text needs no extracting
    assert d["chunk_count"] >= 1 and d["char_count"] > 20 and d["ready_at"] and d["error"] is None and d["file_size"] == len(body["content"].encode())
    assert d["source_hash"] == hashlib.sha256(body["content"].encode()).hexdigest()
    assert "7 windows" in t.ask("How many windows has the barn?", kb)["answer"]
    again = accepted(t.post(DOCS + "/text/", json={**body, "title": "Other"}), duplicate=True, id=d["id"])
    assert again["status"] == "ready"
    other = t.kb("Second")
    assert accepted(t.post(DOCS + "/text", json={**body, "knowledge_base_id": other}), duplicate=False)["id"] != d["id"]
    for wrong in ({"content": ""}, {"content": " \n"}, {}, {"content": 5}):
        bad(t.post(DOCS + "/text", json={"knowledge_base_id": kb, **wrong}), 400)
    bad(t.post(DOCS + "/text", json={"knowledge_base_id": NOBODY, "content": "x"}), 404)
    default = accepted(t.post(DOCS + "/text", json={"content": "Without a place of its own."}))
    assert default["knowledge_base_id"] == kb


def test_without_any_knowledge_base_it_is_400(all_):
    bad(all_[2]["beta"].post(DOCS + "/text", json={"content": "x"}), 400)


def test_what_has_nothing_to_index_fails_and_can_be_tried_again(t, kb):
    d = accepted(t.post(DOCS + "/file", data={"kb_id": kb}, files={"file": ("none.html", b"<html></html>")}))
    d = t.ready(d["id"], "failed")
    assert d["error"] and d["dead_letter"] is True and states(d)[-1] == "failed"
    assert d["id"] in [x["id"] for x in good(t.get(DOCS, params={"status": "failed"}))]
    assert good(t.post(f"{DOCS}/{d['id']}/retry"), 202)["status"] == "extracting"
    assert states(t.ready(d["id"], "failed"))[-2:] == ["chunking", "failed"]
    good(t.delete(f"{DOCS}/{d['id']}"))


def test_files(t, kb):
    def put(name, data, **form):
        return t.post(DOCS + "/file", data={"knowledge_base_id": kb, **form}, files={"file": (name, data, "application/octet-stream")})
    d = accepted(put("Mill house.md", b"# Mill\n\nThe mill has 23 windows.\n", title="The mill"), doc_type="file", status="uploaded", title="The mill",
                 file_name="Mill house.md")
    d = t.ready(d["id"])
    assert states(d) == ["uploaded", "extracting", "chunking", "embedding", "ready"]
    html = accepted(put("shed.html", page("Shed", 29)[2]))
    assert t.ready(html["id"])["title"] in ("Shed", "shed.html")
    assert "23 windows" in t.ask("How many windows has the mill?", kb)["answer"]
    assert accepted(put("copy.md", b"# Mill\n\nThe mill has 23 windows.\n"), duplicate=True)["id"] == d["id"]
    bad(put("film.mp4", b"x"), 415)
    bad(put("empty.txt", b""), 400)
    bad(t.post(DOCS + "/file", data={"knowledge_base_id": kb}, files={"other": ("a.txt", b"x")}), 400)
    bad(t.post(DOCS + "/file", json={"file": "x"}), 415)
    head = (f"POST {DOCS}/file HTTP/1.1\r\nHost: localhost\r\nX-RAG-API-Key: {t.key}\r\nX-Tenant-ID: {t.id}\r\nContent-Length: {60 << 20}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n")
    assert b" 413 " in t.server.raw(head.encode()).splitlines()[0]
    broken = accepted(put("broken.docx", b"PK\x03\x04 not really a document"))
    assert t.ready(broken["id"], "failed")["dead_letter"] is True


def test_a_page_and_every_state_of_it(t, kb, web):
    d = accepted(t.post(DOCS + "/url", json={"knowledge_base_id": kb, "url": web.url + "/slow"}), doc_type="url", status="uploaded",
                 source_uri=web.url + "/slow")
    assert until(lambda: (x := t.doc(d["id"]))["status"] == "extracting" and x)["source_hash"] is None
    bad(t.post(f"{DOCS}/{d['id']}/retry"), 409)
    web.held.set()
    d = t.ready(d["id"])
    assert states(d) == ["uploaded", "extracting", "chunking", "embedding", "ready"] and d["title"] == "Lighthouse" and d["ingested_at"]
    assert "41 windows" in t.ask("How many windows has the lighthouse?", kb)["answer"]
    again = good(t.post(f"{DOCS}/{d['id']}/retry"), 202)
    assert again["status"] == "re_embedding"
    d = until(lambda: (x := t.doc(d["id"]))["status"] == "ready" and x)
    assert states(d)[-2:] == ["re_embedding", "ready"]
    good(t.delete(f"{DOCS}/{d['id']}"))
    gone = [x for x in good(t.get(DOCS, params={"status": "deleted", "knowledge_base_id": kb})) if x["id"] == d["id"]][0]
    assert gone["status"] == "deleted" and gone["deleted_at"]
    bad(t.post(f"{DOCS}/{d['id']}/retry"), 404)


def test_pages_that_fail(t, kb, web):
    def add(path):
        return accepted(t.post(DOCS + "/url", json={"kb_id": kb, "url": web.url + path}))["id"]
    d = t.ready(add("/flaky"))
    assert len(web.tries) == 3 and d["attempts"] == 2 and "43 windows" in t.ask("How many windows has the windmill?", kb)["answer"]
    down = t.ready(add("/down"), "failed")
    assert down["attempts"] == 3 and down["dead_letter"] and "500" in down["error"]
    for path, why in (("/picture", "HTML"), ("/plain", "HTML"), ("/missing", "404"), ("/empty", "")):
        d = t.ready(add(path), "failed")
        assert why in d["error"] and d["dead_letter"]
    t.ready(add("/tower"))
    assert "same content" in t.ready(add("/twin"), "failed")["error"]
    t.ready(add("/gbk"))
    assert "四十一" in t.ask("灯塔有多少扇窗户？", kb)["answer"]
    for url in ("ftp://example.org/x", "nonsense", ""):
        bad(t.post(DOCS + "/url", json={"kb_id": kb, "url": url}), 400)
    bad(t.post(DOCS + "/url", json={"kb_id": kb}), 400)


def test_addresses_that_may_not_be_reached(tmp_path):
    with serving(tmp_path, ("acme",)) as (s, ws, t):
        a = t["acme"]
        a.kb()
        for url in ("http://127.0.0.1:1/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest", "http://2130706433/"):
            bad(a.post(DOCS + "/url", json={"url": url}), 400)
            bad(a.post(DOCS + "/scrape", json={"root_url": url}), 400)


def test_a_site(t, web):
    kb = t.kb("Castle")
    web.asked.clear()
    d = accepted(t.post(DOCS + "/scrape", json={"root_url": web.url + "/", "max_depth": 2, "knowledge_base_id": kb}), doc_type="scraped")
    t.ready(d["id"])

    def whole():
        all_ = good(t.get(DOCS, params={"kb_id": kb}))
        return sorted(x["title"] for x in all_ if x["status"] == "ready") == ["Castle", "Dungeon", "Gate", "Keep"] and all_
    found = until(whole, 20)
    assert all(x["doc_type"] == "scraped" for x in found)
    assert "/private" not in web.asked and "/deeper" not in web.asked                  # robots.txt; depth
    until(lambda: "/same" in web.asked)
    assert [x for x in web.asked if x != "/robots.txt"] == ["/", "/a", "/b", "/picture", "/deep", "/same"]   # breadth first, each once
    few = t.kb("Few")
    accepted(t.post(DOCS + "/scrape", json={"root_url": web.url + "/", "max_pages": 2, "respect_robots": False, "kb_id": few}))
    until(lambda: len([x for x in good(t.get(DOCS, params={"kb_id": few})) if x["status"] == "ready"]) == 2, 20)
    rec = t.kb("Recursive")
    accepted(t.post(DOCS + "/url", json={"url": web.url + "/a", "recursive": True, "kb_id": rec}), doc_type="scraped")
    until(lambda: sorted(x["title"] for x in good(t.get(DOCS, params={"kb_id": rec})) if x["status"] == "ready") == ["Dungeon", "Keep"], 20)
    for wrong in ({}, {"root_url": web.url, "max_depth": -1}, {"root_url": web.url, "max_pages": 0}):
        bad(t.post(DOCS + "/scrape", json=wrong), 400)


# ---- push ----

def sign(body, secret="push-secret"):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def push(t, body, signature=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    h = {"Content-Type": "application/json", "X-Webhook-Signature": sign(data) if signature is None else signature}
    return t.post(DOCS + "/push", content=data, headers=h)


def test_the_vector_of_the_signature():
    body = b'{"external_id":"crm-product-1234","kb_id":"22222222-2222-2222-2222-222222222222","title":"t","content":"c","version":5}'
    assert len(body) == 119 and sign(body) == "96b123bf5e363ce72b501e725c3b28e04a35b8973bffb6256e5cd57af2e38a1a"


def test_push_and_its_versions(all_, t):
    br(all_[1], "tenant", "secret", "acme", "--stdin", stdin="push-secret\n")
    kb = t.kb("CRM")

    def doc(version, text):
        return {"external_id": "crm-1", "kb_id": kb, "title": "Pump", "content": text, "version": version}
    one = accepted(push(t, doc(5, "The pump P5 weighs 51 kilograms.")), doc_type="auto_push", external_id="crm-1", version=5)
    t.ready(one["id"])
    assert accepted(push(t, doc(5, "The pump weighs nothing.")), duplicate=True)["id"] == one["id"]
    assert accepted(push(t, doc(4, "The pump weighs nothing.")), duplicate=True)["id"] == one["id"]
    same = accepted(push(t, doc(6, "The pump P5 weighs 51 kilograms.")), duplicate=True)
    assert same["id"] == one["id"] and same["version"] == 6
    two = accepted(push(t, doc(7, "The pump P7 weighs 71 kilograms.")), duplicate=False, version=7)
    assert two["id"] != one["id"]
    t.ready(two["id"])
    until(lambda: [x["id"] for x in good(t.get(DOCS, params={"kb_id": kb}))] == [two["id"]])
    a = t.ask("How much does the pump weigh?", kb)["answer"]
    assert "71" in a and "51" not in a
    assert accepted(push(t, doc(6, "Late.")), duplicate=True)["id"] == two["id"]
    body = json.dumps(doc(8, "The pump P8 weighs 81 kilograms.")).encode()
    for wrong in ("", "00" * 32, sign(body, "other"), sign(body)[:-1], sign(body) + "0"):
        assert bad(push(t, body, wrong), 401) == "invalid signature"
    bad(t.post(DOCS + "/push", content=body, headers={"Content-Type": "application/json"}), 401)
    good(push(t, body, "sha256=" + sign(body).upper()), 202)
    for wrong in ({"external_id": "x", "kb_id": kb}, {"content": "x", "kb_id": kb}):
        bad(push(t, wrong), 400)
    bad(push(all_[2]["beta"], doc(1, "x")), 401)


def test_list(t, kb):
    r = t.get(DOCS, params={"knowledge_base_id": kb, "limit": 2})
    first = [like(x, DOC)["id"] for x in good(r)]
    total = int(r.headers["x-total-count"])
    rest = [x["id"] for x in good(t.get(DOCS, params={"kb_id": kb, "offset": 2, "limit": 500}))]
    assert len(first) == 2 and len(rest) == total - 2 and not set(first) & set(rest)
    assert all(x["status"] == "ready" for x in good(t.get(DOCS, params={"status": "ready"})))
    for wrong in ({"status": "done"}, {"limit": 0}, {"limit": "x"}, {"offset": -1}):
        bad(t.get(DOCS, params=wrong), 400)
    bad(t.get(f"{DOCS}/{NOBODY}"), 404)
    bad(t.get(f"{DOCS}/nothing"), 404)


def test_what_a_killed_server_left_is_done_by_the_next(tmp_path):
    with serving(tmp_path, ("acme",)) as (s, ws, t):
        a = t["acme"]
        kb = a.kb()
        ids = [good(a.post(DOCS + "/text", json={"content": f"Number {i} is about the gear G{i} with {i} teeth."}), 202)["id"] for i in range(20)]
        s.p.kill()
        s.p.wait()
        s.asked = True
        s.p.returncode = 0
        from conftest import B, Server
        again = Server(B / "br", "serve", "--listen", "127.0.0.1:0", cwd=ws)
        a.c.base_url = again.url
        try:
            assert all(a.ready(id)["chunk_count"] == 1 for id in ids)
            assert [k["document_count"] for k in good(a.get("/api/v1/knowledge-bases")) if k["id"] == kb] == [20]
        finally:
            again.stop()


def test_a_month_later_it_is_forgotten(tmp_path):
    with serving(tmp_path, ("acme",)) as (s, ws, t):
        a = t["acme"]
        kb = a.kb()
        id = a.text(kb, "The owl sleeps by day.")["id"]
        good(a.delete(f"{DOCS}/{id}"))
        br(ws, "gc")
        assert [x["id"] for x in good(a.get(DOCS, params={"status": "deleted"}))] == [id]
        import os
        import subprocess
        from conftest import B
        subprocess.run([B / "br", "gc"], cwd=ws, check=True, capture_output=True,
                       env={"PATH": os.environ["PATH"], "HOME": str(ws), "BR_CLOCK": str(int(time.time()) + 31 * 86400)})
        assert good(a.get(DOCS, params={"status": "deleted"})) == []
