"""The Baiyuan dialect: who may ask, knowledge bases, questions, events, caches, conversations."""
import hashlib
import json
import re
import subprocess
import uuid

import pytest
import requests
from baiyuan import ANSWER, KB, NOBODY, NUM, SESSION, Tenant, bad, br, good, like, parse, serving
from conftest import until

ASK = "/api/v1/ask"
RETURNS = """# Return policy

Items may be returned within 37 days of delivery. The parcel must carry the label KESTREL.

# Shipping fees

Shipping to islands costs 12 euros. Orders above 90 euros ship free of charge.
"""
HANDBOOK = """# 退货政策

商品签收后三十七天内可以申请退货。退款会在五个工作日内原路退回。

# 运费说明

寄往海岛的包裹收取十二元运费。满九十元的订单免运费。
"""


@pytest.fixture(scope="module")
def all_(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("baiyuan"), ("acme", "beta", "slow", "off")) as (s, ws, t):
        yield s, ws, t


@pytest.fixture(scope="module")
def acme(all_):
    return all_[2]["acme"]


@pytest.fixture(scope="module")
def kb(acme):
    id = acme.kb("Shop", metadata={"source": "crm", "n": [1, {"x": None}]})
    acme.text(id, RETURNS, "Shop rules")
    acme.text(id, HANDBOOK, "店铺规则")
    return id


# ---- who asks ----

def test_steps_of_authentication_in_order(all_):
    s, ws, t = all_
    a, off = t["acme"], t["off"]
    br(ws, "tenant", "disable", "off")
    unbound = br(ws, "keys", "create", "unbound", "--kind", "any").strip().splitlines()[-1]
    other_api = br(ws, "keys", "create", "kiosk", "--kind", "quivr").strip().splitlines()[-1]
    revoked = br(ws, "keys", "create", "gone", "--kind", "baiyuan", "--tenant", "acme").strip().splitlines()[-1]
    br(ws, "keys", "revoke", "gone")
    with s.client() as c:
        def ask(key, tenant, status, **more):
            h = {k: v for k, v in (("X-RAG-API-Key", key), ("X-Tenant-ID", tenant)) if v is not None}
            return bad(c.post(ASK, json=more.get("body", {"question": "x"}), headers=h), status)
        assert ask(None, None, 401) == "missing credentials"
        ask(None, a.id, 401)
        ask("", a.id, 401)
        ask(None, "not-a-uuid", 401)
        ask(a.key, None, 400)
        ask(a.key, "not-a-uuid", 400)
        ask("rag_nobody", "not-a-uuid", 400)          # step 2 comes before step 3
        ask("rag_nobody", a.id, 401)
        ask("rag_nobody", NOBODY, 401)
        ask(revoked, a.id, 401)
        ask(other_api, a.id, 401)
        assert ask(a.key, NOBODY, 403) == "tenant not found or disabled"
        ask(off.key, off.id, 403)
        ask(a.key, off.id, 403)                       # step 4 before step 5
        assert ask(a.key, t["beta"].id, 403) == "tenant mismatch"
        assert ask(unbound, a.id, 403) == "tenant mismatch"
        ask(a.key, t["beta"].id, 403, body={})        # before parameters
        ask(a.key, a.id, 400, body={})
        r = c.post(ASK, json={"question": "x"}, headers={"Authorization": f"Bearer {a.key}"})
        bad(r, 401)
    head = f"GET /api/v1/knowledge-bases/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-rag-api-key:   {a.key}\t\r\nX-TENANT-ID: {a.id.upper()} \r\n\r\n"
    assert b" 200 " in s.raw(head.encode()).splitlines()[0]


