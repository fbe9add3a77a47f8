/*
 * Source code of any language: blocks begin at definitions, told by blank lines and indentation. Comments directly
 * above belong to what they explain. Large blocks (classes, namespaces) are cut once more at their members.
 */
#include "internal.h"

enum { LARGE = 2500 };

static bool word_at(const struct br_text__line *l, const char *word)
{
	size_t n = strlen(word);

	return br_text__starts(l, word) && (br_text__line_len(l) == n || !br_text__wordy(l->p[l->first + n]));
}

/* Lines that end or go on with what is above: closing brackets, "else", labels. */
static bool continues(const struct br_text__line *l)
{
	static const char *const words[] = { "end", "else", "elif", "except", "finally", "catch", "fi", "done", "esac", "then" };

	if (strchr("})]", l->p[l->first]))
		return true;
	for (size_t i = 0; i < BR_COUNT(words); i++)
		if (word_at(l, words[i]))
			return true;
	return l->p[l->end - 1] == ':' && !memchr(l->p + l->first, ' ', l->end - l->first) && !memchr(l->p + l->first, '(', l->end - l->first);
}

/* Least indentation, beyond `base`, of a line after a blank one: that of the members. */
static uint32_t member_indent(struct br_slice text, size_t off, size_t end, uint32_t base)
{
	uint32_t least = UINT32_MAX;
	bool after_blank = false;
	struct br_text__line l;

	for (size_t at = off; at < end && br_text__line(&l, text, at); at = l.next) {
		bool blank = br_text__line_blank(&l);
		if (!blank && after_blank && l.indent > base && !continues(&l))
			least = BR_MIN(least, l.indent);
		after_blank = blank;
	}
	return least;
}

/* Blocks of [off, end), cut where a line after a blank one is indented by at most `indent`. */
static void cut(struct br_extracted *e, size_t off, size_t end, uint32_t indent, bool again)
{
	struct br_slice text = br_buf_slice(&e->text);
	struct br_text__line l;
	size_t begin = off;
	bool after_blank = false;

	for (size_t at = off; at <= end; at = l.next) {
		bool more = at < end && br_text__line(&l, text, at), blank = more && br_text__line_blank(&l);
		if (!more || (!blank && after_blank && l.indent <= indent && !continues(&l))) {
			uint32_t inner = again && at - begin > LARGE ? member_indent(text, begin, at, indent) : UINT32_MAX;
			if (inner != UINT32_MAX)
				cut(e, begin, at, inner, false);
			else
				br_text__block(e, BR_BLOCK_CODE, 0, begin, at);
			begin = at;
		}
		if (!more)
			return;
		after_blank = blank;
	}
}

int br_read_code(struct br_extracted *out, const char *name, struct br_err *err)
{
	(void)name, (void)err;
	cut(out, 0, out->text.len, 0, true);
	br_text__finish(out);
	return 0;
}
