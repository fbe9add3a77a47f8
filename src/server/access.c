/*
 * One line of JSON for each answer, and the counters of its route. Lines are gathered and written a few times a second.
 */
#include "internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FLUSH_FROM (32u << 10)

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

static void flush_locked(struct br_server *s)
{
	if (s->log.len && s->log_fd)
		(void)br_fd_write(s->log_fd, s->log.ptr, s->log.len);
	br_buf_reset(&s->log);
}

void br_access__flush(struct br_server *s)
{
	if (!s->log_fd)
		return;
	pthread_mutex_lock(&s->log_mu);
	flush_locked(s);
	pthread_mutex_unlock(&s->log_mu);
}

void br_access__close(struct br_server *s)
{
	br_access__flush(s);
	if (s->log_fd)
		close(s->log_fd);
	s->log_fd = 0;
	br_buf_release(&s->log);
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
	br_json_kstr(&j, "client", r->conn->peer.text);
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
	write_line(s, r, (double)took / 1e6);
	if (s->log.len >= FLUSH_FROM)
		flush_locked(s);
	pthread_mutex_unlock(&s->log_mu);
}
