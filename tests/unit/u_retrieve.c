/* Strategies, question syntax, filters, languages, snippets, folding. */
#include "workspace.h"

static int setup_library(void **state)
{
	struct scratch *s;

	scratch_setup(state);
	s = *state;
	put_file(s, "docs/git/reset.md", "# reset\n\nUndo commits.\n\n## Keep changes\n\nMoves the branch back and leaves the working tree alone.\n");
	put_file(s, "docs/git/stash.md", "# stash\n\nPut unfinished work aside and take it up again later.\n");
	put_file(s, "docs/net/timeout.md", "# Time-outs\n\nThe transfer may take at most this many seconds.\n\nSlow networks need more patience.\n");
	put_file(s, "docs/net/parse.c", "/* header lines */\nint parseHTTPHeader(const char *line)\n{\n\treturn line ? split_header_line(line) : 0;\n}\n");
	put_file(s, "docs/copy.txt", "The transfer may take at most this many seconds.\n\nSlow networks need more patience.\n");
	free(sync_told(s, "docs", false, 0));
	return 0;
}

static void test_code_is_found_by_its_words_and_by_itself(void **state)
{
	struct scratch *s = *state;

	assert_best(s, "parse http header", NULL, "docs/net/parse.c");
	assert_best(s, "parseHTTPHeader", NULL, "docs/net/parse.c");
	assert_best(s, "split_header_line", "full_text", "docs/net/parse.c");
}

static void test_every_strategy_answers(void **state)
{
	struct scratch *s = *state;
	size_t n;
	const char *const *name = br_strategy_names(&n);

	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++)
		assert_best(s, "put unfinished work aside for later", name[i], "docs/git/stash.md");
}

static void test_an_unknown_strategy_is_named(void **state)
{
	struct scratch *s = *state;
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_result r;
	struct br_err err = { 0 };

	opts.strategy = "hybird";
	assert_int_equal(br_retrieve(&r, s->searcher, "x", &opts, &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "did you mean 'hybrid'"));
}

static void test_phrases_and_exclusions(void **state)
{
	struct scratch *s = *state;

	assert_best(s, "\"working tree\"", NULL, "docs/git/reset.md");
	assert_best(s, "\"tree working\"", NULL, "");
	assert_best(s, "\"many seconds\" -networks", "full_text", "");
	assert_best(s, "work -unfinished", "full_text", "docs/git/reset.md");
	assert_best(s, "commits -\"working tree\"", "full_text", "docs/git/reset.md"); /* its first passage stays */
	assert_best(s, "stash -k", "full_text", "docs/git/stash.md");                  /* an option, not an exclusion */
}

static struct br_result ask(struct scratch *s, const char *question, const char *const *filter)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_result r;
	struct br_err err = { 0 };

	opts.filter = filter;
	if (br_retrieve(&r, s->searcher, question, &opts, &err) < 0)
		fail_msg("%s", err.msg);
	return r;
}

static void test_filters(void **state)
{
	static const struct { const char *filter; size_t want; } cases[] = {
		{ "path=docs/git", 2 }, { "path!=docs/git", 3 }, { "path~*.c", 1 }, { "path~docs/**/*.md", 3 }, { "type=markdown", 3 },
		{ "type=md", 3 }, { "type!=markdown", 2 }, { "type!=md", 2 }, { "type!~m*", 2 },
		{ "title~time*", 1 }, { "lang=de", 0 }, { "date>=2000-01-01", 5 }, { "date<2000-01-01", 0 }, { "size>0", 5 }, { "missing=1", 0 },
	};
	struct scratch *s = *state;
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_err err = { 0 };
	struct br_result r;

	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		const char *filter[] = { cases[i].filter, NULL };
		size_t docs = 0;
		r = ask(s, "path:**", filter); /* no words: everything that the filters leave */
		for (size_t k = 0; k < r.n; k++) {
			size_t j = 0;
			while (j < k && r.hit[j].doc != r.hit[k].doc)
				j++;
			docs += j == k;
			docs += r.hit[k].folded;
		}
		if (docs != cases[i].want)
			fail_msg("filter %s kept %zu documents, wanted %zu", cases[i].filter, docs, cases[i].want);
		br_result_release(&r);
	}
	opts.filter = (const char *const[]){ "nonsense", NULL };
	assert_int_equal(br_retrieve(&r, s->searcher, "x", &opts, &err), -BR_EUSAGE);
	opts.filter = (const char *const[]){ "size=nan", NULL };
	assert_int_equal(br_retrieve(&r, s->searcher, "x", &opts, &err), -BR_EUSAGE);
	opts.filter = (const char *const[]){ "size~1*", NULL };
	assert_int_equal(br_retrieve(&r, s->searcher, "x", &opts, &err), -BR_EUSAGE);
	opts.filter = (const char *const[]){ "date>=yesterday", NULL };
	assert_int_equal(br_retrieve(&r, s->searcher, "x", &opts, &err), -BR_EUSAGE);
}

