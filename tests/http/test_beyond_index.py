"""Every row of the product's index of endpoints is served, and the document that lists the routes says the same."""
import json
import subprocess

import pytest
from conftest import B

NB = "/api/notebooks/{notebook_id}"
DOC, CHAT, KEY = NB + "/documents/{file_id}", NB + "/conversations/{conversation_id}", "/api/settings/developer-keys/{key_id}"
ROWS = [
    ("GET", "/api/health", 200), ("GET", "/api/auth/config", 200), ("POST", "/api/notebooks", 201), ("GET", "/api/notebooks", 200), ("GET", NB, 200),
    ("GET", NB + "/status", 200), ("PATCH", NB, 200), ("DELETE", NB, 200), ("DELETE", "/api/notebooks", 200), ("POST", NB + "/documents/upload", 200),
    ("GET", NB + "/documents/sources", 200), ("POST", NB + "/documents/ingest", 200), ("GET", DOC + "/stage", 200), ("GET", NB + "/documents", 200),
    ("GET", DOC + "/settings", 200), ("DELETE", DOC, 200), ("GET", DOC + "/content", 200), ("GET", NB + "/files", 200), ("GET", NB + "/conversations", 200),
    ("POST", NB + "/conversations", 201), ("PATCH", CHAT, 200), ("DELETE", CHAT, 200), ("GET", CHAT + "/messages", 200), ("POST", CHAT + "/messages", 200),
    ("POST", NB + "/messages/{message_id}/feedback", 200), ("GET", NB + "/retrieval/strategies", 200), ("POST", NB + "/retrieval/retrieve", 200),
    ("GET", NB + "/retrieval/history", 200), ("DELETE", NB + "/retrieval/history", 200), ("GET", NB + "/enhance/files", 200),
    ("GET", NB + "/enhance/files/{file_id}/chunks", 200), ("GET", NB + "/enhance/chunks/{chunk_id}", 200), ("GET", NB + "/enhance/status", 200),
    ("POST", NB + "/enhance", 200), ("POST", NB + "/enhance/publish", 200), ("POST", NB + "/enhance/reset", 200), ("GET", NB + "/health", 200),
    ("POST", NB + "/health/cleanup", 200), ("GET", NB + "/settings", 200), ("PUT", NB + "/settings", 200), ("PATCH", NB + "/settings", 200),
    ("GET", "/api/models/openrouter", 200), ("GET", "/api/models/openrouter/embeddings", 200), ("GET", "/api/models/openai", 200),
    ("GET", "/api/models/ollama", 200), ("POST", NB + "/invites", 201), ("GET", NB + "/invites", 200), ("DELETE", NB + "/invites/{invite_code}", 200),
    ("GET", "/api/invite/{invite_code}", 200), ("POST", "/api/invite/{invite_code}/redeem", 200), ("GET", NB + "/access", 200),
    ("DELETE", NB + "/access/{user_id}", 200), ("GET", "/api/admin/users", 200), ("GET", "/api/admin/users/{user_id}", 200),
    ("PUT", "/api/admin/users/{user_id}/permissions", 200), ("GET", "/api/settings/api-keys", 200), ("PUT", "/api/settings/api-keys", 200),
    ("DELETE", "/api/settings/api-keys/{key_name}", 200), ("POST", "/api/settings/api-keys/test", 200), ("GET", "/api/settings/storage", 200),
    ("PUT", "/api/settings/storage", 200), ("GET", "/api/settings/db-type", 200), ("PUT", "/api/settings/db-type", 200),
    ("GET", "/api/settings/developer-keys", 200), ("POST", "/api/settings/developer-keys", 201), ("PATCH", KEY, 200), ("DELETE", KEY, 200),
    ("GET", KEY + "/snippets", 200), ("GET", "/api/onedrive/status", 200), ("GET", "/api/onedrive/folders", 200), ("POST", "/api/onedrive/import", 200),
    ("POST", "/api/v1/external/query", 200), ("POST", "/api/v1/external/chat", 200), ("GET", "/api/v1/external/chat/{conversation_id}/messages", 200),
]


@pytest.fixture(scope="module")
def document():
    return json.loads(subprocess.run([B / "br", "serve", "--print-openapi"], capture_output=True, check=True).stdout)


def test_the_index_has_73_rows_one_of_them_with_two_methods():
    assert len(ROWS) == len(set(ROWS)) == 74


def test_every_row_is_in_the_document_with_its_status(document):
    for method, path, ok in ROWS:
        row = document["paths"][path][method.lower()]
        assert str(ok) in row["responses"], (method, path)
        assert row["operationId"] and row["summary"]


OURS = {("POST", DOC + "/cancel"), ("GET", NB + "/events")}  # additions to the contract


def test_nothing_else_is_below_api(document):
    have = {(m.upper(), p) for p, ms in document["paths"].items() if p.startswith("/api") and (not p.startswith("/api/v1/") or p.startswith("/api/v1/external/"))
            for m in ms if m != "parameters"}
    assert have == {(m, p) for m, p, _ in ROWS} | OURS


@pytest.mark.parametrize("method, path", [(m, p) for m, p, _ in ROWS])
def test_a_wrong_method_is_405_and_in_the_envelope(serve, method, path):
    with serve.client() as c:
        r = c.request("BREW", path.replace("{", "").replace("}", "") + "/")
    assert r.status_code == 405 and r.headers["allow"]
    assert r.json()["success"] is False and r.json()["data"] is None and method in r.headers["allow"]
