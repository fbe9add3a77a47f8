/* Settings of a notebook as people give them. Input: lines of key and value in turn. */
#include "fuzz.h"

#include "corpus/internal.h"

static struct br_ws *ws;
static void close_ws(void) { br_ws_close(ws); }

static void open_ws(void)
{
	char *dir = br_path_join(fuzz_dir(), ".br");

	HOLDS(br_ws_init(dir, NULL) == 0 && br_ws_open(&ws, dir, 0, NULL) == 0);
	atexit(close_ws);
	free(dir);
}

/* Whatever was set, the values in force are one JSON object. */
static void check_values(const struct br_nb *nb)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	struct br_buf b = BR_BUF_INIT(64 << 20);
	const struct br_nb_setting *s;
	struct br_jdoc *doc;
	struct br_json j;
	size_t n;

	s = br_nb_settings(&n);
	br_json_init(&j, &b, false);
	br_json_obj(&j);
	for (size_t i = 0; i < n; i++) {
		br_json_key(&j, s[i].key);
		br_nb_value_write(&j, v, &s[i]);
	}
	br_json_end(&j);
	HOLDS(!b.failed && br_jdoc_parse(&doc, br_buf_slice(&b), "settings", NULL) == 0);
	br_jdoc_free(doc);
	br_buf_release(&b);
	br_nb_values_free(v);
}

static void check_notebook(void)
{
	struct br_arena a = { 0 };
	struct br_nb *nb;
	struct br_txn *t;

	HOLDS(br_txn_read(&t, ws->store, NULL) == 0 && br_nb_get(&nb, &a, t, NULL, NULL) == 0);
	HOLDS(nb->chunking.size >= 1 && nb->chunking.overlap < nb->chunking.size);
	HOLDS(nb->chunking.how == BR_CHUNK_RECURSIVE || nb->chunking.how == BR_CHUNK_STRUCTURE);
	HOLDS(nb->k1 >= 0 && nb->k1 < 1e6 && nb->b >= 0 && nb->b <= 1);
	HOLDS(br_utf8_valid(nb->lang, strlen(nb->lang)) == strlen(nb->lang));
	check_values(nb);
	br_txn_end(t);
	br_arena_release(&a);
}

FUZZ(corpus_setting)
{
	struct br_rd r = br_rd(in);
	bool reindex;

	if (!ws)
		open_ws();
	for (int i = 0; i < 4 && r.p < r.end; i++) {
		char *key = fuzz_line(&r), *value = fuzz_line(&r);
		struct br_err err = { 0 };
		if (br_nb_set(ws, NULL, key, value, &reindex, &err) == 0)
			HOLDS(br_nb_setting_check(key, value, NULL) == 0);
		else
			HOLDS(err.code == BR_EUSAGE && err.msg[0]);
		(void)br_nb_name_ok(value, NULL);
		free(key);
		free(value);
	}
	check_notebook();
}
