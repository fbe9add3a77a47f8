/*
 * One line of JSON for each answer, and the counters of its route. Lines are gathered, and written a few times a second.
 */
#include "internal.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_MAX (4u << 20) /* bytes that wait to be written; further lines are counted and lost */
#define LAST_WAIT_MS 1000  /* at the end, for somebody to read */

int br_access__open(struct br_server *s, struct br_err *err)
{
	const char *path = s->o.access_log;
	int fd = 0, old;

	if (!path || !*path)
		return 0;
	fd = !strcmp(path, "-") ? fcntl(1, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		return br_fail_errno(err, BR_EIO, "cannot write the access log '%s'", path);
	pthread_mutex_lock(&s->log_mu);
	old = s->log_fd;
	s->log_fd = fd;
	pthread_mutex_unlock(&s->log_mu);
	if (old)
		close(old);
	return 0;
}

/* What can be written within wait_ms: a pipe that nobody reads must not keep us from ending. */
static void write_out(struct br_server *s, int wait_ms)
{
	struct pollfd p = { .fd = s->log_fd, .events = POLLOUT };
	ssize_t n = 1;

	while (s->log_at < s->log_out.len && n > 0 && poll(&p, 1, wait_ms) == 1) {
		n = write(s->log_fd, s->log_out.ptr + s->log_at, BR_MIN(s->log_out.len - s->log_at, (size_t)PIPE_BUF));
		s->log_at += n > 0 ? (size_t)n : 0;
	}
	if (s->log_at < s->log_out.len && n > 0)
		return;
	br_buf_reset(&s->log_out); /* all of it, or the disk is full */
	s->log_at = 0;
}

static void flush(struct br_server *s, int wait_ms)
{
	struct br_buf empty;

	if (s->log_out.len)
		write_out(s, wait_ms);
	if (s->log_out.len)
		return;
	pthread_mutex_lock(&s->log_mu);
	empty = s->log_out;
	s->log_out = s->log;
	s->log = empty;
	pthread_mutex_unlock(&s->log_mu);
	write_out(s, wait_ms);
}

/* In the main thread alone: who reads the log may be slow, and event threads must not wait for anybody. */
void br_access__flush(struct br_server *s)
{
	if (s->log_fd)
		flush(s, 0);
}

void br_access__close(struct br_server *s)
{
	if (s->log_fd) {
		flush(s, LAST_WAIT_MS);
		flush(s, LAST_WAIT_MS);
		close(s->log_fd);
	}
	s->log_fd = 0;
	br_buf_release(&s->log);
	br_buf_release(&s->log_out);
}

static void write_line(struct br_server *s, const struct br_req *r, double ms)
{
	struct br_json j;
	char iso[32];

	br_time_iso(iso, br_now());
	br_json_init(&j, &s->log, false);
	br_json_obj(&j);
	br_json_kstr(&j, "time", iso);
	br_json_kstr(&j, "id", r->id);
	br_json_kstr(&j, "client", r->client ? r->client : r->conn->peer.text);
	br_json_key(&j, "method");
	br_json_strn(&j, r->head.method.ptr, r->head.method.len);
	br_json_key(&j, "path"); /* without the query, which may hold secrets */
	br_json_strn(&j, r->head.path.ptr, r->head.path.len);
	br_json_kstr(&j, "route", r->row ? r->row->route->id : NULL);
	br_json_kstr(&j, "user", r->who.user);
	br_json_kstr(&j, "key", r->who.key_id);
	br_json_kint(&j, "status", r->status);
	br_json_kuint(&j, "bytes", r->bytes);
	br_json_kuint(&j, "received", r->body_seen);
	br_json_knum(&j, "ms", ms, 3);
	br_json_end(&j);
	br_buf_addc(&s->log, '\n');
}

void br_access__line(struct br_req *r)
{
	struct br_server *s = r->server;
	int64_t took = br_mono_ns() - r->began;

	br_metric__count(r->row ? r->row->metric : &s->none, r->status, took);
	if (!s->o.access_log)
		return;
	pthread_mutex_lock(&s->log_mu);
	if (s->log.len < LOG_MAX)
		write_line(s, r, (double)took / 1e6);
	else
		atomic_fetch_add_explicit(&s->log_lost, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->log_mu);
}
