/*
 * Documents from the web: one page, or those that it leads to, breadth first: same host, as robots.txt allows, one request a second.
 * HTML and PDF are taken, everything else is refused.
 */
#include "internal.h"

#include <stdlib.h>
#include <time.h>

enum { REDIRECTS = 5, PAGE_MAX = 50 << 20, SEEN_MAX = 1 << 17 };

static int open_net(struct br_net **out, struct br_net_rules *rules, struct br_tenancy *t, struct br_err *err)
{
	br_net_rules(rules, t->ws->config);
	return br_net_open(out, rules, err);
}

static bool type_is(const char *type, const char *want)
{
	size_t n = strlen(want);

	return type && !strncasecmp(type, want, n) && (!type[n] || strchr("; \t", type[n]));
}

/* ".html" or ".pdf"; NULL: not for us. */
static const char *ending_of(const struct br_http_response *got)
{
	const char *type = br_http_header(got, "Content-Type");

	return type_is(type, "text/html") || type_is(type, "application/xhtml+xml") ? ".html" : type_is(type, "application/pdf") ? ".pdf" : NULL;
}

/* The charset that only the header tells is written into the page. */
static struct br_slice bytes_of(struct br_arena *a, const struct br_http_response *got, const char *ending)
{
	const char *type = br_http_header(got, "Content-Type"), *charset = type ? strcasestr(type, "charset=") : NULL;
	size_t n;
	char *whole;

	if (!charset || strcmp(ending, ".html") || !(n = strspn(charset + 8, "\"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")))
		return br_buf_slice(&got->body);
	charset += 8 + (charset[8] == '"');
	n = strcspn(charset, "\"; ");
	whole = br_arena_printf(a, "<meta charset=\"%.*s\">", (int)BR_MIN(n, (size_t)40), charset);
	n = strlen(whole);
	whole = memcpy(br_arena_alloc(a, n + got->body.len), whole, n);
	memcpy(whole + n, got->body.ptr, got->body.len);
	return br_slice(whole, n + got->body.len);
}

static const char *name_of(struct br_arena *a, const struct br_url *u, const char *ending)
{
	struct br_slice last = br_url_name(u->text);
	const char *name = last.len ? br_arena_strndup(a, last.ptr, last.len) : br_arena_strdup(a, u->host);

	return strcasecmp(br_path_ext(name), ending + 1) ? br_arena_printf(a, "%s%s", name, ending) : name;
}

static int status_error(const struct br_http_response *got, const char *url, struct br_err *err)
{
	bool passing = got->status >= 500 || got->status == 429;

	return br_fail(err, passing ? BR_EIO : BR_EINPUT, "%.200s: HTTP %d %s", url, got->status, br_http_status_text(got->status));
}

static int get(struct br_http_response *out, struct br_net *net, const char *url, struct br_err *err)
{
	const struct br_http_request ask = { .url = url, .redirects = REDIRECTS, .max_bytes = PAGE_MAX };
	int rc = br_http(out, net, &ask, err);

	return rc == 0 && (out->status < 200 || out->status > 299) ? status_error(out, url, err) : rc;
}

/* ---- one page ---- */

/* What was fetched goes where the document is waiting for it. */
static int store(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, const struct br_http_response *got, struct br_err *err)
{
	const char *ending = ending_of(got);
	int rc;

	if (!ending)
		return br_fail(err, BR_EUNSUPPORTED, "%.200s: neither HTML nor PDF", d->source_uri);
	rc = tdoc_store(t, d, a, bytes_of(a, got, ending), name_of(a, &got->url, ending), err);
	return rc > 0 ? br_fail(err, BR_EINPUT, "the same content is in this knowledge base already") : rc;
}

static bool start_on(struct br_tdoc *d, struct br_arena *a, struct br_tenancy *t, const struct due *due)
{
	if (tdoc_read(d, a, t->ws, due->nb, due->id, NULL) <= 0 || d->status == BR_TDOC_DELETED || d->status == BR_TDOC_FAILED)
		return false;
	if (d->status == BR_TDOC_UPLOADED) {
		struct br_tdoc now;
		bool there;
		pthread_mutex_lock(&t->change);
		there = tdoc_read(&now, a, t->ws, due->nb, due->id, NULL) > 0 && now.status == BR_TDOC_UPLOADED;
		if (there)
			tdoc_set(d, a, BR_TDOC_EXTRACTING);
		there = there && tdoc_write(t->ws, d, NULL) == 0;
		pthread_mutex_unlock(&t->change);
		return there;
	}
	return true;
}

