/*
 * What fuzz targets share. A target is one file: FUZZ(name) { ... HOLDS(property) ... } over the bytes `in`. Linked with libFuzzer
 * it is a program of its own; compiled plainly it becomes a row of replay.c. See README.md.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "br/br.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef FUZZ_LIBFUZZER
#define FUZZ_ENTRY(name) LLVMFuzzerTestOneInput
#else
#define FUZZ_ENTRY(name) fuzz_##name
#endif
#define FUZZ(name)                                                                       \
	static void fuzz_body(struct br_slice in);                                       \
	int FUZZ_ENTRY(name)(const uint8_t *p, size_t n);                                \
	int FUZZ_ENTRY(name)(const uint8_t *p, size_t n)                                 \
	{                                                                                \
		fuzz_body(br_slice(p, n));                                               \
		return 0;                                                                \
	}                                                                                \
	static void fuzz_body(struct br_slice in)

#define HOLDS(x) ((x) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #x))
_Noreturn static inline void fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* ---- cutting up the input: numbers by br_rd_*, then ---- */

static inline struct br_slice fuzz_rest(const struct br_rd *r) { return br_slice(r->p, (size_t)(r->end - r->p)); }

/* Up to the next line feed, which is taken too; NUL-terminated, caller frees. */
static inline char *fuzz_line(struct br_rd *r)
{
	size_t left = (size_t)(r->end - r->p);
	const unsigned char *nl = left ? memchr(r->p, '\n', left) : NULL;
	size_t n = nl ? (size_t)(nl - r->p) : left;
	char *line = br_strndup(n ? (const char *)r->p : "", n);

	r->p += n + (nl != NULL);
	return line;
}

/* What readers of text may rely on: valid UTF-8 without NUL and CR. Everything else is left out. */
static inline void fuzz_text(struct br_buf *out, struct br_slice in)
{
	for (size_t at = 0, k; at < in.len; at += k) {
		uint32_t c;
		k = br_utf8_next(&c, in.ptr + at, in.len - at);
		if (c != 0 && c != '\r' && (c != 0xfffd || k == 3))
			br_buf_add(out, in.ptr + at, k);
	}
}

static inline bool fuzz_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline bool fuzz_at_char(struct br_slice text, size_t at) { return at == text.len || (text.ptr[at] & 0xc0) != 0x80; }

/* Line of the byte at `at`, counted on from where it was asked last; offsets that rise make it cheap. */
struct fuzz_place { size_t at; uint32_t newlines; };
static inline uint32_t fuzz_line_of(struct fuzz_place *p, struct br_slice text, size_t at)
{
	if (at < p->at)
		*p = (struct fuzz_place){ 0 };
	for (; p->at < at; p->at++)
		p->newlines += text.ptr[p->at] == '\n';
	return p->newlines + 1;
}

/* ---- a folder of the target's own, gone at the end ---- */

static char fuzz_folder[256];

static inline int fuzz_remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st, (void)type, (void)w;
	return remove(path);
}
static inline void fuzz_remove(void) { nftw(fuzz_folder, fuzz_remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static inline const char *fuzz_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!fuzz_folder[0]) {
		br_log_level = BR_LOG_ERROR;
		snprintf(fuzz_folder, sizeof fuzz_folder, "%s/br-fuzz-XXXXXX", tmp && *tmp ? tmp : "/tmp");
		HOLDS(mkdtemp(fuzz_folder));
		setenv("XDG_CONFIG_HOME", fuzz_folder, 1);
		unsetenv("BR_STORE_MAP");
		atexit(fuzz_remove);
	}
	return fuzz_folder;
}

/* A file in that folder with these bytes; the path holds until the next call. */
static inline const char *fuzz_file(const char *name, struct br_slice bytes)
{
	static char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s", fuzz_dir(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	HOLDS(fd >= 0 && br_fd_write(fd, bytes.ptr, bytes.len) == 0);
	close(fd);
	return path;
}

/* ---- a store: what fn writes is undone, so runs do not know of each other and nothing is synced ---- */

static struct br_store *fuzz_opened;
static inline void fuzz_close_store(void) { br_store_close(fuzz_opened); }

struct fuzz_work { br_write_fn *fn; void *arg; };

static inline int fuzz_work_once(struct br_txn *t, void *arg, struct br_err *err)
{
	struct fuzz_work *w = arg;

	HOLDS(w->fn(t, w->arg, err) == 0);
	return br_fail(err, BR_ECANCELLED, "undone");
}

/* fn returns 0; it may be called again when the map has to grow. */
static inline void fuzz_in_store(br_write_fn *fn, void *arg)
{
	struct fuzz_work w = { fn, arg };
	struct br_err err = { 0 };

	if (!fuzz_opened) {
		const struct br_store_opts opts = { BR_STORE_CREATE, 0 };
		char *dir = br_path_join(fuzz_dir(), "store");
		HOLDS(br_store_open(&fuzz_opened, dir, &opts, &err) == 0);
		atexit(fuzz_close_store);
		free(dir);
	}
	HOLDS(br_store_write(fuzz_opened, fuzz_work_once, &w, &err) == -BR_ECANCELLED);
}

#define FUZZ_OK(call) fuzz_ok((call), err, __FILE__, __LINE__, #call)
static inline int fuzz_ok(int rc, const struct br_err *err, const char *file, int line, const char *what)
{
	if (rc < 0) {
		fprintf(stderr, "%s\n", err ? err->msg : "");
		fuzz_broken(file, line, what);
	}
	return rc;
}

