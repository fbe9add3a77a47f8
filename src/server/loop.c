/*
 * An event thread: waits for its connections and the listening sockets, takes in what workers hand back, looks at deadlines.
 */
#include "internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define ACCEPTS 16    /* in a row, before connections get their turn again */
#define PAUSE_NS 200000000LL /* without accepting, when there are no descriptors left */

/* ---- posts: by workers, to this thread ---- */

void br_loop__wake(struct br_loop *l)
{
	uint64_t one = 1;

	while (write(l->wake, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void br_loop__post(struct br_req *r, bool done)
{
	struct br_loop *l = r->conn->loop;
	bool wake = false;

	pthread_mutex_lock(&l->mu);
	r->done |= done;
	if (!r->posted) {
		wake = !l->posted;
		r->posted = true;
		r->next_posted = NULL;
		*l->posted_end = r;
		l->posted_end = &r->next_posted;
	}
	pthread_mutex_unlock(&l->mu);
	if (wake) /* r may be gone by now */
		br_loop__wake(l);
}

static void take_posts(struct br_loop *l)
{
	struct br_req *r;
	uint64_t n;
	bool done;

	if (read(l->wake, &n, sizeof n) < 0 && errno != EAGAIN)
		br_log(BR_LOG_ERROR, "cannot read an eventfd");
	for (;;) {
		pthread_mutex_lock(&l->mu);
		if ((r = l->posted)) {
			if (!(l->posted = r->next_posted))
				l->posted_end = &l->posted;
			r->posted = false;
			done = r->done;
			r->done = false;
		}
		pthread_mutex_unlock(&l->mu);
		if (!r)
			return;
		br_conn__posted(r, done);
	}
}

/* ---- connections ---- */

void br_loop__arm(struct br_conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (c->armed == events || c->fd < 0)
		return;
	c->armed = events;
	epoll_ctl(c->loop->ep, EPOLL_CTL_MOD, c->fd, &ev);
}

static void count_address(struct br_server *s, const struct br_address *a, int by)
{
	if (a->local)
		return;
	pthread_mutex_lock(&s->address_mu);
	s->address_count[a->hash & 0xffff] = (uint16_t)(s->address_count[a->hash & 0xffff] + by);
	pthread_mutex_unlock(&s->address_mu);
}

static bool too_many(struct br_server *s, const struct br_address *a)
{
	bool yes;

	pthread_mutex_lock(&s->address_mu);
	yes = !a->local && s->address_count[a->hash & 0xffff] >= BR_SERVE_PER_ADDRESS;
	pthread_mutex_unlock(&s->address_mu);
	return yes || atomic_load(&s->conns) >= BR_SERVE_CONNS;
}

static void turn_away(struct br_server *s, int fd)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";

	atomic_fetch_add(&s->turned_away, 1);
	if (!s->tls_ctx)
		(void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void link_conn(struct br_loop *l, struct br_conn *c)
{
	c->next = l->conns;
	if (l->conns)
		l->conns->prev = c;
	l->conns = c;
	l->n++;
}

static void free_conn(struct br_conn *c)
{
	struct br_loop *l = c->loop;

	if (c->prev)
		c->prev->next = c->next;
	else
		l->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	l->n--;
	br_buf_release(&c->in);
	br_buf_release(&c->sending);
	free(c);
}

static void take_conn(struct br_loop *l, int fd, const struct br_address *a)
{
	struct br_conn *c = br_alloc(sizeof *c);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = c };
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->loop = l;
	c->fd = fd;
	c->armed = ev.events;
	c->peer = *a;
	br_buf_init(&c->in, BR_SERVE_HEAD + 2 * BR_SERVE_RING);
	br_buf_init(&c->sending, 2 * BR_SERVE_RING);
	atomic_fetch_add(&l->server->conns, 1);
	atomic_fetch_add(&l->server->accepted, 1);
	count_address(l->server, a, 1);
	link_conn(l, c);
	if (!br_conn__begin(c) || epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		br_loop__drop(c);
}

void br_loop__drop(struct br_conn *c)
{
	struct br_loop *l = c->loop;
	struct br_req *r = c->req;

	if (c->fd >= 0) {
		if (c->tls)
			l->server->tls->conn_free(c->tls);
		close(c->fd);
		c->fd = -1;
		c->tls = NULL;
		atomic_fetch_sub(&l->server->conns, 1);
		count_address(l->server, &c->peer, -1);
		if (r) {
			r->status = r->status && c->state == CONN_WRITE ? r->status : 499;
			br_access__line(r);
		}
	}
	if (r && r->busy) {
		br_req__gone(r);
		return;
	}
	if (r) {
		br_req__done(r);
		c->req = NULL;
	}
	free_conn(c);
}

/* ---- listening ---- */

static void listen_on(struct br_loop *l, bool on)
{
	if (l->listening == on)
		return;
	l->listening = on;
	for (size_t i = 0; i < l->server->listeners; i++) {
		struct br_listener *at = &l->server->listen[i];
		struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = at };

		epoll_ctl(l->ep, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, at->fd, &ev);
	}
}

static void accept_some(struct br_loop *l, struct br_listener *at)
{
	struct sockaddr_storage from;
	struct br_address a;

	for (int i = 0; i < ACCEPTS; i++) {
		socklen_t len = sizeof from;
		int fd;

		memset(&from, 0, sizeof from);
		fd = accept4(at->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			br_log(BR_LOG_WARN, "no more connections can be taken: %s", strerror(errno));
			listen_on(l, false);
			l->listen_again = br_mono_ns() + PAUSE_NS;
		}
		if (fd < 0)
			return;
		br_address__of(&a, (struct sockaddr *)&from);
		if (too_many(l->server, &a))
			turn_away(l->server, fd);
		else
			take_conn(l, fd, &a);
	}
}

/* ---- time ---- */

const char *br_loop__date(struct br_loop *l)
{
	int64_t now = br_now();
	time_t t = (time_t)now;
	struct tm tm;

	if (now != l->date_at || !l->date[0]) {
		l->date_at = now;
		gmtime_r(&t, &tm);
		strftime(l->date, sizeof l->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	}
	return l->date;
}

static void tick(struct br_loop *l, int64_t now)
{
	struct br_conn *next;

	l->ticked = now;
	if (atomic_load(&l->server->draining))
		listen_on(l, false);
	else if (!l->listening && now >= l->listen_again)
		listen_on(l, true);
	for (struct br_conn *c = l->conns; c; c = next) {
		next = c->next;
		br_conn__tick(c, now);
	}
}

/* ---- the thread ---- */

static bool is_listener(const struct br_server *s, const void *p)
{
	return (const char *)p >= (const char *)s->listen && (const char *)p < (const char *)(s->listen + MAX_LISTEN);
}

static int timeout(const struct br_loop *l)
{
	return l->n || !l->listening ? TICK_MS : -1;
}

/* Connections may end only through an event of their own until all events of a round are over: then posts, then deadlines. */
static void one_round(struct br_loop *l)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(l->ep, ev, EVENTS, timeout(l));
	bool posts = false;
	int64_t now;

	for (int i = 0; i < n; i++) {
		if (!ev[i].data.ptr)
			posts = true;
		else if (is_listener(l->server, ev[i].data.ptr))
			accept_some(l, ev[i].data.ptr);
		else
			br_conn__ready(ev[i].data.ptr, ev[i].events);
	}
	if (posts)
		take_posts(l);
	now = br_mono_ns();
	if (now - l->ticked >= TICK_MS * 1000000LL || atomic_load_explicit(&l->server->draining, memory_order_relaxed))
		tick(l, now);
}

void *br_loop__run(void *arg)
{
	struct br_loop *l = arg;

	listen_on(l, true);
	while (!atomic_load(&l->server->draining) || l->n)
		one_round(l);
	listen_on(l, false);
	return NULL;
}

int br_loop__init(struct br_loop *l, struct br_server *s, struct br_err *err)
{
	struct epoll_event ev = { .events = EPOLLIN };

	l->server = s;
	l->posted_end = &l->posted;
	pthread_mutex_init(&l->mu, NULL);
	br_buf_init(&l->scratch, 2 * BR_SERVE_BLOCK);
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->ep < 0 || l->wake < 0 || epoll_ctl(l->ep, EPOLL_CTL_ADD, l->wake, &ev) < 0)
		return br_fail_errno(err, BR_EIO, "cannot wait for connections");
	return 0;
}

void br_loop__release(struct br_loop *l)
{
	struct br_req *next;

	for (struct br_req *r = l->spare; r; r = next) {
		next = r->next_posted;
		br_req__free(r);
	}
	br_buf_release(&l->scratch);
	if (l->ep > 0)
		close(l->ep);
	if (l->wake > 0)
		close(l->wake);
	pthread_mutex_destroy(&l->mu);
}
