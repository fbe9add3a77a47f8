/*
 * net without a network: what addresses are, how URLs are read, robots.txt, links of a page, Retry-After.
 */
#include "br/net.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- addresses ---- */

static const struct { const char *text; enum br_addr_kind kind; } addresses[] = {
	/* the edges of every range, and the neighbours outside */
	{ "0.0.0.0", BR_ADDR_UNSPECIFIED }, { "0.255.255.255", BR_ADDR_UNSPECIFIED }, { "1.0.0.0", BR_ADDR_PUBLIC },
	{ "9.255.255.255", BR_ADDR_PUBLIC }, { "10.0.0.0", BR_ADDR_PRIVATE }, { "10.255.255.255", BR_ADDR_PRIVATE }, { "11.0.0.0", BR_ADDR_PUBLIC },
	{ "100.63.255.255", BR_ADDR_PUBLIC }, { "100.64.0.0", BR_ADDR_SHARED }, { "100.127.255.255", BR_ADDR_SHARED },
	{ "100.128.0.0", BR_ADDR_PUBLIC }, { "100.100.100.200", BR_ADDR_METADATA },
	{ "126.255.255.255", BR_ADDR_PUBLIC }, { "127.0.0.1", BR_ADDR_LOOPBACK }, { "127.255.255.255", BR_ADDR_LOOPBACK }, { "128.0.0.0", BR_ADDR_PUBLIC },
	{ "169.253.255.255", BR_ADDR_PUBLIC }, { "169.254.0.0", BR_ADDR_LINK_LOCAL }, { "169.254.169.254", BR_ADDR_METADATA },
	{ "169.254.169.253", BR_ADDR_LINK_LOCAL }, { "169.254.170.2", BR_ADDR_METADATA }, { "169.255.0.0", BR_ADDR_PUBLIC },
	{ "168.63.129.16", BR_ADDR_METADATA }, { "168.63.129.17", BR_ADDR_PUBLIC },
	{ "172.15.255.255", BR_ADDR_PUBLIC }, { "172.16.0.0", BR_ADDR_PRIVATE }, { "172.31.255.255", BR_ADDR_PRIVATE }, { "172.32.0.0", BR_ADDR_PUBLIC },
	{ "192.0.0.1", BR_ADDR_RESERVED }, { "192.0.0.192", BR_ADDR_METADATA }, { "192.0.1.0", BR_ADDR_PUBLIC }, { "192.0.2.1", BR_ADDR_RESERVED },
	{ "192.88.99.1", BR_ADDR_RESERVED }, { "192.167.255.255", BR_ADDR_PUBLIC }, { "192.168.0.0", BR_ADDR_PRIVATE },
	{ "192.168.255.255", BR_ADDR_PRIVATE }, { "192.169.0.0", BR_ADDR_PUBLIC },
	{ "198.17.255.255", BR_ADDR_PUBLIC }, { "198.18.0.0", BR_ADDR_RESERVED }, { "198.19.255.255", BR_ADDR_RESERVED }, { "198.20.0.0", BR_ADDR_PUBLIC },
	{ "198.51.100.7", BR_ADDR_RESERVED }, { "203.0.113.7", BR_ADDR_RESERVED }, { "223.255.255.255", BR_ADDR_PUBLIC },
	{ "224.0.0.0", BR_ADDR_MULTICAST }, { "239.255.255.255", BR_ADDR_MULTICAST }, { "240.0.0.0", BR_ADDR_RESERVED },
	{ "255.255.255.255", BR_ADDR_RESERVED }, { "8.8.8.8", BR_ADDR_PUBLIC },
	/* the same in other notations */
	{ "2130706433", BR_ADDR_LOOPBACK }, { "0x7f000001", BR_ADDR_LOOPBACK }, { "0x7F.1", BR_ADDR_LOOPBACK }, { "017700000001", BR_ADDR_LOOPBACK },
	{ "0177.0.0.1", BR_ADDR_LOOPBACK }, { "127.1", BR_ADDR_LOOPBACK }, { "127.0.1", BR_ADDR_LOOPBACK }, { "0", BR_ADDR_UNSPECIFIED },
	{ "0xa9fea9fe", BR_ADDR_METADATA }, { "2852039166", BR_ADDR_METADATA }, { "0xa9.254.0251.254", BR_ADDR_METADATA },
	{ "012.1.2.3", BR_ADDR_PRIVATE }, { "0x8.8.8.8", BR_ADDR_PUBLIC },
	/* IPv6 */
	{ "::", BR_ADDR_UNSPECIFIED }, { "::1", BR_ADDR_LOOPBACK }, { "::2", BR_ADDR_UNSPECIFIED }, { "2606:4700::1111", BR_ADDR_PUBLIC },
	{ "2001:4860:4860::8888", BR_ADDR_PUBLIC }, { "fc00::1", BR_ADDR_PRIVATE }, { "fdff:ffff::1", BR_ADDR_PRIVATE },
	{ "fd00:ec2::254", BR_ADDR_METADATA }, { "fd00:ec2::253", BR_ADDR_PRIVATE }, { "fd20:ce::254", BR_ADDR_METADATA },
	{ "fe80::1", BR_ADDR_LINK_LOCAL }, { "febf::1", BR_ADDR_LINK_LOCAL }, { "fec0::1", BR_ADDR_PRIVATE }, { "ff02::1", BR_ADDR_MULTICAST },
	{ "2001:db8::1", BR_ADDR_RESERVED }, { "2001::1", BR_ADDR_RESERVED }, { "2001:1ff:ffff::", BR_ADDR_RESERVED }, { "2001:200::1", BR_ADDR_PUBLIC },
	{ "3fff::1", BR_ADDR_RESERVED }, { "3fff:1000::1", BR_ADDR_PUBLIC }, { "100::1", BR_ADDR_RESERVED }, { "4000::1", BR_ADDR_RESERVED },
	{ "64:ff9b:1::a00:1", BR_ADDR_RESERVED }, { "5f00::1", BR_ADDR_RESERVED },
	/* IPv4 inside IPv6 */
	{ "::ffff:127.0.0.1", BR_ADDR_LOOPBACK }, { "::ffff:a9fe:a9fe", BR_ADDR_METADATA }, { "::ffff:8.8.8.8", BR_ADDR_PUBLIC },
	{ "::ffff:0:10.0.0.1", BR_ADDR_PRIVATE }, { "::127.0.0.1", BR_ADDR_LOOPBACK }, { "::10.1.2.3", BR_ADDR_PRIVATE },
	{ "64:ff9b::169.254.169.254", BR_ADDR_METADATA }, { "64:ff9b::10.0.0.1", BR_ADDR_PRIVATE }, { "64:ff9b::8.8.8.8", BR_ADDR_PUBLIC },
	{ "2002:7f00:1::", BR_ADDR_LOOPBACK }, { "2002:a9fe:a9fe::1", BR_ADDR_METADATA }, { "2002:808:808::1", BR_ADDR_PUBLIC },
	{ "2606:4700::5efe:10.0.0.1", BR_ADDR_PRIVATE }, { "2606:4700::200:5efe:127.0.0.1", BR_ADDR_LOOPBACK },
	{ "2001:db8::5efe:8.8.8.8", BR_ADDR_RESERVED },
};

