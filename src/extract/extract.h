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

/*
 * For br-confine: the same for a program that is run next and that needs libraries, fonts and tables of its own. It may read below
 * /usr, /lib, /etc/fonts and a few more, write nothing, start threads but no processes, and has no network. Descriptors that are
 * open stay.
 */
BR_MUST_USE int br_extract__confine(const char *program, struct br_err *err);

/* ---- render.c: from events of a rendered format to text and blocks ---- */

/* Where in the page a block stands. */
enum br_extract__region {
	BR_REGION_CHROME = 1, /* navigation, page header and footer, side bars */
	BR_REGION_MAIN = 2,
	BR_REGION_ARTICLE = 4,
	BR_REGION_FORM = 8,
};

/* More paragraphs than this in one cell of HTML are the text of a page, not data. */
enum { BR_EXTRACT__DATA_PARAS = 3 };

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
	unsigned data_paras;       /* more of them make the table layout */
	uint32_t page;             /* of what comes now: page, slide or sheet; 0: none */
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

/* ---- zip.c: ZIP containers, read from memory within the limits of br/limits.h whatever their headers claim ---- */

struct br_extract__zip {
	struct zip *z;
	uint64_t bytes;     /* of the container */
	uint64_t left;      /* bytes that may still be unpacked */
};
/* INPUT: damaged; TOOBIG: too many parts; INPUT: two parts of one name. */
BR_MUST_USE int br_extract__zip_open(struct br_extract__zip *z, struct br_slice bytes, struct br_err *err);
void br_extract__zip_close(struct br_extract__zip *z);
size_t br_extract__zip_count(const struct br_extract__zip *z);
/* Name of a part as it stands in the archive, or "" when it has none that makes sense; never a path to write to. */
const char *br_extract__zip_name(const struct br_extract__zip *z, size_t part);
/* Number of the part of that name, also when only its capitals differ; -1: none. */
int64_t br_extract__zip_find(const struct br_extract__zip *z, const char *name);
/*
 * Unpacks a part piece by piece; sink returning negative stops. TOOBIG: over a limit; UNSUPPORTED: encrypted, or packed in a way
 * that is not known; INPUT: damaged, but what came before was handed over.
 */
typedef int br_extract__sink(void *arg, const char *p, size_t n);
BR_MUST_USE int br_extract__zip_unpack(struct br_extract__zip *z, size_t part, br_extract__sink *sink, void *arg, struct br_err *err);
/* A whole part into out (appended). NOTFOUND when there is none of that name. */
BR_MUST_USE int br_extract__zip_read(struct br_buf *out, struct br_extract__zip *z, const char *name, struct br_err *err);

/* ---- xml.c: XML by events; no entities of its own, no external ones, no network ---- */

enum { BR_EXTRACT__VALUE = 1024 }; /* bytes kept of an attribute's value */
struct br_extract__xml;
struct br_extract__xml_events {
	/* Names are local ones, without prefix. Attributes by br_extract__xml_attr, during the call. */
	void (*start)(struct br_extract__xml *x, const char *name);
	void (*end)(struct br_extract__xml *x, const char *name);
	void (*text)(struct br_extract__xml *x, const char *p, size_t n); /* UTF-8; may come in several pieces */
};
struct br_extract__xml {
	const struct br_extract__xml_events *on;
	void *ctx;          /* the caller's */
	int depth;          /* of the element that begins or ends, from 1 */
	int skip;           /* depth of an element whose inside gives no events, 0: none; `start` may set it to depth */
	int rc;             /* `start` and the others may set it: reading stops with it */
	const char *name;   /* of the part, for messages */
	struct br_err *err;
	const char *space;  /* namespace of the element in `start` and `end`, "" if none */
	const unsigned char **atts;
	int n_atts;
	void *parser;
	char value[BR_EXTRACT__VALUE];
};
/* A part of a container; NOTFOUND when it is not there. `x` has on, ctx and err set. */
BR_MUST_USE int br_extract__xml_part(struct br_extract__xml *x, struct br_extract__zip *z, const char *name);
BR_MUST_USE int br_extract__xml_bytes(struct br_extract__xml *x, struct br_slice bytes, const char *name);
/* Value of the attribute with that local name, "" if none: valid until the next call. */
const char *br_extract__xml_attr(struct br_extract__xml *x, const char *name);
/* As that, of a namespace whose name contains `space`. */
const char *br_extract__xml_attr_in(struct br_extract__xml *x, const char *space, const char *name);
bool br_extract__xml_has(struct br_extract__xml *x, const char *name);

/* ---- office.c: what the readers of office formats share ---- */