def test_the_rate_is_the_tenants_whatever_key(all_):
    s, ws, t = all_
    br(ws, "tenant", "set", "slow", "--rate", "3")
    second = br(ws, "keys", "create", "slow2", "--kind", "baiyuan", "--tenant", "slow").strip().splitlines()[-1]
    two = Tenant(s, t["slow"].id, second)
    for who in (t["slow"], two, t["slow"]):
        good(who.get("/api/v1/knowledge-bases"))
    for who in (t["slow"], two):
        r = who.get("/api/v1/knowledge-bases")
        bad(r, 429)
        assert 1 <= int(r.headers["retry-after"]) <= 60 and r.json()["retry_after"] == int(r.headers["retry-after"])
    good(t["beta"].get("/api/v1/knowledge-bases"))
    two.close()


def test_health_needs_nothing(all_):
    with all_[0].client() as c:
        if "/health" not in c.get("/openapi.json").json()["paths"]:
            pytest.skip("no dialect here has /health")
        r = c.get("/health")
        assert r.status_code == 200 and r.json()["status"] == "ok"


def test_unknown_paths_methods_and_bodies(acme):
    bad(acme.get("/api/v1/knowledge-bases/x/y/z"), 404)
    bad(acme.get("/api/v1/documents/x/y/z"), 404)
    bad(acme.put(ASK, json={}), 405)
    bad(acme.post(ASK, content=b"{", headers={"Content-Type": "application/json"}), 400)
    bad(acme.post(ASK, content=b"question=x", headers={"Content-Type": "application/x-www-form-urlencoded"}), 415)
    for body in ({"question": 5}, {"question": " \n"}, {"question": None}, {"question": "x", "stream": "yes"}, {"question": "x", "temperature": 3}):
        bad(acme.post(ASK, json=body), 400)


# ---- knowledge bases ----

def test_knowledge_bases(all_):
    b = all_[2]["beta"]
    before = good(b.get("/api/v1/knowledge-bases"))
    one = like(good(b.post("/api/v1/knowledge-bases", json={"name": "One", "metadata": {"brand_id": 7}, "description": "first", "more": 1}), 201), KB)
    assert uuid.UUID(one["id"]) and one["metadata"] == {"brand_id": 7} and one["description"] == "first" and one["wiki_enabled"] is True
    assert one["is_default"] is (not before)
    two = good(b.post("/api/v1/knowledge-bases/", json={"name": "One", "is_default": True, "wiki_enabled": False, "metadata": None}), 201)
    assert two["id"] != one["id"] and two["is_default"] and two["metadata"] == {} and two["wiki_enabled"] is False
    listed = {k["id"]: like(k, KB) for k in good(b.get("/api/v1/knowledge-bases"))}
    assert listed[one["id"]]["name"] == listed[two["id"]]["name"] == "One"
    assert [k for k in listed.values() if k["is_default"]] == [listed[two["id"]]]
    bad(b.post("/api/v1/knowledge-bases", json={}), 400)
    bad(b.post("/api/v1/knowledge-bases", json={"name": " "}), 400)
    bad(b.post("/api/v1/knowledge-bases", json={"name": "x", "metadata": 5}), 400)
    for id in (one["id"], two["id"]):
        assert good(b.delete(f"/api/v1/knowledge-bases/{id}")) == {"id": id, "deleted": True}
        bad(b.delete(f"/api/v1/knowledge-bases/{id}"), 404)
    bad(b.delete("/api/v1/knowledge-bases/kb_new_xyz"), 404)


def test_what_others_have_is_not_there(all_, kb):
    s, ws, t = all_
    b, doc = t["beta"], good(t["acme"].get("/api/v1/documents"))[0]["id"]
    plain = json.loads(br(ws, "notebook", "show", "--json"))["id"]
    for id in (kb, plain):
        bad(b.delete(f"/api/v1/knowledge-bases/{id}"), 404)
        b.ask("return", id, status=404)
        bad(b.get("/api/v1/documents", params={"knowledge_base_id": id}), 404)
        bad(b.post("/api/v1/documents/text", json={"kb_id": id, "content": "x"}), 404)
        bad(b.get(f"/api/v1/knowledge-bases/{id}/wiki"), 404)
        bad(b.post(f"/api/v1/knowledge-bases/{id}/wiki/compile"), 404)
        bad(b.post("/api/v1/wiki/patch", json={"kb_id": id, "slug": "x", "patch": {"section": "a", "content": "b", "source_claim_id": "c"}}), 404)
    bad(b.get(f"/api/v1/documents/{doc}"), 404)
    bad(b.delete(f"/api/v1/documents/{doc}"), 404)
    assert doc not in [d["id"] for d in good(b.get("/api/v1/documents"))]


