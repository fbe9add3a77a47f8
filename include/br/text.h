/*
 * text - from bytes of any format to normalised text plus its structure.
 * Use:     br_extractor_new per worker thread; br_extract for each source; br_extract_release the result.
 * Owns:    an extractor owns one br-extract child (started when first needed, restarted when it dies).
 * Threads: one extractor per thread; results are plain values.
 * Fails:   INPUT (cannot be understood; the message says why and where), UNSUPPORTED (binary, unknown, or nothing to index), TOOBIG, TIMEOUT.
 *
 * Text-like formats (plain, Markdown, reST, AsciiDoc, code, CSV ...) keep their source text: after decoding to UTF-8
 * and LF line ends, `text` is the file, and line numbers are those of the file. Formats that are rendered (HTML, later
 * office files and PDF) give plain text; their blocks carry the source line or page where there is one.
 */
#ifndef BR_TEXT_H
#define BR_TEXT_H

#include "br/base.h"

#define BR_FORMAT_LIST(X) /* name  mime type                     in process */     \
	X(PLAIN,    "plain",    "text/plain",            true)                     \
	X(MARKDOWN, "markdown", "text/markdown",         true)                     \
	X(RST,      "rst",      "text/x-rst",            true)                     \
	X(ASCIIDOC, "asciidoc", "text/asciidoc",         true)                     \
	X(CODE,     "code",     "text/x-source",         true)                     \
	X(CSV,      "csv",      "text/csv",              true)                     \
	X(TSV,      "tsv",      "text/tab-separated-values", true)                 \
	X(JSON,     "json",     "application/json",      true)                     \
	X(NDJSON,   "ndjson",   "application/x-ndjson",  true)                     \
	X(HTML,     "html",     "text/html",             false)                    \
	X(PDF,      "pdf",      "application/pdf",       false)                    \
	X(DOCX,     "docx",     "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false)   \
	X(PPTX,     "pptx",     "application/vnd.openxmlformats-officedocument.presentationml.presentation", false) \
	X(XLSX,     "xlsx",     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false)         \
	X(ODT,      "odt",      "application/vnd.oasis.opendocument.text", false)  \
	X(ODS,      "ods",      "application/vnd.oasis.opendocument.spreadsheet", false)  \
	X(ODP,      "odp",      "application/vnd.oasis.opendocument.presentation", false) \
	X(EPUB,     "epub",     "application/epub+zip",  false)                    \
	X(MAIL,     "mail",     "message/rfc822",        false)                    \
	X(MBOX,     "mbox",     "application/mbox",      false)                    \
	X(XML,      "xml",      "application/xml",       false)                    \
	X(RTF,      "rtf",      "application/rtf",       false)                    \
	X(IPYNB,    "ipynb",    "application/x-ipynb+json", true)                 \
	X(SUBTITLES, "subtitles", "text/vtt",            false)                    \
	X(DOC,      "doc",      "application/msword",    false)                    \
	X(XLS,      "xls",      "application/vnd.ms-excel", false)                 \
	X(PPT,      "ppt",      "application/vnd.ms-powerpoint", false)            \
	X(IMAGE,    "image",    "image/*",               false)                    \
	X(ZIP,      "zip",      "application/zip",       false)                    \
	X(TAR,      "tar",      "application/x-tar",     false)

enum br_format {
	BR_FMT_UNKNOWN,
#define X(id, ...) BR_FMT_##id,
	BR_FORMAT_LIST(X)
#undef X
	BR_FMT_COUNT
};
const char *br_format_name(enum br_format f);
const char *br_format_mime(enum br_format f);
enum br_format br_format_by_name(const char *name); /* UNKNOWN if none */

enum br_block_kind {
	BR_BLOCK_PARA,
	BR_BLOCK_HEADING,  /* the range is the heading's own words, without markup where that is possible */
	BR_BLOCK_CODE,     /* kept whole when it fits */
	BR_BLOCK_TABLE,    /* likewise; `head_len` bytes at its start are the header row(s) */
	BR_BLOCK_LIST,     /* one list item, or a definition with its term */
	BR_BLOCK_QUOTE,
	BR_BLOCK_KIND_COUNT
};
struct br_block {
	uint32_t off, len;       /* bytes of text; blocks are in order, do not overlap, and are never empty */
	uint32_t line, line_end; /* first and last line, from 1: of the source where known, else of the text */
	uint32_t page;           /* from 1; 0: the format has no pages */
	uint32_t head_len;       /* TABLE: bytes of its header rows */
	uint8_t kind;            /* enum br_block_kind */
	uint8_t level;           /* HEADING: 1 (document title) .. 8; LIST: nesting */
};
/* Bytes that are kept and quoted but not indexed: link targets, comments, front matter, base64 data. Sorted, no overlap. */
struct br_range { uint32_t off, len; };

struct br_extracted {
	struct br_buf text;           /* valid UTF-8, LF, no NUL */
	char *title;                  /* from the document, or NULL */
	char lang[8];                 /* declared or guessed ISO 639-1 ("en"), "" unknown; code gives "" */
	char encoding[24];            /* what the bytes were decoded from, "UTF-8" */
	enum br_format format;
	BR_VEC(struct br_block) blocks;
	BR_VEC(struct br_range) skip;
};
void br_extracted_init(struct br_extracted *e);
void br_extracted_release(struct br_extracted *e);
void br_extracted_reset(struct br_extracted *e); /* for reuse, memory kept */

struct br_source {
	struct br_slice bytes;
	const char *name;        /* file name or upload name; its ending helps the sniffing */
	enum br_format format;   /* UNKNOWN: sniff */
	const char *lang;        /* NULL: guess */
	const char *ocr;         /* languages of pictures and scans as tesseract names them ("eng+deu"); NULL: they are not read */
};

struct br_extractor;
/* helper: path of br-extract, or NULL to find it beside the running binary, then in the library folder. */
struct br_extractor *br_extractor_new(const char *helper);
void br_extractor_free(struct br_extractor *x);
BR_MUST_USE int br_extract(struct br_extracted *out, struct br_extractor *x, const struct br_source *src, struct br_err *err);

/* Where a program of others that reads documents is (pdftotext, catdoc ...), NULL: nowhere; caller frees. */
char *br_tool_find(const char *name);

/* By content first, then by name. UNKNOWN means binary or nothing we read; *why (static) then says what it is ("PNG image"). */
enum br_format br_sniff(const char *name, struct br_slice bytes, const char **why);
/* Language of text by script and frequent words: "en", "de" ... or "" when unsure. Cost bounded (reads at most 16 KB). */
const char *br_guess_lang(struct br_slice text);
/* Bytes in any encoding to UTF-8 with LF line ends, NUL and BOM dropped; `encoding` gets its name. */
BR_MUST_USE int br_decode(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_err *err);

/* ---- the readers, one per in-process format: `out->text` is set, they fill title, blocks and skip ---- */

typedef int br_reader_fn(struct br_extracted *out, const char *name, struct br_err *err);
br_reader_fn br_read_plain, br_read_markdown, br_read_rst, br_read_asciidoc, br_read_code, br_read_csv, br_read_json, br_read_ipynb, br_read_subtitles;

/* ---- containers: formats that hold documents (ZIP and TAR archives, mailboxes, mails with attachments) ---- */

/* Whether there are members worth asking for. MAIL is a document as well, the others are nothing but their members. */
bool br_has_members(enum br_format format, struct br_slice bytes);
bool br_is_archive(enum br_format format); /* ZIP, TAR or MBOX */
struct br_member {
	const char *name;        /* "inner/name.md": UTF-8, relative, without "..", no name twice; a label, never a path to write to */
	struct br_slice bytes;
	const char *refused;     /* why there are no bytes ("is password-protected"), or NULL */
	enum br_code code;       /* of the refusal: UNSUPPORTED or TOOBIG nothing can be done about, INPUT it is damaged */
};
struct br_members;
/*
 * Members in the order of the container; archives are unpacked by a child, piece by piece. helper as in br_extractor_new; name is the
 * container's; bytes are borrowed until close. next: 1, 0 at the end, or what ends it: UNSUPPORTED and TOOBIG (encrypted, a bomb,
 * over a limit), INPUT (damaged; what came before is good). A member holds until the next call.
 */
BR_MUST_USE int br_members_open(struct br_members **out, const char *helper, const char *name, enum br_format format, struct br_slice bytes, struct br_err *err);
BR_MUST_USE int br_members_next(struct br_member *out, struct br_members *m, struct br_err *err);
void br_members_close(struct br_members *m);

/* ---- the protocol between br and br-extract (src/text/protocol.c; fuzzed) ---- */

/*
 * Request: header {u32 magic, u32 format, u64 bytes} then the bytes. Reply: {u32 magic, u32 code, u64 bytes}, then the record below
 * or a message. In front of the reply of a ZIP or TAR, which has no record, comes {u32 magic, u32 code, u64 bytes} for each member
 * with lstr name, then its bytes or a message.
 */
#define BR_PROTO_REQUEST 0x51585242u /* "BRXQ"; all numbers little-endian */
#define BR_PROTO_REPLY   0x52585242u /* "BRXR" */
#define BR_PROTO_MEMBER  0x4d585242u /* "BRXM" */
#define BR_PROTO_HEADER  16
#define BR_PROTO_MAX     ((size_t)BR_MAX_TEXT + (64u << 20)) /* bytes of a record: text and structure of one document */
/* Exit status of br-extract when it ends of itself. */
enum br_extract_exit {
	BR_EXTRACT_EXIT_WEAK = 3,      /* --probe: a layer of the sandbox is missing */
	BR_EXTRACT_EXIT_CPU = 120,     /* a document took too much processor time */
	BR_EXTRACT_EXIT_SANDBOX = 121, /* the sandbox could not be set up: nothing was read */
	BR_EXTRACT_EXIT_PROTOCOL = 122,
	BR_EXTRACT_EXIT_NO_TOOL = 123, /* br-confine: the program does not start */
};
int br_proto_encode(struct br_buf *out, const struct br_extracted *e);
BR_MUST_USE int br_proto_decode(struct br_extracted *out, struct br_slice record, struct br_err *err);

#endif
