/*
 * Events of a notebook's jobs: each with what is known of the job when anything of it changes, until the client goes or the server ends.
 * An addition of ours to the contract, which has its clients poll.
 */
#include "beyond.h"

#include <stdlib.h>
#include <time.h>

enum { LOOK_MS = 1000, CALM_MS = 50 }; /* between two looks at whether the server ends; at least between two at the jobs */

struct told { char id[37]; uint64_t hash; };
struct stream {
	struct br_req *r;
	struct br_jobs *jobs;
	uint32_t nb;
	BR_VEC(struct told) told;     /* what the client knows, by job; of this look and those before */
	BR_VEC(char *) event;         /* of this look */
	int64_t began;                /* jobs that were over before are no news */
};

static bool is_news(struct stream *s, const struct br_job_info *job, uint64_t hash)
{
	for (size_t i = 0; i < s->told.n; i++) {
		struct told *t = &s->told.v[i];
		if (strcmp(t->id, job->id) != 0)
			continue;
		if (t->hash == hash)
			return false;
		t->hash = hash;
		return true;
	}
	if (job->state > BR_JOB_PROCESSING && job->updated < s->began)
		return false;
	*br_vec_push(&s->told) = (struct told){ .hash = hash };
	memcpy(s->told.v[s->told.n - 1].id, job->id, sizeof job->id);
	return true;
}

static void write_job(struct br_json *j, const struct br_job_info *job, double done)
{
	br_json_obj(j);
	br_json_kstr(j, "file_id", job->doc);
	br_json_kstr(j, "job_id", job->id);
	br_json_kstr(j, "file_name", job->name);
	br_json_kstr(j, "kind", job->enhance ? "enhance" : "ingest");
	br_json_kstr(j, "status", br_job_state_name(job->state));
	br_json_kstr(j, "stage", job->stage);
	br_beyond__float(j, "progress", done, 2);
	br_json_kstr(j, "error_description", *job->error ? job->error : NULL);
	br_json_end(j);
}

static int look_at(const struct br_job_info *stored, void *arg)
{
	struct stream *s = arg;
	struct br_job_info job = *stored;
	double done = br_job_live(s->jobs, &job);
	struct br_buf text = BR_BUF_INIT(64 << 10);
	struct br_json j;

	br_json_init(&j, &text, false);
	write_job(&j, &job, done);
	if (!text.failed && is_news(s, &job, br_hash64(text.ptr, text.len)))
		*br_vec_push(&s->event) = br_strndup(text.ptr, text.len);
	br_buf_release(&text);
	return 0;
}

static int tell(struct stream *s, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(s->r)->store, err);

	if (rc == 0) {
		rc = BR_MIN(br_job_each(t, s->nb, look_at, s, err), 0);
		br_txn_end(t);
	}
	for (size_t i = 0; i < s->event.n; i++) { /* while no transaction is held */
		if (rc == 0)
			rc = br_stream_event(s->r, NULL, "job", s->event.v[i], strlen(s->event.v[i]), err);
		free(s->event.v[i]);
	}
	s->event.n = 0;
	return rc;
}

static void stir(void *arg)
{
	br_jobs_stir(arg);
}

static int follow(struct stream *s, struct br_err *err)
{
	uint64_t seen = 0;
	bool news = true;
	int rc = 0;

	br_req_on_gone(s->r, stir, s->jobs);
	while (rc == 0 && !br_req_gone(s->r) && !br_req_draining(s->r)) {
		if (news && (rc = tell(s, err)) == 0)
			nanosleep(&(struct timespec){ 0, CALM_MS * 1000000 }, NULL); /* a hundred files may begin at once */
		news = rc == 0 && br_jobs_wait(s->jobs, &seen, LOOK_MS);
	}
	br_req_on_gone(s->r, NULL, NULL);
	return rc == -BR_ECANCELLED ? 0 : rc;
}

static int events(struct br_req *r, const void *in, struct br_err *err)
{
	struct stream s = { .r = r, .jobs = br_server_opts(br_req_server(r))->jobs, .began = br_now() };
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	s.nb = nb->nb;
	if (!s.jobs || !br_jobs_watch(s.jobs, BR_SERVE_LISTENERS))
		return br_req_fail(r, 503, err, BR_ENOMEM, "Too many listeners");
	if ((rc = br_stream_open(r, 200, "text/event-stream", err)) == 0)
		rc = follow(&s, err);
	br_jobs_unwatch(s.jobs);
	br_vec_release(&s.told);
	br_vec_release(&s.event);
	return rc == -BR_ECANCELLED ? 0 : rc;
}

static const short fails[] = { 404, 503, 0 };
static const struct br_route rows[] = {
	{ "GET", NB "/events", "beyond_events", "Events of the notebook's jobs, as they happen", "documents", BR_LEVEL_ADMIN, .fails = fails,
	  .type = "text/event-stream", .flags = BR_ROUTE_STREAM | BR_ROUTE_BARE, .run = events },
};
const struct br_routes br_beyond__events_rows = { rows, BR_COUNT(rows) };