# ---- questions ----

@pytest.mark.parametrize("question, words", [
    ("Within how many days may items be returned?", "37 days"), ("What does shipping to islands cost?", "12 euros"),
    ("签收后多少天内可以申请退货？", "三十七天"), ("寄往海岛的包裹收取多少运费？", "十二元"),
])
def test_answers_of_passages_in_two_languages(acme, kb, question, words):
    a = acme.ask(question, kb, system_prompt=None, temperature=None, session_id=None, extra=[1])
    assert words in a["answer"] and not re.search(r"\[\d+\]|\[chunk_", a["answer"])
    assert a["intent"] == "knowledge" and a["from_wiki"] is False and a["tokens"] == {"prompt": 0, "completion": 0} and a["cached"] is False
    assert a["response_time"] < 5 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", a["timestamp"]) and uuid.UUID(a["conversation_id"])
    source = like(a["sources"][0], {"id": str, "title": str, "relevance": NUM})
    assert source["id"].startswith("doc:") and uuid.UUID(source["id"][4:]) and 0 <= source["relevance"] <= 1
    assert source["title"] in ("Shop rules", "店铺规则") and source["knowledge_base_id"] == kb
    assert any(words in x["answer"] for x in [acme.ask(question)])


def test_nothing_found_is_told_politely(acme, kb):
    for question in ("Which volcano erupted on Jupiter's moon in 1979?", "木星卫星上的火山在哪一年爆发？"):
        a = acme.ask(question, kb)
        assert a["answer"] and a["sources"] == [] and a["from_wiki"] is False


@pytest.mark.parametrize("question, intent", [
    ("Hello!", "smalltalk"), ("你好", "smalltalk"), ("谢谢！", "smalltalk"), ("Thanks a lot", "smalltalk"), ("What do you think about politics?", "opinion"),
    ("你觉得哪个手机好看？", "opinion"), ("How are returns handled?", "knowledge"), ("你好，请问怎么退货？", "knowledge"), ("hello kitty bag return", "knowledge"),
])
def test_intents(acme, kb, question, intent):
    a = acme.ask(question, kb)
    assert a["intent"] == intent and a["answer"]
    if intent != "knowledge":
        assert a["sources"] == [] and a["tokens"] == {"prompt": 0, "completion": 0} and not a["cached"]


def test_requests_and_curl(acme, kb):
    h = {"X-RAG-API-Key": acme.key, "X-Tenant-ID": acme.id}
    r = requests.post(acme.server.url + ASK, json={"question": "Within how many days may items be returned?", "knowledge_base_id": kb}, headers=h, timeout=20)
    like(good(r), ANSWER)
    out = subprocess.run(["curl", "-sS", "-N", "-X", "POST", acme.server.url + ASK, "-H", f"X-RAG-API-Key: {acme.key}", "-H", f"X-Tenant-ID: {acme.id}", "-H",
                          "Content-Type: application/json", "-d", json.dumps({"question": "多少天内可以退货？", "knowledge_base_id": kb, "stream": True})],
                         capture_output=True, check=True, timeout=20)
    assert [e for e, _ in parse(out.stdout)][0] == "start"
    with requests.post(acme.server.url + ASK, json={"question": "可以退货吗", "knowledge_base_id": kb, "stream": True}, headers=h, stream=True, timeout=20) as r:
        lines = [x for x in r.iter_lines(decode_unicode=True) if x]
    assert lines[0] == "event: start" and lines[-2] == "event: done"


# ---- events ----

