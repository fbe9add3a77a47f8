/*
 * Snippets: the lines of a chunk that say most about the question, verbatim.
 */
#include "internal.h"

#include <stdlib.h>

enum { SNIPPET_LINES = 4, SNIPPET_BYTES = 420 };

static const double PARAGRAPH_BONUS = 0.25; /* a snippet reads better from the beginning of a paragraph */

struct line { uint32_t off, len; double gain; };

/* idf of the question's words in this line; `all` collects the groups seen. */
static double line_gain(struct search *s, struct br_slice text)
{
	const struct br_tokens *tok = question_words(s, text);
	bool seen[BR_MAX_QUERY_TERMS] = { false };
	double gain = 0;

	for (size_t i = 0; i < tok->v.n; i++) {
		for (size_t g = 0; g < s->words.groups.n; g++) {
			const struct br_fts_group *w = &s->words.groups.v[g];
			if (!seen[g] && group_has(w, &tok->v.v[i])) {
				seen[g] = true;
				gain += (double)w->idf;
			}
		}
	}
	return gain;
}

static size_t split_lines(struct search *s, struct br_slice text, struct line **out)
{
	BR_VEC(struct line) v = { 0 };

	for (size_t at = 0; at < text.len;) {
		const char *nl = memchr(text.ptr + at, '\n', text.len - at);
		size_t end = nl ? (size_t)(nl - text.ptr) : text.len;
		*br_vec_push(&v) = (struct line){ (uint32_t)at, (uint32_t)(end - at), line_gain(s, br_slice(text.ptr + at, end - at)) };
		at = end + 1;
	}
	*out = v.v;
	return v.n;
}

/* The window of lines within both bounds whose words weigh most; the earlier of equals. */
static struct line best_window(const struct line *l, size_t n, size_t *first)
{
	struct line best = { 0, 0, -1 };

	*first = 0;
	for (size_t i = 0; i < n; i++) {
		double gain = 0;
		if (!l[i].len)
			continue;
		double lead = i && l[i - 1].len ? 1 : 1 + PARAGRAPH_BONUS;
		for (size_t k = i; k < n && k < i + SNIPPET_LINES; k++) {
			uint32_t len = l[k].off + l[k].len - l[i].off;
			if (k > i && len > SNIPPET_BYTES)
				break;
			gain += l[k].gain * lead;
			if (gain > best.gain || (best.off == l[i].off && len > best.len && gain >= best.gain)) {
				best = (struct line){ l[i].off, len, gain };
				*first = i;
			}
		}
	}
	return best;
}

/* A single line longer than the bound is cut around its first telling word, at spaces. */
static struct br_slice cut_long(struct search *s, struct br_slice text)
{
	size_t at = 0, end;

	if (text.len <= SNIPPET_BYTES)
		return text;
	for (double best = 0; at + SNIPPET_BYTES < text.len;) {
		size_t from = at;
		while (from && (text.ptr[from] & 0xc0) == 0x80)
			from--;
		best = line_gain(s, br_slice(text.ptr + from, br_utf8_valid(text.ptr + from, BR_MIN(text.len - from, (size_t)SNIPPET_BYTES))));
		if (best > 0)
			break;
		at += SNIPPET_BYTES / 2;
	}
	while (at && text.ptr[at - 1] != ' ' && (text.ptr[at] & 0xc0) == 0x80)
		at--;
	end = BR_MIN(at + SNIPPET_BYTES, text.len);
	while (end > at && end < text.len && (text.ptr[end] & 0xc0) == 0x80)
		end--;
	return br_slice(text.ptr + at, end - at);
}

void snippet(struct search *s, const struct cand *c, struct br_found *out)
{
	struct line *lines, best;
	struct br_slice cut;
	size_t n, first;

	br_tokenizer_lang(s->s->tok, c->doc->lang);
	n = split_lines(s, c->text, &lines);
	best = best_window(lines, n, &first);
	cut = cut_long(s, br_slice(c->text.ptr + best.off, best.len));
	out->snippet = br_arena_strndup(&s->out->arena, cut.ptr, cut.len);
	out->snippet_line = c->rec.line + (c->rec.line_end - c->rec.line + 1 == n ? (uint32_t)first : 0); /* lines of text are lines of the source */
	free(lines);
}