static void fetch_one(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, struct br_net *net, struct br_err *err)
{
	struct br_http_response got = { 0 };
	int rc = get(&got, net, d->source_uri, err);

	if (rc == 0)
		rc = store(t, d, a, &got, err);
	br_http_response_release(&got);
	if (rc == 0)
		queue_add(t, &t->index, d->nb, d->id, 0);
	else if (rc != -BR_ENOTFOUND && rc != -BR_ECANCELLED)
		tdoc_failed(t, d, a, err);
}

/* ---- many pages ---- */

struct page { char *url; int64_t depth; };
struct crawl {
	struct br_tenancy *t;
	struct br_arena *a;
	struct br_tdoc *root;
	struct br_net *net;
	struct br_robots robots;
	struct br_url home;
	BR_VEC(struct page) queue;
	uint64_t *seen;              /* open addressing of hashes */
	size_t seen_n;
	int64_t last_ns;
	bool robots_read;
};

static bool meet(struct crawl *c, const char *url)
{
	uint64_t h = br_hash64(url, strlen(url)) | 1;
	size_t i = h & (SEEN_MAX - 1);

	while (c->seen[i] && c->seen[i] != h)
		i = (i + 1) & (SEEN_MAX - 1);
	if (c->seen[i] || c->seen_n >= SEEN_MAX / 2)
		return false;
	c->seen[i] = h;
	c->seen_n++;
	return true;
}

/* False: the server ends. */
static bool wait_turn(struct crawl *c)
{
	double delay = BR_MAX(c->t->scrape_delay, c->root->robots ? BR_MIN(c->robots.delay, (double)BR_MAX_CRAWL_DELAY) : 0);
	int64_t when = c->last_ns + (int64_t)(delay * 1e9), left;

	while (!atomic_load(&c->t->quit) && c->last_ns && (left = when - br_mono_ns()) > 0)
		nanosleep(&(struct timespec){ .tv_nsec = (long)BR_MIN(left, (int64_t)50000000) }, NULL);
	c->last_ns = br_mono_ns();
	return !atomic_load(&c->t->quit);
}

/* 4xx: everything may be read; no answer: nothing, for we cannot know. */
static int read_robots(struct crawl *c, struct br_err *err)
{
	char *url = br_arena_printf(c->a, "%.*s/robots.txt", (int)(c->home.path - c->home.text), c->home.text);
	const struct br_http_request ask = { .url = url, .redirects = REDIRECTS };
	struct br_http_response got = { 0 };
	int rc = c->root->robots ? br_http(&got, c->net, &ask, err) : 0;

	if (rc == 0 && c->root->robots && got.status >= 500)
		rc = br_fail(err, BR_EIO, "robots.txt cannot be read: HTTP %d", got.status);
	else if (rc == 0 && got.status >= 200 && got.status < 300)
		br_robots_parse(&c->robots, br_buf_slice(&got.body), "br");
	br_http_response_release(&got);
	return rc;
}

static void follow(struct crawl *c, const struct br_http_response *got, int64_t depth)
{
	struct br_url base = { 0 }, u;
	struct br_links links;

	br_links_scan(&links, br_buf_slice(&got->body));
	if (links.base.len)
		(void)!br_url_parse(&base, &got->url, links.base, NULL);
	for (size_t i = 0; i < links.href.n && !(links.nofollow && c->root->robots); i++) {
		if (br_url_parse(&u, base.text ? &base : &got->url, links.href.v[i], NULL) < 0)
			continue;
		if (br_url_same_host(&u, &c->home) && meet(c, u.text))
			*br_vec_push(&c->queue) = (struct page){ br_arena_strdup(c->a, u.text), depth };
		br_url_release(&u);
	}
	br_url_release(&base);
	br_links_release(&links);
}

static bool may_read(const struct crawl *c, const char *url)
{
	struct br_url u;
	bool may = br_url_parse(&u, NULL, br_slice_str(url), NULL) == 0;

	if (may) {
		may = !c->root->robots || br_robots_allow(&c->robots, u.path);
		br_url_release(&u);
	}
	return may;
}

static int take_page(struct crawl *c, const struct page *p, const struct br_http_response *got, struct br_err *err)
{
	const char *ending = ending_of(got);

	if (p->depth == 0)
		return c->root->status == BR_TDOC_READY ? 0 : store(c->t, c->root, c->a, got, err);
	if (!ending || !br_url_same_host(&got->url, &c->home))
		return 0;
	return tdoc_add_page(c->t, c->root, c->a, got->url.text, bytes_of(c->a, got, ending), name_of(c->a, &got->url, ending), "", err);
}

