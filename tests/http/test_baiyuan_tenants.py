"""Two tenants at once: 64 clients do at random what clients do; in every text there is a word of its tenant, and nobody ever sees the
other's. BR_BAIYUAN_SECONDS says for how long (10)."""
import os
import random
import threading
import time

import pytest
from baiyuan import serving
from conftest import SLOW, until

WORDS = {"acme": "OSPREY", "beta": "MAGPIE"}
SECONDS = float(os.environ.get("BR_BAIYUAN_SECONDS", "10"))
CLIENTS = 64


class Crowd:
    def __init__(self, server, tenants):
        self.server, self.tenants, self.end = server, tenants, time.monotonic() + SECONDS
        self.faults, self.counts, self.mu = [], {}, threading.Lock()
        self.kbs = {n: [t.kb(f"{WORDS[n]} {i}", metadata={"word": WORDS[n]}) for i in range(2)] for n, t in tenants.items()}
        self.docs = {n: [] for n in tenants}
        self.sessions = {n: [] for n in tenants}

    def fault(self, what):
        with self.mu:
            self.faults.append(what)

    def check(self, name, r, expected=(200, 201, 202)):
        other = WORDS["beta" if name == "acme" else "acme"]
        with self.mu:
            self.counts[r.status_code] = self.counts.get(r.status_code, 0) + 1
        if other in r.text:
            self.fault(f"{name} saw {other}: {r.request.method} {r.request.url} {r.text[:300]}")
        if r.status_code not in (*expected, 404, 409):
            self.fault(f"{name}: {r.request.method} {r.request.url}: {r.status_code} {r.text[:200]}")
        return r

    def other(self, name):
        return "beta" if name == "acme" else "acme"

    def step(self, name, c, rnd):
        word, what = WORDS[name], rnd.random()
        kb = rnd.choice(self.kbs[name])
        n = rnd.randrange(40)
        if what < 0.40:
            q = rnd.choice([f"What is the code of item {n}?", "Which bird guards the items?", f"物品{n}的代码是什么？", "hello", "What are items?"])
            body = {"question": q}
            if rnd.random() < 0.7:
                body["knowledge_base_id"] = kb
            if rnd.random() < 0.3:
                body["session_id"] = f"s{rnd.randrange(5)}"       # the same names for both
            if rnd.random() < 0.3:
                body["stream"] = True
            r = self.check(name, c.post("/api/v1/ask", json=body))
            if r.status_code == 200 and "session_id" in body and not body.get("stream"):
                self.sessions[name].append(r.json()["data"]["conversation_id"])
        elif what < 0.52:
            text = f"# Item {n}\n\nThe code of item {n} is {word}-{n}. The bird {word} guards the items. 物品{n}的代码是{word}{n}。\n"
            r = self.check(name, c.post("/api/v1/documents/text", json={"knowledge_base_id": kb, "title": f"{word} {n} {rnd.random()}", "content": text}))
            if r.status_code == 202:
                self.docs[name].append(r.json()["data"]["id"])
        elif what < 0.60 and self.docs[name]:
            id = rnd.choice(self.docs[name])
            self.check(name, c.delete(f"/api/v1/documents/{id}"))
        elif what < 0.68:
            self.check(name, c.get("/api/v1/documents", params={"knowledge_base_id": kb, "limit": 20}))
        elif what < 0.74:
            self.check(name, c.get("/api/v1/knowledge-bases"))
        elif what < 0.80:
            self.check(name, c.get(f"/api/v1/knowledge-bases/{kb}/wiki"))
        elif what < 0.82:
            self.check(name, c.post(f"/api/v1/knowledge-bases/{kb}/wiki/compile"))
        elif what < 0.86 and self.sessions[name]:
            self.check(name, c.get(f"/api/v1/sessions/{rnd.choice(self.sessions[name])}"))
        elif what < 0.88 and self.sessions[name]:
            self.check(name, c.post(f"/api/v1/sessions/{rnd.choice(self.sessions[name])}/handoff-request", json={}))
        else:
            self.trespass(name, c, rnd)

    def trespass(self, name, c, rnd):
        """What is the other's is not there, or not mine to name."""
        o = self.other(name)
        kb = rnd.choice(self.kbs[o])
        tries = [lambda: c.post("/api/v1/ask", json={"question": "Which bird guards the items?", "knowledge_base_id": kb}),
                 lambda: c.get("/api/v1/documents", params={"kb_id": kb}), lambda: c.get(f"/api/v1/knowledge-bases/{kb}/wiki"),
                 lambda: c.post("/api/v1/documents/text", json={"kb_id": kb, "content": WORDS[name]}), lambda: c.delete(f"/api/v1/knowledge-bases/{kb}")]
        if self.docs[o]:
            id = rnd.choice(self.docs[o])
            tries += [lambda: c.get(f"/api/v1/documents/{id}"), lambda: c.delete(f"/api/v1/documents/{id}")]
        if self.sessions[o]:
            s = rnd.choice(self.sessions[o])
            tries += [lambda: c.get(f"/api/v1/sessions/{s}"), lambda: c.post(f"/api/v1/sessions/{s}/end", json={})]
        r = self.check(name, rnd.choice(tries)(), ())
        if r.status_code != 404:
            self.fault(f"{name} got in: {r.request.method} {r.request.url}: {r.status_code}")
        r = c.get("/api/v1/knowledge-bases", headers={"X-Tenant-ID": self.tenants[o].id})
        if self.check(name, r, (403,)).status_code != 403:
            self.fault(f"{name} was taken for {o}")

    def client(self, i):
        name = ("acme", "beta")[i % 2]
        t, rnd = self.tenants[name], random.Random(i)
        with self.server.client(headers={"X-RAG-API-Key": t.key, "X-Tenant-ID": t.id}) as c:
            while time.monotonic() < self.end and len(self.faults) < 5:
                try:
                    self.step(name, c, rnd)
                except Exception as e:  # noqa: BLE001 - told as a fault
                    self.fault(f"{name}: {e!r}")


@pytest.mark.skipif(SLOW > 1, reason="too slow to be told anything")
def test_nobody_sees_what_is_another_tenants(tmp_path):
    with serving(tmp_path, config=[]) as (s, ws, tenants):
        from baiyuan import br
        for n in tenants:
            br(ws, "tenant", "set", n, "--rate", "1000000")
        crowd = Crowd(s, tenants)
        threads = [threading.Thread(target=crowd.client, args=(i,)) for i in range(CLIENTS)]
        for x in threads:
            x.start()
        for x in threads:
            x.join()
        assert not crowd.faults, crowd.faults
        print(f"\n{sum(crowd.counts.values())} requests: {crowd.counts}")
        assert sum(crowd.counts.values()) > 100 and crowd.counts.get(200, 0) > 50
        for name in tenants:
            other = WORDS[crowd.other(name)]
            log = until(lambda: br(ws, "log", "--tenant", name, "--json", "-k", "10000"))
            assert other not in log and tenants[crowd.other(name)].id not in log
            asked = [x for x in log.splitlines() if '"knowledge_base":null' not in x]
            assert not any(kb in x for kb in crowd.kbs[crowd.other(name)] for x in asked)
