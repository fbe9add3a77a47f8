"""Retrieval and conversations with a language model and without: what is asked of it, what a notebook's settings say, what is kept."""
import time

import pytest
from beyond import CITATION, bad, good, ingest, like, new_notebook, upload
from conftest import until

PUMP = "# Pump\n\nThe shaft seal is replaced every 2000 hours. The pump is red.\n"
SOUP = "# Soup\n\nBoil carrots with onions and salt for 2000 seconds.\n"


def filled(c, **files):
    nb = new_notebook(c)
    up = upload(c, nb, **(files or {"pump_md": PUMP, "soup_md": SOUP}))
    ingest(c, nb, up)
    return nb, up


@pytest.fixture(scope="module")
def plain(serve):
    with serve.client() as c:
        yield c, *filled(c)


@pytest.fixture(scope="module")
def smart(modelled):
    with modelled.client() as c:
        nb, files = filled(c)
        settings(c, nb, judge_enabled=False)  # its questions would come between ours
        yield c, nb, files


def find(c, nb, query="shaft seal hours", **body):
    return good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": query, **body}))


def settings(c, nb, **body):
    return good(c.put(f"/api/notebooks/{nb}/settings/", json=body))


def chat_of(c, nb):
    return good(c.post(f"/api/notebooks/{nb}/conversations", json={}), 201)["conversation_id"]


def say(c, nb, chat, content, **body):
    return good(c.post(f"/api/notebooks/{nb}/conversations/{chat}/messages", json={"content": content, **body}))


# ---- retrieval ----

def test_rrf_k_flattens_the_scores_of_fusion(plain):
    c, nb, _ = plain
    second = [find(c, nb, "2000 seal", strategy_id="fusion", full_text_weight=1, semantic_weight=1, rrf_k=k)["chunks"][1]["score"] for k in (1, 60, 200)]
    assert second[0] < second[1] < second[2] < 1 and second[0] < 0.8 and second[2] > 0.98
    settings(c, nb, strategies_config={"rrf_k": 1})
    assert find(c, nb, "2000 seal")["chunks"][1]["score"] == second[1]  # a request's default is its own
    settings(c, nb, strategies_config={"rrf_k": 60})


@pytest.mark.parametrize("strategy", ["semantic-rerank", "hybrid-rerank"])
def test_rerank_without_a_service_is_done_here_and_cuts(plain, strategy):
    c, nb, files = plain
    all_ = find(c, nb, strategy_id=strategy, rerank_top_k=5)["chunks"]
    assert all_[0]["file_id"] == files[0]["file_id"] and all_[0]["score"] == 1.0
    assert len(find(c, nb, "2000", strategy_id=strategy, rerank_top_k=1)["chunks"]) == 1


def test_rerank_asks_the_service(smart, model):
    c, nb, _ = smart
    before = len(model.log())
    assert find(c, nb, "seal for rerank", strategy_id="semantic-rerank")["chunks"]
    asked = model.log()[before:]
    assert [e["path"] for e in asked] == ["/v1/rerank"] and asked[0]["ask"]["query"] == "seal for rerank"


@pytest.mark.parametrize("strategy, words", [("hyde", "passage"), ("multi_query", "three other ways"), ("multi-query", "three other ways"),
                                             ("expanded-hybrid", "three other ways"), ("kb_explorer", "Explore with the tools"),
                                             ("agent-router", "Explore with the tools"), ("agentic-sql", "Explore with the tools")])
def test_strategies_that_need_a_model_ask_it(smart, model, strategy, words):
    c, nb, files = smart
    before = len(model.log())
    found = find(c, nb, f"seal by {strategy}", strategy_id=strategy)
    asked = model.log()[before:]
    assert found["strategy_id"] == strategy and found["chunks"][0]["file_id"] == files[0]["file_id"]
    assert asked and all(e["path"] == "/v1/chat/completions" for e in asked) and words in asked[0]["ask"]["messages"][0]["content"]


def test_kb_explorer_raises_what_the_model_chooses(smart, model):
    c, nb, files = smart
    model.script({"tool": "search", "arguments": {"query": "carrots"}}, "[1]")
    assert find(c, nb, "seal or else", strategy_id="kb_explorer")["chunks"][0]["file_id"] == files[1]["file_id"]


def test_questions_that_wait_for_a_model_do_not_hold_up_others(smart):
    c, nb, _ = smart
    settings(c, nb, inference_model="fake;delay=900")
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        slow = [pool.submit(find, c, nb, f"slow {i}", strategy_id="hyde") for i in range(10)]
        time.sleep(0.2)
        began = time.monotonic()
        assert find(c, nb, "quick one")["chunks"]
        took = time.monotonic() - began
        assert not any(s.done() for s in slow), took
        assert all(s.result()["strategy_id"] == "hyde" for s in slow)
    settings(c, nb, inference_model="fake")