def check_events(events):
    names = [e for e, _ in events]
    assert names[0] == "start" and names[-1] == "done" and set(names[1:-1]) <= {"delta", "ping"} and "delta" in names
    start, done = events[0][1], events[-1][1]
    like(start, {"conversation_id": str, "reply_message_id": str, "intent": str})
    like(done, {**ANSWER, "message_id": str})
    assert all("type" not in p for _, p in events) and done["message_id"] == start["reply_message_id"]
    assert "".join(p["content"] for e, p in events if e == "delta") == done["answer"]
    return done


@pytest.mark.parametrize("how", ["body", "header", "both", "header alone"])
def test_events(acme, kb, how):
    more = {"stream": how != "header alone"} if how in ("body", "both") else {"stream": False}
    headers = {"Accept": "text/event-stream"} if how != "body" else None
    done = check_events(acme.events("Within how many days may items be returned?", kb, headers, **more))
    assert "37 days" in done["answer"] and done["sources"]


def test_events_of_other_intents_and_of_what_is_cached(acme, kb):
    q = "满多少元的订单免运费？"
    one, two = (check_events(acme.events(q, kb, stream=True)) for _ in range(2))
    assert "九十" in one["answer"] and one["answer"] == two["answer"] and two["cached"] is True
    assert check_events(acme.events("你好", kb, stream=True))["intent"] == "smalltalk"
    assert check_events(acme.events("zzzz qqqq wwww?", kb, stream=True))["sources"] == []


def test_faults_before_the_first_byte_are_no_stream(acme):
    r = acme.post(ASK, json={"question": "x", "stream": True, "knowledge_base_id": NOBODY})
    bad(r, 404)
    assert r.headers["content-type"].startswith("application/json")
    bad(acme.post(ASK, json={"stream": True}), 400)


# ---- caches ----

def test_the_cache_tells_questions_apart_by_their_normal_form(acme, kb):
    first = acme.ask("Which label must the parcel carry?", kb)
    assert "KESTREL" in first["answer"] and not first["cached"]
    for again in ("which   LABEL must the parcel carry", "Ｗhich label must the parcel carry？", " Which label must the parcel carry?!"):
        a = acme.ask(again, kb)
        assert a["cached"] and (a["answer"], a["sources"], a["from_wiki"]) == (first["answer"], first["sources"], first["from_wiki"])
        assert a["tokens"] == {"prompt": 0, "completion": 0} and a["response_time"] < 0.1
    assert not acme.ask("Which label must the parcel carry?")["cached"]                        # no knowledge base is another scope
    assert not acme.ask("Which label must the parcel carry?", kb, system_prompt="Be brief.")["cached"]
    assert not acme.ask("Which label must the parcel carry?", kb, context="a page")["cached"]
    assert acme.ask("Which label must the parcel carry?", kb, temperature=1, max_tokens=5)["cached"]


def test_the_semantic_cache_wants_the_same_words_that_matter(acme, kb):
    first = acme.ask("What does the shipping of parcels to islands cost?", kb)
    again = acme.ask("What does shipping of the parcels to islands cost?", kb)
    assert again["cached"] and again["answer"] == first["answer"]
    assert not acme.ask("What does the shipping of parcels to mountains cost?", kb)["cached"]
    assert not acme.ask("What does the shipping of parcels to islands cost not?", kb)["cached"]
    assert not acme.ask("What does shipping of the parcels to islands cost?")["cached"]


def test_a_question_with_history_is_not_cached(acme, kb):
    q = {"question": "What does shipping to islands cost in euros?", "knowledge_base_id": kb, "session_id": "h1"}
    one = good(acme.post(ASK, json=q))
    two = good(acme.post(ASK, json=q))
    assert two["cached"] is False and one["conversation_id"] == two["conversation_id"]
    assert good(acme.post(ASK, json={**q, "session_id": "h2"}))["conversation_id"] != one["conversation_id"]


