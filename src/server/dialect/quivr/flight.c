/*
 * Uploads that are under way, and what was answered to those of the last minutes. Clients that give up after a minute send the same
 * upload again while the first is still being indexed: they get the first one's answer. A client that had its answer and sends the
 * same again means it, unless it names the request by an Idempotency-Key.
 */
#include "quivr.h"

#include <pthread.h>
#include <stdlib.h>

enum { REMEMBERED = 512 };
static const int64_t REMEMBER_NS = 600 * 1000000000LL;

struct br_quivr_flight {
	uint8_t place[32], what[32];
	int64_t since;
	struct br_quivr_flight *next;
};

struct past {
	uint8_t what[32], named[32];
	bool has_name, delivered;
	int64_t at;
	int status;
	char *json;
};

static struct {
	pthread_mutex_t mu;
	pthread_cond_t left;
	struct br_quivr_flight *first;
	struct past past[REMEMBERED]; /* a ring */
	size_t next;
} table = { .mu = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER };

static bool is_busy(const struct br_quivr_flight *f)
{
	for (const struct br_quivr_flight *o = table.first; o; o = o->next)
		if (!memcmp(o->place, f->place, sizeof f->place))
			return true;
	return false;
}

struct br_quivr_flight *br_quivr__enter(struct br_slice place, struct br_slice what)
{
	struct br_quivr_flight *f = br_alloc(sizeof *f);

	br_sha256(f->place, place.ptr, place.len);
	br_sha256(f->what, what.ptr, what.len);
	f->since = br_mono_ns();
	pthread_mutex_lock(&table.mu);
	while (is_busy(f))
		pthread_cond_wait(&table.left, &table.mu);
	f->next = table.first;
	table.first = f;
	pthread_mutex_unlock(&table.mu);
	return f;
}

void br_quivr__leave(struct br_quivr_flight *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&table.mu);
	for (struct br_quivr_flight **p = &table.first; *p; p = &(*p)->next) {
		if (*p == f) {
			*p = f->next;
			break;
		}
	}
	pthread_cond_broadcast(&table.left);
	pthread_mutex_unlock(&table.mu);
	free(f);
}

static bool holds(const struct past *p, const struct br_quivr_flight *f, const uint8_t *named)
{
	if (named)
		return p->has_name && !memcmp(p->named, named, sizeof p->named);
	return !memcmp(p->what, f->what, sizeof p->what) && (!p->delivered || f->since < p->at);
}

int br_quivr__said(struct br_quivr_said *out, const struct br_quivr_flight *f, struct br_arena *a, struct br_slice named)
{
	uint8_t name[32];
	int64_t now = br_mono_ns();
	int rc = 0;

	br_sha256(name, named.ptr, named.len);
	pthread_mutex_lock(&table.mu);
	for (size_t i = 0; i < REMEMBERED && !rc; i++) {
		const struct past *p = &table.past[(table.next + REMEMBERED - 1 - i) % REMEMBERED];
		if (!p->json || now - p->at > REMEMBER_NS || !(holds(p, f, NULL) || (named.len && holds(p, f, name))))
			continue;
		rc = memcmp(p->what, f->what, sizeof p->what) ? -1 : 1;
		*out = (struct br_quivr_said){ p->status, br_arena_strdup(a, p->json) };
	}
	pthread_mutex_unlock(&table.mu);
	return rc;
}

void br_quivr__say(struct br_quivr_flight *f, struct br_slice named, int status, struct br_slice json, bool delivered)
{
	struct past *p;

	pthread_mutex_lock(&table.mu);
	p = &table.past[table.next++ % REMEMBERED];
	free(p->json);
	*p = (struct past){ .has_name = named.len > 0, .delivered = delivered, .at = br_mono_ns(), .status = status, .json = br_strndup(json.ptr, json.len) };
	memcpy(p->what, f->what, sizeof p->what);
	br_sha256(p->named, named.ptr, named.len);
	pthread_mutex_unlock(&table.mu);
}
