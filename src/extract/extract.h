/*
 * extract - what runs inside br-extract: the sandbox, the parsers of foreign formats, and what they share.
 * Not part of libbr: only cmd/br-extract.c and these files include it.
 */
#ifndef BR_EXTRACT_H
#define BR_EXTRACT_H

#include "br/text.h"

/* ---- sandbox.c ---- */

struct br_extract__layers {
	int landlock;      /* ABI version in force; 0: the kernel has none */
	bool seccomp;
	bool limits;
	const char *off;   /* why there is no sandbox at all, or NULL */
};
/*
 * Gives up everything that reading bytes from fd 0 and writing bytes to fd 1 does not need, for good: no files, no
 * network, no processes, no executable memory. A kernel without Landlock is accepted (seccomp refuses to open files
 * too), one without seccomp is not.
 */
BR_MUST_USE int br_extract__sandbox(struct br_extract__layers *on, struct br_err *err);
/* Gives the next document its processor time; when that is over the process ends with BR_EXTRACT_EXIT_CPU. */
void br_extract__cpu_limit(unsigned seconds);

/* ---- render.c: from events of a rendered format to text and blocks ---- */

/* Where in the page a block stands. */
enum br_extract__region {
	BR_REGION_CHROME = 1, /* navigation, page header and footer, side bars */
	BR_REGION_MAIN = 2,
	BR_REGION_ARTICLE = 4,
	BR_REGION_FORM = 8,
};

struct br_extract__render {
	struct br_extracted *out;
	BR_VEC(uint8_t) regions;   /* one for each block of out */
	uint8_t region;            /* of what comes now */

	/* what the next block will be; the caller sets these between blocks */
	enum br_block_kind kind;
	uint8_t level;
	bool pre;                  /* white space and line ends are kept */
	const char *marker;        /* goes before the next words of a list item ("- "), then NULL */

	/* the block being written */
	bool open, space;          /* space: white space came, and is written if something follows */
	bool glued;                /* the next break is ignored: a paragraph that begins an item or a definition */
	size_t before, start;      /* text length before the separator, and where the block begins */
	unsigned breaks;           /* line breaks since the last word */
	uint32_t line, line_end;

	char lead[32];             /* preformatted: white space in front of the first word */
	uint8_t lead_len;

	/* the data table being read, as raw cells: see table.c */
	struct br_buf cells;
	bool in_table;
	unsigned paras;            /* paragraphs begun in this cell */
	uint32_t table_line, table_line_end;
	int rc;                    /* first failure; everything after it is ignored */
	struct br_err *err;
};
void br_extract__render_init(struct br_extract__render *r, struct br_extracted *out, struct br_err *err);
void br_extract__render_release(struct br_extract__render *r);
/* Words that end on source line `line`. */
void br_extract__words(struct br_extract__render *r, const char *p, size_t n, uint32_t line);
/* <br>: a line end; two in a row end the paragraph. */
void br_extract__line_break(struct br_extract__render *r);
/* Ends the block being written, if any. Inside a table it separates words. */
void br_extract__end_block(struct br_extract__render *r);
/* Ends the block although it is glued. */
void br_extract__cut_block(struct br_extract__render *r);
/* Ends the current line inside the block; what follows belongs to the same block, up to the break after next. */
void br_extract__glue(struct br_extract__render *r);

/* ---- table.c ---- */

void br_extract__table_begin(struct br_extract__render *r);
void br_extract__table_row(struct br_extract__render *r, bool head);
void br_extract__table_cell(struct br_extract__render *r, bool head);
void br_extract__table_para(struct br_extract__render *r);
/* The caption so far in the table becomes a paragraph of its own. */
void br_extract__table_caption_end(struct br_extract__render *r);
void br_extract__table_end(struct br_extract__render *r);
/* It was no data but the layout of a page: what was read becomes paragraphs, what follows is ordinary text. */
void br_extract__table_is_layout(struct br_extract__render *r);

/* Adds a finished block with the text p[0..n), which has no white space around it; nothing when it is empty. */
void br_extract__add_block(struct br_extract__render *r, const struct br_block *like, const char *p, size_t n);
/* Drops blocks by their region: those with a bit of `without`, and those with no bit of `with` (0: no condition). */
void br_extract__keep(struct br_extract__render *r, uint8_t with, uint8_t without);
/* Bytes of text in such blocks. */
size_t br_extract__text_in(const struct br_extract__render *r, uint8_t with, uint8_t without);

/* ---- one function for each format: bytes are UTF-8 ---- */

BR_MUST_USE int br_extract__html(struct br_extracted *out, struct br_slice bytes, struct br_err *err);

#endif
