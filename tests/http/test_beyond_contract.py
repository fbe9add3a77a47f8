"""The index of endpoints as a table: for each row what it takes, what it gives member by member, and how it refuses.

A row: id, method, path, body, status, shape; `bad`: bodies or queries that are refused, with their status; `needs`: members that must be there.
A shape is a type, a tuple of types, a dict of members (with "?" behind the name: may be absent) or a list with the shape of its elements.
"""
import uuid

import pytest
from beyond import NOBODY, bad, good, ingest, new_notebook, upload
from conftest import until

STR, INT, BOOL, NUM, OBJ, NULL = str, int, bool, float, dict, type(None)
TIME, OPT, MAYBE_INT = "time", (STR, NULL), (INT, NULL)
NB = "/api/notebooks/{nb}"
DOC, CHAT, KEYS = NB + "/documents/{file}", NB + "/conversations/{chat}", "/api/settings/developer-keys"

NOTEBOOK = {"notebook_id": STR, "notebook_title": STR, "notebook_description": STR, "icon": STR, "db_type": STR, "storage_provider": STR,
            "number_of_documents": INT, "created_at": TIME, "updated_at": TIME, "user_id?": STR, "embedding_model?": STR}
CHAT_OBJ = {"conversation_id": STR, "notebook_id": STR, "user_id": STR, "title": STR, "chat_mode": STR, "is_pinned": BOOL, "is_archived": BOOL,
            "message_count": INT, "last_message_at": (TIME, NULL), "created_at": TIME, "updated_at": TIME, "session_metadata": {}}
PLACE = {"file_id": STR, "file_name": STR, "chunk_index": INT}
CITATION = {"citation_id": INT, "content": STR, "file_name": STR, "similarity": NUM, "metadata": PLACE}
MESSAGE = {"id": STR, "conversation_id": STR, "notebook_id": STR, "role": STR, "content": STR, "citations": [CITATION], "run_metadata": OBJ, "created_at": TIME}
METADATA = {"file_id": STR, "file_name": STR, "file_title": STR, "source": STR, "chunk_index": INT, "notebook_id": STR,
            "loc": {"lines": {"from": INT, "to": INT}}, "page?": INT}
CHUNK = {"rank": INT, "content": STR, "score": NUM, "metadata": METADATA, "file_name": STR, "file_id": STR, "chunk_index": INT}
COUNTS = {"pending": INT, "processing": INT, "success": INT, "failed": INT, "embedded": INT}
PASSAGE = {"chunk_id": STR, "file_id": STR, "chunk_index": INT, "status": STR, "original_chunk": STR, "enhanced_chunk": OPT, "updated_at": (TIME, NULL)}
SETTINGS = {"notebook_id": STR, "db_type": STR, "storage_provider": STR, "embedding_model": STR, "system_prompt_retrieval": STR,
            "inference_provider": STR, "inference_model": STR, "inference_temperature": NUM, "active_strategy_id": STR, "strategies_config": OBJ,
            "ingestion_timeout_minutes": INT, "max_conversation_messages": INT, "enable_multimodal_processing": BOOL, "enable_ai_synthesis": BOOL,
            "judge_enabled": BOOL, "language_mode": OPT, "default_persona": OPT, "default_language": OPT, "enhancement_concurrency": MAYBE_INT,
            "smart_router_enabled": BOOL, "default_system_prompts": {"system_prompt_retrieval": STR}}
MODEL = {"id": STR, "name": STR, "provider": STR, "context": INT, "pricing?": {"prompt": STR, "completion": STR}}
MODELS = {"models": [MODEL], "source": STR, "total?": INT}
INVITE = {"invite_code": STR, "notebook_id": STR, "created_by": STR, "expires_at": (TIME, NULL), "invite_url": STR, "created_at": TIME}
USER = {"user_id": STR, "email": STR, "first_name": STR, "last_name": STR, "role": STR, "notebook_permissions": OBJ, "created_at?": (TIME, NULL),
        "last_sign_in_at?": (TIME, NULL)}
PROVIDER_KEYS = {"keys": [{"key_name": STR, "is_set": BOOL, "source": STR, "masked_value": OPT}]}
KEY = {"key_id": STR, "id": STR, "notebook_id": STR, "name": STR, "key_prefix": STR, "rate_limit": STR, "is_active": BOOL, "expires_at": (TIME, NULL),
       "last_used_at": (TIME, NULL), "created_at": TIME}
