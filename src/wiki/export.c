/*
 * Pages as files for people: Markdown with front matter, markers as footnotes that say where a claim stands. The same wiki gives the same
 * bytes, and only files that are not the same already are written, so that a repository shows what changed.
 */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* By this line a file is known for ours. */
#define OURS "generator: br wiki\n"

struct export {
	struct br_arena a;
	struct br_ws *ws;
	const char *dir, *notebook;
	struct br_wiki_pages pages;    /* with bodies */
	BR_VEC(struct br_wiki_passages) sources;
	struct br_wiki_exported *out;
};

/* ---- front matter ---- */

/* A YAML string in double quotes. */
static void put_quoted(struct br_buf *b, const char *s)
{
	br_buf_addc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			br_buf_addc(b, '\\');
		br_buf_addc(b, (unsigned char)*s < 0x20 ? ' ' : *s);
	}
	br_buf_addc(b, '"');
}

static void put_field(struct br_buf *b, const char *key, const char *value)
{
	br_buf_addf(b, "%s: ", key);
	put_quoted(b, value);
	br_buf_addc(b, '\n');
}

static void put_front(struct br_buf *b, const struct br_wiki_page *p)
{
	br_buf_adds(b, "---\n" OURS);
	put_field(b, "title", p->title);
	put_field(b, "slug", p->slug);
	br_buf_adds(b, "aliases: [");
	for (const char *const *s = p->alias; *s; s++) {
		br_buf_adds(b, s == p->alias ? "" : ", ");
		put_quoted(b, *s);
	}
	br_buf_adds(b, "]\n");
	put_field(b, "category", p->category);
	put_field(b, "summary", p->summary);
	br_buf_addf(b, "version: %u\n", p->version);
	put_field(b, "compiled_by", p->compiled_by);
	put_field(b, "lint", br_wiki_lint_name(p->lint_status));
	br_buf_adds(b, "---\n\n");
}

/* ---- footnotes ---- */

struct notes { strings id; };

static size_t number_of(struct notes *n, struct br_arena *a, const struct marker *m)
{
	char *id = br_arena_printf(a, "%s%.*s", m->patch ? "claim_" : "chunk_", (int)m->id.len, m->id.ptr);

	for (size_t i = 0; i < n->id.n; i++)
		if (!strcmp(n->id.v[i], id))
			return i + 1;
	*br_vec_push(&n->id) = id;
	return n->id.n;
}

static void put_body(struct br_buf *b, struct notes *n, struct br_arena *a, struct br_slice body)
{
	struct marker m;
	size_t at = 0;

	while (br_wiki__next_marker(&m, body, at)) {
		size_t end = m.off;
		while (end > at && body.ptr[end - 1] == ' ')
			end--;
		br_buf_add(b, body.ptr + at, end - at);
		br_buf_addf(b, "[^%zu]", number_of(n, a, &m));
		at = m.off + m.len;
	}
	br_buf_add(b, body.ptr + at, body.len - at);
}

static void put_note(struct br_buf *b, size_t number, const char *id, const struct br_wiki_passages *sources)
{
	br_buf_addf(b, "[^%zu]: ", number);
	for (size_t i = 0; i < sources->v.n; i++) {
		const struct br_wiki_passage *p = &sources->v.v[i];
		if (strcmp(p->chunk, id + sizeof "chunk_" - 1) || !p->there)
			continue;
		br_buf_addf(b, "`%s`", p->path);
		if (p->line)
			br_buf_addf(b, ", lines %u-%u", p->line, p->line_end);
		else if (p->page)
			br_buf_addf(b, ", page %u", p->page);
		br_buf_addf(b, " (%s)\n", id);
		return;
	}
	br_buf_addf(b, "%s\n", id);
}

static void put_page(struct br_buf *b, struct export *e, size_t i)
{
	const struct br_wiki_page *p = &e->pages.v.v[i];
	struct notes n = { { 0 } };

	put_front(b, p);
	br_buf_addf(b, "# %s\n\n", p->title);
	put_body(b, &n, &e->a, br_slice_str(p->body));
	if (n.id.n)
		br_buf_addc(b, '\n');
	for (size_t k = 0; k < n.id.n; k++)
		put_note(b, k + 1, n.id.v[k], &e->sources.v[i]);
	br_vec_release(&n.id);
}

static void put_list(struct br_buf *b, const struct export *e)
{
	br_buf_addf(b, "---\n" OURS "---\n\n# %s\n\n", e->notebook);
	for (size_t i = 0; i < e->pages.v.n; i++) {
		const struct br_wiki_page *p = &e->pages.v.v[i];
		br_buf_addf(b, "- [%s](%s.md): %s\n", p->title, p->slug, p->summary);
	}
}

/* ---- files ---- */

static bool is_ours(struct br_slice bytes)
{
	return bytes.len > sizeof "---\n" OURS - 1 && !memcmp(bytes.ptr, "---\n" OURS, sizeof "---\n" OURS - 1);
}

