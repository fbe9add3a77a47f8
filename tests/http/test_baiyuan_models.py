"""The Baiyuan dialect with a language model: answers, streams, pings, models that fail, modes, what is not asked of models."""
import json
import subprocess
import sys
import pathlib
import time

import pytest
from baiyuan import bad, br, good, serving
from conftest import until
from test_baiyuan import RETURNS, check_events

FAKE = pathlib.Path(__file__).parent.parent / "fake" / "model.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    d = tmp_path_factory.mktemp("model")
    p = subprocess.Popen([sys.executable, FAKE, d / "port", d / "log"])
    until((d / "port").exists)
    yield f"http://127.0.0.1:{(d / 'port').read_text()}/v1", d / "log"
    p.terminate()
    p.wait()


def asked(log):
    return [json.loads(x) for x in log.read_text().splitlines()] if log.exists() else []


class Shop:
    """A server whose chat.model is `name`; its tenant acme has the shop's rules."""

    def __init__(self, tmp, model, name, config=(), kb=None):
        env = {"BR_CHAT_BASE_URL": model[0], "BR_CHAT_MODEL": name, "BR_ALLOW_PRIVATE": "true"}
        self.own = serving(tmp, ("acme",), config, env)
        self.s, self.ws, all_ = self.own.__enter__()
        self.t = all_["acme"]
        self.kb = self.t.kb("Shop", **(kb or {}))
        self.t.text(self.kb, RETURNS, "Shop rules")

    def close(self):
        self.own.__exit__(None, None, None)


@pytest.fixture
def shop(tmp_path, model):
    made = []

    def go(name, **more):
        made.append(Shop(tmp_path, model, name, **more))
        return made[-1]

    yield go
    for x in made:
        x.close()


Q = "Within how many days may items be returned?"


def test_a_model_writes_the_answer(shop, model):
    x = shop("fake;text=Within_37_days_[1]_of_delivery.")
    a = x.t.ask(Q, x.kb, max_tokens=77, temperature=0.5)
    assert a["answer"] == "Within 37 days of delivery." and a["tokens"]["prompt"] > 0 and a["tokens"]["completion"] > 0 and a["sources"]
    again = x.t.ask(Q, x.kb)
    assert again["cached"] and again["tokens"] == {"prompt": 0, "completion": 0}
    done = check_events(x.t.events(Q, x.kb, stream=True, system_prompt="Be brief."))
    assert done["answer"] == "Within 37 days of delivery." and done["tokens"]["completion"] > 0
    said = json.dumps(asked(model[1])[-3:], ensure_ascii=False)
    assert "Be brief." in said
    assert x.t.ask("Hello", x.kb)["tokens"] == {"prompt": 0, "completion": 0}


def test_a_model_that_fails_leaves_quotes(shop):
    x = shop("fake;fail=400,0")
    a = x.t.ask(Q, x.kb)
    assert "37 days" in a["answer"] and a["note"] and a["sources"]
    assert "37 days" in check_events(x.t.events(Q, stream=True))["answer"]


def test_three_failures_bring_the_next_model_and_the_degraded_mode(shop):
    x = shop("bad;fail=400,0", config=[("tenant.models", "next;text=Model_two_[1]."), ("tenant.small_model", "small;text=Small_[1].")])
    def mode():
        with x.s.client() as c:
            return [y for y in c.get("/metrics").text.splitlines() if y.startswith("br_tenant_mode")][0][-1]
    assert [x.t.ask(f"{Q} {'x' * i}", x.kb)["answer"] for i in range(2)] == ["Model two."] * 2 and mode() == "0"
    assert x.t.ask(f"{Q} xxx", x.kb)["answer"] == "Small." and mode() == "1"             # the third failure pauses the first model
    assert x.t.ask("What does shipping to islands cost?", x.kb)["answer"] == "Small."


def test_an_empty_reply_is_a_failure(shop):
    x = shop("fake;text=", config=[("tenant.models", "next;text=Not_empty_[1].")])
    assert x.t.ask(Q, x.kb)["answer"] == "Not empty."


def test_pings_while_the_model_thinks(shop):
    x = shop("fake;delay=2600;text=At_last_[1].", config=[("tenant.ping", "1")])
    events = x.t.events(Q, x.kb, stream=True)
    assert [e for e, _ in events].count("ping") >= 1 and check_events(events)["answer"] == "At last."
    assert all(p == {} for e, p in events if e == "ping")


def test_a_stream_that_breaks_ends_with_an_error(shop):
    x = shop("fake;text=one_two_three_four_five_six_seven_[1];cut=3;chunk=9")
    events = x.t.events(Q, x.kb, stream=True)
    assert events[0][0] == "start" and events[-1][0] in ("error", "done")
    if events[-1][0] == "error":
        assert events[-1][1]["code"] == 502 and events[-1][1]["error"]


def test_contradictions_are_told(shop):
    x = shop("fake;text=Items_may_be_returned_within_99_days_of_delivery_[1].")
    br(x.ws, "notebook", "set", "-n", x.kb, "chat.check_contradictions", "true")
    a = x.t.ask(Q, x.kb)
    assert "99" in a["answer"]
    assert "warning" in a and "99" in a["warning"] and not x.t.ask(Q, x.kb)["cached"]
    assert check_events(x.t.events(Q, x.kb, stream=True))["warning"]


def test_a_client_that_goes_is_written_down(shop):
    x = shop("fake;delay=1500;text=Late_[1].")
    with x.t.c.stream("POST", "/api/v1/ask", json={"question": "Who left while this was asked?" + Q, "stream": True, "knowledge_base_id": x.kb}) as r:
        next(r.iter_raw())
    until(lambda: "Who left" in br(x.ws, "log", "--tenant", "acme", "--json"), 10)
