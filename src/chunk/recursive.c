/*
 * The plain way: windows of at most `size` characters over the whole text, each ended at the best break it holds
 * (blank line, line, sentence, word, character), the next one begun `overlap` characters before that end.
 */
#include "internal.h"

/* A better kind of break is taken only when it leaves at least this part of the window filled. */
#define LEAST_FILL 4

static size_t forward(struct chunker *c, size_t pos, uint64_t chars)
{
	size_t start = pos;

	for (; chars && pos < c->text.len; chars--)
		for (pos++; pos < c->text.len && is_cont(c->text.ptr[pos]); pos++)
			;
	c->work += pos - start;
	return pos;
}

static size_t backward(struct chunker *c, size_t pos, uint64_t chars)
{
	size_t start = pos;

	for (; chars && pos; chars--)
		for (pos--; pos && is_cont(c->text.ptr[pos]); pos--)
			;
	c->work += start - pos;
	return pos;
}

static size_t last_newline(struct br_slice t, size_t lo, size_t hi)
{
	const char *p = hi > lo ? memrchr(t.ptr + lo, '\n', hi - lo) : NULL;

	return p ? (size_t)(p - t.ptr) : 0;
}

/* Breaks are offsets in [lo, hi] behind which a new chunk may begin; 0: none. lo > 0. */
static size_t blank_line_break(struct br_slice t, size_t lo, size_t hi)
{
	size_t stop = BR_MIN(hi + 2, t.len); /* a paragraph that ends exactly at hi counts */

	for (size_t p = stop; (p = last_newline(t, lo, p)) != 0;) {
		size_t q = p;
		while (q > lo && (t.ptr[q - 1] == ' ' || t.ptr[q - 1] == '\t'))
			q--;
		if (q > lo && t.ptr[q - 1] == '\n' && q - 1 <= hi)
			return q - 1;
		p = BR_MIN(p, q);
	}
	return 0;
}

static size_t line_break(struct br_slice t, size_t lo, size_t hi)
{
	return last_newline(t, lo, BR_MIN(hi + 1, t.len));
}

static size_t sentence_break(struct br_slice t, size_t from, size_t lo, size_t hi)
{
	struct br_range r;
	size_t pos = from, best = 0;
	struct br_slice window = br_slice(t.ptr, hi);

	while (br_sentence_next(&r, window, &pos)) {
		size_t end = (size_t)r.off + r.len;
		if (end >= hi && hi < t.len && !is_blank(t.ptr[hi]))
			break; /* cut by the window, not ended */
		if (end >= lo)
			best = end;
	}
	return best;
}

static size_t word_break(struct br_slice t, size_t lo, size_t hi)
{
	for (size_t p = BR_MIN(hi, t.len - 1); p >= lo; p--)
		if (is_blank(t.ptr[p]))
			return p;
	return 0;
}

static size_t best_break(struct chunker *c, size_t from, size_t lo, size_t hi)
{
	struct br_slice t = c->text;
	size_t b;

	c->work += 4 * (hi - from);
	if ((b = blank_line_break(t, lo, hi)) || (b = line_break(t, lo, hi)) || (b = sentence_break(t, from, lo, hi)) ||
	    (b = word_break(t, lo, hi)))
		return b;
	return hi;
}

static size_t skip_blanks(struct br_slice t, size_t pos)
{
	while (pos < t.len && is_blank(t.ptr[pos]))
		pos++;
	return pos;
}

/* Where the chunk behind one that ended at `end` begins: `overlap` characters back, on a word where there is one. */
static size_t next_start(struct chunker *c, size_t start, size_t end)
{
	struct br_slice t = c->text;
	size_t stop = end, pos, word;

	if (!c->overlap)
		return end;
	while (stop > start && is_blank(t.ptr[stop - 1]))
		stop--;
	pos = backward(c, stop, c->overlap);
	if (pos <= start)
		pos = forward(c, start, 1);
	if (is_blank(t.ptr[pos - 1]) || is_blank(t.ptr[pos]))
		return pos;
	for (word = pos; word < stop && !is_blank(t.ptr[word]); word++)
		;
	return word < stop ? word : pos;
}

static uint32_t heading_at(const struct br_chunks *out, size_t off, uint32_t at)
{
	uint32_t next = at == BR_NO_HEADING ? 0 : at + 1;

	for (; next < out->headings.n && out->headings.v[next].off <= off; next++)
		at = next;
	return at;
}

int br_chunk__recursive(struct chunker *c)
{
	struct br_slice t = c->text;
	uint64_t least = BR_MAX(c->size / LEAST_FILL, c->overlap + 1);
	size_t pos = skip_blanks(t, 0), done = 0;
	uint32_t heading = BR_NO_HEADING;
	int rc;

	for (size_t fresh = pos; fresh < t.len; fresh = skip_blanks(t, done)) {
		size_t hi = forward(c, pos, c->size), end = t.len;

		if (hi <= fresh) { /* nothing new in reach: a long run of blanks follows the overlap */
			pos = fresh;
			hi = forward(c, pos, c->size);
		}
		heading = heading_at(c->out, pos, heading);
		if (hi < t.len) {
			size_t lo = BR_MAX(forward(c, pos, least), forward(c, fresh, 1));
			end = best_break(c, pos, BR_MIN(lo, hi), hi);
		}
		if ((rc = br_chunk__emit(c, pos, end, heading)) < 0)
			return rc;
		done = end;
		pos = skip_blanks(t, next_start(c, pos, end));
	}
	return 0;
}