static void test_address_kinds(void **state)
{
	struct br_addr a;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(addresses); i++) {
		if (!br_addr_parse(&a, addresses[i].text))
			fail_msg("'%s' was not read", addresses[i].text);
		if (br_addr_kind(&a) != addresses[i].kind)
			fail_msg("'%s' is said to be %s", addresses[i].text, br_addr_kind_name(br_addr_kind(&a)));
	}
}

static void test_no_addresses(void **state)
{
	static const char *const bad[] = { "", "localhost", "1.2.3.4.5", "256.0.0.1", "1.2.3.256", "0x", "08.1.1.1", "1..2", "::g", ":::", "4294967296",
		"1.2.3.4 ", "1.2.3.4 x", "::1%lo", "[::1]", "1.2.3.4/8" };
	struct br_addr a;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(bad); i++)
		if (br_addr_parse(&a, bad[i]))
			fail_msg("'%s' was read as an address", bad[i]);
}

static bool permits(const char *allow, bool private, const char *host, const char *addr)
{
	struct br_net_rules r = { .allow = allow, .allow_private = private };
	struct br_addr a;

	assert_true(br_addr_parse(&a, addr));
	return br_net_permits(&r, host, &a);
}

static void test_permits(void **state)
{
	(void)state;
	assert_true(permits(NULL, false, "example.org", "93.184.216.34"));
	assert_false(permits(NULL, false, "example.org", "127.0.0.1"));
	assert_true(permits(NULL, true, "example.org", "127.0.0.1"));
	assert_true(permits(NULL, true, "x", "169.254.1.1"));
	assert_false(permits(NULL, true, "x", "169.254.169.254"));
	assert_false(permits(NULL, true, "x", "::ffff:169.254.169.254"));
	assert_true(permits("169.254.169.254", false, "x", "169.254.169.254"));
	assert_true(permits("10.1.0.0/16", false, "x", "10.1.255.255"));
	assert_false(permits("10.1.0.0/16", false, "x", "10.2.0.0"));
	assert_true(permits("10.1.2.0/23", false, "x", "10.1.3.9"));
	assert_false(permits("10.1.2.0/23", false, "x", "10.1.4.0"));
	assert_true(permits("fd00::/8, 10.0.0.1", false, "x", "fd12::1"));
	assert_true(permits("fd00::/8, 10.0.0.1", false, "x", "10.0.0.1"));
	assert_true(permits("[::1]", false, "x", "::1"));
	assert_true(permits("wiki.corp", false, "wiki.corp", "10.9.9.9"));
	assert_true(permits("WIKI.corp", false, "wiki.corp", "10.9.9.9"));
	assert_false(permits("wiki.corp", false, "x.wiki.corp", "10.9.9.9"));
	assert_true(permits(".corp", false, "x.wiki.corp", "10.9.9.9"));
	assert_false(permits(".corp", false, "corp", "10.9.9.9"));
	assert_false(permits(".corp", false, "notcorp", "10.9.9.9"));
	assert_false(permits("", false, "x", "10.9.9.9"));
}