ASKS = [({"strategy_id": "best"}, 400), ({"strategy_id": 7}, 422)]
VOICE = [({"persona": "pirate"}, 422), ({"persona": 1}, 422), ({"language": "tlh"}, 422), ({"language": []}, 422)]


def row(id, method, path, shape, status=200, body=None, bad=(), needs=(), **more):
    return {"id": id, "method": method, "path": path, "shape": shape, "status": status, "body": body, "bad": bad, "needs": needs, **more}


ROWS = [
    row("S1", "GET", "/api/health", {"status": STR}, bare=True),
    row("S2", "GET", "/api/auth/config", {"auth_required": BOOL, "clerk_publishable_key": STR}),
    row("N1", "POST", "/api/notebooks", NOTEBOOK, 201, {"notebook_id": "{uuid}", "notebook_title": "T", "user_id": ""}, needs=[("notebook_id", 422), ("notebook_title", 400)],
        bad=[({"notebook_title": ""}, 400), ({"notebook_title": "x" * 201}, 400), ({"notebook_title": 1}, 400), ({"notebook_id": "x"}, 422),
             ({"notebook_id": 3}, 422), ({"db_type": "moon"}, 400), ({"storage_provider": "tape"}, 400), ({"icon": {}}, 422),
             ({"notebook_id": "{nb}"}, 409)], null=["notebook_description", "icon", "embedding_model", "db_type", "storage_provider"]),
    row("N2", "GET", "/api/notebooks", [NOTEBOOK]),
    row("N3", "GET", NB, NOTEBOOK),
    row("N4", "GET", NB + "/status", {"notebook_id": STR, "status": STR, "total_files": INT, "pending": INT, "processing": INT, "success": INT, "error": INT}),
    row("N5", "PATCH", NB, NOTEBOOK, body={"notebook_title": "Manuals", "notebook_description": "d"}, bad=[({"notebook_title": ""}, 400),
        ({"notebook_title": 1}, 400)], null=["icon"]),
    row("N6", "DELETE", NB, {"deleted": BOOL, "notebook_id": STR}, fresh="nb"),
    row("D1", "POST", NB + "/documents/upload", [{"file_id": STR, "file_name": STR, "file_type": STR, "storage_path": STR, "size": INT}], files=True),
    row("D2", "GET", NB + "/documents/sources", [{"file_id": STR, "file_name": STR, "file_path": STR, "file_type": STR, "size": INT}]),
    row("D3", "POST", NB + "/documents/ingest", {"jobs": [{"job_id": STR, "file_id": STR, "file_name": STR, "status": STR}]},
        body={"files": [{"file_id": "{new}", "file_name": "a.md", "file_path": "p"}]}, fresh="new", needs=[("files", 400)],
        bad=[({"files": []}, 400), ({"files": 1}, 400), ({"files": [{}]}, 422), ({"files": [{"file_id": NOBODY, "file_name": "a", "file_path": "a"}]}, 404),
             ({"settings": {"chunk_size": "x"}}, 422), ({"settings": {"chunk_size": 100, "chunk_overlap": 100}}, 422), ({"settings": []}, 422),
             ({"settings": {"enable_multimodal_processing": "yes"}}, 422), ({"notebook_name": 1}, 422)], null=["settings", "notebook_name"]),
    row("D4", "GET", DOC + "/stage", {"file_id": STR, "job_id": STR, "status": STR, "stage": STR, "error_description": OPT, "updated_at": TIME, "progress": NUM}),
    row("D5", "GET", NB + "/documents", [{"file_id": STR, "file_name": STR, "file_type": STR, "status": STR, "chunk_count": INT, "created_at": TIME,
                                          "job_id": OPT, "stage": OPT, "error_description": OPT, "updated_at": (TIME, NULL)}]),
    row("D6", "GET", DOC + "/settings", {"file_id": STR, "ingestion_settings": {"parser": STR, "chunking_strategy": STR, "chunk_size": INT,
        "chunk_overlap": INT, "enable_multimodal_processing": BOOL, "enable_contextual_retrieval": BOOL}}),
    row("D7", "DELETE", NB + "/documents/{new}", {"deleted": BOOL, "file_id": STR}, fresh="new"),
    row("V1", "GET", DOC + "/content", {"file_id": STR, "file_name": STR, "content": STR, "char_count": INT, "line_count": INT}),
    row("V2", "GET", NB + "/files", [{"file_id": STR, "file_name": STR, "file_type": STR, "status": STR, "chunk_count": INT, "created_at": TIME}]),
    row("C1", "GET", NB + "/conversations", [CHAT_OBJ], bad=[("?include_archived=maybe", 422)]),
    row("C2", "POST", NB + "/conversations", CHAT_OBJ, 201, {"title": "T", "chat_mode": "rag"}, bad=[({"title": 1}, 422), ({"title": "x" * 201}, 422)],
        null=["title", "chat_mode"]),
    row("C3", "PATCH", CHAT, CHAT_OBJ, body={"title": "T", "is_pinned": False, "is_archived": False}, bad=[({"is_pinned": "yes"}, 422), ({"title": ""}, 422),
        ({"is_archived": 1}, 422)], null=["title", "is_pinned", "is_archived"]),
    row("C4", "DELETE", CHAT, {"deleted": BOOL, "conversation_id": STR, "messages_deleted": INT}, fresh="chat"),
    row("C5", "GET", CHAT + "/messages", [MESSAGE]),
    row("C6", "POST", CHAT + "/messages", {"user_message": MESSAGE, "assistant_message": MESSAGE, "suggested_questions": [STR], "is_cached": BOOL,
        "execution_time_ms": NUM}, body={"content": "When is the seal replaced?"}, needs=[("content", 422)],
        bad=[*ASKS, *VOICE, ({"content": ""}, 422), ({"content": 1}, 422), ({"file_ids": "x"}, 422), ({"file_ids": [1]}, 422), ({"chat_mode": 1}, 422)],
        null=["chat_mode", "strategy_id", "persona", "language", "file_ids"]),
    row("C7", "POST", NB + "/messages/{message}/feedback", {"message_id": STR, "is_positive": BOOL, "feedback_text": OPT}, body={"is_positive": True},
        needs=[("is_positive", 422)], bad=[({"is_positive": "yes"}, 422), ({"feedback_text": 5}, 422)], null=["feedback_text"]),
    row("R1", "GET", NB + "/retrieval/strategies", [{"id": STR, "name": STR, "requires_llm": BOOL, "description": STR}]),
    row("R2", "POST", NB + "/retrieval/retrieve", {"strategy_id": STR, "query": STR, "chunks": [CHUNK], "total_results": INT, "execution_time_ms": NUM},
        body={"query": "seal"}, needs=[("query", 422)],
        bad=[*ASKS, ({"query": ""}, 422), ({"query": []}, 422), ({"top_k": 0}, 422), ({"top_k": 51}, 422), ({"top_k": "5"}, 422), ({"top_k": 1.5}, 422),
             ({"full_text_weight": -0.1}, 422), ({"full_text_weight": 2.1}, 422), ({"semantic_weight": 2.1}, 422), ({"semantic_weight": "1"}, 422),
             ({"rrf_k": 0}, 422), ({"rrf_k": 201}, 422), ({"rerank_top_k": 0}, 422), ({"rerank_top_k": 51}, 422), ({"file_ids": {}}, 422)],
        null=["strategy_id", "top_k", "full_text_weight", "semantic_weight", "rrf_k", "rerank_top_k", "file_ids"]),
    row("R3", "GET", NB + "/retrieval/history", [{"id": STR, "query": STR, "strategy_id": STR, "total_results": INT, "execution_time_ms": NUM, "created_at": TIME}]),
    row("R4", "DELETE", NB + "/retrieval/history", {"deleted": BOOL}),
    row("E1", "GET", NB + "/enhance/files", [{"file_id": STR, "file_name": STR, "total_chunks": INT, **COUNTS}]),
    row("E2", "GET", NB + "/enhance/files/{file}/chunks", [PASSAGE], bad=[("?limit=0", 422), ("?limit=1001", 422), ("?offset=-1", 422), ("?limit=x", 422)]),
    row("E3", "GET", NB + "/enhance/chunks/{file}:0", {**PASSAGE, "original_metadata": OBJ}),
    row("E4", "GET", NB + "/enhance/status", {"file_id?": OPT, "progress_pct": NUM, "total": INT, "all_terminated": BOOL, **COUNTS}, bad=[(f"?file_id={NOBODY}", 404)]),
    row("E5", "POST", NB + "/enhance", {"started": BOOL, "file_ids": [STR], "queued_chunks": INT}, body={"file_ids": ["{file2}"]}, needs=[("file_ids", 422)],
        bad=[({"file_ids": "x"}, 422), ({"file_ids": []}, 422), ({"file_ids": [NOBODY]}, 404)], settle=True),
    row("E6", "POST", NB + "/enhance/publish", {"published_count": INT, "file_id": STR}, body={"file_id": "{file}", "file_name": "a", "notebook_title": "b"},
        needs=[("file_id", 422)], bad=[({"file_id": NOBODY}, 404), ({"file_id": 1}, 422), ({"file_id": "{file3}"}, 409)], null=["file_name", "notebook_title"]),
    row("E7", "POST", NB + "/enhance/reset", {"reset_count": INT}, body={"file_id": "{file}"}, needs=[("file_id", 422)], bad=[({"file_id": NOBODY}, 404)]),
    row("H1", "GET", NB + "/health", {"health_score": INT, "total_chunks": INT, "duplicate_count": INT, "orphaned_count": INT, "enhanced_count": INT,
        "duplicate_groups": [{"content_hash": STR, "count": INT, "chunk_ids": [STR]}], "orphaned_ids": [STR]}),
    row("H2", "POST", NB + "/health/cleanup", {"removed_count": INT, "new_health_score": INT}),
    row("T1", "GET", NB + "/settings", SETTINGS),
    *(row("T2", method, NB + "/settings", SETTINGS, body={"inference_temperature": 0.4}, bad=[({"inference_temperature": "x"}, 422), ({"inference_temperature": 3}, 422),
        ({"default_persona": "x"}, 422), ({"default_language": "x"}, 422), ({"judge_enabled": "x"}, 422), ({"ingestion_timeout_minutes": 0}, 422),
        ({"max_conversation_messages": -1}, 422), ({"enhancement_concurrency": 0}, 422), ({"inference_provider": "moon"}, 422), ({"strategies_config": 1}, 422),
        ({"strategies_config": {"match_count": 51}}, 400), ({"strategies_config": {"rrf_k": 0}}, 400)],
        null=["default_persona", "default_language", "language_mode", "enhancement_concurrency", "judge_enabled"]) for method in ("PUT", "PATCH")),
    row("M1", "GET", "/api/models/openrouter", MODELS),
    row("M2", "GET", "/api/models/openrouter/embeddings", {"models": [{**MODEL, "dimensions": INT, "cost_per_million": STR}], "source": STR, "total?": INT}),
    row("M3", "GET", "/api/models/openai", MODELS),
    row("M4", "GET", "/api/models/ollama", MODELS),
    row("I1", "POST", NB + "/invites", INVITE, 201, {"expires_at": "2040-01-01T00:00:00Z"}, bad=[({"expires_at": "soon"}, 422), ({"expires_at": 1}, 422)],
        null=["expires_at"]),
    row("I2", "GET", NB + "/invites", [{**INVITE, "redeemed_count?": INT}]),
    row("I3", "DELETE", NB + "/invites/{invite}", {"deleted": BOOL}, fresh="invite"),
    row("I4", "GET", "/api/invite/{invite}", {"notebook_id": STR}),
    row("I5", "POST", "/api/invite/{invite}/redeem", {"notebook_id": STR, "access_type": STR}),
    row("I6", "GET", NB + "/access", [{"user_id": STR, "access_type": STR, "created_at": TIME}]),
    row("I7", "DELETE", NB + "/access/dev-user", {"deleted": BOOL}, fresh="access"),
    row("U1", "GET", "/api/admin/users", {"users": [USER]}),
    row("U2", "GET", "/api/admin/users/dev-user", USER),
    row("U3", "PUT", "/api/admin/users/u-9/permissions", USER, body={"notebook_permissions": {"{nb}": "chat_only"}}, needs=[("notebook_permissions", 422)],
        bad=[({"notebook_permissions": []}, 422), ({"notebook_permissions": {NOBODY: "chat_only"}}, 404), ({"role": "king"}, 422)], null=["role"]),
    row("G1", "GET", "/api/settings/api-keys", PROVIDER_KEYS),
    row("G2", "PUT", "/api/settings/api-keys", PROVIDER_KEYS, body={"keys": {"unheard_of": "abcdefghijklmnop"}}, needs=[("keys", 422)], bad=[({"keys": []}, 422)]),
    row("G3", "DELETE", "/api/settings/api-keys/mistral_api_key", {"deleted": BOOL, "key_name": STR}),
    row("G4", "POST", "/api/settings/api-keys/test", {"valid": BOOL, "message": STR}, body={"key_name": "odd", "key_value": "x"}, needs=[("key_name", 422)]),
    row("G5", "GET", "/api/settings/storage", {"storage_provider": STR}),
    row("G6", "PUT", "/api/settings/storage", {"storage_provider": STR}, body={"storage_provider": "supabase"}, needs=[("storage_provider", 400)],
        bad=[({"storage_provider": "tape"}, 400)]),
    row("G7", "GET", "/api/settings/db-type", {"db_type": STR}),
    row("G8", "PUT", "/api/settings/db-type", {"db_type": STR}, body={"db_type": "cloud"}, needs=[("db_type", 400)], bad=[({"db_type": "moon"}, 400)]),
    row("K1", "GET", KEYS, [KEY]),
    row("K2", "POST", KEYS, {**KEY, "api_key": STR}, 201, {"notebook_id": "{nb}", "name": "K"}, needs=[("notebook_id", 422), ("name", 422)],
        bad=[({"rate_limit": "often"}, 400), ({"notebook_id": NOBODY}, 404), ({"expires_at": "soon"}, 422), ({"name": ""}, 422)], null=["rate_limit", "expires_at"]),
    row("K3", "PATCH", KEYS + "/{key}", KEY, body={"name": "K", "is_active": True}, bad=[({"rate_limit": "often"}, 400), ({"is_active": "x"}, 422)], null=["name", "rate_limit"]),
    row("K4", "DELETE", KEYS + "/{key}", {"deleted": BOOL}, fresh="key"),
    row("K5", "GET", KEYS + "/{key}/snippets", {"base_url": STR, "snippets": {"curl": STR, "python": STR, "javascript": STR}}),
    row("O1", "GET", "/api/onedrive/status", {"connected": BOOL, "user_email": OPT, "provider": STR}),
    row("O2", "GET", "/api/onedrive/folders", None, 400),
    row("O3", "POST", "/api/onedrive/import", None, 409, {"notebook_id": "{nb}", "items": []}),
    row("X1", "POST", "/api/v1/external/query", {"query": STR, "strategy_id": STR, "chunks": [{"content": STR, "source": STR, "score": NUM, "metadata": METADATA}],
        "total_results": INT, "execution_time_ms": NUM}, body={"query": "seal"}, needs=[("query", 422)], key=True,
        bad=[*ASKS, ({"query": ""}, 422), ({"top_k": 0}, 422), ({"top_k": 51}, 422)], null=["strategy_id", "top_k"]),
    row("X2", "POST", "/api/v1/external/chat", {"conversation_id": STR, "answer": STR, "citations": [{"citation_id": INT, "content": STR, "file_name": STR,
        "similarity": NUM}], "suggested_questions": [STR], "is_cached": BOOL, "execution_time_ms": NUM}, body={"message": "When is the seal replaced?"},
        needs=[("message", 422)], key=True, bad=[*ASKS, *VOICE, ({"message": ""}, 422), ({"conversation_id": "x"}, 422), ({"conversation_id": NOBODY}, 404),
        ({"conversation_id": "{foreign}"}, 403)], null=["conversation_id", "strategy_id", "persona", "language"]),
    row("X3", "GET", "/api/v1/external/chat/{chat}/messages", {"conversation_id": STR, "messages": [{"role": STR, "content": STR, "created_at": TIME}]}, key=True),
]
EXACT = {"S1", "S2", "N4", "D1", "D3", "V1", "V2", "C1", "C2", "R1", "R2", "H1", "H2", "X1", "X2", "X3", "T1"}  # no member but these