def test_a_model_that_fails_leaves_the_search(smart):
    c, nb, files = smart
    settings(c, nb, inference_model="fake;fail=401,0")
    assert find(c, nb, "seal in need", strategy_id="multi_query")["chunks"][0]["file_id"] == files[0]["file_id"]
    settings(c, nb, inference_model="fake")


# ---- history ----

def test_searches_are_kept_also_those_answered_from_memory(serve):
    with serve.client() as c:
        nb, _ = filled(c)
        at = f"/api/notebooks/{nb}/retrieval/history"
        assert good(c.get(at)) == []
        for query, strategy in (("one seal", "fusion"), ("two", "full_text"), ("one seal", "fusion"), ("one seal", "fusion"), ("three", "agent-router")):
            find(c, nb, query, strategy_id=strategy)
        kept = good(c.get(at + "/"))
        assert [(k["query"], k["strategy_id"]) for k in kept] == [("three", "agent-router"), ("one seal", "fusion"), ("one seal", "fusion"),
                                                                  ("two", "full_text"), ("one seal", "fusion")]
        assert {k["total_results"] for k in kept if k["query"] == "one seal"} == {len(find(c, nb, "one seal")["chunks"])}
        assert all(isinstance(k["execution_time_ms"], float) and k["id"] and k["created_at"].endswith("Z") for k in kept)
        assert good(c.delete(at)) == {"deleted": True} and good(c.get(at)) == []
        find(c, nb, "one seal")
        assert len(good(c.get(at))) == 1


# ---- conversations ----

def test_a_turn_says_what_it_cites_in_both_shapes(plain):
    c, nb, files = plain
    chat = chat_of(c, nb)
    turn = say(c, nb, chat, "When is the shaft seal replaced?", file_ids=[files[0]["file_id"]])
    answer = turn["assistant_message"]
    assert "2000 hours" in answer["content"] and "[1]" in answer["content"] and turn["is_cached"] is False
    for i, cite in enumerate(answer["citations"]):
        like(cite, CITATION)
        assert cite["citation_id"] == i + 1 and 0 <= cite["similarity"] <= 1
        assert cite["file_name"] == cite["metadata"]["file_name"] == "pump.md" and cite["metadata"]["file_id"] == files[0]["file_id"]
    assert len(turn["suggested_questions"]) == 2 and all(isinstance(q, str) and q for q in turn["suggested_questions"])
    assert say(c, nb, chat_of(c, nb), "How are carrots boiled?", file_ids=[files[0]["file_id"]])["assistant_message"]["citations"] == []


def test_the_same_first_question_is_answered_from_memory_and_kept_as_messages(smart, model):
    c, nb, _ = smart
    ask = lambda text="What colour is the pump?", **body: (chat := chat_of(c, nb), say(c, nb, chat, text, **body))  # noqa: E731
    model.script("It is red [1].")
    chat, first = ask()
    assert first["is_cached"] is False and first["assistant_message"]["content"] == "It is red [1]."
    before = len(model.log())
    chat, again = ask("what colour is the  PUMP")
    assert again["is_cached"] is True and again["assistant_message"]["content"] == "It is red [1]." and len(model.log()) == before
    messages = good(c.get(f"/api/notebooks/{nb}/conversations/{chat}/messages"))
    assert [(m["role"], m["content"]) for m in messages] == [("user", "what colour is the  PUMP"), ("assistant", "It is red [1].")]
    assert [x["citation_id"] for x in messages[1]["citations"]] == [x["citation_id"] for x in first["assistant_message"]["citations"]]
    assert ask(persona="funny")[1]["is_cached"] is False and ask(language="de")[1]["is_cached"] is False
    assert say(c, nb, chat, "What colour is the pump?")["is_cached"] is False  # a follow-up
    ingest(c, nb, upload(c, nb, new_md="The pump is blue now."))
    assert ask()[1]["is_cached"] is False


def test_settings_reach_the_model(smart, model):
    c, nb, _ = smart
    settings(c, nb, inference_model="fake;text=Red_[1].", inference_temperature=1.25, system_prompt_retrieval="Speak like a pirate.", default_persona="custom",
             default_language="nl", max_conversation_messages=2)
    chat = chat_of(c, nb)
    for i in range(3):
        say(c, nb, chat, f"Is the pump red, question {i}?")
    asked = [e["ask"] for e in model.log() if e["ask"].get("model") == "fake;text=Red_[1]."]
    assert all(a["temperature"] == 1.25 for a in asked)
    last = asked[-1]["messages"]
    assert "Speak like a pirate." in last[0]["content"] and "Dutch" in last[0]["content"]
    assert [m["role"] for m in last] == ["system", "user", "assistant", "user"] and last[1]["content"] == "Is the pump red, question 1?"
    say(c, nb, chat, "And this?", persona="mentor", language="fr")
    system = [e["ask"] for e in model.log() if e["ask"].get("model") == "fake;text=Red_[1]."][-1]["messages"][0]["content"]
    assert "pirate" not in system and "step by step" in system and "French" in system
    settings(c, nb, inference_model="fake", system_prompt_retrieval="", default_persona=None, default_language=None, max_conversation_messages=50)


