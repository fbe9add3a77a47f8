// What a customer of the product does, with fetch: node customer.mjs URL.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const base = process.argv[2];

async function call(method, path, body, headers = { Authorization: "Bearer dev-token" }) {
	const form = body instanceof FormData;
	const r = await fetch(base + path, {
		method,
		headers: { ...headers, ...(body && !form ? { "Content-Type": "application/json" } : {}) },
		body: form ? body : body && JSON.stringify(body),
		redirect: "error",
	});
	const json = await r.json();
	if (!r.ok || !json.success) throw Object.assign(new Error(`${method} ${path}: ${json.error}`), { status: r.status });
	return json.data;
}

async function until(what, done) {
	for (let i = 0; i < 1200; i++) {
		const state = await what();
		if (done(state)) return state;
		await new Promise((go) => setTimeout(go, 50));
	}
	throw new Error("it did not happen in time");
}

const id = randomUUID();
const nb = `/api/notebooks/${id}`;
const made = await call("POST", "/api/notebooks/", { notebook_id: id, notebook_title: "Manuals", user_id: "dev-user", icon: "🔧" });
assert.equal(made.notebook_id, id);
const form = new FormData();
const pump = "# Pump\n\nThe shaft seal is replaced every 2000 hours.\n";
for (const [name, text] of [["pump.md", pump], ["soup – für alle.txt", "Boil carrots with onions and salt.\n"], ["twin.md", pump]])
	form.append("files", new Blob([text]), name);
const up = await call("POST", `${nb}/documents/upload`, form);
assert.deepEqual(up.map((u) => u.file_name), ["pump.md", "soup – für alle.txt", "twin.md"]);
const files = up.map((u) => ({ file_id: u.file_id, file_name: u.file_name, file_path: u.storage_path }));
assert.equal((await call("POST", `${nb}/documents/ingest`, { files, settings: null, notebook_name: null })).jobs.length, 3);
for (const f of files) {
	const s = await until(() => call("GET", `${nb}/documents/${f.file_id}/stage`), (s) => ["success", "error"].includes(s.status));
	assert.equal(s.status, "success");
}
const [strategies, models] = await Promise.all([call("GET", `${nb}/retrieval/strategies`), call("GET", "/api/models/openrouter")]);
assert.ok(models.models.length > 0);
for (const s of strategies) {
	const found = await call("POST", `${nb}/retrieval/retrieve`, { query: "shaft seal", strategy_id: s.id, top_k: 5, file_ids: null });
	assert.ok(found.total_results > 0 && found.chunks.every((c, i) => c.rank === i + 1 && typeof c.score === "number"));
}
const { conversation_id } = await call("POST", `${nb}/conversations`, {});
const chat = `${nb}/conversations/${conversation_id}`;
const first = await call("POST", `${chat}/messages`, { content: "When is the shaft seal replaced?", persona: null, language: null });
assert.ok(["pump.md", "twin.md"].includes(first.assistant_message.citations[0].metadata.file_name));
const second = await call("POST", `${chat}/messages`, { content: "And the carrots?" });
assert.equal((await call("GET", `${chat}/messages/`)).length, 4);
await call("POST", `${nb}/messages/${second.assistant_message.id}/feedback`, { is_positive: true });
const file_id = files[0].file_id;
await call("POST", `${nb}/enhance`, { file_ids: [file_id] });
const s = await until(() => call("GET", `${nb}/enhance/status?file_id=${file_id}`), (s) => s.all_terminated);
assert.equal(s.success, s.total);
assert.equal((await call("POST", `${nb}/enhance/publish`, { file_id, file_name: "pump.md", notebook_title: "Manuals" })).published_count, 1);
assert.equal((await call("GET", `${nb}/health`)).duplicate_count, 1);
assert.deepEqual(await call("POST", `${nb}/health/cleanup`), { removed_count: 1, new_health_score: 100 });

const key = await call("POST", "/api/settings/developer-keys", { notebook_id: id, name: "Kiosk", rate_limit: "50/second", expires_at: null });
const ext = (method, path, body) => call(method, `/api/v1/external${path}`, body, { "X-API-Key": key.api_key });
assert.equal((await ext("POST", "/query", { query: "shaft seal" })).chunks[0].source, "pump.md");
const said = await ext("POST", "/chat", { message: "When is the shaft seal replaced?" });
await ext("POST", "/chat", { message: "And the carrots?", conversation_id: said.conversation_id });
assert.equal((await ext("GET", `/chat/${said.conversation_id}/messages`)).messages.length, 4);
await call("DELETE", `/api/settings/developer-keys/${key.key_id}`);
await assert.rejects(ext("POST", "/query", { query: "x" }), { status: 401 });
await call("DELETE", nb);
await assert.rejects(call("GET", nb), { status: 404 });
console.log("done");
