/*
 * Exported notebooks. A small one is changed somewhere: as a file, which import must notice; or within its sections, which are then
 * framed anew with the right checksums: what is taken then makes a notebook in which verify finds nothing, and what is refused leaves
 * nothing behind. Input: a byte (0: the file, 1: sections), then changes: section u8, offset u16, length u8, bytes.
 */
#include "fuzz.h"

#include "corpus/brx.h"
#include "corpus/internal.h"

struct section { uint32_t type; struct br_buf payload; };
static struct br_ws *ws;
static struct br_buf file;                  /* as exported */
static BR_VEC(struct section) sections;     /* without the last */
static uint64_t docs, chunks;
static char *path;

static void close_all(void)
{
	br_ws_close(ws);
	br_buf_release(&file);
	for (size_t i = 0; i < sections.n; i++)
		br_buf_release(&sections.v[i].payload);
	br_vec_release(&sections);
	free(path);
}

static void read_sections(void)
{
	struct brx_reader r;
	struct br_buf out = BR_BUF_INIT(1 << 24);

	HOLDS(brx_open(&r, path, NULL) == 0);
	while (brx_read(&out, &r, NULL) == 0 && r.type != BRX_LAST) {
		struct section *s = br_vec_push(&sections);
		*s = (struct section){ r.type, BR_BUF_INIT(1 << 24) };
		br_buf_add(&s->payload, out.ptr, out.len);
	}
	HOLDS(r.type == BRX_LAST);
	brx_close(&r);
	br_buf_release(&out);
}

static void open_all(void)
{
	static const char text[] = "# Reset\n\nHold the [button](x.md) for ten seconds.\n\n## Network\n\nSettings return to their defaults, too.\n";
	char *dir = br_path_join(fuzz_dir(), ".br"), *a = br_strdup(fuzz_file("a.md", br_slice_str(text))), *b = br_strdup(fuzz_file("b.txt", br_slice_str("Plain words of the second file.\n")));
	const char *in[] = { a, b };
	struct br_ingest_opts ingest = { .notebook = NULL };
	struct br_export_opts export = { .no_times = true };
	struct br_ingest_stats stats;
	struct br_brx_stats out;

	setenv("BR_THREADS", "1", 1);
	path = br_path_join(fuzz_dir(), "book.brx");
	HOLDS(br_ws_init(dir, NULL) == 0 && br_ws_open(&ws, dir, 0, NULL) == 0);
	HOLDS(br_ingest(&stats, ws, in, 1, &ingest, NULL) == 0 && br_upload(&stats, ws, in + 1, 1, &ingest, NULL) == 0);
	HOLDS(br_export(&out, ws, NULL, path, &export, NULL) == 0);
	docs = out.docs;
	chunks = out.chunks;
	br_buf_init(&file, SIZE_MAX);
	HOLDS(br_file_read(&file, path, SIZE_MAX, NULL) == 0);
	read_sections();
	atexit(close_all);
	free(dir);
	free(a);
	free(b);
}

struct change { uint8_t section; uint16_t off; struct br_slice bytes; };

static bool next_change(struct change *c, struct br_rd *r)
{
	size_t n;

	if (r->bad || r->end - r->p < 4)
		return false;
	c->section = br_rd_u8(r);
	c->off = br_rd_u16(r);
	n = br_rd_u8(r) % 17;
	c->bytes = br_rd_bytes(r, BR_MIN(n, (size_t)(r->end - r->p)));
	return c->bytes.len > 0;
}

static void apply(struct br_buf *b, const struct change *c)
{
	size_t at = b->len ? c->off % b->len : 0;

	memcpy(b->ptr + at, c->bytes.ptr, BR_MIN(c->bytes.len, b->len - at));
}

static struct br_buf copy_of(const struct br_buf *b)
{
	struct br_buf out = BR_BUF_INIT(SIZE_MAX);

	br_buf_add(&out, b->ptr, b->len);
	return out;
}

/* 1: the file is not what was exported. */
static bool change_file(struct br_rd *r)
{
	struct br_buf b = copy_of(&file);
	struct change c;
	bool other;

	while (next_change(&c, r)) {
		c.off = (uint16_t)(c.off + c.section * 251u);
		apply(&b, &c);
	}
	other = memcmp(b.ptr, file.ptr, file.len) != 0;
	(void)fuzz_file("book.brx", br_buf_slice(&b));
	br_buf_release(&b);
	return other;
}

static void change_sections(struct br_rd *r)
{
	struct br_buf *b = br_allocn(sections.n, sizeof *b);
	struct brx_writer w;
	struct change c;
	uint8_t content[32];

	for (size_t i = 0; i < sections.n; i++)
		b[i] = copy_of(&sections.v[i].payload);
	while (next_change(&c, r))
		apply(&b[c.section % sections.n], &c);
	HOLDS(brx_create(&w, path, fuzz_dir(), NULL) == 0);
	for (size_t i = 0; i < sections.n; i++) {
		HOLDS(brx_write(&w, sections.v[i].type, false, br_buf_slice(&b[i]), NULL) == 0);
		br_buf_release(&b[i]);
	}
	HOLDS(brx_finish(&w, docs, chunks, content, NULL) == 0);
	brx_discard(&w);
	free(b);
}

static void say(const char *what, void *arg)
{
	(void)arg;
	fprintf(stderr, "verify: %s\n", what);
}

FUZZ(corpus_import)
{
	struct br_rd r = br_rd(in);
	uint8_t how = br_rd_u8(&r);
	struct br_import_opts opts = { .as = "copy" };
	struct br_brx_stats stats;
	struct br_verify_report report;
	struct br_err err = { 0 };
	bool other = false;
	int rc;

	if (!ws)
		open_all();
	if (how & 1)
		change_sections(&r);
	else
		other = change_file(&r);
	rc = br_import(&stats, ws, path, &opts, &err);
	HOLDS(!other || rc < 0);
	HOLDS(in.len || rc == 0);
	if (rc == 0) {
		HOLDS(br_verify(&report, ws, false, say, NULL, &err) == 0);
		HOLDS(br_nb_delete(ws, "copy", &err) == 0);
	} else {
		HOLDS((err.code == BR_EINPUT || err.code == BR_EVERSION || err.code == BR_EUNSUPPORTED || err.code == BR_ETOOBIG) && err.msg[0]);
		HOLDS(br_import_sweep(ws, &err) >= 0);
		HOLDS(br_verify(&report, ws, true, say, NULL, &err) == 0);
	}
}