@pytest.mark.parametrize("language, words", [("en", "Nothing in this notebook"), ("de", "In diesem Notizbuch"), ("ja", "ノートブック"), ("ru", "блокноте")])
def test_a_question_without_an_answer_is_refused_in_the_language_asked_for(plain, language, words):
    c, nb, _ = plain
    turn = say(c, nb, chat_of(c, nb), "Who won the chess championship of 1921?", language=language)
    assert words in turn["assistant_message"]["content"] and turn["assistant_message"]["citations"] == []


def test_titles_and_counts_of_conversations(plain):
    c, nb, _ = plain
    long = "When is the shaft seal of this very old and red pump replaced?"
    for content, title in (("x" * 50, "x" * 50), (long, long[:50] + "...")):
        chat = chat_of(c, nb)
        say(c, nb, chat, content)
        say(c, nb, chat, "And then?")
        mine = next(x for x in good(c.get(f"/api/notebooks/{nb}/conversations")) if x["conversation_id"] == chat)
        assert (mine["title"], mine["message_count"]) == (title, 4)


def test_a_model_that_cannot_be_reached_is_502(smart):
    c, nb, _ = smart
    settings(c, nb, inference_model="fake;fail=401,0")
    chat = chat_of(c, nb)
    bad(c.post(f"/api/notebooks/{nb}/conversations/{chat}/messages", json={"content": "unheard of"}), 502)
    assert good(c.get(f"/api/notebooks/{nb}/conversations/{chat}/messages")) == []
    settings(c, nb, inference_model="fake")


def test_answers_are_judged_afterwards(smart, model):
    c, _, _ = smart
    nb, _ = filled(c)
    settings(c, nb, inference_model='fake;text=So_it_is_[1]._{"faithfulness":1,"relevance":0.5,"comment":"fine"}')
    chat = chat_of(c, nb)
    turn = say(c, nb, chat, "What colour is the pump?")
    assert "judge" not in turn["assistant_message"]["run_metadata"]
    at = f"/api/notebooks/{nb}/conversations/{chat}/messages"
    meta = until(lambda: (m := good(c.get(at))[1]["run_metadata"]).get("judge") and m)
    assert (meta["judge"]["faithfulness"], meta["judge"]["relevance"], meta["judge"]["comment"]) == (1.0, 0.5, "fine") and meta["strategy_id"] == "fusion"
    talks = [e["ask"]["messages"] for e in model.log() if e["path"].endswith("/completions")]
    asked = [m for m in talks if "You judge" in m[0]["content"]][-1][1]["content"]
    assert "Question:\nWhat colour is the pump?" in asked and "The pump is red." in asked and "So it is [1]." in asked
    settings(c, nb, inference_model="fake;text=no_verdict")
    assert say(c, nb, chat, "And now?")["assistant_message"]["content"]


# ---- ingestion ----

def test_contextual_retrieval_begins_enhancement_when_a_model_is_there(smart, plain):
    for (c, _, _), there in ((smart, True), (plain, False)):
        nb = new_notebook(c)
        f = upload(c, nb, pump_md=PUMP)
        ingest(c, nb, f, enable_contextual_retrieval=True)
        at = f"/api/notebooks/{nb}/enhance/status"
        if there:
            assert until(lambda: (s := good(c.get(at)))["all_terminated"] and s)["success"] == 1
        else:
            assert good(c.get(at))["pending"] == 1


def test_enhancement_is_cancelled_while_a_model_is_asked(smart, model):
    c, _, _ = smart
    nb, files = filled(c, pump_md=PUMP)
    settings(c, nb, inference_model="fake;mute")
    id = files[0]["file_id"]
    good(c.post(f"/api/notebooks/{nb}/enhance", json={"file_ids": [id]}))
    until(lambda: any(e["ask"].get("model") == "fake;mute" for e in model.log()))
    assert good(c.get(f"/api/notebooks/{nb}/enhance/status"))["processing"] == 1
    bad(c.post(f"/api/notebooks/{nb}/enhance", json={"file_ids": [id]}), 409)
    more = upload(c, nb, later_md="# Later\n\nThe gasket is blue.")
    ingest(c, nb, more)  # does not wait for the model
    assert find(c, nb, "gasket blue")["chunks"][0]["file_name"] == "later.md"
    assert good(c.post(f"/api/notebooks/{nb}/documents/{id}/cancel"))["status"] == "processing"
    until(lambda: good(c.get(f"/api/notebooks/{nb}/enhance/status"))["processing"] == 0)
    settings(c, nb, inference_model="fake")
    until(lambda: c.post(f"/api/notebooks/{nb}/enhance", json={"file_ids": [id]}).status_code == 200)
    until(lambda: good(c.get(f"/api/notebooks/{nb}/enhance/status"))["success"] == 1)