static void test_allow_check(void **state)
{
	static const char *const good[] = { "", "a.b", ".corp 10.0.0.0/8", "::1,fe80::/10", "[::1]", "10.0.0.0/0", NULL };
	static const char *const bad[] = { "10.0.0.0/33", "::/129", "10.0.0/x", "a b!", "http://x", "10.0.0.0/-1", "10.0.0.0/" };
	struct br_err err;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(good); i++)
		assert_int_equal(br_net_allow_check(good[i], &err), 0);
	for (size_t i = 0; i < BR_COUNT(bad); i++)
		if (br_net_allow_check(bad[i], &err) != -BR_EUSAGE)
			fail_msg("'%s' was accepted", bad[i]);
}

/* ---- URLs ---- */

static const struct { const char *in, *out; } urls[] = {
	{ "http://example.org", "http://example.org/" },
	{ "HTTP://EXAMPLE.Org:80/", "http://example.org/" },
	{ "https://example.org:443/a", "https://example.org/a" },
	{ "https://example.org:80/a", "https://example.org:80/a" },
	{ "http://example.org:8080", "http://example.org:8080/" },
	{ "http://example.org:/x", "http://example.org/x" },
	{ "  http://example.org/a\n", "http://example.org/a" },
	{ "http://exam\nple.org/a\tb", "http://example.org/ab" },
	{ "http://example.org./a", "http://example.org/a" },
	{ "http://example.org/a#frag", "http://example.org/a" },
	{ "http://example.org#f", "http://example.org/" },
	{ "http://example.org?q", "http://example.org/?q" },
	{ "http://example.org/?q=1#f?x", "http://example.org/?q=1" },
	{ "http://example.org/a/./b/../c", "http://example.org/a/c" },
	{ "http://example.org/../../x", "http://example.org/x" },
	{ "http://example.org../a", "http://example.org/a" },
	{ "http://example.org/a/..", "http://example.org/" },
	{ "http://example.org/a/b/.", "http://example.org/a/b/" },
	{ "http://example.org/a//b", "http://example.org/a//b" },
	{ "http://example.org/a/%2e%2E/b", "http://example.org/b" },
	{ "http://example.org/%7euser/%c3%a4", "http://example.org/~user/%C3%A4" },
	{ "http://example.org/\xc3\xa4 b", "http://example.org/%C3%A4%20b" },
	{ "http://example.org/100%", "http://example.org/100%25" },
	{ "http://example.org/a%2Fb", "http://example.org/a%2Fb" },
	{ "http://example.org/?a=%41&b=%2f../x", "http://example.org/?a=A&b=%2F../x" },
	{ "http://example.org/<\"'>", "http://example.org/%3C%22'%3E" },
	{ "http:\\\\example.org\\a\\b?c\\d", "http://example.org/a/b?c%5Cd" },
	{ "http://user:pa%20ss@example.org/", "http://example.org/" },
	{ "http://a@b@example.org/", "http://example.org/" },
	{ "http://2130706433/", "http://127.0.0.1/" },
	{ "http://0x7f.1:81/", "http://127.0.0.1:81/" },
	{ "http://0177.0.0.01/", "http://127.0.0.1/" },
	{ "http://127.1./", "http://127.0.0.1/" },
	{ "http://[::1]:8080/x", "http://[::1]:8080/x" },
	{ "http://[0:0:0:0:0:FFFF:7F00:1]/", "http://[::ffff:127.0.0.1]/" },
	{ "http://under_score.example-1.org/", "http://under_score.example-1.org/" },
	{ "http://b\xc3\xbc" "cher.example/", "http://b\xc3\xbc" "cher.example/" },
	{ "http://x.1e100.net/", "http://x.1e100.net/" },
};
static const char *const bad_urls[] = {
	"", "example.org", "/a", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://x/", "javascript:alert(1)", "data:text/html,x",
	"mailto:a@b", "http:", "http:/x", "http://", "http:///x", "http://:80/", "http://exa mple.org/", "http://exa%6dple.org/", "http://a<b/",
	"http://example.org:0/", "http://example.org:65536/", "http://example.org:8o/", "http://1.2.3.4.5/", "http://256.1.1.1/", "http://0xzz.0x/",
	"http://[::1/", "http://[fe80::1%eth0]/", "http://[1.2.3.4]/", "http://a]b/", "http://./", "http://a^b/", "http://[]/",
};

