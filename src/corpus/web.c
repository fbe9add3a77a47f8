/*
 * Documents from the web: fetched politely, asked for again with what the server said of them last time, and where links are
 * followed, breadth first, on the same host, as its robots.txt allows. The bytes go the way of every other input.
 */
#include "web.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REDIRECTS = 10, RETRIES = 2, ROBOTS_REDIRECTS = 5 };

/* ask: the URL with the credentials that were given with it; home: whose links are followed. */
struct target { const char *url, *ask; unsigned depth; bool given; struct br_url *home; };
/* closed: why nothing may be read there, or NULL. */
struct site { struct br_url at; struct br_robots robots; char *closed; int64_t last_ns; };
struct web {
	const struct web_run *r;
	struct br_net *net;
	struct br_arena arena;
	BR_VEC(struct target) queue;
	BR_VEC(struct site *) sites;
	BR_VEC(struct br_url *) homes;
	const char **seen;              /* open addressing over URLs that were met */
	size_t seen_n, seen_cap;
	uint64_t pages;                 /* asked for */
	const struct target *now;
	struct br_doc *known;           /* what the notebook has under the URL of the present hop, or NULL */
};

static bool crawling(const struct web *w) { return w->r->opts->depth > 0; }
static bool wants_links(const struct web *w, const struct target *t) { return t->depth < w->r->opts->depth; }

/* ---- what was met ---- */

static size_t seen_slot(const struct web *w, const char *url)
{
	size_t i = br_hash64(url, strlen(url)) & (w->seen_cap - 1);

	while (w->seen[i] && strcmp(w->seen[i], url))
		i = (i + 1) & (w->seen_cap - 1);
	return i;
}

static void seen_grow(struct web *w)
{
	const char **old = w->seen;
	size_t n = w->seen_cap;

	w->seen_cap = n ? n * 2 : 256;
	w->seen = br_allocn(w->seen_cap, sizeof *w->seen);
	for (size_t i = 0; i < n; i++)
		if (old[i])
			w->seen[seen_slot(w, old[i])] = old[i];
	free(old);
}

/* Remembers it; NULL when it was met before. */
static const char *meet(struct web *w, const char *url)
{
	size_t i;

	if (w->seen_n * 2 >= w->seen_cap)
		seen_grow(w);
	i = seen_slot(w, url);
	if (w->seen[i])
		return NULL;
	w->seen_n++;
	return w->seen[i] = br_arena_strdup(&w->arena, url);
}

/* NULL when it stands there already, or there is no more room. The pointer holds until the next call. */
static struct target *enqueue(struct web *w, const char *text, unsigned depth, struct br_url *home)
{
	const char *url = w->queue.n < BR_MAX_CRAWL ? meet(w, text) : NULL;
	struct target *t = url ? br_vec_push(&w->queue) : NULL;

	if (t)
		*t = (struct target){ url, url, depth, !home, home };
	return t;
}

static struct br_url *new_home(struct web *w)
{
	return *br_vec_push(&w->homes) = br_alloc(sizeof(struct br_url));
}

/* ---- what the notebook has ---- */