def test_a_deleted_document_is_gone_on_every_path(acme):
    id = acme.kb("Gone")
    doc = acme.text(id, "# Bridges\n\nThe old bridge of Umbra opens at 4711 hours on Sundays.\n", "Bridges")["id"]
    q = "When does the old bridge of Umbra open?"
    assert "4711" in acme.ask(q, id)["answer"] and acme.ask(q, id)["cached"] and "4711" in acme.ask(q)["answer"]
    assert "4711" in acme.ask(q, id, session_id="umbra")["answer"]
    assert good(acme.delete(f"/api/v1/documents/{doc}")) == {"id": doc, "deleted": True}
    for more in ({"kb": id}, {}, {"kb": id, "session_id": "umbra"}, {"kb": id, "system_prompt": "x"}):
        a = acme.ask(q, **more)
        assert "4711" not in a["answer"] and not a["cached"] and f"doc:{doc}" not in [x["id"] for x in a["sources"]], (more, a)
    bad(acme.get(f"/api/v1/documents/{doc}"), 404)
    bad(acme.delete(f"/api/v1/documents/{doc}"), 404)
    assert [d["id"] for d in good(acme.get("/api/v1/documents", params={"kb_id": id, "status": "deleted"}))] == [doc]
    again = acme.text(id, "# Bridges\n\nThe old bridge of Umbra opens at 4711 hours on Sundays.\n", "Bridges")
    assert again["id"] != doc and "4711" in acme.ask(q, id)["answer"]
    good(acme.delete(f"/api/v1/knowledge-bases/{id}"))
    assert "4711" not in acme.ask(q)["answer"]


# ---- conversations ----

def act(t, conversation, what, status=200, **body):
    r = t.post(f"/api/v1/sessions/{conversation}/{what}", json=body)
    return like(good(r), SESSION) if status == 200 else bad(r, status)


def test_handoff_every_step(acme, kb):
    def ask(q):
        return acme.ask(q, kb, session_id="agent-1")
    c = ask("Within how many days may items be returned?")["conversation_id"]
    for wrong in ("claim", "resume-ai", "human-reply", "cancel"):
        act(acme, c, wrong, 409, agent_email="a@b.c", content="x")
    s = act(acme, c, "handoff-request", reason="wants a person")
    assert (s["status"], s["reason"], s["session_id"]) == ("pending_handoff", "wants a person", "agent-1")
    a = ask("Is anybody there?")
    assert a["answer"] == "" and a["intent"] == "handoff" and a["handoff"]["status"] == "pending_handoff" and a["handoff"]["notice"]
    for wrong in ("handoff-request", "resume-ai", "human-reply", "end"):
        act(acme, c, wrong, 409, agent_email="a@b.c", content="x")
    assert act(acme, c, "cancel")["status"] == "ai_active"
    act(acme, c, "handoff-request")
    act(acme, c, "claim", 400)
    s = act(acme, c, "claim", agent_email="eve@shop.example")
    assert (s["status"], s["assigned_to"]) == ("agent_active", "eve@shop.example")
    a = ask("What does shipping to islands cost?")
    assert a["answer"] == "" and a["handoff"]["status"] == "agent_active"
    s = good(acme.get(f"/api/v1/sessions/{c}"))
    assert "12 euros" in s["suggestion"] and s["mirror_human_reply"] is True
    for wrong in ("handoff-request", "claim", "cancel"):
        act(acme, c, wrong, 409, agent_email="a@b.c")
    act(acme, c, "human-reply", 400)
    s = act(acme, c, "human-reply", content="It is twelve, dear customer.")
    assert s["messages"][-1]["role"] == "agent" and s["messages"][-1]["content"] == "It is twelve, dear customer." and s["suggestion"] is None
    act(acme, c, "resume-ai", 400)
    s = act(acme, c, "resume-ai", agent_email="eve@shop.example")
    assert s["status"] == "ai_active" and "agent" in [m["role"] for m in s["messages"]] and len(s["messages"]) <= 40
    assert ask("Within how many days may items be returned?")["answer"]
    act(acme, c, "handoff-request")
    act(acme, c, "claim", agent_email="eve@shop.example", mirror_human_reply=False)
    assert [m["role"] for m in act(acme, c, "human-reply", message="Not remembered.")["messages"]].count("agent") == 1
    assert act(acme, c, "end")["status"] == "ended"
    for wrong in ("handoff-request", "claim", "resume-ai", "human-reply", "end", "cancel"):
        act(acme, c, wrong, 409, agent_email="a@b.c", content="x")
    assert ask("Within how many days may items be returned?")["conversation_id"] != c