static void test_urls(void **state)
{
	struct br_url u, again;
	struct br_err err;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(urls); i++) {
		if (br_url_parse(&u, NULL, br_slice_str(urls[i].in), &err) < 0)
			fail_msg("'%s': %s", urls[i].in, err.msg);
		assert_string_equal(u.text, urls[i].out);
		assert_int_equal(u.path[0], '/');
		assert_int_equal(br_url_parse(&again, NULL, br_slice_str(u.text), &err), 0); /* normal is what does not change again */
		assert_string_equal(again.text, u.text);
		assert_string_equal(again.path, u.path);
		br_url_release(&u);
		br_url_release(&again);
	}
	for (size_t i = 0; i < BR_COUNT(bad_urls); i++)
		if (br_url_parse(&u, NULL, br_slice_str(bad_urls[i]), &err) != -BR_EINPUT)
			fail_msg("'%s' was read as %s", bad_urls[i], u.text);
	assert_int_equal(br_url_parse(&u, NULL, br_slice("http://a\0b/", 11), &err), -BR_EINPUT);
}

static void test_url_length(void **state)
{
	char *long_one = br_alloc(BR_MAX_URL + 2);
	struct br_url u;
	struct br_err err;

	(void)state;
	memset(long_one, 'a', BR_MAX_URL + 1);
	memcpy(long_one, "http://x/", 9);
	assert_int_equal(br_url_parse(&u, NULL, br_slice(long_one, BR_MAX_URL), &err), 0);
	assert_int_equal(strlen(u.text), BR_MAX_URL);
	br_url_release(&u);
	assert_int_equal(br_url_parse(&u, NULL, br_slice(long_one, BR_MAX_URL + 1), &err), -BR_ETOOBIG);
	memset(long_one + 9, ' ', BR_MAX_URL - 10); /* grows threefold when it is written out */
	long_one[BR_MAX_URL - 1] = 'x';
	assert_int_equal(br_url_parse(&u, NULL, br_slice(long_one, BR_MAX_URL), &err), -BR_ETOOBIG);
	free(long_one);
}

static void test_credentials(void **state)
{
	struct br_url u;

	(void)state;
	assert_int_equal(br_url_parse(&u, NULL, br_slice_str("http://us%65r:p%3Aw%zz@h/x"), NULL), 0);
	assert_string_equal(u.user, "user");
	assert_string_equal(u.password, "p:w%zz");
	br_url_release(&u);
	assert_int_equal(br_url_parse(&u, NULL, br_slice_str("http://only@h/"), NULL), 0);
	assert_string_equal(u.user, "only");
	assert_null(u.password);
	br_url_release(&u);
}

