/* Secrets on disk: what is enciphered comes back with its key and its purpose, and with nothing else; the workspace's own key. */
#include "workspace.h"

#include "br/keep.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t g_key[BR_CIPHER_KEY] = "0123456789abcdef0123456789abcde";

static void test_round_trips(void **state)
{
	struct br_buf sealed = BR_BUF_INIT(1 << 20), plain = BR_BUF_INIT(1 << 20);
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof text);
	for (size_t n = 0; n <= sizeof text; n += n < 40 ? 1 : 320) {
		br_buf_reset(&sealed);
		br_buf_reset(&plain);
		br_buf_adds(&plain, "before ");
		assert_int_equal(br_encipher(&sealed, g_key, br_slice(text, n), br_slice_str("about"), NULL), 0);
		assert_int_equal(sealed.len, n + BR_CIPHER_MORE);
		assert_true(br_decipher(&plain, g_key, br_buf_slice(&sealed), br_slice_str("about")));
		assert_int_equal(plain.len, 7 + n);
		assert_memory_equal(plain.ptr + 7, text, n);
	}
	br_buf_release(&sealed);
	br_buf_release(&plain);
}

static void test_the_same_text_never_looks_the_same(void **state)
{
	struct br_buf a = BR_BUF_INIT(1000), b = BR_BUF_INIT(1000);

	(void)state;
	assert_int_equal(br_encipher(&a, g_key, br_slice_str("secret"), br_slice_str(""), NULL), 0);
	assert_int_equal(br_encipher(&b, g_key, br_slice_str("secret"), br_slice_str(""), NULL), 0);
	assert_memory_not_equal(a.ptr + 1, b.ptr + 1, 12);
	assert_memory_not_equal(a.ptr + 13, b.ptr + 13, 6);
	assert_null(memmem(a.ptr, a.len, "secret", 6));
	br_buf_release(&a);
	br_buf_release(&b);
}

static bool opens(const uint8_t *key, const char *p, size_t n, const char *about)
{
	struct br_buf out = BR_BUF_INIT(1000);
	bool ok = br_decipher(&out, key, br_slice(p, n), br_slice_str(about));

	assert_true(ok || out.len == 0);
	br_buf_release(&out);
	return ok;
}

static void test_every_change_is_noticed(void **state)
{
	struct br_buf s = BR_BUF_INIT(1000);
	uint8_t other[BR_CIPHER_KEY];

	(void)state;
	assert_int_equal(br_encipher(&s, g_key, br_slice_str("sk-123456"), br_slice_str("openai_api_key"), NULL), 0);
	assert_true(opens(g_key, s.ptr, s.len, "openai_api_key"));
	for (size_t bit = 0; bit < s.len * 8; bit++) {
		s.ptr[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(opens(g_key, s.ptr, s.len, "openai_api_key"));
		s.ptr[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t n = 0; n < s.len; n++)
		assert_false(opens(g_key, s.ptr, n, "openai_api_key"));
	assert_false(opens(g_key, s.ptr, s.len, "openrouter_api_key"));
	assert_false(opens(g_key, s.ptr, s.len, ""));
	memcpy(other, g_key, sizeof other);
	other[31] ^= 1;
	assert_false(opens(other, s.ptr, s.len, "openai_api_key"));
	br_buf_release(&s);
}

/* ---- of a workspace ---- */

static void expect(struct br_ws *ws, const char *name, const char *secret)
{
	char *got;

	assert_int_equal(br_keep_secret_get(&got, ws, name, NULL), 0);
	if (secret)
		assert_string_equal(got, secret);
	else
		assert_null(got);
	free(got);
}

static void test_secrets_of_a_workspace(void **state)
{
	struct scratch *s = *state;
	char *path = br_path_join(s->ws->dir, "secret");
	const char *rec;
	struct br_arena a = { 0 };
	struct stat st;

	expect(s->ws, "slot", NULL);
	assert_int_equal(access(path, F_OK), -1); /* asking makes no key */
	assert_int_equal(br_keep_secret_put(s->ws, "slot", "first", NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(br_keep_secret_put(s->ws, "slot", "second", NULL), 0);
	expect(s->ws, "slot", "second");
	assert_int_equal(br_keep_get(&rec, &a, s->ws, 0, BR_KEEP_SECRET, "slot", NULL), 0);
	assert_null(strstr(rec, "second"));
	assert_int_equal(br_keep_put(s->ws, 0, BR_KEEP_SECRET, "other", rec, NULL), 0); /* moved to another place, it is nothing */
	expect(s->ws, "other", NULL);
	assert_int_equal(br_keep_put(s->ws, 0, BR_KEEP_SECRET, "other", "{\"sealed\":\"!\"}", NULL), 0);
	expect(s->ws, "other", NULL);
	assert_int_equal(br_keep_put(s->ws, 0, BR_KEEP_SECRET, "other", "not JSON", NULL), 0);
	expect(s->ws, "other", NULL);
	assert_int_equal(unlink(path), 0);
	expect(s->ws, "slot", NULL);
	assert_int_equal(br_keep_secret_put(s->ws, "slot", "third", NULL), 0);
	expect(s->ws, "slot", "third");
	assert_int_equal(br_keep_secret_put(s->ws, "slot", NULL, NULL), 1);
	assert_int_equal(br_keep_secret_put(s->ws, "slot", NULL, NULL), 0);
	expect(s->ws, "slot", NULL);
	br_arena_release(&a);
	free(path);
}

static void test_users_keys_go_before_those_of_the_workspace(void **state)
{
	struct scratch *s = *state;
	char name[80], *key;

	br_keep_slot_name(name, "openai_api_key", "ada");
	assert_int_equal(strlen(name), strlen("openai_api_key/") + 32);
	assert_int_equal(br_keep_secret_put(s->ws, name, "adas", NULL), 0);
	assert_int_equal(br_keep_secret_put(s->ws, "openai_api_key", "everybodys", NULL), 0);
	for (int i = 0; i < 2; i++) {
		const char *const users[] = { "bob", i ? "ada" : "eva", NULL };
		assert_int_equal(br_keep_provider_key(&key, s->ws, "openai", users, NULL), 0);
		assert_string_equal(key, i ? "adas" : "everybodys");
		free(key);
	}
	assert_int_equal(br_keep_provider_key(&key, s->ws, "custom", NULL, NULL), 0);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_the_same_text_never_looks_the_same),
		cmocka_unit_test(test_every_change_is_noticed),
		cmocka_unit_test_setup_teardown(test_secrets_of_a_workspace, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_users_keys_go_before_those_of_the_workspace, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