def check(value, shape, where="data", exact=False):
    if isinstance(shape, tuple):
        assert any(fits(value, s) for s in shape), f"{where} is {value!r}"
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where} is {value!r}"
        for i, v in enumerate(value):
            check(v, shape[0], f"{where}[{i}]", exact)
    elif isinstance(shape, dict):
        assert isinstance(value, dict), f"{where} is {value!r}"
        for name, kind in shape.items():
            if not name.endswith("?"):
                assert name in value, f"{where}.{name} is missing: {value}"
            if name.rstrip("?") in value:
                check(value[name.rstrip("?")], kind, f"{where}.{name}", exact)
        assert not exact or not shape or {*value} <= {n.rstrip("?") for n in shape}, f"{where}: {set(value) - {*shape}} are too many"
    else:
        assert fits(value, shape), f"{where} is {value!r}"


def fits(value, kind):
    if kind == TIME:
        return isinstance(value, str) and len(value) in (20, 27) and value[10] == "T" and value.endswith("Z")
    return isinstance(value, kind) and not (kind is INT and isinstance(value, bool))


def filled(value, world):
    if isinstance(value, str):
        for name, what in world.items():
            value = value.replace("{" + name + "}", what)
        return value.replace("{uuid}", str(uuid.uuid4()))
    if isinstance(value, list):
        return [filled(v, world) for v in value]
    return {filled(k, world): filled(v, world) for k, v in value.items()} if isinstance(value, dict) else value


