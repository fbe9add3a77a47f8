/* URLs and what is read from the web beside pages. Input: lines with a base, a reference, a content type and a path, then a body. */
#include "fuzz.h"

#include "corpus/web.h"
#include "net/internal.h"

static void check_url(const struct br_url *u)
{
	struct br_url again;
	struct br_addr a;

	HOLDS(u->text && u->host && *u->host && u->path >= u->text && u->path < u->text + strlen(u->text) && *u->path == '/');
	HOLDS(br_is_url(u->text) && !strchr(u->text, '#') && !strpbrk(u->text, " \t\r\n\"<>"));
	HOLDS(u->https == !strncmp(u->text, "https://", 8) && u->port);
	for (const char *p = u->host; *p; p++)
		HOLDS(!(*p >= 'A' && *p <= 'Z') && (unsigned char)*p > ' ' && !strchr("/?#@[]\\", *p));
	/* A host that inet_aton would take for a number stands as the address it is. */
	if (br_addr_parse(&a, u->host) && a.len == 4) {
		char dotted[20];
		snprintf(dotted, sizeof dotted, "%u.%u.%u.%u", a.b[0], a.b[1], a.b[2], a.b[3]);
		HOLDS(!strcmp(dotted, u->host));
	}
	HOLDS(br_url_parse(&again, NULL, br_slice_str(u->text), NULL) == 0);
	HOLDS(!strcmp(again.text, u->text) && !strcmp(again.host, u->host) && again.port == u->port && !again.user);
	HOLDS(br_url_same_host(u, &again) && br_url_same_origin(u, &again));
	(void)br_url_name(u->text);
	(void)web__is_no_text(u->text);
	br_url_release(&again);
}

static void check_links(struct br_slice html, const struct br_url *base)
{
	struct br_links l = { .nofollow = false };

	br_links_scan(&l, html);
	for (size_t i = 0; i < l.href.n; i++) {
		struct br_url u = { 0 };
		if (br_url_parse(&u, base, l.href.v[i], NULL) == 0)
			check_url(&u);
		br_url_release(&u);
	}
	br_links_release(&l);
}

static void check_robots(struct br_slice text, const char *path)
{
	struct br_robots own, all;
	struct br_buf with = BR_BUF_INIT(SIZE_MAX);

	br_robots_parse(&own, text, "br");
	HOLDS(own.delay >= 0);
	(void)br_robots_allow(&own, path);
	br_robots_release(&own);
	br_buf_adds(&with, "User-agent: br\nDisallow: /\n");
	br_robots_parse(&all, br_buf_slice(&with), "br");
	HOLDS(*path != '/' || !strncmp(path, "/robots.txt", 11) || !br_robots_allow(&all, path));
	br_robots_release(&all);
	br_buf_release(&with);
}

static void check_type(const char *type, struct br_slice body)
{
	enum br_format f = web__format(type, "http://a/b.txt", body);
	struct br_buf utf8 = BR_BUF_INIT(1 << 24);

	HOLDS(f < BR_FMT_COUNT);
	if (web__to_utf8(&utf8, type, f, body))
		HOLDS(br_utf8_valid(utf8.ptr, utf8.len) == utf8.len);
	HOLDS(br_http_retry_after(type, 1700000000) >= -1);
	br_buf_release(&utf8);
}

FUZZ(net_url)
{
	struct br_rd r = br_rd(in);
	char *base = fuzz_line(&r), *ref = fuzz_line(&r), *type = fuzz_line(&r), *path = fuzz_line(&r);
	struct br_url b = { 0 }, u = { 0 };
	struct br_err err = { 0 };
	bool has = br_url_parse(&b, NULL, br_slice_str(base), &err) == 0;

	HOLDS(has || (err.code == BR_EINPUT && err.msg[0]));
	if (has)
		check_url(&b);
	if (br_url_parse(&u, has ? &b : NULL, br_slice_str(ref), NULL) == 0)
		check_url(&u);
	check_links(fuzz_rest(&r), has ? &b : NULL);
	check_robots(fuzz_rest(&r), path);
	check_type(type, fuzz_rest(&r));
	br_url_release(&b);
	br_url_release(&u);
	free(base);
	free(ref);
	free(type);
	free(path);
}