static int look_up(struct br_doc **out, struct web *w, const char *url, struct br_err *err)
{
	struct br_txn *t;
	uint32_t num;
	int rc = br_txn_read(&t, w->r->ws->store, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	if ((rc = doc_by_path(&num, t, w->r->nb->nb, url, err)) > 0)
		rc = br_doc_get(out, &w->arena, t, w->r->nb->nb, num, err);
	br_txn_end(t);
	if (*out && (*out)->origin != BR_FROM_URL)
		*out = NULL;
	return rc < 0 ? rc : 0;
}

struct mark { uint32_t nb, doc; const char *gone; };

static int put_mark(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct mark *m = arg;
	struct br_arena a = { 0 };
	struct br_doc *d;
	struct br_err lost;
	int rc = br_doc_get(&d, &a, t, m->nb, m->doc, &lost);

	if (rc == 0) {
		d->gone = (char *)m->gone;
		rc = doc_put(t, m->nb, d, err);
	} else if (rc == -BR_ENOTFOUND)
		rc = 0; /* deleted meanwhile */
	else
		rc = br_fail(err, lost.code, "%s", lost.msg);
	br_arena_release(&a);
	return rc;
}

static int mark_gone(struct web *w, const struct br_doc *d, const char *gone, struct br_err *err)
{
	struct mark m = { w->r->nb->nb, d->doc, gone };

	return strcmp(d->gone, gone) ? br_store_write(w->r->ws->store, put_mark, &m, err) : 0;
}

/* ---- telling ---- */

static void report(struct web *w, enum br_action action, const char *url, const char *reason, uint64_t size)
{
	tell(w->r->stats, w->r->opts, &(struct br_event){ .action = action, .path = url, .reason = reason, .size = size });
}

/* A page that was only linked may be missing without the run having failed. */
static void report_bad(struct web *w, bool passing, const char *reason)
{
	report(w, !w->now->given && !passing ? BR_ACT_SKIP : BR_ACT_FAIL, w->now->url, reason, 0);
}

/* ---- manners ---- */

static int pause_until(int64_t when, struct br_err *err)
{
	int64_t left;
	int rc;

	while ((rc = br_check_stop(err)) == 0 && (left = when - br_mono_ns()) > 0)
		nanosleep(&(struct timespec){ .tv_nsec = (long)BR_MIN(left, (int64_t)200000000) }, NULL);
	return rc;
}

static int64_t delay_ns(const struct web *w, const struct site *s)
{
	return (int64_t)(BR_MIN(BR_MAX(w->r->opts->delay, s->robots.delay), (double)BR_MAX_CRAWL_DELAY) * 1e9);
}

/* 4xx: there are no rules; anything else that is no answer: nothing may be read, for we cannot know. */
static int read_robots(struct web *w, struct site *s, struct br_err *err)
{
	struct br_http_response got;
	struct br_err why = { 0 };
	char *url = br_sprintf("%.*s/robots.txt", (int)(s->at.path - s->at.text), s->at.text);
	struct br_http_request ask = { .url = url, .redirects = ROBOTS_REDIRECTS, .retries = RETRIES };
	int rc = br_http(&got, w->net, &ask, &why);

	s->last_ns = br_mono_ns();
	if (rc == 0 && got.status >= 200 && got.status < 300)
		br_robots_parse(&s->robots, br_buf_slice(&got.body), "br");
	else if (rc < 0)
		s->closed = br_sprintf("robots.txt cannot be read: %s", why.msg);
	else if (got.status < 400 || got.status >= 500)
		s->closed = br_sprintf("robots.txt cannot be read: HTTP %d %s", got.status, br_http_status_text(got.status));
	br_http_response_release(&got);
	free(url);
	if (rc == -BR_ECANCELLED)
		return br_fail(err, BR_ECANCELLED, "%s", why.msg);
	return 0;
}

static int site_of(struct site **out, struct web *w, const struct br_url *u, struct br_err *err)
{
	struct site *s;

	for (size_t i = 0; i < w->sites.n; i++)
		if (br_url_same_origin(&(*out = w->sites.v[i])->at, u))
			return 0;
	s = *br_vec_push(&w->sites) = br_alloc(sizeof *s);
	*out = s;
	if (br_url_parse(&s->at, NULL, br_slice_str(u->text), err) < 0)
		return br_fail(err, BR_EBUG, "'%s' cannot be read twice", u->text);
	return read_robots(w, s, err);
}

/* FORBIDDEN when it is not ours to read; else waits for our turn. */
static int be_polite(struct web *w, const struct br_url *u, bool first, struct br_err *err)
{
	struct site *s;
	int rc;

	if (!first && !w->now->given && !br_url_same_host(w->now->home, u))
		return br_fail(err, BR_EFORBIDDEN, "leads to another host: %s", u->host);
	if ((rc = site_of(&s, w, u, err)) < 0)
		return rc;
	if (s->closed)
		return br_fail(err, BR_EIO, "%s", s->closed);
	if (!br_robots_allow(&s->robots, u->path))
		return br_fail(err, BR_EFORBIDDEN, "robots.txt forbids it");
	if ((rc = pause_until(s->last_ns + delay_ns(w, s), err)) == 0)
		s->last_ns = br_mono_ns();
	return rc;
}

/* ---- one request ---- */

/* A version that we have need not be sent again, unless we want its links, which are not kept. */
static void add_conditions(struct web *w, struct br_http_hop *hop)
{
	const struct br_doc *d = w->known;

	if (!d || w->r->opts->force || wants_links(w, w->now) || (d->state != BR_DOC_INDEXED && d->state != BR_DOC_SKIPPED))
		return;
	if (d->etag[0])
		*br_vec_push(&hop->headers) = (struct br_http_header){ "If-None-Match", d->etag };
	if (d->modified[0])
		*br_vec_push(&hop->headers) = (struct br_http_header){ "If-Modified-Since", d->modified };
}

static int on_hop(struct br_http_hop *hop, void *arg, struct br_err *err)
{
	struct web *w = arg;
	int rc = crawling(w) ? be_polite(w, hop->url, hop->number == 0, err) : 0;

	if (rc == 0 && (rc = look_up(&w->known, w, hop->url->text, err)) == 0)
		add_conditions(w, hop);
	return rc;
}

/* ---- what came ---- */

static void follow(struct web *w, const struct br_http_response *got, const struct br_links *links)
{
	struct br_url base = { 0 }, u;

	if (links->base.len)
		(void)!br_url_parse(&base, &got->url, links->base, NULL);
	for (size_t i = 0; i < links->href.n; i++) {
		if (br_url_parse(&u, base.text ? &base : &got->url, links->href.v[i], NULL) < 0)
			continue;
		if (br_url_same_host(&u, w->now->home) && !web__is_no_text(u.text))
			enqueue(w, u.text, w->now->depth + 1, w->now->home);
		br_url_release(&u);
	}
	br_url_release(&base);
}

/* Follows the links of a page; false when the page itself does not want to be found. */
static bool read_links(struct web *w, const struct br_http_response *got)
{
	struct br_links links;
	bool wanted;

	br_links_scan(&links, br_buf_slice(&got->body));
	wanted = w->now->given || !links.noindex;
	if (wants_links(w, w->now) && !links.nofollow)
		follow(w, got, &links);
	br_links_release(&links);
	return wanted;
}

static int hand_over(struct web *w, struct br_http_response *got, struct br_err *err)
{
	struct br_buf utf8 = BR_BUF_INIT(BR_MAX_FILE);
	const char *type = br_http_header(got, "Content-Type"), *etag = br_http_header(got, "ETag"),
		*modified = br_http_header(got, "Last-Modified");
	struct br_slice bytes = br_buf_slice(&got->body);
	struct input in = { .origin = BR_FROM_URL, .action = BR_ACT_ADD, .path = got->url.text, .size = bytes.len };
	int rc;

	in.format = web__format(type, got->url.text, bytes);
	if (in.format == BR_FMT_HTML && crawling(w) && !read_links(w, got)) {
		report(w, BR_ACT_SKIP, got->url.text, "the page asks not to be indexed", 0);
		return 0;
	}
	in.bytes = web__to_utf8(&utf8, type, in.format, bytes) ? br_buf_slice(&utf8) : bytes;
	in.etag = etag && strlen(etag) <= BR_MAX_TITLE ? etag : NULL;
	in.modified = modified && strlen(modified) <= BR_MAX_TITLE ? modified : NULL;
	rc = w->r->page(&in, w->r->arg, err);
	br_buf_release(&utf8);
	return rc;
}

/* Not there, or not for us. What is indexed of it is kept, and marked when the server says that it is gone for good. */
static int refused(struct web *w, const struct br_http_response *got, struct br_err *err)
{
	bool gone = got->status == 404 || got->status == 410;
	const char *text = br_http_status_text(got->status);
	char *why = br_sprintf("HTTP %d%s%s", got->status, *text ? " " : "", text);
	struct br_doc *d = w->known;
	int rc = 0;

	if (!d && (rc = look_up(&d, w, w->now->url, err)) < 0)
		;
	else if (d && gone && (rc = mark_gone(w, d, why, err)) == 0) {
		char *kept = br_sprintf("%s; what was indexed is kept", why);
		report(w, BR_ACT_FAIL, d->path, kept, 0);
		free(kept);
	} else if (rc == 0)
		report_bad(w, d || got->status >= 500 || got->status == 429, why);
	free(why);
	return rc;
}

static int unchanged(struct web *w, struct br_err *err)
{
	int rc = mark_gone(w, w->known, "", err);

	if (rc == 0)
		report(w, w->known->state == BR_DOC_SKIPPED ? BR_ACT_SKIP : BR_ACT_KEEP, w->known->path,
		       w->known->state == BR_DOC_SKIPPED ? w->known->error : NULL, w->known->size);
	return rc;
}

/* A document whose URL leads elsewhere now is kept and marked; what it leads to is a document of its own. */
static int moved(struct web *w, const char *to, struct br_err *err)
{
	struct br_doc *d;
	int rc = look_up(&d, w, w->now->url, err);

	if (rc == 0 && d) {
		char *why = br_sprintf("leads to %s", to);
		rc = mark_gone(w, d, why, err);
		free(why);
	}
	return rc;
}

static int take_answer(struct web *w, struct br_http_response *got, struct br_err *err)
{
	bool elsewhere = strcmp(got->url.text, w->now->url) != 0, good = got->status >= 200 && got->status < 300;
	int rc = elsewhere && (good || got->status == 304) ? moved(w, got->url.text, err) : 0;

	if (rc < 0)
		return rc;
	/* Redirected to what was met before: its turn has come or will come. */
	if (elsewhere && good && !meet(w, got->url.text))
		return 0;
	if (got->status == 304 && w->known)
		return unchanged(w, err);
	return good ? hand_over(w, got, err) : refused(w, got, err);
}

/* Faults of this one URL are told; what stops the run is returned. */
static int fetch(struct web *w, struct target *t, struct br_err *err)
{
	struct br_http_request ask = { .url = t->ask, .redirects = REDIRECTS, .retries = RETRIES, .hop = on_hop, .arg = w };
	struct br_http_response got;
	struct br_err why = { 0 };
	int rc;

	if (t->given)
		t->home = new_home(w);
	w->now = t;
	w->known = NULL;
	w->pages++;
	rc = br_http(&got, w->net, &ask, &why);
	if (rc == 0 && t->given) /* "example.org" may have led to "www.example.org" */
		rc = br_url_parse(t->home, NULL, br_slice_str(got.url.text), &why);
	if (rc == 0)
		rc = take_answer(w, &got, err);
	else if (rc == -BR_ECANCELLED || rc == -BR_ECORRUPT || rc == -BR_EBUG)
		rc = br_fail(err, why.code, "%s", why.msg);
	else {
		if (rc == -BR_EFORBIDDEN)
			report(w, BR_ACT_SKIP, t->url, why.msg, 0);
		else
			report_bad(w, true, why.msg);
		rc = 0;
	}
	br_http_response_release(&got);
	return rc;
}

/* ---- all of them ---- */

static int add_given(struct web *w, const char *const *url, size_t n, struct br_err *err)
{
	struct target *t;
	struct br_err why;
	struct br_url u;

	for (size_t i = 0; i < n; i++) {
		if (br_url_parse(&u, NULL, br_slice_str(url[i]), &why) < 0) {
			const char *at = strrchr(url[i], '@'); /* what stands before it may be a password */
			return br_fail(err, BR_EUSAGE, "'%.200s': %s", at ? at + 1 : url[i], why.msg);
		}
		if ((t = enqueue(w, u.text, 0, NULL)))
			t->ask = br_arena_strdup(&w->arena, url[i]);
		br_url_release(&u);
	}
	return 0;
}

static int add_known(const struct br_doc *d, void *arg)
{
	if (d->origin == BR_FROM_URL)
		enqueue(arg, d->path, 0, NULL);
	return 0;
}

static int add_all_known(struct web *w, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, w->r->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_doc_each(t, w->r->nb->nb, add_known, w, err);
	br_txn_end(t);
	return rc;
}

static int run(struct web *w, struct br_err *err)
{
	uint64_t most = w->r->opts->max_pages ? w->r->opts->max_pages : UINT64_MAX;
	int rc = 0;

	/* The queue grows while links are followed, and its memory may move. */
	for (size_t i = 0; i < w->queue.n && rc == 0 && (!crawling(w) || w->pages < most); i++) {
		struct target t = w->queue.v[i];

		if ((rc = fetch(w, &t, err)) == 0)
			rc = check_errors(w->r->stats, w->r->opts, 0, err);
	}
	return rc;
}

static void release(struct web *w)
{
	for (size_t i = 0; i < w->sites.n; i++) {
		br_url_release(&w->sites.v[i]->at);
		br_robots_release(&w->sites.v[i]->robots);
		free(w->sites.v[i]->closed);
		free(w->sites.v[i]);
	}
	br_vec_release(&w->sites);
	for (size_t i = 0; i < w->homes.n; i++) {
		br_url_release(w->homes.v[i]);
		free(w->homes.v[i]);
	}
	br_vec_release(&w->homes);
	br_vec_release(&w->queue);
	free(w->seen);
	br_net_close(w->net);
	br_arena_release(&w->arena);
}

int web_ingest(const struct web_run *r, const char *const *url, size_t n, struct br_err *err)
{
	struct web w = { .r = r };
	struct br_net_rules rules;
	int rc;

	br_net_rules(&rules, r->ws->config);
	rules.allow_private |= r->opts->allow_private;
	rc = n ? add_given(&w, url, n, err) : add_all_known(&w, err);
	if (rc == 0 && w.queue.n && (rc = br_net_open(&w.net, &rules, err)) == 0)
		rc = run(&w, err);
	release(&w);
	return rc;
}
