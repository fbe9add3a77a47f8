/*
 * Contexts without a language model: title and headings of the passage, and what the document says elsewhere about terms that the
 * passage uses and does not explain. A pure function of the document.
 */
#include "internal.h"

enum { DEFINITIONS = 2, TITLE_BYTES = 200, HEADING_BYTES = 300, HEADINGS_BYTES = 1500, SENTENCE_BYTES = 300 };

void add_line(struct br_buf *out, struct br_slice text, size_t most)
{
	size_t n = BR_MIN(text.len, most), from = out->len;
	bool gap = false;

	while (n && n < text.len && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c <= 0x20 || c == 0x7f) {
			gap = out->len > from;
			continue;
		}
		if (gap)
			br_buf_addc(out, ' ');
		gap = false;
		br_buf_addc(out, (char)c);
	}
}

/* ": Install > Linux" of a path that is separated by byte 1F, without a first part with which the title begins. */
static void add_headings(struct br_buf *out, struct br_slice heading, struct br_slice title)
{
	const char *join = ": ";

	for (size_t at = 0; at < heading.len && out->len < HEADINGS_BYTES;) {
		const char *sep = memchr(heading.ptr + at, '\x1f', heading.len - at);
		size_t n = sep ? (size_t)(sep - heading.ptr) - at : heading.len - at;
		if (!at && n <= title.len && !memcmp(title.ptr, heading.ptr, n)) {
			at += n + 1;
			continue;
		}
		br_buf_adds(out, join);
		join = " > ";
		add_line(out, br_slice(heading.ptr + at, n), HEADING_BYTES);
		at += n + 1;
	}
}

static void end_sentence(struct br_buf *out)
{
	if (out->len && !strchr(".!?:", out->ptr[out->len - 1]))
		br_buf_addc(out, '.');
}

void plain_context(struct br_buf *out, const struct document *d, uint32_t ordinal)
{
	const struct passage *p = &d->passage[ordinal];
	const struct definition *def[DEFINITIONS];
	struct br_slice title = br_slice_str(d->doc->title), name = br_doc_name(d->doc);
	size_t n;

	add_line(out, title.len ? title : name.len ? name : br_slice_str(d->doc->path), TITLE_BYTES);
	add_headings(out, p->heading, title);
	n = missing_definitions(def, DEFINITIONS, &d->defs, br_buf_slice(&d->text), p->off, p->len);
	for (size_t i = 0; i < n; i++) {
		end_sentence(out);
		br_buf_addc(out, ' ');
		add_line(out, br_slice(d->text.ptr + def[i]->off, def[i]->len), SENTENCE_BYTES);
	}
	end_sentence(out);
}
