/*
 * References that lead nowhere: relative links and images of Markdown and HTML files. First all pages are read for what they refer to
 * and what of them can be referred to; then every target is looked for on the disk, and its anchor on the page. What leaves the
 * workspace's folder, has a scheme or is made of placeholders is not judged, and nothing is asked of the network.
 */
#include "internal.h"

#include "br/os.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

struct page { const struct entry *e; struct refs refs; uint64_t path; };
struct pages { struct look *l; BR_VEC(struct page) v; };

static bool is_page(const struct entry *e)
{
	return e->origin == BR_FROM_FILE && e->state == BR_DOC_INDEXED && e->source == BR_SOURCE_SAME &&
	       (e->format == BR_FMT_MARKDOWN || e->format == BR_FMT_HTML);
}

/* Markdown is stored as it is; of HTML only the file has the links. One that cannot be read has none. */
static int read_page(struct br_buf *out, struct pages *p, struct br_txn *t, struct br_text_reader *reader, const struct entry *e)
{
	char *file;

	br_buf_reset(out);
	if (e->format == BR_FMT_MARKDOWN)
		return br_doc_text(out, reader, t, p->l->nb->nb, e->doc, 0, UINT32_MAX, p->l->err);
	file = br_path_join(p->l->ws->root, e->path);
	if (br_file_read(out, file, BR_MAX_FILE, NULL) < 0)
		br_buf_reset(out);
	free(file);
	return 0;
}

static int cmp64(const void *a, const void *b) { uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b; return (x > y) - (x < y); }

static int read_pages(struct pages *p, struct br_txn *t)
{
	struct br_text_reader *reader = br_text_reader_new();
	struct br_buf text = BR_BUF_INIT(BR_MAX_FILE);
	int rc = 0;

	for (size_t i = 0; i < p->l->v.n && rc >= 0; i++) {
		const struct entry *e = &p->l->v.v[i];
		struct page *g;
		if (!is_page(e) || (rc = br_check_stop(p->l->err)) < 0 || (rc = read_page(&text, p, t, reader, e)) < 0)
			continue;
		g = br_vec_push(&p->v);
		*g = (struct page){ .e = e, .path = br_hash64(e->path, strlen(e->path)) };
		(e->format == BR_FMT_HTML ? refs_html : refs_markdown)(&g->refs, br_buf_slice(&text));
		if (g->refs.anchor.n)
			qsort(g->refs.anchor.v, g->refs.anchor.n, sizeof *g->refs.anchor.v, cmp64);
	}
	br_text_reader_free(reader);
	br_buf_release(&text);
	return BR_MIN(rc, 0);
}

/* ---- targets ---- */

struct target { char *path, *anchor; }; /* decoded; path "" is the page itself, anchor NULL: none */

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

static char *decoded(struct br_arena *a, struct br_slice s)
{
	char *text = br_arena_strndup(a, s.ptr, s.len), *to = text;

	for (size_t i = 0; i < s.len; i++) {
		bool escape = s.ptr[i] == '%' && s.len - i > 2 && hex(s.ptr[i + 1]) >= 0 && hex(s.ptr[i + 2]) >= 0;
		int c = escape ? hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2]) : s.ptr[i];
		*to++ = c ? (char)c : '?';
		i += escape ? 2 : s.ptr[i] == '\\' && s.len - i > 1;
		if (!escape && to[-1] == '\\' && i < s.len)
			to[-1] = s.ptr[i];
	}
	*to = 0;
	return text;
}

