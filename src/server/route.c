/*
 * Routes: every row is checked when it is added, then hung into a tree of path segments. A segment that is spelt out goes before
 * a {parameter}. A slash at the end makes no difference, and nobody is redirected.
 */
#include "internal.h"

#include "br/rx.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 16 /* segments of a path */
#define MAX_SEGMENT 1024

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

struct br_node {
	char *segment;                 /* NULL: a parameter */
	struct br_node *child, *param, *next;
	struct br_mounted *row[BR_COUNT(methods)];
};

static int method_of(struct br_slice m)
{
	for (size_t i = 0; i < BR_COUNT(methods); i++)
		if (br_slice_eq(m, br_slice_str(methods[i])))
			return (int)i;
	return -1;
}

/* ---- checking rows ---- */

static int bad(const struct br_route *r, const char *what, struct br_err *err)
{
	return br_fail(err, BR_EBUG, "route %s %s: %s", r->method ? r->method : "?", r->path ? r->path : "?", what);
}

static bool in_path(const struct br_route *r, const char *name)
{
	char braced[80];

	snprintf(braced, sizeof braced, "{%.70s}", name);
	return strstr(r->path, braced);
}

static int check_field(const struct br_route *r, const struct br_field *f, struct br_err *err)
{
	if (f->type == BR_F_END)
		return bad(r, "a field without a type", err);
	if (f->in == BR_IN_PATH && !in_path(r, f->name))
		return bad(r, "a field of the path that is not in the path", err);
	if (f->in == BR_IN_BODY && r->body != BR_BODY_JSON)
		return bad(r, "a field of a body that the route does not take", err);
	if (f->in == BR_IN_FORM && r->body != BR_BODY_FORM)
		return bad(r, "a field of a form that the route does not take", err);
	if (f->at + 1 > r->in_size && f->type != BR_F_FILE)
		return bad(r, "a field outside of the struct for the handler", err);
	return 0;
}