class World:
    def __init__(self, c):
        self.c, nb = c, new_notebook(c)
        files = upload(c, nb, pump_md="# Pump\n\nThe shaft seal is replaced every 2000 hours.\n", soup_md="# Soup\n\nBoil carrots.\n", old_md="# Pump\n\nOld.\n")
        ingest(c, nb, files)
        self.names = {"nb": nb, "file": files[0]["file_id"], "file2": files[1]["file_id"], "file3": files[2]["file_id"]}
        for name in ("chat", "key", "invite"):
            self.fresh(name)
        self.key = self.made["api_key"]
        turn = good(c.post(f"/api/notebooks/{nb}/conversations/{self.names['chat']}/messages", json={"content": "When is the seal replaced?"}))
        self.names["message"] = turn["assistant_message"]["id"]
        good(c.post(f"/api/notebooks/{nb}/retrieval/retrieve", json={"query": "seal"}))
        self.names["foreign"] = good(c.post(f"/api/notebooks/{new_notebook(c)}/conversations"), 201)["conversation_id"]
        good(c.post(f"/api/notebooks/{nb}/enhance", json={"file_ids": [files[0]["file_id"]]}))
        until(lambda: good(c.get(f"/api/notebooks/{nb}/enhance/status", params={"file_id": files[0]["file_id"]}))["all_terminated"])

    def fresh(self, name):
        c, n = self.c, dict(self.names)
        nb = f"/api/notebooks/{n['nb']}"
        if name == "nb":
            n["nb"] = new_notebook(c)
        elif name == "new":
            n["new"] = upload(c, n["nb"], new_md="New.")[0]["file_id"]
        elif name == "chat":
            n["chat"] = good(c.post(f"{nb}/conversations", json={}), 201)["conversation_id"]
        elif name == "invite":
            n["invite"] = good(c.post(f"{nb}/invites", json={}), 201)["invite_code"]
        elif name == "access":
            good(c.post(f"/api/invite/{n['invite']}/redeem"))
        elif name == "key":
            self.made = good(c.post(KEYS, json={"notebook_id": n["nb"], "name": "K", "rate_limit": "10000/second"}), 201)
            n["key"] = self.made["key_id"]
        if name in ("chat", "key", "invite") and name not in self.names:
            self.names = n
        return n

    def send(self, r, names=None, body=None, path=None, **kw):
        names = names or (self.fresh(r["fresh"]) if r.get("fresh") else self.names)
        body = r["body"] if body is None else body
        if r.get("key"):
            kw["headers"] = {"x-api-KEY": self.key}
        if r.get("files"):
            kw["files"] = [("files", ("a.md", b"A.")), ("files", ("b.pdf", b"%PDF-1.7"))]
        elif body is not None:
            kw["json"] = filled(body, names)
        ask = lambda: self.c.request(r["method"], filled(r["path"] if path is None else path, names), **kw)  # noqa: E731
        return until(lambda: (a := ask()).status_code != 409 and [a])[0] if r.get("settle") else ask()  # until the job before is over


