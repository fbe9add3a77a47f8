"""Hooks of schemathesis (tests/http/fuzz.py): credentials of each dialect, and names of things that exist in place of invented ones.

Reads BR_FUZZ_URL. What a run deletes is made anew every now and then.
"""
import hashlib
import os
import random
import time
import uuid

import httpx
import schemathesis

URL = os.environ["BR_FUZZ_URL"]
OFTEN, AGAIN = 0.75, 150  # share of names that exist; calls after which what was deleted is made anew
TEXT = "# Pumps\n\nThe shaft seal is replaced after 2000 hours.\n\nOil is changed every year. The valve is rated for 16 bar.\n"
http = httpx.Client(base_url=URL, timeout=60, trust_env=False)
known, credentials, of = {}, {}, {}
calls = 0


# ---- the world: by the name of a parameter or member what may stand there; by the name of a security scheme its header ----

def beyond():
    nb = str(uuid.uuid4())
    at = f"/api/notebooks/{nb}"
    http.post("/api/notebooks", json={"notebook_id": nb, "notebook_title": "Fuzzed", "user_id": ""}).raise_for_status()
    file = http.post(f"{at}/documents/upload", files=[("files", ("pump.md", TEXT.encode()))]).json()["data"][0]
    asked = {"files": [{"file_id": file["file_id"], "file_name": "pump.md", "file_path": file["storage_path"]}]}
    http.post(f"{at}/documents/ingest", json=asked).raise_for_status()
    talk = http.post(f"{at}/conversations", json={"title": "x"}).json()["data"]["conversation_id"]
    turn = http.post(f"{at}/conversations/{talk}/messages", json={"content": "When is the seal replaced?"}).json()["data"]
    key = http.post("/api/settings/developer-keys", json={"notebook_id": nb, "name": "x", "rate_limit": "1000000/hour"}).json()["data"]
    told = http.post("/api/v1/external/chat", json={"message": "seal"}, headers={"X-API-Key": key["api_key"]}).json()["data"]
    credentials["external"] = ("X-API-Key", key["api_key"])
    known.update(notebook_id=nb, file_id=file["file_id"], conversation_id=talk, message_id=turn["assistant_message"]["id"], key_id=key["key_id"],
                 invite_code=http.post(f"{at}/invites", json={}).json()["data"]["invite_code"], user_id="dev-user")
    known["external conversation_id"] = told["conversation_id"]
    known["chunk_id"] = chunk_of(at, file["file_id"])


def chunk_of(at, file):
    chunks = http.get(f"{at}/enhance/files/{file}/chunks").json().get("data")
    rows = chunks if isinstance(chunks, list) else (chunks or {}).get("chunks", [])
    return str(rows[0].get("chunk_id", "1")) if rows else "1"


def quivr():
    headers = {"Authorization": f"Bearer {os.environ['BR_FUZZ_QUIVR']}"}
    ask = lambda path, **body: http.post(f"/api/v1{path}", json=body, headers=headers).json()
    kb = ask("/kb", name=f"fuzz {uuid.uuid4()}")["id"]
    doc = ask("/ingest/text", knowledge_base_id=kb, filename="pump.md", content=TEXT)["document_id"]
    talk = ask("/conversations", knowledge_base_id=kb)
    told = ask("/query", knowledge_base_id=kb, question="When is the seal replaced?")
    credentials["quivr"] = ("Authorization", headers["Authorization"])
    of["quivr"] = {"knowledge_base_id": kb, "doc_id": doc, "conversation_id": talk.get("conversation_id") or talk.get("id"), "query_id": told["query_id"],
                   "/kb": kb, "/webhooks": ask("/webhooks", url="http://127.0.0.1:9/", events=["kb.created"], secret="s").get("id", "1"),
                   "/admin/keys": ask("/admin/keys", name="x", scopes=["query"])["id"]}