static int check_row(const struct br_route *r, struct br_err *err)
{
	size_t n = 0;
	int rc;

	if (!r->method || method_of(br_slice_str(r->method)) < 0 || !r->path || *r->path != '/')
		return bad(r, "no method or no path", err);
	if (r->level == BR_LEVEL_CLOSED)
		return bad(r, "no level says who may use it", err);
	if (!r->id || !r->summary || !r->run || r->id[strspn(r->id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		return bad(r, "no id, summary or handler", err);
	for (const struct br_field *f = r->in; f && f->name; f++, n++)
		if ((rc = check_field(r, f, err)) < 0)
			return rc;
	return n <= 64 ? 0 : bad(r, "more than 64 fields", err);
}

/* ---- the tree ---- */

static struct br_slice next_segment(const char **at)
{
	struct br_slice s;

	*at += **at == '/';
	s = br_slice(*at, strcspn(*at, "/"));
	*at += s.len;
	return s;
}

static struct br_node *child(struct br_node *n, struct br_slice segment, bool make)
{
	struct br_node *c;

	for (c = n->child; c; c = c->next)
		if (br_slice_eq(segment, br_slice_str(c->segment)))
			return c;
	if (!make)
		return NULL;
	c = br_alloc(sizeof *c);
	c->segment = br_strndup(segment.ptr, segment.len);
	c->next = n->child;
	return n->child = c;
}

static struct br_node *grow(struct br_node *n, struct br_mounted *m)
{
	const char *at = m->route->path;
	struct br_slice s;

	while (*at && (s = next_segment(&at)).len) {
		if (*s.ptr != '{') {
			n = child(n, s, true);
			continue;
		}
		BR_ASSERT(m->params < MAX_PARAMS && s.ptr[s.len - 1] == '}');
		m->param[m->params++] = br_strndup(s.ptr + 1, s.len - 2);
		if (!n->param)
			n->param = br_alloc(sizeof *n->param);
		n = n->param;
	}
	return n;
}

static void mounted_free(struct br_mounted *m)
{
	for (size_t i = 0; m->rx && m->route->in[i].name; i++)
		br_rx_free(m->rx[i]);
	free(m->rx);
	for (unsigned i = 0; i < m->params; i++)
		free((char *)m->param[i]);
	free(m->metric);
	free(m);
}

static int mount(struct br_router *r, const struct br_dialect *d, const struct br_route *row, struct br_err *err)
{
	struct br_mounted *m = br_alloc(sizeof *m), **slot;
	int rc;

	m->route = row;
	m->dialect = d;
	m->metric = br_alloc(sizeof *m->metric);
	slot = &grow(r->root, m)->row[method_of(br_slice_str(row->method))];
	rc = *slot ? bad(row, "there is such a row already", err) : br_fields__compile(&m->rx, row->in, err);
	if (rc < 0) {
		mounted_free(m);
		return rc;
	}
	*slot = *br_vec_push(&r->row) = m;
	return 0;
}

static int add_rows(struct br_router *r, const struct br_dialect *d, const struct br_route *row, size_t n, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		if ((rc = check_row(&row[i], err)) == 0)
			rc = mount(r, d, &row[i], err);
	return rc;
}

int br_router__add(struct br_router *r, const struct br_dialect *d, struct br_err *err)
{
	int rc;

	if (!r->root)
		r->root = br_alloc(sizeof *r->root);
	if (!d->identify || !d->error)
		return br_fail(err, BR_EBUG, "dialect %s: it cannot identify or has no errors", d->name);
	*br_vec_push(&r->dialect) = d;
	rc = add_rows(r, d, d->route, d->n, err);
	for (size_t i = 0; rc == 0 && d->more && d->more[i]; i++)
		rc = add_rows(r, d, d->more[i]->row, d->more[i]->n, err);
	return rc;
}

static void node_free(struct br_node *n)
{
	if (!n)
		return;
	node_free(n->child);
	node_free(n->param);
	node_free(n->next);
	free(n->segment);
	free(n);
}

void br_router__release(struct br_router *r)
{
	node_free(r->root);
	for (size_t i = 0; i < r->row.n; i++)
		mounted_free(r->row.v[i]);
	br_vec_release(&r->row);
	br_vec_release(&r->dialect);
	r->root = NULL;
}

/* ---- finding ---- */

/* The decoded segments of a path; -1: it cannot be decoded, or steps upwards. A slash at the end adds none. */
static int split(struct br_slice *segment, struct br_slice path, struct br_arena *a)
{
	const char *p = path.ptr, *end = path.ptr + path.len;
	int n = 0;

	while (p < end) {
		const char *slash = memchr(p + 1, '/', (size_t)(end - p) - 1);
		struct br_slice raw = br_slice(p + 1, (size_t)((slash ? slash : end) - p) - 1);
		char *text;
		int64_t len;

		p = raw.ptr;
		if (!raw.len && p == end)
			break;
		if (n == MAX_DEPTH || raw.len > 3 * MAX_SEGMENT)
			return -1;
		text = br_arena_alloc(a, raw.len + 1);
		if ((len = br_url_decode(text, raw, false)) < 0 || !strcmp(text, ".") || !strcmp(text, ".."))
			return -1;
		segment[n++] = br_slice(text, (size_t)len);
		p += raw.len;
	}
	return n;
}

struct finding {
	const struct br_slice *segment;
	int n, params, method;
	const char *value[MAX_PARAMS];
	const struct br_node *other; /* the path is there, for other methods */
};

static const struct br_node *arrive(const struct br_node *n, struct finding *f)
{
	if (f->method >= 0 && n->row[f->method])
		return n;
	for (size_t i = 0; !f->other && i < BR_COUNT(methods); i++)
		if (n->row[i])
			f->other = n;
	return NULL;
}

static const struct br_node *descend(const struct br_node *n, struct finding *f, int depth)
{
	const struct br_node *found;

	if (depth == f->n)
		return arrive(n, f);
	for (const struct br_node *c = n->child; c; c = c->next)
		if (br_slice_eq(f->segment[depth], br_slice_str(c->segment)) && (found = descend(c, f, depth + 1)))
			return found;
	if (!n->param || !f->segment[depth].len || f->params == MAX_PARAMS)
		return NULL;
	f->value[f->params++] = f->segment[depth].ptr;
	if ((found = descend(n->param, f, depth + 1)))
		return found;
	f->params--;
	return NULL;
}

static void list_methods(char *out, size_t size, const struct br_node *n)
{
	size_t used = 0;

	for (size_t i = 0; i < BR_COUNT(methods); i++)
		if (n->row[i])
			used += (size_t)snprintf(out + used, size - used, "%s%s%s", used ? ", " : "", methods[i], i == 0 ? ", HEAD" : "");
	snprintf(out + used, size - used, ", OPTIONS");
}

void br_router__find(struct br_match *out, const struct br_router *r, struct br_slice method, struct br_slice path, struct br_arena *a)
{
	struct br_slice segment[MAX_DEPTH];
	struct finding f = { .segment = segment, .n = split(segment, path, a) };
	const struct br_node *n;

	*out = (struct br_match){ .status = f.n < 0 ? 400 : 404, .head = br_slice_eq(method, br_slice_str("HEAD")) };
	if (f.n < 0 || !r->root)
		return;
	f.method = out->head ? 0 : method_of(method);
	n = descend(r->root, &f, 0);
	if (!n && !f.other)
		return;
	memcpy(out->value, f.value, sizeof out->value);
	list_methods(out->allow, sizeof out->allow, n ? n : f.other);
	out->row = n ? n->row[f.method] : NULL;
	out->status = n ? 0 : 405;
	for (size_t i = 0; !n && !out->of && i < BR_COUNT(methods); i++)
		out->of = f.other->row[i] ? f.other->row[i]->dialect : NULL;
}

/* Bytes of the longest of its prefixes that the path begins with; -1: none. */
static int longest_prefix(const struct br_dialect *d, struct br_slice path)
{
	const char *p = d->prefix;
	int best = *p ? -1 : 0;

	while (*p) {
		size_t n = strcspn(p, " ");
		if (br_has_prefix(path, br_slice(p, n)))
			best = BR_MAX(best, (int)n);
		p += n + (p[n] == ' ');
	}
	return best;
}

const struct br_dialect *br_router__dialect(const struct br_router *r, struct br_slice path)
{
	const struct br_dialect *best = NULL;
	int most = -1;

	for (size_t i = 0; i < r->dialect.n; i++) {
		int n = longest_prefix(r->dialect.v[i], path);

		if (n > most) {
			best = r->dialect.v[i];
			most = n;
		}
	}
	return best;
}