/* ---- documents ---- */

/* Ranges of blocks and skip ranges: inside the text, at characters, ascending, not empty. */
static inline void fuzz_check_ranges(const struct br_extracted *e)
{
	struct br_slice text = br_buf_slice(&e->text);
	size_t end = 0;

	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		HOLDS(b->len > 0 && b->off >= end && (size_t)b->off + b->len <= text.len);
		end = (size_t)b->off + b->len;
		HOLDS(fuzz_at_char(text, b->off) && fuzz_at_char(text, end));
		HOLDS(b->line >= 1 && b->line_end >= b->line);
		HOLDS(b->kind < BR_BLOCK_KIND_COUNT && b->head_len <= b->len && (!b->head_len || b->kind == BR_BLOCK_TABLE));
		HOLDS(b->kind != BR_BLOCK_HEADING || (b->level >= 1 && b->level <= BR_MAX_HEADING_DEPTH));
	}
	end = 0;
	for (size_t i = 0; i < e->skip.n; i++) {
		const struct br_range *s = &e->skip.v[i];
		HOLDS(s->len > 0 && s->off >= end && (size_t)s->off + s->len <= text.len);
		end = (size_t)s->off + s->len;
		HOLDS(fuzz_at_char(text, s->off) && fuzz_at_char(text, end));
	}
	HOLDS(!e->title || (strlen(e->title) <= BR_MAX_TITLE && br_utf8_valid(e->title, strlen(e->title)) == strlen(e->title)));
}

/* Reads in as this format by its reader, and checks what every reader of source text promises. */
static inline void fuzz_read(struct br_extracted *e, br_reader_fn *fn, enum br_format format, struct br_slice in)
{
	unsigned char *seen;
	struct br_buf before = BR_BUF_INIT(SIZE_MAX);
	struct fuzz_place place = { 0 };

	br_extracted_init(e);
	fuzz_text(&e->text, in);
	br_buf_add(&before, e->text.ptr, e->text.len);
	e->format = format;
	HOLDS(fn(e, "test", NULL) == 0);
	HOLDS(br_slice_eq(br_buf_slice(&before), br_buf_slice(&e->text)));
	fuzz_check_ranges(e);
	seen = br_alloc(e->text.len + 1);
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		HOLDS(!fuzz_blank(e->text.ptr[b->off]) && !fuzz_blank(e->text.ptr[b->off + b->len - 1]));
		HOLDS(b->line == fuzz_line_of(&place, br_buf_slice(&e->text), b->off));
		HOLDS(b->line_end == fuzz_line_of(&place, br_buf_slice(&e->text), (size_t)b->off + b->len - 1));
		HOLDS(b->kind == BR_BLOCK_LIST || b->kind == BR_BLOCK_HEADING || b->level == 0);
		memset(seen + b->off, 1, b->len);
	}
	for (size_t i = 0; i < e->skip.n; i++)
		memset(seen + e->skip.v[i].off, 1, e->skip.v[i].len);
	for (size_t i = 0; i < e->text.len; i++)
		HOLDS(seen[i] || fuzz_blank(e->text.ptr[i]));
	HOLDS(!e->title || (*e->title && !strchr(e->title, '\n')));
	free(seen);
	br_buf_release(&before);
}

/* One of the readers, by a number. */
static inline void fuzz_read_any(struct br_extracted *e, uint8_t which, struct br_slice in)
{
	static const struct { br_reader_fn *fn; enum br_format format; } readers[] = {
		{ br_read_plain, BR_FMT_PLAIN }, { br_read_markdown, BR_FMT_MARKDOWN }, { br_read_rst, BR_FMT_RST },
		{ br_read_asciidoc, BR_FMT_ASCIIDOC }, { br_read_code, BR_FMT_CODE }, { br_read_csv, BR_FMT_CSV },
		{ br_read_csv, BR_FMT_TSV }, { br_read_json, BR_FMT_JSON }, { br_read_json, BR_FMT_NDJSON },
	};

	which %= BR_COUNT(readers);
	fuzz_read(e, readers[which].fn, readers[which].format, in);
}

/* Equal in everything that is stored of a document. */
static inline void fuzz_same_extracted(const struct br_extracted *a, const struct br_extracted *b)
{
	HOLDS(br_slice_eq(br_buf_slice(&a->text), br_buf_slice(&b->text)) && a->format == b->format);
	HOLDS(!strcmp(a->lang, b->lang) && !strcmp(a->encoding, b->encoding));
	HOLDS(!a->title == !b->title && (!a->title || !strcmp(a->title, b->title)));
	HOLDS(a->blocks.n == b->blocks.n && a->skip.n == b->skip.n);
	for (size_t i = 0; i < a->blocks.n; i++) {
		const struct br_block *x = &a->blocks.v[i], *y = &b->blocks.v[i];
		HOLDS(x->off == y->off && x->len == y->len && x->line == y->line && x->line_end == y->line_end);
		HOLDS(x->page == y->page && x->head_len == y->head_len && x->kind == y->kind && x->level == y->level);
	}
	for (size_t i = 0; i < a->skip.n; i++)
		HOLDS(a->skip.v[i].off == b->skip.v[i].off && a->skip.v[i].len == b->skip.v[i].len);
}

#endif
