/* Pages as JSON. */
#include "internal.h"

static void list(struct br_json *j, const char *key, const char *const *v)
{
	br_json_key(j, key);
	br_json_arr(j);
	for (; v && *v; v++)
		br_json_str(j, *v);
	br_json_end(j);
}

static void when(struct br_json *j, const char *key, int64_t at)
{
	char iso[32];

	if (at)
		br_time_iso(iso, at);
	br_json_kstr(j, key, at ? iso : NULL);
}

static void errors(struct br_json *j, const struct br_wiki_page *p)
{
	br_json_key(j, "lint_errors");
	br_json_arr(j);
	for (size_t i = 0; i < p->n_errors; i++) {
		char code[3] = { 'E', (char)('0' + p->error[i].code), '\0' };
		br_json_obj(j);
		br_json_kstr(j, "code", code);
		br_json_kstr(j, "severity", p->error[i].blocks ? "error" : "warning");
		br_json_kstr(j, "message", p->error[i].text);
		br_json_end(j);
	}
	br_json_end(j);
}

void br_wiki_page_json(struct br_json *j, const struct br_wiki_page *p)
{
	br_json_kstr(j, "slug", p->slug);
	br_json_kstr(j, "title", p->title);
	list(j, "aliases", p->alias);
	br_json_kstr(j, "category", p->category);
	br_json_kstr(j, "summary", p->summary);
	if (p->body)
		br_json_kstr(j, "body", p->body);
	br_json_key(j, "source_chunks");
	br_json_arr(j);
	for (size_t i = 0; i < p->n_sources; i++)
		br_json_str(j, p->source[i].chunk);
	br_json_end(j);
	list(j, "source_doc_ids", p->doc_id);
	br_json_kuint(j, "token_count", p->token_count);
	when(j, "compiled_at", p->compiled_at);
	br_json_kstr(j, "compiled_by", p->compiled_by);
	br_json_kstr(j, "compiled_prompt", p->compiled_prompt);
	br_json_kstr(j, "lint_status", br_wiki_lint_name(p->lint_status));
	errors(j, p);
	br_json_kuint(j, "version", p->version);
	br_json_kuint(j, "newest_version", p->newest);
	if (p->published)
		br_json_kuint(j, "published_version", p->published);
	else
		br_json_knull(j, "published_version");
	br_json_kstr(j, "fingerprint", p->fingerprint);
	br_json_kstr(j, "status", br_wiki_status_name(p->status));
	br_json_kstr(j, "page_type", "topic");
	list(j, "tags", p->tags);
	br_json_knum(j, "confidence", p->confidence, 3);
	when(j, "deleted_at", p->deleted_at);
	br_json_kstr(j, "reason", p->reason);
	br_json_kstr(j, "actor", p->actor[0] ? p->actor : NULL);
	br_json_kbool(j, "serveable", p->serveable);
	br_json_kstr(j, "why_not", p->why[0] ? p->why : NULL);
	br_json_kbool(j, "dirty", p->dirty);
}