@pytest.fixture(scope="module")
def world(serve):
    with serve.client() as c:
        yield World(c)


def name_of(r):
    return f"{r['id']}-{r['method']}"


def rows(pick=lambda r: True):
    return pytest.mark.parametrize("r", [pytest.param(r, id=name_of(r)) for r in ROWS if pick(r)])


def test_the_table_has_every_row_but_the_one_that_deletes_all():
    assert len({r["id"] for r in ROWS} | {"N7"}) == 73


@rows()
def test_success_member_by_member_with_and_without_a_slash(world, r):
    for slash in ("", "/"):
        a = world.send(r, path=r["path"] + slash)
        if r["shape"] is None:
            bad(a, r["status"])
        elif r.get("bare"):
            check(a.json(), r["shape"], exact=True)
        else:
            check(good(a, r["status"]), r["shape"], exact=r["id"] in EXACT)
        assert a.headers["content-type"] == "application/json"


@rows(lambda r: r["body"] is not None and r["shape"])
def test_members_that_nobody_knows_and_null_for_optional_ones(world, r):
    body = {**r["body"], "unheard_of": {"a": [1]}, **{name: None for name in r.get("null", ()) if name not in r["body"]}}
    check(good(world.send(r, body=body), r["status"]), r["shape"])


@rows(lambda r: r["bad"] or r["needs"])
def test_what_is_refused(world, r):
    names = world.fresh(r["fresh"]) if r.get("fresh") else world.names
    for more, status in r["bad"]:
        if isinstance(more, str):
            bad(world.send(r, names, path=r["path"] + more), status)
        else:
            bad(world.send(r, names, body={**r["body"], **more}), status)
    for name, status in r["needs"]:
        bad(world.send(r, names, body={k: v for k, v in r["body"].items() if k != name}), status)
        bad(world.send(r, names, body={**r["body"], name: None}), status)


