/* Answers for people: rank, path and lines, headings, and the telling lines with the words of the question in bold. */
#include "query.h"

#include <stdlib.h>

/* ---- a link to the file, for terminals that follow OSC 8 ---- */

void br_link_begin(struct br_cli *c, const char *path)
{
	char *file = br_path_join(c->ws->root, path);
	const unsigned char *s;

	if (br_is_file(file)) {
		br_out_s(&c->out, "\033]8;;file://");
		for (s = (const unsigned char *)file; *s; s++) {
			if (*s > 0x20 && *s < 0x7f && !strchr("%#?;\"<>\\^`{|}", *s))
				br_out_n(&c->out, (const char *)s, 1);
			else
				br_out_f(&c->out, "%%%02X", *s);
		}
		br_out_s(&c->out, "\033\\");
	}
	free(file);
}

void br_link_end(struct br_cli *c)
{
	br_out_s(&c->out, "\033]8;;\033\\");
}

/* ---- words in bold ---- */

#define MAX_WORDS 128
struct words { char *w[MAX_WORDS]; size_t n; };

/* Articles and the like match everywhere and tell nothing; without a list for every language, length is the measure. */
static bool telling(const struct br_token *t)
{
	return t->term_len > 3 || (t->flags & (BR_TOK_NUM | BR_TOK_CJK)) || (unsigned char)t->term[0] >= 0x80;
}

static void question_words(struct words *out, struct br_tokenizer *tok, const char *question)
{
	const struct br_tokens *t = br_tokenize(tok, br_slice_str(question));
	bool any = false;
	size_t i;

	out->n = 0;
	for (i = 0; i < t->v.n; i++)
		any |= telling(&t->v.v[i]);
	for (i = 0; i < t->v.n && out->n < MAX_WORDS; i++)
		if (!any || telling(&t->v.v[i]))
			out->w[out->n++] = br_strndup(t->v.v[i].term, t->v.v[i].term_len);
}

static void words_release(struct words *w)
{
	while (w->n)
		free(w->w[--w->n]);
}

static bool has_word(const struct words *w, const struct br_token *t)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strlen(w->w[i]) == t->term_len && !memcmp(w->w[i], t->term, t->term_len))
			return true;
	return false;
}

/* Marks the bytes of text that are words of the question, stemmed as in this language. */
static void mark(char *marks, const char *text, struct br_tokenizer *tok, const char *lang, const char *question)
{
	const struct br_tokens *t;
	struct words words;
	size_t i;

	br_tokenizer_lang(tok, lang);
	question_words(&words, tok, question);
	t = br_tokenize(tok, br_slice_str(text));
	for (i = 0; i < t->v.n; i++)
		if (has_word(&words, &t->v.v[i]))
			memset(marks + t->v.v[i].off, 1, t->v.v[i].len);
	words_release(&words);
}

/* The notebook's most frequent languages; its list is short. */
static char *marks_of(struct br_cli *c, const char *text, const char *question)
{
	struct br_tokenizer *tok = br_tokenizer_new();
	char *marks = br_alloc(strlen(text) + 1);
	struct br_txn *t;
	struct br_nb *nb;
	struct br_err err;
	size_t i;

	mark(marks, text, tok, "", question);
	if (br_cli_notebook(&nb, &t, c, &err) == 0) {
		for (i = 0; i < nb->langs.n && i < 4; i++)
			mark(marks, text, tok, nb->langs.v[i].lang, question);
		br_txn_end(t);
	}
	br_tokenizer_free(tok);
	return marks;
}

static void print_marked(struct br_out *o, const char *text, const char *marks)
{
	size_t i = 0, n = strlen(text), run;

	for (; i < n; i += run) {
		for (run = 1; i + run < n && marks[i + run] == marks[i] && text[i] != '\n' && text[i + run] != '\n'; run++)
			;
		br_out_s(o, marks[i] ? br_out_style(o, BR_MATCH) : "");
		br_out_text(o, text + i, run);
		br_out_s(o, marks[i] ? br_out_style(o, BR_PLAIN) : "");
		if (text[i] == '\n' && i + 1 < n)
			br_out_s(o, "    ");
	}
}

static void snippet(struct br_cli *c, const struct br_found *f, const char *question)
{
	size_t n = strlen(f->snippet);
	char *text, *marks;

	while (n && f->snippet[n - 1] == '\n')
		n--;
	text = br_strndup(f->snippet, n);
	br_out_s(&c->out, "    ");
	if (c->out.colour) {
		marks = marks_of(c, text, question);
		print_marked(&c->out, text, marks);
		free(marks);
	} else {
		marks = br_alloc(n + 1);
		print_marked(&c->out, text, marks);
		free(marks);
	}
	br_out_s(&c->out, "\n");
	free(text);
}

/* ---- one hit ---- */