static int read_page(struct crawl *c, size_t i, struct br_err *err)
{
	struct page p = c->queue.v[i];
	struct br_http_response got = { 0 };
	const char *ending;
	int rc = get(&got, c->net, p.url, err);

	if (rc == 0 && p.depth == 0) { /* "example.org" may have led to "www.example.org" */
		br_url_release(&c->home);
		rc = br_url_parse(&c->home, NULL, br_slice_str(got.url.text), err);
	}
	if (rc == 0)
		rc = take_page(c, &p, &got, err);
	if (rc >= 0 && p.depth == 0 && c->root->status != BR_TDOC_READY)
		queue_add(c->t, &c->t->index, c->root->nb, c->root->id, 0);
	if (rc >= 0 && p.depth < c->root->max_depth && (ending = ending_of(&got)) && !strcmp(ending, ".html"))
		follow(c, &got, p.depth + 1);
	br_http_response_release(&got);
	return p.depth ? (rc == -BR_ENOTFOUND || rc == -BR_ECANCELLED ? rc : 0) : BR_MIN(rc, 0); /* a page that was only linked may be missing */
}

static int crawl(struct crawl *c, struct br_err *err)
{
	int64_t pages = 0;
	int rc = br_url_parse(&c->home, NULL, br_slice_str(c->root->source_uri), err);

	if (rc < 0 || (rc = read_robots(c, err)) < 0)
		return rc;
	c->last_ns = c->root->robots ? br_mono_ns() : 0;
	meet(c, c->home.text);
	*br_vec_push(&c->queue) = (struct page){ br_arena_strdup(c->a, c->home.text), 0 };
	for (size_t i = 0; i < c->queue.n && pages < c->root->max_pages && rc == 0; i++) {
		if (!may_read(c, c->queue.v[i].url)) {
			if (i == 0)
				return br_fail(err, BR_EFORBIDDEN, "robots.txt forbids it");
			continue;
		}
		if (!wait_turn(c))
			return br_fail(err, BR_ECANCELLED, "the server ends");
		pages++;
		rc = read_page(c, i, err);
	}
	return rc;
}

/* So that it is not done again when the server starts next. */
static void note_done(struct br_tenancy *t, const struct br_tdoc *root, struct br_arena *a)
{
	struct br_tdoc now;

	pthread_mutex_lock(&t->change);
	if (tdoc_read(&now, a, t->ws, root->nb, root->id, NULL) > 0 && now.status != BR_TDOC_DELETED) {
		now.depth = 1;
		(void)!tdoc_write(t->ws, &now, NULL);
	}
	pthread_mutex_unlock(&t->change);
}

static void fetch_many(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, struct br_net *net, struct br_err *err)
{
	struct crawl c = { .t = t, .a = a, .root = d, .net = net, .seen = br_allocn(SEEN_MAX, sizeof *c.seen) };
	int rc = crawl(&c, err);

	br_robots_release(&c.robots);
	br_url_release(&c.home);
	br_vec_release(&c.queue);
	free(c.seen);
	if (rc == 0)
		note_done(t, d, a);
	else if (rc != -BR_ENOTFOUND && rc != -BR_ECANCELLED && d->status != BR_TDOC_READY)
		tdoc_failed(t, d, a, err);
}

/* ---- the threads ---- */

static void work(struct br_tenancy *t, struct worker *w, void (*fn)(struct br_tenancy *, struct br_tdoc *, struct br_arena *, struct br_net *, struct br_err *))
{
	struct br_net_rules rules;
	struct due due;

	while (queue_take(&due, t, w)) {
		struct br_arena a = { 0 };
		struct br_err err = { 0 };
		struct br_net *net;
		struct br_tdoc d;
		if (start_on(&d, &a, t, &due)) {
			if (open_net(&net, &rules, t, &err) < 0)
				tdoc_failed(t, &d, &a, &err);
			else {
				fn(t, &d, &a, net, &err);
				br_net_close(net);
			}
		}
		br_arena_release(&a);
	}
}

void work_fetch(struct br_tenancy *t) { work(t, &t->fetch, fetch_one); }
void work_crawl(struct br_tenancy *t) { work(t, &t->crawl, fetch_many); }