/* Parts that one part refers to. */
struct br_extract__rels {
	BR_VEC(struct br_extract__rel { char *id, *type, *target; bool external; }) v; /* type: behind the last slash; target: name of a part */
};
/* Relations of `part` ("": of the container). A part without any is no error. */
BR_MUST_USE int br_extract__rels_read(struct br_extract__rels *r, struct br_extract__zip *z, const char *part, struct br_err *err);
void br_extract__rels_release(struct br_extract__rels *r);
const char *br_extract__rel_target(const struct br_extract__rels *r, const char *id);     /* "" if none */
const char *br_extract__rel_of_type(const struct br_extract__rels *r, const char *type);  /* the first one, "" if none */
/* `target` as seen from the part `from`: "../media/x" of "word/document.xml" is "media/x"; caller frees. */
char *br_extract__resolve(const char *from, const char *target);

/* The title in a part with metadata (docProps/core.xml, meta.xml), NULL if none or none that makes sense; caller frees. */
BR_MUST_USE int br_extract__meta_title(char **out, struct br_extract__zip *z, const char *part, struct br_err *err);
/* The document's title: the first of the candidates (may be NULL) that says something, else, if `heading`, its first heading. */
void br_extract__title(struct br_extracted *e, const char *const *candidates, size_t n, bool heading);
/* Lines of `text` become paragraphs. */
void br_extract__paragraphs(struct br_extract__render *r, struct br_slice text);
/* One heading. */
void br_extract__heading(struct br_extract__render *r, int level, const char *text);
/* Ends the document: lines are numbered in its text. UNSUPPORTED when there is none. */
BR_MUST_USE int br_extract__finish(struct br_extract__render *r);
/* A number as one writes it: without exponent, rounded to the 15 digits that office programs keep. */
void br_extract__number(char out[64], const char *value, bool percent);
/* "1", "a", "iv": number n in OOXML's or ODF's format. */
void br_extract__ordinal(char out[32], const char *format, unsigned n);

/* Rows of a sheet, as TABLE blocks of a few rows each that repeat the header; see sheet.c. */
struct br_extract__sheet {
	struct br_extract__render *r;
	const char *name;  /* becomes a heading once there is a row */
	struct br_buf row, head, group;
	unsigned filled;   /* cells with words in this row */
	unsigned column;   /* of the last one, from 1 */
	unsigned groups, widest;
	bool numbers;      /* this row has cells that are no words */
};
void br_extract__sheet_begin(struct br_extract__sheet *s, struct br_extract__render *r, const char *name);
/* A cell at `column`, from 1, rising within the row. Empty ones may be left out. */
void br_extract__sheet_cell(struct br_extract__sheet *s, unsigned column, struct br_slice text, bool number);
void br_extract__sheet_row_end(struct br_extract__sheet *s);
void br_extract__sheet_end(struct br_extract__sheet *s);

/* ---- one function for each format: bytes of HTML are UTF-8, all others as in the file ---- */

BR_MUST_USE int br_extract__html(struct br_extracted *out, struct br_slice bytes, struct br_err *err);
/* DOCX, PPTX, XLSX: which of them its parts tell, goes to out->format. */
BR_MUST_USE int br_extract__ooxml(struct br_extracted *out, enum br_format format, struct br_slice bytes, struct br_err *err);
BR_MUST_USE int br_extract__docx(struct br_extracted *out, struct br_extract__zip *z, const char *main, struct br_err *err);
BR_MUST_USE int br_extract__pptx(struct br_extracted *out, struct br_extract__zip *z, const char *main, struct br_err *err);
BR_MUST_USE int br_extract__xlsx(struct br_extracted *out, struct br_extract__zip *z, const char *main, struct br_err *err);
BR_MUST_USE int br_extract__odf(struct br_extracted *out, enum br_format format, struct br_slice bytes, struct br_err *err);
BR_MUST_USE int br_extract__epub(struct br_extracted *out, struct br_slice bytes, struct br_err *err);

/* XML that is none of the formats above; bytes are UTF-8. */
BR_MUST_USE int br_extract__markup(struct br_extracted *out, struct br_slice bytes, struct br_err *err);

/* ---- archive.c, tar.c: containers of documents ---- */

struct br_extract__emit {
	/* Gets each member: its bytes, or with a code why there are none. Negative stops. */
	int (*member)(enum br_code code, struct br_slice name, struct br_slice body, void *arg);
	void *arg;
};
BR_MUST_USE int br_extract__unzip(struct br_slice bytes, const struct br_extract__emit *to, struct br_err *err);
BR_MUST_USE int br_extract__untar(struct br_slice bytes, const struct br_extract__emit *to, struct br_err *err);

#endif
