/* The syntax of questions. */
#include "fuzz.h"

#include "retrieve/internal.h"

static void check_filters(const struct question *q)
{
	for (size_t i = 0; i < q->filter.n; i++) {
		struct filter *f = NULL;
		struct br_err err = { 0 };
		HOLDS(filter_parse(&f, q->filter.v[i], &err) == 0 || err.code == BR_EUSAGE);
		filter_free(f);
	}
}

static void check_parts(const struct question *q, const char *text)
{
	for (size_t i = 0; i < q->phrases.n; i++)
		HOLDS(q->phrases.v[i].text.len && !memchr(q->phrases.v[i].text.ptr, '"', q->phrases.v[i].text.len));
	for (size_t i = 0; i < q->exclude.n; i++)
		HOLDS(q->exclude.v[i].len >= 3);
	HOLDS(q->plain.len <= 2 * strlen(text) + 1 && br_utf8_valid(q->plain.ptr, q->plain.len) == q->plain.len);
}

FUZZ(retrieve_question)
{
	char *text = br_strndup(in.len ? in.ptr : "", in.len);
	struct question q = { 0 }, words = { 0 };
	struct br_err err = { 0 };

	if (question_parse(&q, text, false, &err) == 0) {
		check_parts(&q, text);
		check_filters(&q);
	} else {
		HOLDS(err.code == BR_EUSAGE || err.code == BR_ETOOBIG);
	}
	if (question_parse(&words, text, true, NULL) == 0)
		HOLDS(!strcmp(words.plain.ptr, text) && !words.phrases.n && !words.exclude.n && !words.filter.n);
	question_release(&q);
	question_release(&words);
	free(text);
}