@rows(lambda r: r["body"] is not None and r["shape"])
def test_bodies_that_are_no_json_objects(world, r):
    names = world.fresh(r["fresh"]) if r.get("fresh") else world.names
    h = {"Content-Type": "application/json", **({"X-API-Key": world.key} if r.get("key") else {})}
    for text in (b"[]", b"{", b"5", b'{"a":1}x', b"\xff"):
        bad(world.c.request(r["method"], filled(r["path"], names), content=text, headers=h), 400)
    bad(world.c.request(r["method"], filled(r["path"], names), content=b"a=b", headers={**h, "Content-Type": "text/plain"}), 415)
    bad(world.c.request(r["method"], filled(r["path"], names), content=b"[" * 70000 + b"]" * 70000, headers=h), 400)


@rows(lambda r: "{nb}" in r["path"])
def test_a_notebook_that_is_not_there(world, r):
    names = {**world.names, "nb": NOBODY, "new": world.names["file"]}
    bad(world.send(r, names), 404)


@rows(lambda r: any(x in r["path"] for x in ("{file}", "{chat}", "{message}", "{key}", "{invite}", "{new}")))
@pytest.mark.parametrize("what", [NOBODY, "x", "..%2F..%2Fetc", "%00", "a" * 300])
def test_things_that_are_not_there(world, r, what):
    names = {**world.names, **{n: what for n in ("file", "chat", "message", "key", "invite", "new")}}
    a = world.send(r, names)
    bad(a, 400 if what == "%00" and a.status_code == 400 else 422 if a.status_code == 422 and r["id"].startswith("K") else 404)


@rows(lambda r: "{nb}" in r["path"] and any(x in r["path"] for x in ("{file}", "{chat}", "{message}")))
def test_things_of_another_notebook(world, r):
    bad(world.send(r, {**world.names, "nb": new_notebook(world.c)}), 404)


@rows(lambda r: r.get("key"))
def test_keys_are_asked_for(world, r):
    for h in ({}, {"X-API-Key": ""}, {"X-API-Key": "br_key_x"}, {"Authorization": f"Bearer {world.key}"}):
        bad(world.c.request(r["method"], filled(r["path"], world.names), json=r["body"], headers=h), 401)


@rows(lambda r: r["method"] == "GET" and not r.get("key"))
def test_head_is_get_without_a_body_and_unknown_parameters_are_let_be(world, r):
    path = filled(r["path"], world.names)
    a, b = world.c.get(path, params={"unheard_of": "1"}), world.c.head(path)
    assert a.status_code == b.status_code == r["status"] and b.content == b""