static int write_file(struct export *e, const char *name, const struct br_buf *text, struct br_err *err)
{
	char *path = br_path_join(e->dir, name);
	struct br_buf old = BR_BUF_INIT(BR_MAX_FILE);
	int rc = br_buf_check(text, "a wiki page", err);

	if (rc == 0 && br_is_file(path) && (rc = br_file_read(&old, path, BR_MAX_FILE, err)) == 0 && !is_ours(br_buf_slice(&old)))
		rc = br_fail(err, BR_EEXISTS, "'%s' is there already and was not written by br", path);
	if (rc == 0 && old.len == text->len && !memcmp(old.ptr, text->ptr, old.len))
		e->out->same++;
	else if (rc == 0 && (rc = br_file_write_atomic(path, text->ptr, text->len, 0644, err)) == 0)
		e->out->written++;
	br_buf_release(&old);
	free(path);
	return rc;
}

static int write_all(struct export *e, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_FILE);
	int rc = 0;

	for (size_t i = 0; i < e->pages.v.n && rc == 0; i++) {
		char *name = br_arena_printf(&e->a, "%s.md", e->pages.v.v[i].slug);
		br_buf_reset(&b);
		put_page(&b, e, i);
		rc = write_file(e, name, &b, err);
	}
	br_buf_reset(&b);
	put_list(&b, e);
	if (rc == 0)
		rc = write_file(e, "README.md", &b, err);
	br_buf_release(&b);
	return rc;
}

static bool is_page(const struct export *e, const char *name)
{
	size_t n = strlen(name) - 3;

	for (size_t i = 0; i < e->pages.v.n; i++)
		if (strlen(e->pages.v.v[i].slug) == n && !memcmp(e->pages.v.v[i].slug, name, n))
			return true;
	return !strcmp(name, "README.md");
}

/* Ours, and of a page that is none any more. */
static bool is_left_over(const struct export *e, const char *name, const char *path)
{
	size_t n = strlen(name);
	struct br_buf head = BR_BUF_INIT(BR_MAX_FILE);
	bool yes = n > 3 && !strcmp(name + n - 3, ".md") && !is_page(e, name) && br_is_file(path) && br_file_read(&head, path, BR_MAX_FILE, NULL) == 0 &&
		is_ours(br_buf_slice(&head));

	br_buf_release(&head);
	return yes;
}

static int remove_left_overs(struct export *e, struct br_err *err)
{
	DIR *d = opendir(e->dir);
	struct dirent *f;
	int rc = 0;

	if (!d)
		return br_fail_errno(err, BR_EIO, "cannot read folder '%s'", e->dir);
	while (rc == 0 && (f = readdir(d))) {
		char *path = br_path_join(e->dir, f->d_name);
		if (is_left_over(e, f->d_name, path)) {
			if (unlink(path) < 0)
				rc = br_fail_errno(err, BR_EIO, "cannot remove '%s'", path);
			else
				e->out->removed++;
		}
		free(path);
	}
	closedir(d);
	return rc;
}

/* ---- reading ---- */

static int load_page(struct export *e, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err)
{
	struct br_wiki_passages s;
	struct br_wiki_page p;
	int rc;

	if ((rc = br_wiki_get(&p, &e->a, t, nb, slug, 0, err)) == 0 && (rc = br_wiki_sources(&s, &e->a, t, nb, &p, err)) == 0) {
		*br_vec_push(&e->pages.v) = p;
		*br_vec_push(&e->sources) = s;
	}
	return rc;
}

static int load(struct export *e, uint32_t nb, bool all, struct br_err *err)
{
	struct br_wiki_pages list = { 0 };
	struct br_txn *t;
	struct br_nb *rec;
	int rc = br_txn_read(&t, e->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_nb_by_number(&rec, &e->a, t, nb, err)) == 0) {
		e->notebook = rec->name;
		rc = br_wiki_list(&list, &e->a, t, nb, false, err);
	}
	for (size_t i = 0; i < list.v.n && rc == 0; i++)
		if (all || list.v.v[i].serveable)
			rc = load_page(e, t, nb, list.v.v[i].slug, err);
	br_txn_end(t);
	br_vec_release(&list.v);
	return rc;
}

int br_wiki_export(struct br_wiki_exported *out, struct br_ws *ws, uint32_t nb, const char *dir, const struct br_wiki_export_opts *opts, struct br_err *err)
{
	struct export e = { .ws = ws, .dir = dir, .out = out };
	int rc;

	*out = (struct br_wiki_exported){ 0 };
	if ((rc = load(&e, nb, opts->all, err)) == 0 && (rc = br_mkdirs(dir, 0777, err)) == 0 && (rc = write_all(&e, err)) == 0)
		rc = remove_left_overs(&e, err);
	for (size_t i = 0; i < e.sources.n; i++)
		br_vec_release(&e.sources.v[i].v);
	br_vec_release(&e.sources);
	br_vec_release(&e.pages.v);
	br_arena_release(&e.a);
	return rc;
}
