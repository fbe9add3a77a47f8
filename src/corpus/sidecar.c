/*
 * The description of an index file: one JSON object that ends with a hash of itself. It is written last, so that whoever finds
 * one finds its index file, too. Fields: man/br-index.5, VECTOR INDEXES.
 */
#include "vindex.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT 1
#define SELF ",\"self\":\"" /* then 32 digits and SELF_END */
#define SELF_END "\"}\n"

void sidecar_name(char out[80], const char *nb_id, uint64_t generation)
{
	uint8_t rnd[4];
	char hex[9];

	br_random(rnd, sizeof rnd);
	br_hex(hex, rnd, sizeof rnd);
	snprintf(out, 80, "%.36s-%016llx-%s", nb_id, (unsigned long long)generation, hex);
}

char *vindex_path(const struct br_ws *ws, const char *name, const char *ending)
{
	return br_sprintf("%s/index/%s%s", ws->dir, name, ending);
}

/* ---- writing ---- */

/* JSON numbers are doubles: what may need all of 64 bits is text. */
static void put_u64(struct br_json *j, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	br_json_kstr(j, key, text);
}

static void put_hex(struct br_json *j, const char *key, const uint8_t *p, size_t n)
{
	char text[65];

	br_hex(text, p, n);
	br_json_kstr(j, key, text);
}

static void put_file(struct br_json *j, const struct br_ann_file *f)
{
	br_json_kstr(j, "kind", br_ann_kind_name(f->kind));
	br_json_kstr(j, "factory", f->factory);
	br_json_kstr(j, "metric", "inner product");
	br_json_kuint(j, "dim", f->dim);
	br_json_kuint(j, "rows", f->rows);
	br_json_kuint(j, "vectors", f->vectors);
	br_json_kuint(j, "lists", f->lists);
	br_json_kuint(j, "effort_10", f->effort[0]);
	br_json_kuint(j, "effort_100", f->effort[1]);
	br_json_knum(j, "recall_10", f->recall[0], 4);
	br_json_knum(j, "recall_100", f->recall[1], 4);
	put_u64(j, "faiss_bytes", f->faiss_bytes);
}

void sidecar_encode(struct br_buf *out, const struct sidecar *s)
{
	uint8_t self[16];
	char hex[33];
	struct br_json j;

	br_json_init(&j, out, false);
	br_json_obj(&j);
	br_json_kint(&j, "format", FORMAT);
	br_json_kstr(&j, "workspace", s->workspace);
	br_json_kstr(&j, "notebook", s->notebook);
	br_json_kstr(&j, "model", s->model_id);
	put_hex(&j, "model_sha", s->model_sha, sizeof s->model_sha);
	br_json_kstr(&j, "faiss", s->faiss);
	put_u64(&j, "numbering", s->numbering);
	put_u64(&j, "generation", s->generation);
	br_json_kuint(&j, "dead", s->dead);
	put_file(&j, &s->file);
	put_u64(&j, "size", s->size);
	put_u64(&j, "inode", s->inode);
	put_u64(&j, "mtime_ns", (uint64_t)s->mtime_ns);
	put_hex(&j, "hash", s->hash, sizeof s->hash);
	br_json_end(&j);
	if (out->failed)
		return;
	out->ptr[--out->len] = 0; /* the closing brace comes behind the hash of what stands before */
	br_hash128(self, out->ptr, out->len);
	br_hex(hex, self, sizeof self);
	br_buf_addf(out, SELF "%s" SELF_END, hex);
}

/* ---- reading ---- */

/* Members of the object; whatever is missing or does not fit sets bad. */
struct members { const struct br_jval *obj; bool bad; };

static const char *get_text(struct members *m, const char *key, char *out, size_t size)
{
	const char *s = br_jval_str(br_jval_get(m->obj, key));

	if (!s || strlen(s) >= size) {
		m->bad = true;
		s = "";
	}
	if (out)
		strcpy(out, s);
	return s;
}

