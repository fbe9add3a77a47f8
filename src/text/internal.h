/* text, inside: lines, blocks, skip ranges and titles, as the readers share them. */
#ifndef BR_TEXT_INTERNAL_H
#define BR_TEXT_INTERNAL_H

#include "br/text.h"

/* ---- bytes ---- */

static inline bool br_text__blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline bool br_text__digit(char c) { return c >= '0' && c <= '9'; }
static inline bool br_text__alpha(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
/* Part of something one may search for: letter, digit, or any byte beyond ASCII. */
static inline bool br_text__wordy(char c) { return br_text__alpha(c) || br_text__digit(c) || (c & 0x80); }
static inline bool br_text__punct(char c) { return c > ' ' && c < 0x7f && !br_text__wordy(c); }

/* ---- lines ---- */

/* One line of the text. A blank line has first == end. */
struct br_text__line {
	const char *p;      /* the text; the offsets below count from here */
	uint32_t off;       /* where the line begins */
	uint32_t first;     /* its first byte that is not white space */
	uint32_t end;       /* after its last byte that is not white space */
	uint32_t next;      /* where the next line begins, or the end of the text */
	uint32_t indent;    /* columns of white space before `first`, tab stops every 8 */
};
/* The line at `off` of the text; false at its end. */
bool br_text__line(struct br_text__line *l, struct br_slice text, size_t off);
static inline bool br_text__line_blank(const struct br_text__line *l) { return l->first == l->end; }
static inline uint32_t br_text__line_len(const struct br_text__line *l) { return l->end - l->first; }
/* The line, without white space around it, is at least `min` times the same byte c (any punctuation if *c is 0, which then becomes it). */
bool br_text__line_rule(const struct br_text__line *l, uint32_t min, char *c);
/* Inline, so that the length of a constant is one. */
static inline bool br_text__starts(const struct br_text__line *l, const char *prefix)
{
	size_t n = strlen(prefix);

	return br_text__line_len(l) >= n && !memcmp(l->p + l->first, prefix, n);
}
static inline bool br_text__is(const struct br_text__line *l, const char *whole)
{
	return br_text__line_len(l) == strlen(whole) && br_text__starts(l, whole);
}
/* Width in characters, for underlines. */
uint32_t br_text__columns(const char *p, size_t n);
size_t br_text__count_newlines(const char *p, size_t n);

/* ---- building what a reader returns ---- */

/*
 * Appends a block for [off, end), without the white space around it and what earlier blocks cover already.
 * NULL when nothing is left. The pointer holds until the next call.
 */
struct br_block *br_text__block(struct br_extracted *e, enum br_block_kind kind, int level, size_t off, size_t end);
/*
 * Running text of one list item, definition or quote (`id`, not 0): paragraphs that follow one another are one block
 * while that is short. With id 0 each is its own.
 */
struct br_text__flow {
	uint32_t id;
	size_t blocks;      /* how many there were after the last one of this flow */
};
struct br_text__span { enum br_block_kind kind; int level; size_t off, end; };
void br_text__flow_add(struct br_text__flow *f, struct br_extracted *e, uint32_t id, struct br_text__span s);
/* A range that is not indexed; may come in any order and overlap others. */
void br_text__skip(struct br_extracted *e, size_t off, size_t end);
/* The title becomes p[0..n): one line, bounded. Empty: nothing happens. */
void br_text__title(struct br_extracted *e, const char *p, size_t n);
/* The words of [off, end) as a title: skip ranges and quoting marks left out. */
void br_text__title_range(struct br_extracted *e, size_t off, size_t end);
/* Manual pages: with a section NAME that says "x - what it does", that is appended to the title. */
void br_text__title_man(struct br_extracted *e);
/*
 * Last step of each reader: sorts and merges skip, gives what no block covers a place (words become a paragraph,
 * other bytes a skip range), and fills in the line numbers.
 */
void br_text__finish(struct br_extracted *e);

/* ---- text that is rendered (put.c) ---- */

/* Writes words as a block of their own behind what is there, a blank line between; NULL when there are none. */
struct br_block *br_text__put(struct br_extracted *e, enum br_block_kind kind, int level, struct br_slice words);
/* Writes a document that another reader finished; its title counts if there is none yet. */
void br_text__append(struct br_extracted *out, const struct br_extracted *part);

/* The format a file name tells, or UNKNOWN. */
enum br_format br_text__by_name(const char *name);
/*
 * What a ZIP or OLE2 file is: by its parts, and by the format its name tells where they do not say. UNKNOWN: neither container, or one
 * that is not read; then *why (static) says what it is, else it is NULL. `bytes` may be the file's beginning only.
 */
enum br_format br_text__container(struct br_slice bytes, enum br_format named, const char **why);
/* "UTF-16LE" or "UTF-16BE" when the NUL bytes stand as in text of that encoding, else NULL. */
const char *br_text__utf16_by_nul(struct br_slice bytes);

/* ---- inline markup ---- */

/* Scheme of a bare address in [off, end) ("https://") and base64 in data addresses become skip ranges; *p is at the colon.
 * Gives the offset at which to go on. */
size_t br_text__skip_address(struct br_extracted *e, size_t off, size_t colon, size_t end);
struct br_text__tag {
	char name[12];      /* in lower case */
	bool block;         /* as "p", not as "em" */
	bool closing;
	size_t end;         /* offset after its ">", 0 if that is missing */
};
/* "<name ...>" of HTML at p[at] == '<'? Names that HTML does not know are no tags. */
bool br_text__html_tag(struct br_text__tag *tag, const char *p, size_t at, size_t end);

void br_text__rst_inline(struct br_extracted *e, size_t off, size_t end);
void br_text__adoc_inline(struct br_extracted *e, size_t off, size_t end);

/* ---- Markdown's parts (markdown.c, markdown_inline.c, frontmatter.c) ---- */

/* Link targets, tags, entities and comments within [off, end) become skip ranges. */
void br_text__markdown_inline(struct br_extracted *e, size_t off, size_t end);

/* What the head of a Markdown file may say about it; slices of the text, empty if absent. */
struct br_text__front {
	size_t end;                              /* where the body begins */
	struct br_slice title, section, help;
};
/* YAML between "---" or TOML between "+++": a paragraph, less what only machines read. */
void br_text__front_matter(struct br_text__front *f, struct br_extracted *e);
/* "Title" of the JSON in a comment p[0..n), as Go's website has it. */
void br_text__title_json(struct br_extracted *e, const char *p, size_t n);

#endif