def baiyuan():
    headers = {"X-RAG-API-Key": os.environ["BR_FUZZ_BAIYUAN"], "X-Tenant-ID": os.environ["BR_FUZZ_TENANT"]}
    ask = lambda path, **body: http.post(f"/api/v1{path}", json=body, headers=headers).json()["data"]
    kb = ask("/knowledge-bases", name="fuzz")["id"]
    doc = ask("/documents/text", knowledge_base_id=kb, title="Pumps", content=TEXT)["id"]
    until_ready = lambda: http.get(f"/api/v1/documents/{doc}", headers=headers).json()["data"]["status"] == "ready"
    while not until_ready():
        time.sleep(0.02)
    pages = ask(f"/knowledge-bases/{kb}/wiki/compile")["pages"]
    talk = ask("/ask", question="When is the seal replaced?", knowledge_base_id=kb, session_id="fuzz")["conversation_id"]
    credentials["baiyuan"] = ("X-RAG-API-Key", headers["X-RAG-API-Key"])
    of["baiyuan"] = {"knowledge_base_id": kb, "kb_id": kb, "conversation_id": talk, "slug": pages[0]["slug"] if pages else "pumps",
                     "/knowledge-bases": kb, "/documents": doc, "X-Tenant-ID": headers["X-Tenant-ID"], "tenant_id": headers["X-Tenant-ID"]}


WORLDS = [beyond, quivr, baiyuan]


def scheme_names(case):
    """What stands for names in this dialect; a bare "id" is of what its path is about."""
    names = dict(known)
    for dialect in of:
        if dialect in schemes(case):
            names.update(of[dialect])
            names.update({"id": value for about, value in of[dialect].items() if about.startswith("/") and f"/api/v1{about}/" in case.path})
    return names


def whole():
    """What most calls need is still there."""
    for dialect, path in (("quivr", "/kb/"), ("baiyuan", "/documents?knowledge_base_id=")):
        name, value = credentials.get(dialect, ("X", "x"))
        headers = {name: value, "X-Tenant-ID": os.environ["BR_FUZZ_TENANT"]}
        if not of.get(dialect) or http.get(f"/api/v1{path}{of[dialect]['knowledge_base_id']}", headers=headers).status_code != 200:
            return False
    if not known or http.get(f"/api/notebooks/{known['notebook_id']}/documents/{known['file_id']}/stage").status_code != 200:
        return False
    name, value = credentials["external"]
    return http.post("/api/v1/external/query", json={"query": "seal"}, headers={name: value}).status_code == 200


def mend():
    global calls
    if calls % AGAIN == 0 and not whole():
        for make in WORLDS:
            make()
    calls += 1


# ---- calls ----

def chance_of(case):
    """The same call is changed in the same way in every run with its seed."""
    text = repr((case.method, case.path, case.path_parameters, case.query, str(case.body)[:1000]))
    return random.Random(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())


def name_known(values, names, chance):
    for name in list(values or {}):
        if name in names and chance.random() < OFTEN:
            values[name] = names[name]


def schemes(case):
    wanted = case.operation.definition.raw.get("security") or []
    return [name for one in wanted for name in one]


@schemathesis.hook
def before_call(context, case, kwargs):
    mend()
    chance, names = chance_of(case), scheme_names(case)
    if "external" in case.path:
        names["conversation_id"] = known["external conversation_id"]
    if case.method == "DELETE" and case.path.count("{") < 2 and chance.random() < 0.8:
        names.pop("notebook_id", None)  # the whole world: now and then only
        names.pop("key_id", None)
        names.pop("id", None)
    name_known(case.path_parameters, names, chance)
    name_known(case.query, names, chance)
    if isinstance(case.body, dict):
        name_known(case.body, names, chance)
        for items in case.body.values():
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict):
                    name_known(item, names, chance)
    for scheme in schemes(case):
        if scheme in credentials and chance.random() < 0.97:
            name, value = credentials[scheme]
            case.headers[name] = value
            if scheme == "baiyuan":
                case.headers["X-Tenant-ID"] = os.environ["BR_FUZZ_TENANT"]
