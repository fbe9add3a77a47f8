/*
 * CSV and TSV (RFC 4180): quoted fields may hold delimiters and line ends. A block is a group of rows; the first one
 * begins with the header row.
 */
#include "internal.h"

enum { ROWS_PER_BLOCK = 30, BLOCK_BYTES = 4000, FIELD_MAX = 64 << 10 };

struct csv {
	struct br_slice text;
	char delimiter;
	bool quotes;            /* off once a quote was opened and not closed: then '"' is an ordinary byte */
};

/* More of them in the first line than of the others. */
static char sniff_delimiter(struct br_slice text)
{
	static const char candidates[] = ",;\t|";
	size_t count[sizeof candidates] = { 0 };
	int best = 0;

	for (size_t i = 0; i < text.len && text.ptr[i] != '\n'; i++) {
		const char *c = strchr(candidates, text.ptr[i]);
		if (c)
			count[c - candidates]++;
	}
	for (int i = 1; i < 4; i++)
		if (count[i] > count[best])
			best = i;
	return candidates[best];
}

/* The byte after the closing quote of a field whose opening one is at `at`; 0 if it is not closed as a field should be. */
static size_t quoted_end(const struct csv *c, size_t at)
{
	size_t stop = BR_MIN(c->text.len, at + FIELD_MAX), i = at + 1;
	const char *q;

	while (i < stop && (q = memchr(c->text.ptr + i, '"', stop - i))) {
		i = (size_t)(q - c->text.ptr) + 1;
		if (i < c->text.len && *(q + 1) == '"') {
			i++;
			continue;
		}
		while (i < c->text.len && c->text.ptr[i] == ' ')
			i++;
		return i == c->text.len || c->text.ptr[i] == c->delimiter || c->text.ptr[i] == '\n' ? i : 0;
	}
	return 0;
}

static size_t newline_or_end(struct br_slice text, size_t at)
{
	const char *nl = memchr(text.ptr + at, '\n', text.len - at);

	return nl ? (size_t)(nl - text.ptr) : text.len;
}

/* Offset of the newline that ends the row at `at`, or of the end of the text. */
static size_t row_end(struct csv *c, size_t at)
{
	size_t nl = newline_or_end(c->text, at);
	bool field = true;

	if (!c->quotes || !memchr(c->text.ptr + at, '"', nl - at))
		return nl;
	for (size_t i = at; i < c->text.len; i++) {
		char b = c->text.ptr[i];
		if (field && b == '"') {
			size_t end = quoted_end(c, i);
			if (!end) {
				c->quotes = false;
				return newline_or_end(c->text, at);
			}
			i = end - 1;
			field = false;
		} else if (b == '\n') {
			return i;
		} else {
			field = b == c->delimiter;
		}
	}
	return c->text.len;
}

int br_read_csv(struct br_extracted *out, const char *name, struct br_err *err)
{
	struct csv c = { .text = br_buf_slice(&out->text), .quotes = true };
	size_t at = 0, begin = 0, head = 0, rows = 0;
	struct br_block *b;

	(void)name, (void)err;
	c.delimiter = out->format == BR_FMT_TSV ? '\t' : sniff_delimiter(c.text);
	while (at < c.text.len) {
		size_t end = row_end(&c, at);
		if (!head && br_text__blank(c.text.ptr[at]) && end == at) {
			at = end + 1;
			continue;
		}
		head = head ? head : end;
		at = BR_MIN(end + 1, c.text.len);
		if (++rows < ROWS_PER_BLOCK && at - begin < BLOCK_BYTES && at < c.text.len)
			continue;
		b = br_text__block(out, BR_BLOCK_TABLE, 0, begin, at);
		if (b && out->blocks.n == 1)
			b->head_len = (uint32_t)(BR_MIN(BR_MAX(head, b->off), (size_t)b->off + b->len) - b->off);
		begin = at;
		rows = 0;
	}
	br_text__finish(out);
	return 0;
}