static void place(struct br_cli *c, const struct br_found *f)
{
	struct br_out *o = &c->out;

	if (o->colour)
		br_link_begin(c, f->path);
	br_out_styled(o, BR_PATH, f->path);
	if (f->line) {
		br_out_f(o, ":%s%u", br_out_style(o, BR_LINE), f->line);
		if (f->line_end > f->line)
			br_out_f(o, "-%u", f->line_end);
		br_out_s(o, br_out_style(o, BR_PLAIN));
	}
	if (o->colour)
		br_link_end(c);
	if (f->page)
		br_out_f(o, ", page %u", f->page);
}

static void headings(struct br_out *o, const struct br_found *f)
{
	const char *const *h = f->heading;
	bool first = true;

	if (f->title && f->title[0]) {
		br_out_s(o, "    ");
		br_out_text(o, f->title, strlen(f->title));
		first = false;
		if (h && h[0] && !strncmp(f->title, h[0], strlen(h[0]))) /* "git-reset(1)" of "git-reset(1) - Set HEAD ..." */
			h++;
	}
	for (; h && *h; h++) {
		br_out_s(o, first ? "    " : " \xe2\x80\xba ");
		br_out_text(o, *h, strlen(*h));
		first = false;
	}
	if (!first)
		br_out_s(o, "\n");
}

static void list_rank(struct br_buf *b, const char *list, int32_t rank, const char *figure, double value)
{
	if (rank > 0)
		br_buf_addf(b, "%s#%d of %s (%s %.3f)", b->len ? ", " : "", rank, list, figure, value);
	else
		br_buf_addf(b, "%snot among the best by %s", b->len ? ", " : "", list);
}

static void explain(struct br_out *o, const struct br_found *f)
{
	struct br_buf b = BR_BUF_INIT(64u << 10);

	list_rank(&b, "words", f->lexical_rank, "bm25", f->bm25);
	list_rank(&b, "meaning", f->semantic_rank, "cosine", f->cosine);
	br_buf_addf(&b, "; words %+.3f, meaning %+.3f, title %+.3f, pairs %+.3f, about %+.3f, many %+.3f, crowding %+.3f",
	            f->f_lexical, f->f_semantic, f->f_title, f->f_pairs, f->f_about, f->f_many, f->f_crowding);
	if (f->matched && f->matched[0])
		br_buf_addf(&b, "; matched: %s", f->matched);
	if (f->folded)
		br_buf_addf(&b, "; %u nearly identical", f->folded);
	br_out_s(o, "    ");
	br_out_styled(o, BR_DIM, b.ptr);
	br_out_s(o, "\n");
	br_buf_release(&b);
}

static void hit(struct br_cli *c, const struct br_answer *a, size_t i)
{
	const struct br_query_params *p = c->params;
	const struct br_found *f = &a->r->hit[i];
	struct br_out *o = &c->out;

	br_out_f(o, "%s%2zu.%s ", br_out_style(o, BR_BOLD), i + 1, br_out_style(o, BR_PLAIN));
	place(c, f);
	br_out_f(o, "  %s%.3f%s%s\n", br_out_style(o, BR_DIM), f->score, f->stale ? "  changed since" : "", br_out_style(o, BR_PLAIN));
	headings(o, f);
	if (p->explain)
		explain(o, f);
	if (f->snippet && f->snippet[0])
		snippet(c, f, a->r->query);
	br_out_s(o, "\n");
}

/* ---- the answer ---- */

static void notes(struct br_cli *c, const struct br_result *r)
{
	uint64_t stale = r->stale_sources;

	if (r->degraded)
		br_note(&c->out, "%s ran as less: %s", r->strategy, r->degraded);
	if (stale)
		br_note(&c->out, "%s%s %s changed since %s indexed; 'br sync' brings %s up to date",
		        r->fresh.complete ? "" : "at least ", br_human_count(stale).s, br_plural(stale, "source has", "sources have"),
		        br_plural(stale, "it was", "they were"),
		        br_plural(stale, "it", "them"));
}

void br_query_text(struct br_cli *c, const struct br_answer *a)
{
	const struct br_query_params *p = c->params;
	size_t i;

	if (a->several) {
		br_out_styled(&c->out, BR_BOLD, a->r->query);
		br_out_s(&c->out, a->r->n ? "\n" : "\n    nothing found\n\n");
	}
	for (i = 0; i < a->r->n; i++)
		hit(c, a, i);
	if (p->explain)
		br_out_f(&c->out, "%s, %s candidates, %s, fit %.2f, %.1f ms\n", a->r->strategy, br_human_count(a->r->candidates).s,
		         a->r->way ? a->r->way : "no vectors", a->r->fit, a->r->took_ms);
	for (const char *const *line = p->explain ? a->r->trace : NULL; line && *line; line++) {
		br_out_s(&c->out, "    ");
		br_out_text(&c->out, *line, strlen(*line));
		br_out_s(&c->out, "\n");
	}
	notes(c, a->r);
}

void br_query_files(struct br_cli *c, const struct br_answer *a)
{
	size_t i;

	for (i = 0; i < a->r->n; i++) {
		br_out_styled(&c->out, BR_PATH, a->r->hit[i].path);
		br_out_s(&c->out, "\n");
	}
	notes(c, a->r);
}
