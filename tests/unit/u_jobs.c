/* Jobs: kept in the workspace, done by the thread of a server, one of a kind for a document, told apart from those of other notebooks. */
#include "workspace.h"

#include <time.h>

static void ok(int rc, const struct br_err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

/* Its id in `id`. */
static void put_upload(struct scratch *s, char id[37], const char *name, const char *text)
{
	char *file = scratch_path(s, "upload.tmp");
	struct br_new_upload u = { .file = file, .name = name, .size = strlen(text) };
	struct br_err err = { 0 };

	ok(br_file_write_atomic(file, text, strlen(text), 0600, &err), &err);
	ok(br_upload_new(&u, 1, s->ws, NULL, &err), &err);
	memcpy(id, u.id, sizeof u.id);
	free(u.path);
	free(file);
}

static int add(struct scratch *s, struct br_jobs *jobs, const char *doc, const char *settings, bool enhance, struct br_err *err)
{
	struct br_job_info job = { .name = "x", .settings = settings, .enhance = enhance };

	memcpy(job.doc, doc, sizeof job.doc);
	return br_job_add(jobs, s->ws, NULL, &job, 1, err);
}

static enum br_job_state state_of(struct scratch *s, const char *doc, bool enhance, char why[200])
{
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_job_info job;
	struct br_txn *t;
	int rc;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	rc = enhance ? br_job_get_enhance(&job, &a, t, 1, doc, &err) : br_job_get(&job, &a, t, 1, doc, &err);
	br_txn_end(t);
	ok(rc, &err);
	snprintf(why, 200, "%s", job.error);
	br_arena_release(&a);
	return job.state;
}

static enum br_job_state wait_for(struct scratch *s, const char *doc, bool enhance, char why[200])
{
	enum br_job_state is;

	for (int i = 0; i < 3000 && (is = state_of(s, doc, enhance, why)) <= BR_JOB_PROCESSING; i++)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	return state_of(s, doc, enhance, why);
}

static uint32_t chunks_of(struct scratch *s, const char *doc)
{
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_doc *d;
	struct br_txn *t;
	uint32_t n;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_doc_find(&d, &a, t, s->ws, 1, doc, &err), &err);
	n = d->chunks;
	br_txn_end(t);
	br_arena_release(&a);
	return n;
}

static const char text[] = "# One\n\nThe first part is about valves and nothing else at all.\n\n# Two\n\nThe second part is about seals and "
	"nothing else at all.\n\n# Three\n\nThe third part is about oil and nothing else at all.\n";

static void test_uploads_are_indexed_with_the_settings_of_their_job(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	struct br_jobs *jobs;
	char a[37], b[37], bad[37], why[200];

	put_upload(s, a, "a.md", text);
	put_upload(s, b, "a.md", text);
	put_upload(s, bad, "bad.pdf", "%PDF-1.7\nno");
	assert_string_not_equal(a, b);
	ok(br_jobs_start(&jobs, s->ws, &err), &err);
	ok(add(s, jobs, a, "{\"chunk_size\":70,\"chunk_overlap\":0,\"chunking_strategy\":\"Recursive Chunking\"}", false, &err), &err);
	ok(add(s, jobs, b, "{\"chunk_size\":5000,\"chunk_overlap\":0,\"chunking_strategy\":\"Recursive Chunking\"}", false, &err), &err);
	ok(add(s, jobs, bad, "{}", false, &err), &err);
	assert_int_equal(wait_for(s, a, false, why), BR_JOB_SUCCESS);
	assert_int_equal(wait_for(s, b, false, why), BR_JOB_SUCCESS);
	assert_int_equal(wait_for(s, bad, false, why), BR_JOB_ERROR);
	assert_true(strlen(why) > 5);
	br_jobs_stop(jobs);
	assert_int_equal(chunks_of(s, a), 3);
	assert_int_equal(chunks_of(s, b), 1);
}

static void test_what_waits_is_done_by_the_next_server(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	struct br_jobs *jobs;
	char a[37], why[200];

	put_upload(s, a, "a.md", text);
	ok(add(s, NULL, a, "{}", false, &err), &err);
	assert_int_equal(state_of(s, a, false, why), BR_JOB_PENDING);
	assert_int_equal(add(s, NULL, a, "{}", false, &err), -BR_EEXISTS);
	scratch_reopen(s);
	ok(br_jobs_start(&jobs, s->ws, &err), &err);
	assert_int_equal(wait_for(s, a, false, why), BR_JOB_SUCCESS);
	ok(add(s, jobs, a, "{}", false, &err), &err); /* what is done may be done again */
	assert_int_equal(wait_for(s, a, false, why), BR_JOB_SUCCESS);
	ok(add(s, jobs, a, "{}", true, &err), &err);
	assert_int_equal(wait_for(s, a, true, why), BR_JOB_SUCCESS);
	br_jobs_stop(jobs);
}

static void test_jobs_are_forgotten(void **state)
{
	struct scratch *s = *state;
	struct br_arena arena = { 0 };
	struct br_err err = { 0 };
	struct br_job_info job;
	struct br_txn *t;
	char a[37];

	put_upload(s, a, "a.md", text);
	ok(add(s, NULL, a, "{}", false, &err), &err);
	ok(add(s, NULL, a, "{}", true, &err), &err);
	ok(br_job_forget(s->ws, 1, a, &err), &err);
	ok(br_job_forget(s->ws, 1, a, &err), &err);
	ok(br_txn_read(&t, s->ws->store, &err), &err);
	assert_int_equal(br_job_get(&job, &arena, t, 1, a, &err), -BR_ENOTFOUND);
	assert_int_equal(br_job_get_enhance(&job, &arena, t, 1, a, &err), -BR_ENOTFOUND);
	br_txn_end(t);
	assert_int_equal(add(s, NULL, "00000000-0000-4000-8000-000000000000", "{}", false, &err), -BR_ENOTFOUND);
	br_arena_release(&arena);
}

static int damage(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_slice *cut = arg, val;
	struct br_key k;
	char copy[512];
	int rc;

	br_key_init(&k, 1);
	br_key_bytes(&k, cut->ptr, 36);
	if ((rc = br_get(&val, t, BR_T_JOB, br_key_slice(&k), err)) <= 0)
		return rc;
	memcpy(copy, val.ptr, cut->len);
	return br_put(t, BR_T_JOB, br_key_slice(&k), br_slice(copy, cut->len), err);
}

static void test_a_record_that_is_cut_short_is_damage(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	char a[37];

	put_upload(s, a, "a.md", text);
	ok(add(s, NULL, a, "{}", false, &err), &err);
	for (size_t n = 40; n > 0; n -= 8) {
		struct br_slice cut = { a, n };
		struct br_arena arena = { 0 };
		struct br_job_info job;
		struct br_txn *t;
		ok(br_store_write(s->ws->store, damage, &cut, &err), &err);
		ok(br_txn_read(&t, s->ws->store, &err), &err);
		assert_int_equal(br_job_get(&job, &arena, t, 1, a, &err), -BR_ECORRUPT);
		br_txn_end(t);
		br_arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_uploads_are_indexed_with_the_settings_of_their_job, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_what_waits_is_done_by_the_next_server, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_jobs_are_forgotten, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_record_that_is_cut_short_is_damage, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