static bool has_scheme(struct br_slice s)
{
	size_t i = 0;

	while (i < s.len && (((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') || (i && strchr("0123456789+.-", s.ptr[i]))))
		i++;
	return i && i < s.len && s.ptr[i] == ':';
}

/* Relative, and no template that somebody else fills in. */
static bool is_ours(struct br_slice s)
{
	if (!s.len || *s.ptr == '/' || has_scheme(s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (strchr("{}<>$*|`\"", s.ptr[i]) || (uint8_t)s.ptr[i] < ' ')
			return false;
	return true;
}

static bool split(struct target *out, struct br_arena *a, struct br_slice s)
{
	const char *hash = memchr(s.ptr, '#', s.len), *query = memchr(s.ptr, '?', hash ? (size_t)(hash - s.ptr) : s.len);
	size_t n = query ? (size_t)(query - s.ptr) : hash ? (size_t)(hash - s.ptr) : s.len;

	if (!is_ours(s) || (n && s.ptr[0] == '?'))
		return false;
	out->path = decoded(a, br_slice(s.ptr, n));
	out->anchor = hash ? decoded(a, br_slice(hash + 1, (size_t)(s.ptr + s.len - hash) - 1)) : NULL;
	return true;
}

static bool there(const char *file)
{
	struct stat st;

	return lstat(file, &st) == 0;
}

/* Generators of sites leave endings out, or turn those of sources into those of pages. */
static bool there_somehow(const char *file, const char **ending)
{
	static const char *const endings[] = { ".md", ".html", ".mdx", ".markdown", ".rst", ".ipynb", ".adoc" };
	const char *ext = br_path_ext(file);
	size_t stem = strlen(file) - (!strcmp(ext, "html") || !strcmp(ext, "htm") ? strlen(ext) + 1 : 0);
	bool yes = there(file);

	*ending = "";
	for (size_t i = 0; !yes && i < BR_COUNT(endings); i++) {
		char *with = br_sprintf("%.*s%s", (int)stem, file, endings[i]);
		yes = there(with);
		*ending = endings[i];
		free(with);
	}
	return yes;
}

/* ---- judging ---- */

static int by_hash(const void *a, const void *b) { return cmp64(&((const struct page *)a)->path, &((const struct page *)b)->path); }

static const struct page *page_at(const struct pages *p, const char *path)
{
	struct page key = { .path = br_hash64(path, strlen(path)) };

	return bsearch(&key, p->v.v, p->v.n, sizeof key, by_hash);
}

static bool knows(const struct page *g, uint64_t h)
{
	return g->refs.anchor.n && bsearch(&h, g->refs.anchor.v, g->refs.anchor.n, sizeof h, cmp64);
}

/* "setup-1" is the second heading "setup"; "top" and places like "L12" are made by whoever shows the page. */
static bool has_anchor(const struct page *g, const char *anchor)
{
	struct br_slice name = br_slice_str(anchor);
	uint64_t h = anchor_hash(name);

	if (!h || !strcasecmp(anchor, "top") || knows(g, h))
		return true;
	while (name.len && name.ptr[name.len - 1] >= '0' && name.ptr[name.len - 1] <= '9')
		name.len--;
	h = anchor_hash(name);
	return name.len < strlen(anchor) && (!h || (name.len == 1 && *anchor == 'L') || knows(g, h));
}

static void check_anchor(struct pages *p, const struct page *from, const struct ref *r, const struct page *to, const char *anchor)
{
	char *detail;

	if (!to || !anchor || !*anchor || has_anchor(to, anchor))
		return;
	detail = to == from ? br_sprintf("no place '#%s' in it", anchor) : br_sprintf("no place '#%s' in '%s'", anchor, to->e->path);
	found(p->l, (struct br_finding){ BR_H_BROKEN_REFERENCE, from->e->path, r->line, detail, false });
	free(detail);
}

static const char *below_root(const struct br_ws *ws, const char *file)
{
	size_t n = strcmp(ws->root, "/") ? strlen(ws->root) : 0;

	return !strncmp(file, ws->root, n) && file[n] == '/' ? file + n + 1 : NULL;
}

static void check_file(struct pages *p, const struct page *from, const struct ref *r, const struct target *t)
{
	char *own = br_path_join(p->l->ws->root, from->e->path), *dir = br_path_join(own, ".."), *file = br_path_join(dir, t->path);
	const char *rel = below_root(p->l->ws, file), *ending;
	char *detail, *path;

	if (rel && !there_somehow(file, &ending)) {
		detail = br_sprintf("no file '%s'", rel);
		found(p->l, (struct br_finding){ BR_H_BROKEN_REFERENCE, from->e->path, r->line, detail, false });
		free(detail);
	} else if (rel && t->anchor) {
		path = br_sprintf("%s%s", rel, ending);
		check_anchor(p, from, r, page_at(p, path), t->anchor);
		free(path);
	}
	free(own);
	free(dir);
	free(file);
}

static void check_page(struct pages *p, const struct page *g)
{
	struct br_arena a = { 0 };

	for (size_t i = 0; i < g->refs.link.n; i++) {
		const struct ref *r = &g->refs.link.v[i];
		struct target t;
		if (!split(&t, &a, r->target))
			continue;
		p->l->out->rule[BR_H_BROKEN_REFERENCE].of++;
		if (*t.path)
			check_file(p, g, r, &t);
		else
			check_anchor(p, g, r, g, t.anchor);
		br_arena_reset(&a);
	}
	br_arena_release(&a);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct page *const *)a)->e->path, (*(struct page *const *)b)->e->path);
}

static void judge(struct pages *p)
{
	const struct page **order = br_allocn(p->v.n + 1, sizeof *order);

	if (p->v.n)
		qsort(p->v.v, p->v.n, sizeof *p->v.v, by_hash);
	for (size_t i = 0; i < p->v.n; i++)
		order[i] = &p->v.v[i];
	if (p->v.n)
		qsort(order, p->v.n, sizeof *order, by_name);
	for (size_t i = 0; i < p->v.n; i++)
		check_page(p, order[i]);
	free(order);
}

int check_references(struct look *l, struct br_txn *t)
{
	struct pages p = { .l = l };
	int rc;

	if (!asked(l, BR_H_BROKEN_REFERENCE))
		return 0;
	if ((rc = read_pages(&p, t)) == 0)
		judge(&p);
	for (size_t i = 0; i < p.v.n; i++)
		refs_release(&p.v.v[i].refs);
	br_vec_release(&p.v);
	return rc;
}