/* RFC 3986, 5.4, as far as it is about http, and what pages have beyond it. */
static const struct { const char *ref, *out; } relative[] = {
	{ "g", "http://a/b/c/g" }, { "./g", "http://a/b/c/g" }, { "g/", "http://a/b/c/g/" }, { "/g", "http://a/g" }, { "//g", "http://g/" },
	{ "?y", "http://a/b/c/d;p?y" }, { "g?y", "http://a/b/c/g?y" }, { "#s", "http://a/b/c/d;p?q" }, { "g#s", "http://a/b/c/g" },
	{ "g?y#s", "http://a/b/c/g?y" }, { ";x", "http://a/b/c/;x" }, { "g;x", "http://a/b/c/g;x" }, { "", "http://a/b/c/d;p?q" },
	{ ".", "http://a/b/c/" }, { "./", "http://a/b/c/" }, { "..", "http://a/b/" }, { "../", "http://a/b/" }, { "../g", "http://a/b/g" },
	{ "../..", "http://a/" }, { "../../g", "http://a/g" }, { "../../../g", "http://a/g" }, { "/./g", "http://a/g" }, { "/../g", "http://a/g" },
	{ "g.", "http://a/b/c/g." }, { "..g", "http://a/b/c/..g" }, { "./../g", "http://a/b/g" }, { "g/../h", "http://a/b/c/h" },
	{ "g?y/../x", "http://a/b/c/g?y/../x" }, { "https://x/y", "https://x/y" }, { "\\\\x\\y", "http://x/y" }, { "a:80/x", NULL },
	{ "javascript:void(0)", NULL }, { "http:g", NULL }, { "a b", "http://a/b/c/a%20b" },
};

static void test_relative(void **state)
{
	struct br_url base, u;
	struct br_err err;

	(void)state;
	assert_int_equal(br_url_parse(&base, NULL, br_slice_str("http://a/b/c/d;p?q"), &err), 0);
	for (size_t i = 0; i < BR_COUNT(relative); i++) {
		int rc = br_url_parse(&u, &base, br_slice_str(relative[i].ref), &err);

		if ((rc == 0) != (relative[i].out != NULL) || (rc == 0 && strcmp(u.text, relative[i].out)))
			fail_msg("'%s' became '%s'", relative[i].ref, rc == 0 ? u.text : err.msg);
		br_url_release(&u);
	}
	br_url_release(&base);
}

static bool same(bool (*f)(const struct br_url *, const struct br_url *), const char *a, const char *b)
{
	struct br_url x, y;
	bool yes;

	assert_int_equal(br_url_parse(&x, NULL, br_slice_str(a), NULL), 0);
	assert_int_equal(br_url_parse(&y, NULL, br_slice_str(b), NULL), 0);
	yes = f(&x, &y);
	br_url_release(&x);
	br_url_release(&y);
	return yes;
}

static void test_same(void **state)
{
	(void)state;
	assert_true(same(br_url_same_host, "http://a/x", "https://a/y"));
	assert_false(same(br_url_same_origin, "http://a/x", "https://a/y"));
	assert_true(same(br_url_same_origin, "http://a:80/x", "http://A/y"));
	assert_false(same(br_url_same_host, "http://a/", "http://a:81/"));
	assert_false(same(br_url_same_host, "http://a/", "http://b.a/"));
	assert_false(same(br_url_same_origin, "http://a:81/", "http://a:82/"));
}

