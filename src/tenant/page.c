/*
 * Answers from the wiki: a short page as it stands; of a long one what concerns the question, summed up by a model where there is one and
 * all is well, else its section that shares most words with the question.
 */
#include "ask.h"

#include <stdlib.h>

enum { WORDS_MAX = 150 };

/* ---- the telling section of a long page ---- */

static bool is_wide(const char *p, size_t n)
{
	uint32_t cp;

	br_utf8_next(&cp, p, n);
	return cp >= 0x2e80;
}

/* Words of the question, and pairs of its Chinese characters, that stand in text; both normal. */
static size_t shared(const char *question, const char *text)
{
	size_t n = 0, len;

	for (const char *p = question; *p; p += BR_MAX(len, (size_t)1)) {
		char word[80];
		if (is_wide(p, strlen(p))) {
			len = 3;
			if (strlen(p) < 6 || !is_wide(p + 3, strlen(p + 3)))
				continue;
			memcpy(word, p, 6);
			word[6] = 0;
		} else {
			for (len = 0; p[len] && p[len] != ' ' && !((unsigned char)p[len] >= 0xe0); len++)
				;
			if (len < 3 || len >= sizeof word)
				continue;
			memcpy(word, p, len);
			word[len] = 0;
		}
		n += strstr(text, word) != NULL;
	}
	return n;
}

static size_t score(const char *question, struct br_slice section)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	size_t n;

	br_wiki_normalize(&b, section);
	n = shared(question, b.ptr);
	br_buf_release(&b);
	return n;
}

static struct br_slice next_section(const char **p)
{
	const char *from = *p, *end = from;

	do {
		end += strcspn(end, "\n");
		end += *end == '\n';
	} while (*end && *end != '#');
	*p = end;
	return br_slice(from, (size_t)(end - from));
}

/* Whole lines or sentences up to WORDS_MAX. */
static size_t cut(struct br_slice s)
{
	size_t best = 0;

	for (size_t i = 0; i < s.len; i++) {
		bool end = s.ptr[i] == '\n' || (s.ptr[i] == '.' && (i + 1 == s.len || s.ptr[i + 1] == ' ' || s.ptr[i + 1] == '\n')) ||
			(i >= 2 && !memcmp(s.ptr + i - 2, "。", 3));
		if (!end && i + 1 < s.len)
			continue;
		if (best && br_wiki_token_count(br_slice(s.ptr, i + 1)) > WORDS_MAX * 3 / 2)
			break;
		best = i + 1;
	}
	return best;
}

static char *telling_part(struct br_arena *a, const char *body, const char *question)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_slice best = { 0 }, s;
	size_t most = 0, n, len;
	char *out;

	br_wiki_normalize(&b, br_slice_str(question));
	for (const char *p = body; *p;) {
		s = next_section(&p);
		n = score(b.ptr, s);
		if (!best.ptr || n > most) {
			best = s;
			most = n;
		}
	}
	br_buf_release(&b);
	len = cut(best);
	while (len && (best.ptr[len - 1] == '\n' || best.ptr[len - 1] == ' '))
		len--;
	out = br_arena_strndup(a, best.ptr ? best.ptr : "", len);
	return out;
}

/* ---- answering ---- */

static int sum_up(const char **text, struct asking *a, const char *body, struct br_err *err)
{
	static const char system[] = "Answer the question from the page below alone, in at most 150 words, in the language of the question. "
		"Say nothing that is not on the page.";
	struct br_buf out = BR_BUF_INIT(BR_MAX_REPLY);
	char *user = br_sprintf("Page:\n%s\n\nQuestion: %s", body, a->q->text);
	int rc = model_say(&out, a, system, user, NULL, NULL, &a->out->tokens, err);

	*text = br_arena_strndup(&a->out->arena, out.ptr, out.len);
	br_buf_release(&out);
	free(user);
	return rc;
}

static int give(struct asking *a, const struct br_wiki_page *p, const struct br_wiki_match *m, struct br_err *err)
{
	struct br_answered *out = a->out;
	struct br_buf b = BR_BUF_INIT(BR_MAX_REPLY);
	const char *kb = a->kbs.v.v[0].id;
	bool ask = a->llm && p->token_count >= SHORT_PAGE && br_router_mode(a->t->router) != BR_MODE_CRITICAL;

	br_wiki_strip(&b, br_slice_str(p->body));
	out->text = br_arena_strndup(&out->arena, b.ptr, b.len);
	br_buf_release(&b);
	out->path = BR_PATH_WIKI;
	if (p->token_count >= SHORT_PAGE) {
		const char *whole = out->text;
		out->path = BR_PATH_WIKI_SUMMARY;
		if (!ask || sum_up(&out->text, a, whole, err) < 0) /* a model that fails is not the page's fault */
			out->text = telling_part(&out->arena, whole, a->q->text);
	}
	for (size_t i = 0; i < a->kbs.v.n; i++)
		if (a->kbs.v.v[i].nb == m->nb)
			kb = a->kbs.v.v[i].id;
	out->from_wiki = true;
	out->confidence = 1;
	a->score = m->cosine;
	add_source(a, br_arena_printf(&out->arena, "wiki:%s", p->slug), p->title, kb, 1);
	return show(a, out->text, err);
}

static int read_page(struct br_wiki_page *p, struct asking *a, const struct br_wiki_match *m, struct br_err *err)
{
	struct br_err why = { 0 };
	struct br_txn *t;
	int rc = br_txn_read(&t, a->t->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_wiki_get(p, &a->out->arena, t, m->nb, m->slug, 0, &why);
	br_txn_end(t);
	if (rc == -BR_ENOTFOUND)
		return 0;
	return rc < 0 ? br_fail(err, why.code, "%s", why.msg) : p->serveable && p->body;
}

int answer_from_wiki(struct asking *a, struct br_err *err)
{
	const struct br_wiki_match_opts o = { .model = a->llm ? &a->wiki_model : NULL };
	uint32_t *nb = br_arena_alloc(&a->out->arena, (a->kbs.v.n + 1) * sizeof *nb);
	struct br_wiki_match m = { 0 };
	struct br_wiki_page p;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < a->kbs.v.n; i++)
		if (a->kbs.v.v[i].wiki_enabled)
			nb[n++] = a->kbs.v.v[i].nb;
	if (!n)
		return 0;
	if ((rc = br_wiki_match(&m, &a->out->arena, a->t->ws, nb, n, a->q->text, &o, err)) < 0)
		return rc;
	a->vote = br_arena_printf(&a->out->arena, "%c %s %s %.3f", m.row ? m.row : '-', m.keyword ? m.keyword : "-", m.embedding ? m.embedding : "-", m.cosine);
	if (!m.hit || (rc = read_page(&p, a, &m, err)) <= 0)
		return rc;
	return (rc = give(a, &p, &m, err)) < 0 ? rc : 1;
}
