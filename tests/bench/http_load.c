/*
 * Load for `br serve`: CONNECTIONS keep-alive connections ask POST /query (or -p PATH, or GET a path) as fast as answers come, for
 * SECONDS. Prints one JSON object: requests per second and latencies. One thread: a tenth of what it measures.
 *
 *   http_load [-c CONNECTIONS] [-d SECONDS] [-g PATH | -p PATH] [-n DISTINCT] PORT [QUESTIONS]
 *
 * QUESTIONS holds one a line, up to the first TAB. -n: each question is asked in so many forms, which differ in a word that stands
 * nowhere, so that answers cannot be repeated from memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "br/json.h"
#include "br/os.h"

enum { QUESTIONS_MOST = 64 << 20 }; /* bytes of their file */

struct load {
	BR_VEC(char *) request;
	BR_VEC(int64_t) took;
	size_t next;
	uint64_t failed, bytes;
};
struct conn { int fd; int64_t asked; size_t have, want; char text[1 << 20]; };

static void add_request(struct load *l, const char *path, const char *question, int64_t form)
{
	struct br_buf body = BR_BUF_INIT(SIZE_MAX), text = BR_BUF_INIT(SIZE_MAX);
	char *q = form ? br_sprintf("%s zq%llxzq", question, (unsigned long long)form) : br_strdup(question);
	struct br_json j;

	br_json_init(&j, &body, false);
	br_json_obj(&j);
	br_json_kstr(&j, "query", q);
	br_json_end(&j);
	br_buf_addf(&text, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path, body.len, body.ptr);
	*br_vec_push(&l->request) = br_buf_take(&text, NULL);
	br_buf_release(&body);
	free(q);
}

static int read_questions(struct load *l, const char *to, const char *path, int64_t forms, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(QUESTIONS_MOST);
	int rc = br_file_read(&b, path, QUESTIONS_MOST, err);
	char *save = NULL;

	for (char *line = strtok_r(b.ptr, "\n", &save); rc == 0 && line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "\t\r")] = '\0';
		for (int64_t i = 0; i < forms && *line && *line != '#'; i++)
			add_request(l, to, line, forms > 1 ? i + 1 : 0);
	}
	br_buf_release(&b);
	return rc == 0 && !l->request.n ? br_fail(err, BR_EINPUT, "'%s' holds no question", path) : rc;
}

static void shuffle(struct load *l)
{
	for (size_t i = l->request.n; i > 1; i--) {
		size_t k = (size_t)rand() % i;
		char *t = l->request.v[k];

		l->request.v[k] = l->request.v[i - 1];
		l->request.v[i - 1] = t;
	}
}

static bool ask(struct load *l, struct conn *c)
{
	const char *text = l->request.v[l->next++ % l->request.n];
	size_t n = strlen(text);

	c->asked = br_mono_ns();
	c->have = c->want = 0;
	return send(c->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* True: the answer is whole. */
static bool whole(struct conn *c)
{
	const char *end, *length;

	c->text[c->have] = 0;
	if (!c->want && (end = strstr(c->text, "\r\n\r\n")) && (length = strcasestr(c->text, "content-length:")))
		c->want = (size_t)(end + 4 - c->text) + strtoul(length + 15, NULL, 10);
	return c->want && c->have >= c->want;
}

static bool take(struct load *l, struct conn *c)
{
	ssize_t n = recv(c->fd, c->text + c->have, sizeof c->text - 1 - c->have, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->have += (size_t)n;
	l->bytes += (uint64_t)n;
	if (!whole(c))
		return true;
	*br_vec_push(&l->took) = br_mono_ns() - c->asked;
	l->failed += memcmp(c->text, "HTTP/1.1 200", 12) != 0;
	return ask(l, c);
}

static int connect_to(int64_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? fd : -1;
}

static int compare(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

static double percentile(const struct load *l, double share)
{
	return l->took.n ? (double)l->took.v[(size_t)((double)(l->took.n - 1) * share)] / 1e6 : 0;
}

static bool run(struct load *l, int64_t port, int64_t conns, int64_t seconds)
{
	int64_t end = br_mono_ns() + seconds * 1000000000;
	struct conn *c = br_allocn((size_t)conns, sizeof *c);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev[64];
	bool ok = true;

	for (int64_t i = 0; i < conns && ok; i++) {
		struct epoll_event one = { .events = EPOLLIN, .data.ptr = &c[i] };

		ok = (c[i].fd = connect_to(port)) >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &one) == 0 && ask(l, &c[i]);
	}
	while (ok && br_mono_ns() < end) {
		int n = epoll_wait(ep, ev, 64, 100);

		for (int i = 0; i < n && ok; i++)
			ok = take(l, ev[i].data.ptr);
	}
	for (int64_t i = 0; i < conns; i++)
		close(c[i].fd);
	close(ep);
	free(c);
	return ok;
}

int main(int argc, char **argv)
{
	int64_t conns = 64, seconds = 5, forms = 1, port = 0;
	const char *get = NULL, *post = "/query";
	struct load l = { .next = 0 };
	struct br_err err = { 0 };
	int opt, rc = 0;

	while ((opt = getopt(argc, argv, "c:d:g:n:p:")) > 0) {
		if (opt == 'g')
			get = optarg;
		else if (opt == 'p')
			post = optarg;
		else if (opt == '?' || br_parse_int(opt == 'c' ? &conns : opt == 'd' ? &seconds : &forms, optarg, 1, 1000000, "option", &err) < 0)
			return 2;
	}
	if (optind >= argc || br_parse_int(&port, argv[optind], 1, 65535, "PORT", &err) < 0)
		return 2;
	if (get)
		*br_vec_push(&l.request) = br_sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", get);
	else
		rc = optind + 1 < argc ? read_questions(&l, post, argv[optind + 1], forms, &err) : br_fail(&err, BR_EUSAGE, "no QUESTIONS");
	if (rc == 0) {
		shuffle(&l);
		if (!run(&l, port, conns, seconds))
			rc = br_fail(&err, BR_EIO, "the server cut a connection");
	}
	if (rc < 0) {
		fprintf(stderr, "http_load: %s\n", err.msg);
		return 1;
	}
	qsort(l.took.v, l.took.n, sizeof *l.took.v, compare);
	printf("{\"connections\":%lld,\"requests\":%zu,\"per_second\":%.0f,\"failed\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"mb\":%.1f}\n",
	       (long long)conns, l.took.n, (double)l.took.n / (double)seconds, (unsigned long long)l.failed, percentile(&l, 0.5), percentile(&l, 0.99),
	       percentile(&l, 1), (double)l.bytes / 1e6);
	for (size_t i = 0; i < l.request.n; i++)
		free(l.request.v[i]);
	br_vec_release(&l.request);
	br_vec_release(&l.took);
	return l.failed != 0;
}
