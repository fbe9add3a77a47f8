#!/usr/bin/env python3
"""What a customer of the product does, with httpx: customer.py URL. Written from the documentation of the API alone."""
import sys
import time
import uuid

import httpx

BASE = sys.argv[1]
FILES = {"pump.md": "# Pump\n\nThe shaft seal is replaced every 2000 hours.\n", "soup.txt": "Boil carrots with onions and salt.\n",
         "twin.md": "# Pump\n\nThe shaft seal is replaced every 2000 hours.\n"}


class ApiError(Exception):
    pass


class Client:
    def __init__(self):
        self.http = httpx.Client(base_url=BASE + "/api", headers={"Authorization": "Bearer dev-token"}, timeout=60, trust_env=False)

    def request(self, method, path, **kw):
        r = self.http.request(method, path, **kw)
        r.raise_for_status()
        body = r.json()
        if not body.get("success"):
            raise ApiError(body.get("error"))
        return body["data"]

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, json=None, **kw):
        return self.request("POST", path, json=json, **kw)


def poll(what, done, seconds=60):
    end = time.monotonic() + seconds
    while not done(state := what()):
        assert time.monotonic() < end, state
        time.sleep(0.05)
    return state


def main():
    c = Client()
    notebook = c.post("/notebooks/", {"notebook_id": str(uuid.uuid4()), "notebook_title": "Field manuals", "user_id": "dev-user",
                                      "embedding_model": "openai/text-embedding-3-small"})
    nb = f"/notebooks/{notebook['notebook_id']}"
    assert notebook["notebook_id"] in [n["notebook_id"] for n in c.get("/notebooks/")]
    up = c.post(f"{nb}/documents/upload", files=[("files", (name, text.encode())) for name, text in FILES.items()], timeout=120)
    assert [u["file_name"] for u in up] == list(FILES)
    jobs = c.post(f"{nb}/documents/ingest", {
        "files": [{"file_id": u["file_id"], "file_name": u["file_name"], "file_path": u["storage_path"]} for u in up],
        "settings": {"parser": "Docling Parser", "chunking_strategy": "Recursive Chunking", "chunk_size": 1000, "chunk_overlap": 200},
        "notebook_name": "Field manuals"})["jobs"]
    assert len(jobs) == 3
    for u in up:
        s = poll(lambda: c.get(f"{nb}/documents/{u['file_id']}/stage"), lambda s: s["status"] in ("success", "error"))
        assert s["status"] == "success", s
    for strategy in c.get(f"{nb}/retrieval/strategies"):
        found = c.post(f"{nb}/retrieval/retrieve", {"query": "shaft seal", "strategy_id": strategy["id"], "top_k": 5})
        assert found["total_results"] >= 1 and found["execution_time_ms"] >= 0
        for chunk in found["chunks"]:
            print(f"  [{chunk['rank']}] {chunk['score']:.3f} {chunk['content'][:40]!r}")
    chat = c.post(f"{nb}/conversations", {"title": "Seals"})["conversation_id"]
    for question in ("When is the shaft seal replaced?", "And the carrots?"):
        answer = c.post(f"{nb}/conversations/{chat}/messages", {"content": question, "chat_mode": "rag"})["assistant_message"]
        for cite in answer["citations"]:
            print(f"  [{cite['citation_id']}] {cite['metadata'].get('file_name')} {cite.get('similarity', 0):.2f}")
    assert answer["content"] and len(c.get(f"{nb}/conversations/{chat}/messages")) == 4
    c.post(f"{nb}/messages/{answer['id']}/feedback", {"is_positive": True, "feedback_text": "good"})
    file = c.get(f"{nb}/enhance/files")[0]
    assert file["pending"] == file["total_chunks"] and file["success"] == 0
    c.post(f"{nb}/enhance", {"file_ids": [file["file_id"]]})
    s = poll(lambda: c.get(f"{nb}/enhance/status", params={"file_id": file["file_id"]}), lambda s: s["all_terminated"])
    print(f"  enhanced {s['progress_pct']:.0f}% {s['success']}/{s['total']}")
    done = c.post(f"{nb}/enhance/publish", {"file_id": file["file_id"], "file_name": file["file_name"], "notebook_title": "Field manuals"})
    assert done["published_count"] == file["total_chunks"]
    health = c.get(f"{nb}/health")
    assert health["total_chunks"] == 3 and health["duplicate_count"] == 1 and health["orphaned_count"] == 0 and health["enhanced_count"] == 1, health
    assert c.post(f"{nb}/health/cleanup") == {"removed_count": 1, "new_health_score": 100}
    assert c.get("/models/openrouter")["models"]

    key = c.post("/settings/developer-keys", {"notebook_id": notebook["notebook_id"], "name": "Kiosk", "rate_limit": "100/minute"})
    x = httpx.Client(base_url=BASE + "/api/v1/external", headers={"X-API-Key": key["api_key"]}, timeout=60, trust_env=False)
    found = x.post("/query", json={"query": "shaft seal", "top_k": 3}).raise_for_status().json()["data"]
    assert found["chunks"][0]["source"] == "pump.md" and found["chunks"][0]["metadata"]["loc"]["lines"]["from"] == 1
    first = x.post("/chat", json={"message": "When is the shaft seal replaced?", "persona": "professional", "language": "en"}).json()["data"]
    again = x.post("/chat", json={"message": "And the carrots?", "conversation_id": first["conversation_id"]}).json()["data"]
    assert again["conversation_id"] == first["conversation_id"] and first["citations"][0]["file_name"] == "pump.md"
    past = x.get(f"/chat/{first['conversation_id']}/messages").json()["data"]["messages"]
    assert [m["role"] for m in past] == ["user", "assistant"] * 2
    c.request("PATCH", f"/settings/developer-keys/{key['key_id']}", json={"is_active": False})
    assert x.post("/query", json={"query": "seal"}).status_code == 401
    c.request("DELETE", f"/settings/developer-keys/{key['key_id']}")
    c.request("DELETE", nb)
    assert c.http.get(nb).status_code == 404
    print("done")


main()