static void test_names(void **state)
{
	static const struct { const char *url, *name; } of[] = {
		{ "http://h/x/a.html?q=/b", "a.html" }, { "http://h/", "" }, { "http://h", "" }, { "http://h/x/", "" }, { "http://h/x", "x" },
		{ "http://h?x/y.md", "" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(of); i++)
		assert_true(br_slice_eq(br_url_name(of[i].url), br_slice_str(of[i].name)));
}

/* ---- robots.txt ---- */

static bool allowed(const char *text, const char *path)
{
	struct br_robots r;
	bool yes;

	br_robots_parse(&r, br_slice_str(text), "br");
	yes = br_robots_allow(&r, path);
	br_robots_release(&r);
	return yes;
}

static void test_robots_groups(void **state)
{
	static const char text[] = "User-agent: other\nDisallow: /\n\nuser-agent: BR/2.0\nUser-Agent: third\nDisallow: /ours # why\n\n"
	                           "User-agent: *\nDisallow: /all\n\nUser-agent: br\nDisallow: /more\n";

	(void)state;
	assert_false(allowed(text, "/ours"));
	assert_false(allowed(text, "/more/x"));
	assert_true(allowed(text, "/all"));
	assert_true(allowed(text, "/"));
	assert_false(allowed("User-agent: *\nDisallow: /all\n", "/all/x"));
	assert_true(allowed("User-agent: brave\nDisallow: /\n", "/"));
	assert_true(allowed("Disallow: /\n", "/")); /* belongs to nobody */
	assert_true(allowed("", "/"));
	assert_true(allowed("User-agent: *\nDisallow:\n", "/"));
	assert_false(allowed("\xef\xbb\xbfUser-agent: *\rDisallow: /x\r", "/x"));
	assert_false(allowed("User-agent: a\nUser-agent: *\nSitemap: http://x/\nDisallow: /", "/x"));
	assert_true(allowed("User-agent: *\nCrawl-delay: 5\nUser-agent: a\nDisallow: /", "/x"));
}

static void test_robots_patterns(void **state)
{
	static const struct { const char *rules, *path; bool yes; } row[] = {
		{ "Disallow: /fish", "/fish.html", false }, { "Disallow: /fish", "/Fish", true }, { "Disallow: /fish", "/catfish", true },
		{ "Disallow: /fish/", "/fish", true }, { "Disallow: /*.php", "/a/b.php?x", false }, { "Disallow: /*.php$", "/a/b.php?x", true },
		{ "Disallow: /*.php$", "/a.php", false }, { "Disallow: /*.php$", "/a.php.php", false }, { "Disallow: /a*b*c", "/a1b2c3", false },
		{ "Disallow: /a*b*c", "/a1c2b", true }, { "Disallow: /$", "/", false }, { "Disallow: /$", "/x", true }, { "Disallow: *", "/x", false },
		{ "Allow: /p\nDisallow: /", "/page", true }, { "Allow: /folder\nDisallow: /folder", "/folder/x", true },
		{ "Disallow: /folder\nAllow: /folder", "/folder/x", true }, { "Allow: /page\nDisallow: /*.htm", "/page.htm", false },
		{ "Allow: /$\nDisallow: /", "/", true }, { "Allow: /$\nDisallow: /", "/x", false },
		{ "Disallow: /%7Ejoe", "/~joe/x", false }, { "Disallow: /a%3cd", "/a%3Cd", false }, { "Disallow: /\xc3\xa4", "/%C3%A4", false },
		{ "Disallow: /a$b", "/a$b", false }, { "Disallow: /**********************x", "/aaaaaaaaaaaaaaaaaaaaaaaaaa", true },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(row); i++) {
		char *text = br_sprintf("User-agent: *\n%s\n", row[i].rules);

		if (allowed(text, row[i].path) != row[i].yes)
			fail_msg("%s on %s", row[i].rules, row[i].path);
		free(text);
	}
}

static void test_robots_delay_and_size(void **state)
{
	struct br_robots r;
	struct br_buf text = BR_BUF_INIT(8u << 20);

	(void)state;
	br_robots_parse(&r, br_slice_str("User-agent: *\nCrawl-delay: 2.5\nDisallow: /x\n"), "br");
	assert_true(r.delay > 2.4 && r.delay < 2.6);
	br_robots_release(&r);
	br_robots_parse(&r, br_slice_str("User-agent: *\nCrawl-delay: soon\n"), "br");
	assert_true(r.delay == 0);
	br_robots_release(&r);
	br_buf_adds(&text, "User-agent: *\n");
	for (int i = 0; i < 50000; i++)
		br_buf_addf(&text, "Disallow: /%d/%%\xff\n", i);
	br_robots_parse(&r, br_buf_slice(&text), "br");
	assert_int_equal(r.rules.n, BR_MAX_ROBOTS_RULES);
	assert_false(br_robots_allow(&r, "/77/%25%FF"));
	br_robots_release(&r);
	br_buf_release(&text);
}

/* ---- links ---- */

static void expect_links(const char *html, const char *const *want, size_t n)
{
	struct br_links l;

	br_links_scan(&l, br_slice_str(html));
	if (l.href.n != n)
		fail_msg("%zu links in %s", l.href.n, html);
	for (size_t i = 0; i < n; i++)
		if (!br_slice_eq(l.href.v[i], br_slice_str(want[i])))
			fail_msg("'%.*s' in %s", (int)l.href.v[i].len, l.href.v[i].ptr, html);
	br_links_release(&l);
}
#define LINKS(html, ...) expect_links(html, (const char *const[]){ __VA_ARGS__ }, BR_COUNT(((const char *const[]){ __VA_ARGS__ })))

static void test_links(void **state)
{
	(void)state;
	LINKS("<a href=\"x\">", "x");
	LINKS("<A class=c HREF = 'y z' id=1><area href=w />", "y z", "w");
	LINKS("<a href=a/b?c=1&amp;d=2>", "a/b?c=1&d=2");
	LINKS("<a href='&#x41;&#66;&lt;&bogus;&#0;&#xd800;&'>", "AB<&bogus;&#0;&#xd800;&");
	LINKS("<a\nhref\n=\n\"x\"\n>t</a><a name=n>", "x");
	LINKS("<a title='<a href=no>' href=yes>", "yes");
	LINKS("<a href=first href=second>", "first");
	LINKS("<a x=/ href=/top/>", "/top/");
	expect_links("<abbr href=x><link href=y><a data-href=z><ahref=q><p>", NULL, 0);
	expect_links("<!-- <a href=x> --><script>'<a href=y>'</script><style><a href=z></style>", NULL, 0);
	LINKS("<!--><a href=x>-->", "x");
	LINKS("<script></scr</script><a href=x>", "x");
	LINKS("<a href=x rel=nofollow><a href=y rel='me'>", "y");
	expect_links("", NULL, 0);
	expect_links("<", NULL, 0);
	expect_links("<a href=", NULL, 0);
	LINKS("<a href=x", "x");
	LINKS("<a href=\"x", "x");
	expect_links("<!-- <a href=x>", NULL, 0);
	expect_links("<title><a href=x>", NULL, 0);
}

static void test_page_wishes(void **state)
{
	struct br_links l;

	(void)state;
	br_links_scan(&l, br_slice_str("<base href='/b/'><base href=c><META name=Robots content='NOINDEX, nofollow'><a href=x>"));
	assert_true(br_slice_eq(l.base, br_slice_str("/b/")));
	assert_true(l.nofollow && l.noindex);
	br_links_release(&l);
	br_links_scan(&l, br_slice_str("<meta name=description content=noindex>"));
	assert_false(l.nofollow || l.noindex);
	br_links_release(&l);
	br_links_scan(&l, br_slice_str("<meta content=none name=robots>"));
	assert_true(l.nofollow && l.noindex);
	br_links_release(&l);
}

/* Every beginning of a page, and random bytes over it: nothing is read outside, everything ends. */
static void test_links_of_anything(void **state)
{
	static const char page[] = "<html><head><base href=x><meta name='robots' content=none><!-- c --><script>a</script></head>"
	                           "<body><a href=\"&#x26;&amp;\" rel=nofollow>b</a><a href='q'><area href=z/></body>";
	unsigned seed = 7;

	(void)state;
	for (size_t n = 0; n < sizeof page; n++)
		for (int round = 0; round < 20; round++) {
			char *copy = br_alloc(n + 1); /* of exactly this size, for the sanitizer */
			struct br_links l;

			memcpy(copy, page, n);
			for (int k = 0; k < round && n; k++) {
				seed = seed * 1103515245 + 12345;
				copy[seed % n] = "<>&\"'=/!-a;#"[(seed >> 16) % 12];
			}
			br_links_scan(&l, br_slice(copy, n));
			br_links_release(&l);
			free(copy);
		}
}

static void test_retry_after(void **state)
{
	(void)state;
	assert_int_equal(br_http_retry_after("0", 0), 0);
	assert_int_equal(br_http_retry_after("120", 0), 120000);
	assert_int_equal(br_http_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 5), 5000);
	assert_int_equal(br_http_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 5), 0);
	assert_int_equal(br_http_retry_after("soon", 0), -1);
	assert_int_equal(br_http_retry_after("-1", 0), -1);
	assert_int_equal(br_http_retry_after("Sun, 06 Nov 1994 08:49:37 GMT+1", 0), -1);
	assert_int_equal(br_http_retry_after(NULL, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_kinds),
		cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_permits),
		cmocka_unit_test(test_allow_check),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_url_length),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_robots_groups),
		cmocka_unit_test(test_robots_patterns),
		cmocka_unit_test(test_robots_delay_and_size),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_page_wishes),
		cmocka_unit_test(test_links_of_anything),
		cmocka_unit_test(test_retry_after),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
