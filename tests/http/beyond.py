"""What the tests of the Beyond Retrieval dialect share: members of answers with their types, as the product's documentation has them."""
import time
import uuid

STR, INT, BOOL, NUM, OBJ, ARR, NULL = str, int, bool, float, dict, list, type(None)
OPT = (str, NULL)

NOTEBOOK = {"notebook_id": STR, "notebook_title": STR, "notebook_description": STR, "icon": STR, "db_type": STR, "storage_provider": STR,
            "number_of_documents": INT, "created_at": STR, "updated_at": STR}
UPLOADED = {"file_id": STR, "file_name": STR, "file_type": STR, "storage_path": STR, "size": INT}
JOB = {"job_id": STR, "file_id": STR, "file_name": STR, "status": STR}
STAGE = {"file_id": STR, "status": STR, "stage": STR, "error_description": OPT, "updated_at": STR, "job_id": STR}
FILE = {"file_id": STR, "file_name": STR, "file_type": STR, "status": STR, "chunk_count": INT, "created_at": STR}
CONVERSATION = {"conversation_id": STR, "notebook_id": STR, "user_id": STR, "title": STR, "chat_mode": STR, "is_pinned": BOOL,
                "is_archived": BOOL, "message_count": INT, "last_message_at": OPT, "created_at": STR, "updated_at": STR,
                "session_metadata": OBJ}
MESSAGE = {"id": STR, "conversation_id": STR, "notebook_id": STR, "role": STR, "content": STR, "citations": ARR, "run_metadata": OBJ,
           "created_at": STR}
CITATION = {"citation_id": INT, "content": STR, "file_name": STR, "similarity": NUM, "metadata": OBJ}
TURN = {"user_message": OBJ, "assistant_message": OBJ, "suggested_questions": ARR, "is_cached": BOOL, "execution_time_ms": NUM}
CHUNK = {"rank": INT, "content": STR, "score": NUM, "metadata": OBJ, "file_name": STR, "file_id": STR, "chunk_index": INT}
METADATA = {"file_id": STR, "file_title": STR, "chunk_index": INT, "notebook_id": STR, "file_name": STR, "source": STR, "loc": OBJ}
RETRIEVAL = {"strategy_id": STR, "query": STR, "chunks": ARR, "total_results": INT, "execution_time_ms": NUM}
SETTINGS = {"notebook_id": STR, "db_type": STR, "storage_provider": STR, "embedding_model": STR, "system_prompt_retrieval": STR,
            "inference_provider": STR, "inference_model": STR, "inference_temperature": NUM, "active_strategy_id": STR,
            "strategies_config": OBJ, "ingestion_timeout_minutes": INT, "max_conversation_messages": INT,
            "enable_multimodal_processing": BOOL, "enable_ai_synthesis": BOOL, "judge_enabled": BOOL, "language_mode": OPT,
            "default_persona": OPT, "default_language": OPT, "enhancement_concurrency": (int, NULL), "smart_router_enabled": BOOL,
            "default_system_prompts": OBJ}
NOBODY = "00000000-0000-4000-8000-000000000000"


def like(value, shape):
    for name, kind in shape.items():
        assert name in value, f"{name} is missing in {value}"
        assert isinstance(value[name], kind), f"{name} is {value[name]!r}"
        assert kind is not int or not isinstance(value[name], bool), f"{name} is {value[name]!r}"
    return value


def good(r, status=200):
    assert r.status_code == status, r.text
    body = r.json()
    assert set(body) == {"success", "data", "error"} and body["success"] is True and body["error"] is None
    return body["data"]


def bad(r, status):
    assert r.status_code == status, r.text
    body = r.json()
    assert set(body) == {"success", "data", "error"} and body["success"] is False and body["data"] is None
    assert isinstance(body["error"], str) and body["error"]
    return body["error"]


def new_notebook(c, title="Manuals", **more):
    id = str(uuid.uuid4())
    return good(c.post("/api/notebooks/", json={"notebook_id": id, "notebook_title": title, "user_id": "", **more}), 201)["notebook_id"]


def upload(c, nb, **files):
    parts = [("files", (name.replace("_", "."), text.encode())) for name, text in files.items()]
    return good(c.post(f"/api/notebooks/{nb}/documents/upload", files=parts))


def asked(files):
    return [{"file_id": f["file_id"], "file_name": f["file_name"], "file_path": f["storage_path"]} for f in files]


def wait(c, nb, file, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        s = good(c.get(f"/api/notebooks/{nb}/documents/{file['file_id']}/stage"))
        if s["status"] in ("success", "error"):
            return s
        time.sleep(0.05)
    raise AssertionError(f"the job did not end: {s}")


def ingest(c, nb, files, **settings):
    body = {"files": asked(files), "settings": settings or None, "notebook_name": "x"}
    jobs = good(c.post(f"/api/notebooks/{nb}/documents/ingest", json=body))["jobs"]
    return jobs, [wait(c, nb, f) for f in files]
