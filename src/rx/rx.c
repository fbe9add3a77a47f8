/*
 * rx - regular expressions through PCRE2, and globs turned into them.
 * Patterns come from users: they are short, may not use \C, and a match that costs too much is an error and not a hang.
 * Subjects are valid UTF-8 by contract and are not checked again: that check is linear per call, so quadratic over a text.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "br/rx.h"

#include <pcre2.h>
#include <stdlib.h>

#define MATCH_LIMIT 1000000u  /* steps of one match */
#define HEAP_LIMIT  20000u    /* KiB of one match */

struct br_rx {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static uint32_t options(int flags)
{
	uint32_t o = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;

	if (flags & BR_RX_ICASE)
		o |= PCRE2_CASELESS;
	if (flags & BR_RX_MULTILINE)
		o |= PCRE2_MULTILINE;
	if (flags & BR_RX_ANCHORED)
		o |= PCRE2_ANCHORED;
	return o;
}

int br_rx_new(struct br_rx **out, const char *pattern, int flags, struct br_err *err)
{
	size_t len = strlen(pattern);
	PCRE2_UCHAR why[160];
	PCRE2_SIZE at;
	pcre2_code *code;
	int e;

	*out = NULL;
	if (len > BR_RX_MAX_PATTERN)
		return br_fail(err, BR_EUSAGE, "pattern is longer than %d bytes", BR_RX_MAX_PATTERN);
	code = pcre2_compile((PCRE2_SPTR)pattern, len, options(flags), &e, &at, NULL);
	if (!code && e == PCRE2_ERROR_HEAP_FAILED)
		return br_fail(err, BR_ENOMEM, "pattern '%.100s': out of memory", pattern);
	if (!code) {
		pcre2_get_error_message(e, why, sizeof why);
		return br_fail(err, BR_EUSAGE, "pattern '%.100s': at byte %zu: %s", pattern, (size_t)at, (const char *)why);
	}
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is no JIT the interpreter does the same */
	*out = br_alloc(sizeof **out);
	(*out)->code = code;
	(*out)->limits = br_must(pcre2_match_context_create(NULL));
	pcre2_set_match_limit((*out)->limits, MATCH_LIMIT);
	pcre2_set_heap_limit((*out)->limits, HEAP_LIMIT);
	return 0;
}

void br_rx_free(struct br_rx *rx)
{
	if (!rx)
		return;
	pcre2_match_context_free(rx->limits);
	pcre2_code_free(rx->code);
	free(rx);
}

/* The JIT has a small stack of its own; what does not fit there goes to the interpreter. */
static int match(const struct br_rx *rx, struct br_slice text, size_t from, pcre2_match_data *md)
{
	int n = pcre2_match(rx->code, (PCRE2_SPTR)text.ptr, text.len, from, PCRE2_NO_UTF_CHECK, md, rx->limits);

	if (n == PCRE2_ERROR_JIT_STACKLIMIT)
		n = pcre2_match(rx->code, (PCRE2_SPTR)text.ptr, text.len, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, md, rx->limits);
	return n;
}

static void copy_groups(struct br_rx_range *group, size_t n, pcre2_match_data *md, size_t set)
{
	const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(md);

	for (size_t i = 0; i < n; i++) {
		bool unset = i >= set || ov[2 * i] == PCRE2_UNSET;

		group[i] = unset ? (struct br_rx_range){ UINT32_MAX, 0 }
		                 : (struct br_rx_range){ (uint32_t)ov[2 * i], (uint32_t)(BR_MAX(ov[2 * i + 1], ov[2 * i]) - ov[2 * i]) };
	}
}

static int match_fail(int e, struct br_err *err)
{
	PCRE2_UCHAR why[160];

	switch (e) {
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
		return br_fail(err, BR_ETOOBIG, "pattern takes too many steps on this text");
	case PCRE2_ERROR_NOMEMORY:
		return br_fail(err, BR_ENOMEM, "pattern match: out of memory");
	default:
		pcre2_get_error_message(e, why, sizeof why);
		return br_fail(err, BR_EINPUT, "pattern match: %s", (const char *)why);
	}
}

int br_rx_match(const struct br_rx *rx, struct br_slice text, size_t from, struct br_rx_range *group, size_t n, struct br_err *err)
{
	pcre2_match_data *md;
	int got;

	if (text.len >= UINT32_MAX)
		return br_fail(err, BR_ETOOBIG, "text of 4 GiB or more cannot be matched");
	if (!text.ptr)
		text.ptr = "";
	while (from < text.len && ((unsigned char)text.ptr[from] & 0xc0) == 0x80)
		from++; /* never begin inside a character */
	if (from > text.len)
		return 0;
	md = pcre2_match_data_create_from_pattern(rx->code, NULL);
	if (!md)
		return br_fail(err, BR_ENOMEM, "pattern match: out of memory");
	got = match(rx, text, from, md);
	if (got > 0)
		copy_groups(group, n, md, (size_t)got);
	pcre2_match_data_free(md);
	if (got == PCRE2_ERROR_NOMATCH)
		return 0;
	return got > 0 ? 1 : match_fail(got, err);
}

/* ---- globs ---- */

static void add_literal(struct br_buf *b, char c)
{
	if (c && strchr("\\^$.|?*+()[]{}-#/", c))
		br_buf_addc(b, '\\');
	br_buf_addc(b, c);
}

/* At '*': one star stays within a part, two cross; "**" with a slash behind it may also stand for nothing. */
static const char *add_star(struct br_buf *b, const char *p, bool part_start)
{
	if (p[1] != '*') {
		br_buf_adds(b, "[^/]*");
		return p + 1;
	}
	p += strspn(p, "*");
	if (part_start && *p == '/') {
		br_buf_adds(b, "(?:.*/)?");
		return p + 1;
	}
	br_buf_adds(b, ".*");
	return p;
}

/* The ']' that ends a set which begins at p, or NULL. */
static const char *set_close(const char *p)
{
	p++;
	p += *p == '!' || *p == '^';
	p += *p == ']';
	for (; *p && *p != ']'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p : NULL;
}

/* At '[' of a set that has an end. */
static const char *add_set(struct br_buf *b, const char *p, const char *close)
{
	br_buf_adds(b, "(?!/)[");
	p++;
	if (*p == '!' || *p == '^') {
		br_buf_addc(b, '^');
		p++;
	}
	for (; p < close; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '-') { /* a range stays a range */
			br_buf_addc(b, '-');
			continue;
		}
		add_literal(b, *p);
	}
	br_buf_addc(b, ']');
	return close + 1;
}

char *br_rx_from_glob(const char *glob)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	br_buf_adds(&b, "(?s)\\A");
	for (const char *p = glob; *p; ) {
		const char *close = *p == '[' ? set_close(p) : NULL;

		if (*p == '*') {
			p = add_star(&b, p, p == glob || p[-1] == '/');
		} else if (*p == '?') {
			br_buf_adds(&b, "[^/]");
			p++;
		} else if (close) {
			p = add_set(&b, p, close);
		} else {
			p += *p == '\\' && p[1];
			add_literal(&b, *p++);
		}
	}
	br_buf_adds(&b, "\\z");
	return br_buf_take(&b, NULL);
}

const char *br_rx_library(void) { return "PCRE2 " BR_STRINGIFY(PCRE2_MAJOR) "." BR_STRINGIFY(PCRE2_MINOR); }