static uint64_t get_u64(struct members *m, const char *key)
{
	const char *s = get_text(m, key, NULL, 21);
	char *end = NULL;
	uint64_t v;

	errno = 0;
	v = strtoull(s, &end, 10);
	m->bad |= errno || !*s || *end || *s == '-';
	return v;
}

static double get_num(struct members *m, const char *key, double max)
{
	double v = 0;

	if (!br_jval_num(&v, br_jval_get(m->obj, key)) || !(v >= 0 && v <= max)) {
		m->bad = true;
		return 0;
	}
	return v;
}

static uint32_t get_u32(struct members *m, const char *key)
{
	return (uint32_t)get_num(m, key, UINT32_MAX);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void get_hex(struct members *m, const char *key, uint8_t *out, size_t n)
{
	const char *s = get_text(m, key, NULL, 2 * n + 1);

	m->bad |= strlen(s) != 2 * n;
	for (size_t i = 0; i < n && !m->bad; i++) {
		int hi = digit(s[2 * i]), lo = digit(s[2 * i + 1]);
		m->bad |= hi < 0 || lo < 0;
		out[i] = (uint8_t)(hi * 16 + lo);
	}
}

static void get_file(struct members *m, struct br_ann_file *f)
{
	m->bad |= !br_ann_kind_parse(&f->kind, get_text(m, "kind", NULL, 16));
	get_text(m, "factory", f->factory, sizeof f->factory);
	m->bad |= strcmp(get_text(m, "metric", NULL, 32), "inner product") != 0;
	f->dim = get_u32(m, "dim");
	f->rows = get_u32(m, "rows");
	f->vectors = get_u32(m, "vectors");
	f->lists = get_u32(m, "lists");
	f->effort[0] = get_u32(m, "effort_10");
	f->effort[1] = get_u32(m, "effort_100");
	f->recall[0] = get_num(m, "recall_10", 1);
	f->recall[1] = get_num(m, "recall_100", 1);
	f->faiss_bytes = get_u64(m, "faiss_bytes");
	m->bad |= f->dim == 0 || f->dim > BR_ANN_MAX_DIM || f->vectors == 0 || f->vectors > f->rows || f->lists > f->rows;
	m->bad |= f->lists > 0 && (f->effort[0] == 0 || f->effort[1] == 0);
}

static void get_all(struct members *m, struct sidecar *s)
{
	get_text(m, "workspace", s->workspace, sizeof s->workspace);
	get_text(m, "notebook", s->notebook, sizeof s->notebook);
	get_text(m, "model", s->model_id, sizeof s->model_id);
	get_hex(m, "model_sha", s->model_sha, sizeof s->model_sha);
	get_text(m, "faiss", s->faiss, sizeof s->faiss);
	s->numbering = get_u64(m, "numbering");
	s->generation = get_u64(m, "generation");
	s->dead = get_u32(m, "dead");
	get_file(m, &s->file);
	s->size = get_u64(m, "size");
	s->inode = get_u64(m, "inode");
	s->mtime_ns = (int64_t)get_u64(m, "mtime_ns");
	get_hex(m, "hash", s->hash, sizeof s->hash);
}

static bool self_holds(struct br_slice text)
{
	size_t end = sizeof SELF - 1 + 32 + sizeof SELF_END - 1;
	uint8_t self[16];
	char hex[33];
	const char *at;

	if (text.len <= end)
		return false;
	at = text.ptr + text.len - end;
	br_hash128(self, text.ptr, text.len - end);
	br_hex(hex, self, sizeof self);
	return !memcmp(at, SELF, sizeof SELF - 1) && !memcmp(at + sizeof SELF - 1, hex, 32) && !memcmp(at + sizeof SELF - 1 + 32, SELF_END, sizeof SELF_END - 1);
}

static int decode(struct sidecar *out, struct br_slice text, const char *path, struct br_err *err)
{
	struct br_jdoc *doc = NULL;
	struct members m = { 0 };
	uint32_t format;

	if (!self_holds(text) || br_jdoc_parse(&doc, text, path, NULL) < 0)
		return br_fail(err, BR_ECORRUPT, "'%s' is damaged", path);
	m.obj = br_jdoc_root(doc);
	format = get_u32(&m, "format");
	if (format == FORMAT)
		get_all(&m, out);
	br_jdoc_free(doc);
	if (format != FORMAT)
		return br_fail(err, BR_EVERSION, "'%s' is of format %u; this br knows %d", path, format, FORMAT);
	return m.bad ? br_fail(err, BR_ECORRUPT, "'%s' lacks what it should say", path) : 0;
}

int sidecar_read(struct sidecar *out, const struct br_ws *ws, const char *name, struct br_err *err)
{
	char *path = vindex_path(ws, name, ".json");
	struct br_buf text = BR_BUF_INIT(BR_MAX_VINDEX_JSON);
	int rc = br_file_read(&text, path, BR_MAX_VINDEX_JSON, err);

	*out = (struct sidecar){ 0 };
	if (rc == 0 && (rc = decode(out, br_buf_slice(&text), path, err)) == 0 && (strlen(name) >= sizeof out->name || strncmp(name, out->notebook, 36)))
		rc = br_fail(err, BR_ECORRUPT, "'%s' is about another notebook", path);
	if (rc == 0)
		strcpy(out->name, name);
	br_buf_release(&text);
	free(path);
	return rc;
}

/* ---- the index file from outside ---- */

int sidecar_stat(struct sidecar *s, int fd, struct br_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return br_fail_errno(err, BR_EIO, "cannot look at the index");
	s->size = (uint64_t)st.st_size;
	s->inode = st.st_ino;
	s->mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	return 0;
}

int vindex_hash(uint8_t out[16], int fd, struct br_err *err)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return br_fail_errno(err, BR_EIO, "cannot look at the index");
	if (st.st_size == 0) {
		br_hash128(out, "", 0);
		return 0;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return br_fail_errno(err, BR_EIO, "cannot map the index");
	madvise(p, (size_t)st.st_size, MADV_SEQUENTIAL);
	br_hash128(out, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	return 0;
}

/* ---- names ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void vindex_names_release(vindex_names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->v[i]);
	br_vec_release(n);
}

static void unique(vindex_names *n)
{
	size_t k = 0;

	if (n->n)
		qsort(n->v, n->n, sizeof *n->v, by_name);
	for (size_t i = 0; i < n->n; i++) {
		if (k && !strcmp(n->v[k - 1], n->v[i]))
			free(n->v[i]);
		else
			n->v[k++] = n->v[i];
	}
	n->n = k;
}

int vindex_list(vindex_names *out, const struct br_ws *ws, const char *prefix, struct br_err *err)
{
	char *dir = vindex_path(ws, "", "");
	DIR *d = opendir(dir);
	const struct dirent *e;
	int rc = d || errno == ENOENT ? 0 : br_fail_errno(err, BR_EIO, "cannot read folder '%s'", dir);

	while (d && (e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');
		if (dot && (!strcmp(dot, ".json") || !strcmp(dot, ".faiss")) && !strncmp(e->d_name, prefix, strlen(prefix)))
			*br_vec_push(out) = br_strndup(e->d_name, (size_t)(dot - e->d_name));
	}
	if (d)
		closedir(d);
	free(dir);
	unique(out);
	return rc;
}

/* The description first: without it the index file is nothing. */
void vindex_remove(const struct br_ws *ws, const char *name)
{
	static const char *const ending[] = { ".json", ".faiss" };

	for (size_t i = 0; i < BR_COUNT(ending); i++) {
		char *path = vindex_path(ws, name, ending[i]);
		if (unlink(path) < 0 && errno != ENOENT)
			br_log(BR_LOG_WARN, "cannot remove '%s': %s", path, strerror(errno));
		free(path);
	}
}
