/*
 * JSON, valid or not: cut at members and elements by counting brackets outside strings. Deeper levels are cut only
 * when a piece grows large. NDJSON: a line is a block.
 */
#include "internal.h"

/* A piece is cut at the commas of depth d once it has (d - 1) times this many bytes. */
enum { PIECE = 600 };

static void read_lines(struct br_extracted *e)
{
	struct br_slice text = br_buf_slice(&e->text);
	struct br_text__line l;

	for (size_t at = 0; br_text__line(&l, text, at); at = l.next)
		br_text__block(e, BR_BLOCK_CODE, 0, l.first, l.end);
}

/* After the string that opens at `at`. One that is not closed on its line ends there, so that damage stays local. */
static size_t string_end(const char *p, size_t at, size_t end)
{
	for (size_t i = at + 1; i < end; i++) {
		if (p[i] == '\\')
			i++;
		else if (p[i] == '"' || p[i] == '\n')
			return i + 1;
	}
	return end;
}

static void read_members(struct br_extracted *e)
{
	static const bool special[256] = { ['"'] = true, ['{'] = true, ['['] = true, ['}'] = true, [']'] = true, [','] = true };
	const char *p = e->text.ptr;
	size_t n = e->text.len, begin = 0, depth = 0, i = 0;

	while (i < n) {
		if (!special[(unsigned char)p[i]]) {
			i++;
			continue;
		}
		if (p[i] == '"') {
			i = string_end(p, i, n);
			continue;
		}
		if (p[i] == '{' || p[i] == '[')
			depth++;
		else if (p[i] != ',')
			depth -= depth > 0;
		else if (depth <= 1 || i - begin >= (depth - 1) * PIECE) {
			br_text__block(e, BR_BLOCK_CODE, 0, begin, i + 1);
			begin = i + 1;
		}
		i++;
	}
	br_text__block(e, BR_BLOCK_CODE, 0, begin, n);
}

int br_read_json(struct br_extracted *out, const char *name, struct br_err *err)
{
	(void)name, (void)err;
	if (out->format == BR_FMT_NDJSON)
		read_lines(out);
	else
		read_members(out);
	br_text__finish(out);
	return 0;
}