static void test_hits_tell_file_lines_and_heading(void **state)
{
	struct scratch *s = *state;
	struct br_result r = ask(s, "leaves the working tree alone", NULL);

	assert_true(r.n > 0);
	assert_string_equal(r.hit[0].path, "docs/git/reset.md");
	assert_int_equal(r.hit[0].line_end, 7);
	assert_string_equal(r.hit[0].title, "reset");
	assert_non_null(strstr(r.hit[0].text, "leaves the working tree alone."));
	assert_non_null(strstr(r.hit[0].snippet, "working tree"));
	assert_true(r.generation > 0);
	assert_true(r.fresh.complete);
	assert_int_equal(r.fresh.changed, 0);
	br_result_release(&r);
	put_file(s, "docs/git/reset.md", "# reset\n\nChanged since.\n");
	r = ask(s, "leaves the working tree alone", NULL);
	assert_int_equal(r.fresh.changed, 1);
	br_result_release(&r);
}

static void test_near_identical_hits_are_folded(void **state)
{
	struct scratch *s = *state;
	struct br_result r = ask(s, "slow networks patience", NULL);
	size_t both = 0;

	for (size_t i = 0; i < r.n; i++)
		both += strstr(r.hit[i].text, "patience") != NULL;
	assert_int_equal(both, 1);
	assert_int_equal(r.hit[0].folded, 1);
	br_result_release(&r);
}

static void test_what_is_not_there_is_not_found(void **state)
{
	struct scratch *s = *state;

	assert_best(s, "xyzzy plugh", NULL, "");
	assert_best(s, "the mitochondria of the eukaryotes", NULL, ""); /* "the" and "of" stand everywhere */
	assert_best(s, "how many", NULL, "docs/copy.txt");                /* nothing else was asked */
}

static void test_bad_questions(void **state)
{
	struct scratch *s = *state;
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_result r;
	struct br_err err = { 0 };
	char *huge = br_alloc(BR_MAX_QUERY + 2);

	assert_int_equal(br_retrieve(&r, s->searcher, "  ", &opts, &err), -BR_EUSAGE);
	assert_int_equal(br_retrieve(&r, s->searcher, "caf\xe9", &opts, &err), -BR_EUSAGE);
	memset(huge, 'a', BR_MAX_QUERY + 1);
	assert_int_equal(br_retrieve(&r, s->searcher, huge, &opts, &err), -BR_ETOOBIG);
	free(huge);
	opts.top = 0;
	assert_int_equal(br_retrieve(&r, s->searcher, "x", &opts, &err), -BR_EUSAGE);
	opts = (struct br_query_opts)BR_QUERY_OPTS_DEFAULT;
	opts.notebook = "nowhere";
	assert_int_equal(br_retrieve(&r, s->searcher, "x", &opts, &err), -BR_ENOTFOUND);
	assert_best(s, "!!! ???", NULL, "");
	assert_best(s, "\"", NULL, "");
}

/* One document and one question of another form of the same words, per language. */
static void test_languages(void **state)
{
	static const struct { const char *file, *text, *question; } cases[] = {
		{ "en.txt", "The engineers were measuring the temperatures of running machines every morning.", "measured machine temperature" },
		{ "de.txt", "Die alten Häuser am Fluss wurden im vergangenen Jahr von den Besitzern renoviert und neu gestrichen.", "altes haus renovieren" },
		{ "de2.txt", "Für den Haustür-Schlüssel ist der Hausmeister zuständig, nicht die Verwaltung des Gebäudes.", "schlüssel haustür" },
		{ "es.txt", "Las canciones populares de los pueblos se cantaban durante las fiestas de la cosecha en toda la región.", "cancion popular" },
		{ "fr.txt", "Les élèves préparent l'opéra que l'école présentera aux parents à la fin de l'année scolaire.", "eleve opera" },
		{ "it.txt", "Le biblioteche della città conservano i manoscritti antichi che gli studiosi possono consultare su richiesta.", "biblioteca manoscritto" },
		{ "pt.txt", "As estações do ano influenciam as plantações e os agricultores observam o céu para prever as chuvas.", "estação plantação" },
		{ "nl.txt", "De fietsers rijden elke ochtend langs de grachten naar hun werk en wachten bij de bruggen tot de boten voorbij zijn.", "fietser brug" },
		{ "ru.txt", "В старых книгах библиотеки хранятся рассказы о путешествиях моряков по северным морям.", "старая книга путешествие" },
		{ "zh.txt", "这座古老的图书馆收藏了许多关于天文学和数学的手稿，研究人员可以申请阅读。", "天文学手稿" },
		{ "ja.txt", "この図書館には江戸時代の地図がたくさん保存されていて、誰でも閲覧することができます。", "江戸時代の地図" },
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		char *path = br_sprintf("docs/lang/%s", cases[i].file), *text = br_sprintf("%s\n", cases[i].text);
		put_file(s, path, text);
		free(path);
		free(text);
	}
	free(sync_told(s, "docs", false, 0));
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		char *want = br_sprintf("docs/lang/%s", cases[i].file);
		assert_best(s, cases[i].question, "full_text", want);
		assert_best(s, cases[i].question, "hybrid", want);
		free(want);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_library, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_code_is_found_by_its_words_and_by_itself), T(test_every_strategy_answers), T(test_an_unknown_strategy_is_named),
		T(test_phrases_and_exclusions), T(test_filters), T(test_hits_tell_file_lines_and_heading), T(test_near_identical_hits_are_folded),
		T(test_what_is_not_there_is_not_found), T(test_bad_questions), T(test_languages),
	};
	return cmocka_run_group_tests_name("retrieve", tests, NULL, NULL);
}