def test_handoff_is_asked_for_in_words_and_summed_up(acme, kb):
    a = acme.ask("My name is Ada. When is the refund paid? This is urgent!", kb, session_id="ada")
    a = acme.ask("I want to talk to a human", kb, session_id="ada")
    assert a["intent"] == "handoff" and a["handoff"]["status"] == "pending_handoff" and a["answer"]
    s = good(acme.get(f"/api/v1/sessions/{a['conversation_id']}"))["summary"]
    like(s, {"customer_name": str, "main_question": str, "context_facts": list, "pending_facts": list, "suggested_actions": list, "sentiment": str})
    assert s["customer_name"] == "Ada" and "refund" in s["main_question"] and s["sentiment"] == "urgent" and len(s["suggested_actions"]) <= 3
    b = acme.ask("我要转人工", kb)
    assert b["intent"] == "handoff" and good(acme.get(f"/api/v1/sessions/{b['conversation_id']}"))["status"] == "pending_handoff"


def test_three_rounds_without_confidence_call_people(acme, kb):
    for i in range(3):
        a = acme.ask(f"Which volcano number {i} erupts on Jupiter tonight?", kb, session_id="lost")
    assert a["handoff"]["status"] == "pending_handoff"


def test_conversations_of_others_are_not_there(all_, kb):
    c = all_[2]["acme"].ask("Within how many days may items be returned?", kb, session_id="mine")["conversation_id"]
    b = all_[2]["beta"]
    bad(b.get(f"/api/v1/sessions/{c}"), 404)
    act(b, c, "handoff-request", 404)
    bad(b.get("/api/v1/sessions/nothing"), 404)
    assert b.ask("Hello", session_id="mine")["conversation_id"] != c


# ---- what is written down ----

def test_audit_status_and_metrics(all_, kb):
    s, ws, t = all_
    t["acme"].ask("Which label is on the audited parcel KESTREL?", kb)
    rows = until(lambda: [x for x in map(json.loads, br(ws, "log", "--tenant", "acme", "--json", "-k", "200").splitlines())
                          if "audited" in x["question"]])
    row = rows[0]
    assert row["tenant"] == t["acme"].id and row["knowledge_base"] == kb and row["path"] in ("passages", "nothing") and row["took_ms"] > 0
    like(row, {"answer": str, "sources": str, "by": str, "intent": str, "prompt_tokens": int, "completion_tokens": int, "score": NUM})
    assert "audited" not in br(ws, "log", "--tenant", "beta", "--json")
    figures = json.loads(br(ws, "status", "--json"))["answers"]
    assert figures["passages"] > 0 and figures["answer_cache"] > 0
    with s.client() as c:
        m = c.get("/metrics").text
    assert re.search(r'br_tenant_answers_total\{path="answer_cache"\} [1-9]', m) and "br_tenant_mode 0" in m
    shown = json.loads(br(ws, "tenant", "show", "acme", "--json"))
    assert shown["documents"] >= 2 and shown["answers"]["passages"] > 0
    assert kb not in br(ws, "tenant", "show", "beta", "--json")


def test_the_vector_of_the_cache_key():
    text = "11111111-1111-1111-1111-111111111111:22222222-2222-2222-2222-222222222222:return policy"
    assert hashlib.sha256(text.encode()).hexdigest() == "d1792770dd304fd7def42b10db4de631b4e9b02e2aa7147c7cf93da16cfd2e5a"
