/*
 * How much of a question a page's title, aliases and summary cover: the second voter where the embedding model has no vector, as the
 * built-in one of Chinese. Words, and pairs of characters of scripts without blanks; what only asks is left out.
 */
#include "internal.h"

#include <stdlib.h>

/* Characters that ask, point or bind. */
static const char asking[] = "的了吗呢吧啊是在有和与及或请問问你们我他她它您这那哪什么怎样如何多少几为要能会可以就都也还让把被从到对久嗎麼麽誰谁您";

typedef BR_VEC(uint64_t) units;

static bool is_asking(const char *p, size_t n) { return memmem(asking, sizeof asking - 1, p, n) != NULL; }

/* Units of a phrase (br_wiki__phrase) as hashes; question: without what asks. */
static void read_units(units *out, const char *s, bool question)
{
	size_t len = strlen(s), before = 0, before_n = 0; /* the wide character before, if it counts */
	uint32_t cp;

	for (size_t i = 0, step; i < len; i += step) {
		step = br_utf8_next(&cp, s + i, len - i);
		if (!br_wiki__is_wide(cp)) {
			size_t n = strcspn(s + i, " "), k = 0;
			before_n = 0;
			if (cp == ' ')
				continue;
			while (k < n && (br_utf8_next(&cp, s + i + k, n - k), !br_wiki__is_wide(cp))) /* up to a character that is wide */
				k += br_utf8_next(&cp, s + i + k, n - k);
			if (k > 1 && !br_wiki__is_function_word(br_slice(s + i, k)))
				*br_vec_push(out) = br_hash64(s + i, k);
			step = k;
			continue;
		}
		if (question && is_asking(s + i, step)) {
			before_n = 0;
			continue;
		}
		if (before_n)
			*br_vec_push(out) = br_hash64(s + before, before_n + step);
		before = i;
		before_n = step;
	}
}

double br_wiki__cover(const char *question, const char *page)
{
	units q = { 0 }, p = { 0 };
	size_t there = 0;
	double share;

	read_units(&q, question, true);
	read_units(&p, page, false);
	for (size_t i = 0; i < q.n; i++)
		for (size_t k = 0; k < p.n; k++)
			if (q.v[i] == p.v[k]) {
				there++;
				break;
			}
	share = q.n ? (double)there / (double)q.n : 0;
	br_vec_release(&q);
	br_vec_release(&p);
	return share;
}
