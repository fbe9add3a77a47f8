/*
 * The Beyond Retrieval dialect: its envelope, its errors, who calls, and what its routers need to find notebooks and documents.
 */
#include "beyond.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the envelope ---- */

void br_beyond__open(struct br_json *j)
{
	br_json_obj(j);
	br_json_kbool(j, "success", true);
	br_json_key(j, "data");
}

void br_beyond__close(struct br_json *j)
{
	br_json_knull(j, "error");
	br_json_end(j);
}

/* The contract answers 400 where these are wrong, and 422 for all others. */
static bool is_usage(const struct br_fault *f)
{
	static const char *const names[] = { "notebook_title", "db_type", "storage_provider", "files", "rate_limit" };

	for (size_t i = 0; i < BR_COUNT(names); i++)
		if (f->problems && !strcmp(f->problem[0].field, names[i]))
			return true;
	return false;
}

void br_beyond__error(struct br_json *j, struct br_req *r, struct br_fault *f)
{
	(void)r;
	if (f->stage == BR_AT_PARSE && is_usage(f))
		f->status = 400;
	br_json_obj(j);
	br_json_kbool(j, "success", false);
	br_json_knull(j, "data");
	br_json_kstr(j, "error", f->message);
	br_json_end(j);
}

static void const_schema(struct br_json *j, const char *key, const char *type)
{
	br_json_key(j, key);
	br_json_obj(j);
	br_json_kstr(j, "type", type);
	br_json_end(j);
}

static void required(struct br_json *j)
{
	br_json_key(j, "required");
	br_json_arr(j);
	br_json_str(j, "success");
	br_json_str(j, "data");
	br_json_str(j, "error");
	br_json_end(j);
}

void br_beyond__schema(struct br_json *j, void (*data)(struct br_json *j, const void *arg), const void *arg)
{
	br_json_obj(j);
	br_json_kstr(j, "type", "object");
	required(j);
	br_json_key(j, "properties");
	br_json_obj(j);
	const_schema(j, "success", "boolean");
	br_json_key(j, "data");
	data(j, arg);
	const_schema(j, "error", "null");
	br_json_end(j);
	br_json_end(j);
}

void br_beyond__error_schema(struct br_json *j)
{
	br_json_obj(j);
	br_json_kstr(j, "type", "object");
	required(j);
	br_json_key(j, "properties");
	br_json_obj(j);
	const_schema(j, "success", "boolean");
	const_schema(j, "data", "null");
	const_schema(j, "error", "string");
	br_json_end(j);
	br_json_end(j);
}

/* ---- notebooks and documents ---- */

int br_beyond__nb_by_id(struct br_nb **out, struct br_req *r, const char *id, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	rc = br_nb_get(out, br_req_arena(r), t, id, err);
	br_txn_end(t);
	if (rc == -BR_ENOTFOUND || (rc == 0 && strcasecmp((*out)->id, id)))
		return br_fail(err, BR_ENOTFOUND, "Notebook not found");
	return rc;
}

int br_beyond__nb(struct br_nb **out, struct br_req *r, struct br_err *err)
{
	return br_beyond__nb_by_id(out, r, br_req_param(r, "notebook_id"), err);
}

int br_beyond__doc(struct br_doc **out, struct br_req *r, struct br_txn *t, uint32_t nb, const char *id, struct br_err *err)
{
	int rc = strlen(id) != 36 ? -BR_ENOTFOUND : br_doc_find(out, br_req_arena(r), t, br_req_ws(r), nb, id, err);

	if (rc == -BR_ENOTFOUND || (rc == 0 && strcmp((*out)->id, id)))
		return br_fail(err, BR_ENOTFOUND, "File not found");
	return rc;
}

/* ---- small values ---- */

void br_beyond__time(struct br_json *j, const char *key, int64_t seconds)
{
	char iso[32];

	br_time_iso(iso, seconds);
	br_json_kstr(j, key, seconds ? iso : NULL);
}

void br_beyond__float(struct br_json *j, const char *key, double v, int decimals)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%.*f", decimals, v);

	while (n > 2 && text[n - 1] == '0' && text[n - 2] != '.')
		n--;
	br_json_key(j, key);
	br_json_raw(j, text, (size_t)n);
}

void br_beyond__time_ms(struct br_json *j, const char *key, int64_t ms)
{
	char iso[32], whole[48];

	br_time_iso(iso, ms / 1000);
	snprintf(whole, sizeof whole, "%.19s.%03d000Z", iso, (int)(ms % 1000));
	br_json_kstr(j, key, whole);
}

static int zone_seconds(const char *s)
{
	int h, m, n = 0;

	if (!strcmp(s, "Z") || !strcmp(s, "z") || !*s)
		return 0;
	if ((*s != '+' && *s != '-') || sscanf(s + 1, "%2d:%2d%n", &h, &m, &n) != 2 || s[1 + n] || h > 23 || m > 59)
		return -1;
	return (*s == '-' ? 1 : -1) * (h * 3600 + m * 60) + 1000000;
}

int br_beyond__parse_time(int64_t *out, const char *s)
{
	char iso[32];
	const char *p = s + 19;
	int zone;

	if (strlen(s) < 19)
		return br_time_parse(out, s);
	snprintf(iso, sizeof iso, "%.19sZ", s);
	iso[10] = 'T';
	if (br_time_parse(out, iso) < 0)
		return -1;
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++)
			;
	if ((zone = zone_seconds(p)) < 0)
		return -1;
	*out += zone ? zone - 1000000 : 0;
	return 0;
}

const char *br_beyond__file_type(struct br_arena *a, const char *name)
{
	char *type = br_arena_strdup(a, br_path_ext(name));

	for (char *p = type; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return type;
}

/* ---- the dialect ---- */

static const struct br_routes *const routers[] = {
#define X(name) &br_beyond__##name##_rows,
	BEYOND_ROUTERS(X)
#undef X
	NULL,
};

const struct br_dialect br_dialect_beyond = {
	.name = "beyond", .prefix = "/api", .more = routers, .identify = br_beyond__identify, .authorise = br_beyond__authorise, .open = br_beyond__open, .close = br_beyond__close,
	.error = br_beyond__error, .schema = br_beyond__schema, .error_schema = br_beyond__error_schema, .security = "bearer",
};
