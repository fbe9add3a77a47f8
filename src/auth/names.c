/*
 * The lists of kinds, scopes and reasons, and how rates are written.
 */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- kinds ---- */

static const struct br_key_kind_info kinds[BR_KEY_KIND_COUNT] = {
#define X(id, name, begins, scopes, what) { name, begins, scopes, what },
	BR_KEY_KIND_LIST(X)
#undef X
};

const struct br_key_kind_info *br_key_kind_info(enum br_key_kind kind)
{
	BR_ASSERT(kind < BR_KEY_KIND_COUNT);
	return &kinds[kind];
}

int br_key_kind_parse(enum br_key_kind *out, const char *name, struct br_err *err)
{
	for (int i = 0; i < BR_KEY_KIND_COUNT; i++) {
		if (!strcmp(kinds[i].name, name)) {
			*out = (enum br_key_kind)i;
			return 0;
		}
	}
	return br_fail(err, BR_EUSAGE, "kind: '%s' is not one of any, beyond, quivr, baiyuan", name);
}

/* ---- scopes ---- */

static const struct br_scope_info scopes[] = {
#define X(id, bit, name, what) { name, 1u << (bit), what },
	BR_SCOPE_LIST(X)
#undef X
};

const struct br_scope_info *br_scopes(size_t *n)
{
	*n = BR_COUNT(scopes);
	return scopes;
}

static uint32_t scope_bit(const char *word, size_t n)
{
	for (size_t i = 0; i < BR_COUNT(scopes); i++)
		if (strlen(scopes[i].name) == n && !memcmp(scopes[i].name, word, n))
			return scopes[i].bit;
	return n == 6 && !memcmp(word, "ingest", 6) ? BR_SCOPE_DOCUMENTS : 0;
}

int br_scopes_parse(uint32_t *out, const char *text, struct br_err *err)
{
	uint32_t bit, all = 0;
	size_t n;

	for (const char *p = text;; p += n + 1) {
		n = strcspn(p, ",");
		if (!(bit = scope_bit(p, n)))
			return br_fail(err, BR_EUSAGE, "scope: '%.*s' is not one of query, kb:read, kb:write, documents:write, webhooks:manage, "
			               "wiki:write, admin", (int)BR_MIN(n, 60u), p);
		all |= bit;
		if (!p[n])
			break;
	}
	*out = all;
	return 0;
}

/* ---- reasons ---- */

const struct br_refusal_info *br_refusal_info(enum br_refusal why)
{
	static const struct br_refusal_info list[] = {
		{ "allowed", BR_OK, "allowed" },
#define X(id, name, code, text) { name, BR_E##code, text },
		BR_REFUSAL_LIST(X)
#undef X
	};

	BR_ASSERT((size_t)why < BR_COUNT(list));
	return &list[why];
}

int br_auth_refuse(struct br_err *err, enum br_refusal why)
{
	const struct br_refusal_info *info = br_refusal_info(why);

	return why == BR_ALLOWED ? 0 : br_fail(err, info->code, "%s", info->text);
}

/* ---- rates ---- */

static const struct { const char *name; uint32_t seconds; } periods[] = {
	{ "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", DAY_SECONDS },
};

int br_key_rate_parse(struct br_key_rate *out, const char *text, struct br_err *err)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : 0;
	char digits[16] = "";
	int64_t v;
	int rc;

	if (!n || n >= sizeof digits)
		return br_fail(err, BR_EUSAGE, "rate: '%s' is not of the form 100/hour", text);
	memcpy(digits, text, n);
	if ((rc = br_parse_int(&v, digits, 1, BR_MAX_RATE, "rate", err)) < 0)
		return rc;
	for (size_t i = 0; i < BR_COUNT(periods); i++) {
		if (!strcasecmp(periods[i].name, slash + 1)) {
			*out = (struct br_key_rate){ (uint32_t)v, periods[i].seconds };
			return 0;
		}
	}
	return br_fail(err, BR_EUSAGE, "rate: '%s' is not one of second, minute, hour, day", slash + 1);
}

void br_key_rate_text(char out[32], struct br_key_rate r)
{
	for (size_t i = 0; i < BR_COUNT(periods); i++) {
		if (periods[i].seconds == r.seconds) {
			snprintf(out, 32, "%u/%s", r.n, periods[i].name);
			return;
		}
	}
	snprintf(out, 32, "%u/%us", r.n, r.seconds);
}
