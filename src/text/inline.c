/*
 * Markup within running text that several formats share: addresses and HTML tags. Whatever is found becomes a skip range;
 * the words around it stay.
 */
#include "internal.h"

#include <stdlib.h>
#include <strings.h>

enum { TAG_MAX = 8192, DATA_HEAD_MAX = 128 };

static bool ends_with_word(const char *p, size_t off, size_t at, const char *word)
{
	size_t n = strlen(word);

	return at - off >= n && !strncasecmp(p + at - n, word, n) && (at - n == off || !br_text__wordy(p[at - n - 1]));
}

static bool base64(char c) { return br_text__alpha(c) || br_text__digit(c) || c == '+' || c == '/' || c == '='; }

/* "data:image/png;base64,iVBOR...": the offset after it, 0 if it is none. */
static size_t data_address(const char *p, size_t colon, size_t end)
{
	size_t i = colon + 1, stop = BR_MIN(end, colon + DATA_HEAD_MAX);

	while (i < stop && p[i] != ',' && p[i] > ' ')
		i++;
	if (i >= stop || p[i] != ',' || i < colon + 7 || memcmp(p + i - 7, ";base64", 7))
		return 0;
	for (i++; i < end && base64(p[i]); i++)
		;
	return i;
}

size_t br_text__skip_address(struct br_extracted *e, size_t off, size_t colon, size_t end)
{
	static const char *const schemes[] = { "https", "http", "ftp" };
	const char *p = e->text.ptr;
	size_t data;

	if (end - colon > 3 && p[colon + 1] == '/' && p[colon + 2] == '/') {
		for (size_t i = 0; i < BR_COUNT(schemes); i++) {
			if (ends_with_word(p, off, colon, schemes[i])) {
				br_text__skip(e, colon - strlen(schemes[i]), colon + 3);
				break;
			}
		}
		return colon + 3;
	}
	if (ends_with_word(p, off, colon, "data") && (data = data_address(p, colon, end))) {
		br_text__skip(e, colon - 4, data);
		return data;
	}
	return colon + 1;
}

/* ---- tags ---- */

/* Sorted, in lower case. Placeholders as in "<file>" or "Vec<T>" are words of the text and not listed. */
static const char block_tags[][12] = {
	"address", "article", "aside", "base", "blockquote", "body", "caption", "center", "col", "colgroup", "dd", "details", "div",
	"dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr",
	"html", "iframe", "legend", "li", "link", "main", "meta", "nav", "noscript", "ol", "optgroup", "option", "p", "param", "pre",
	"script", "section", "source", "style", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "title", "tr",
	"ul",
};
static const char inline_tags[][12] = {
	"a", "abbr", "audio", "b", "bdi", "bdo", "big", "br", "button", "canvas", "cite", "code", "del", "dfn", "em", "embed", "font",
	"i", "img", "input", "ins", "kbd", "label", "mark", "object", "picture", "q", "rp", "rt", "ruby", "s", "samp", "select",
	"small", "span", "strike", "strong", "sub", "sup", "svg", "time", "tt", "u", "var", "video", "wbr",
};

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static bool tag_name(struct br_text__tag *tag, const char *p, size_t end)
{
	size_t n = 0;

	memset(tag->name, 0, sizeof tag->name);
	for (; n < end && n < sizeof tag->name - 1 && (br_text__alpha(p[n]) || br_text__digit(p[n])); n++)
		tag->name[n] = br_text__digit(p[n]) ? p[n] : (char)(p[n] | 32);
	tag->block = bsearch(tag->name, block_tags, BR_COUNT(block_tags), sizeof block_tags[0], by_name) != NULL;
	return tag->block || bsearch(tag->name, inline_tags, BR_COUNT(inline_tags), sizeof inline_tags[0], by_name);
}

/* From after the name to after ">". Another "<" outside quotes means that this was none. */
static size_t tag_end(const char *p, size_t at, size_t end)
{
	char quote = 0;

	for (size_t i = at; i < end; i++) {
		if (quote)
			quote = p[i] == quote ? 0 : quote;
		else if (p[i] == '"' || p[i] == '\'')
			quote = p[i];
		else if (p[i] == '>')
			return i + 1;
		else if (p[i] == '<')
			return 0;
	}
	return 0;
}

bool br_text__html_tag(struct br_text__tag *tag, const char *p, size_t at, size_t end)
{
	size_t i = at + 1;

	end = BR_MIN(end, at + TAG_MAX);
	tag->closing = i < end && p[i] == '/';
	i += tag->closing;
	if (i >= end || !br_text__alpha(p[i]) || !tag_name(tag, p + i, end - i))
		return false;
	i += strlen(tag->name);
	if (i < end && p[i] != '>' && p[i] != '/' && !br_text__blank(p[i]))
		return false;
	tag->end = tag_end(p, i, end);
	return true;
}
