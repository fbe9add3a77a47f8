/* `br docs`: the documents of a notebook. */
#include "cmd.h"

#include <stdlib.h>

/* ---- which documents: operands that are names, ids or globs ---- */

struct pick {
	struct br_rx *rx;
	const char *glob;
	BR_VEC(uint32_t) docs;
	uint64_t found;     /* by the operand at hand */
	struct br_err *err;
};

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

static int pick_match(const struct br_doc *d, void *arg)
{
	struct pick *p = arg;
	int rc = br_rx_match(p->rx, br_slice_str(d->path), 0, NULL, 0, p->err);

	if (rc > 0) {
		*br_vec_push(&p->docs) = d->doc;
		p->found++;
	}
	return rc < 0 ? rc : 0;
}

static int compile_glob(struct br_rx **rx, const char *glob, struct br_err *err)
{
	char *pattern = br_rx_from_glob(glob);
	int rc = br_rx_new(rx, pattern, 0, err);

	free(pattern);
	return rc;
}

static int pick_glob(struct pick *p, struct br_txn *t, uint32_t nb, const char *glob, struct br_err *err)
{
	int rc;

	p->err = err;
	if ((rc = compile_glob(&p->rx, glob, err)) < 0)
		return rc;
	p->found = 0;
	rc = br_doc_each(t, nb, pick_match, p, err);
	br_rx_free(p->rx);
	if (rc == 0 && !p->found)
		rc = br_fail(err, BR_ENOTFOUND, "no document matches '%s'", glob);
	return rc;
}

/* A name that stands for itself wins over the pattern it would be. */
static int pick_one(struct pick *p, struct br_cli *c, struct br_txn *t, uint32_t nb, const char *name,
                    struct br_err *err)
{
	struct br_doc *d;
	int rc = br_doc_find(&d, &c->arena, t, c->ws, nb, name, err);

	if (rc == 0)
		*br_vec_push(&p->docs) = d->doc;
	return rc == -BR_ENOTFOUND && is_glob(name) ? pick_glob(p, t, nb, name, err) : rc;
}

/* ---- list ---- */

struct list_params { bool failed, skipped, paths; };
static const struct br_opt list_opts[] = {
	{ "failed", 0, BR_AT_BOOL(struct list_params, failed), NULL,
	  "only documents that could not be indexed, with the reason" },
	{ "skipped", 0, BR_AT_BOOL(struct list_params, skipped), NULL,
	  "only files in which there is nothing to index, with the reason" },
	{ "paths", 0, BR_AT_BOOL(struct list_params, paths), NULL, "only the paths, one a line" },
	BR_OPT_END,
};
struct list_state {
	struct br_cli *c;
	struct br_columns t;
	struct br_rx *rx[64];
	size_t n_rx;
	int64_t now;
	uint64_t shown;
	struct br_err *err;
};

static const char *const states[] = {
	[BR_DOC_INDEXED] = "indexed", [BR_DOC_UPLOADED] = "uploaded", [BR_DOC_FAILED] = "failed", [BR_DOC_SKIPPED] = "skipped",
	[BR_DOC_CONTAINER] = "container",
};

static const char *state_name(const struct br_doc *d)
{
	return d->state < BR_COUNT(states) ? states[d->state] : "unknown";
}

static void doc_json(struct br_cli *c, const struct br_doc *d)
{
	static const char *const origins[] = {
		[BR_FROM_FILE] = "file", [BR_FROM_UPLOAD] = "upload", [BR_FROM_RECORD] = "record",
		[BR_FROM_URL] = "url", [BR_FROM_MEMBER] = "member",
	};
	struct br_json j;
	char text[65];

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "id", d->id);
	br_json_kstr(&j, "path", d->path);
	br_json_kstr(&j, "title", d->title);
	br_json_kstr(&j, "state", state_name(d));
	br_json_kstr(&j, "error", d->error[0] ? d->error : NULL);
	br_json_kstr(&j, "gone", d->gone[0] ? d->gone : NULL);
	br_json_kstr(&j, "origin", d->origin < BR_COUNT(origins) ? origins[d->origin] : NULL);
	br_json_kstr(&j, "format", br_format_name(d->format));
	br_json_kstr(&j, "language", d->lang[0] ? d->lang : NULL);
	br_json_kuint(&j, "size", d->size);
	br_json_kuint(&j, "text_bytes", d->text_bytes);
	br_json_kuint(&j, "chunks", d->chunks);
	br_json_kuint(&j, "tokens", d->tokens);
	br_time_iso(text, d->mtime_ns / 1000000000);
	br_json_kstr(&j, "modified", d->mtime_ns ? text : NULL);
	br_time_iso(text, d->indexed);
	br_json_kstr(&j, "indexed_at", d->indexed ? text : NULL);
	br_hex(text, d->sha, sizeof d->sha);
	br_json_kstr(&j, "sha256", text);
	br_json_key(&j, "metadata");
	br_json_raw(&j, d->meta[0] ? d->meta : "{}", d->meta[0] ? strlen(d->meta) : 2);
	br_json_end(&j);
	br_out_line(&c->out);
}

/* The table is printed in pieces, so that the first lines of a long list come at once and memory stays small. */
#define LIST_PIECE 500

static void list_row(struct list_state *s, const struct br_doc *d)
{
	br_columns_add(&s->t, BR_PLAIN, "%6s", br_human_count(d->chunks).s);
	br_columns_add(&s->t, BR_PLAIN, "%7s", br_human_bytes(d->size).s);
	br_columns_add(&s->t, BR_DIM, "%-14s",
	               d->state == BR_DOC_INDEXED ? br_human_age(d->indexed, s->now).s : state_name(d));
	if (d->error[0])
		br_columns_add(&s->t, BR_BAD, "%s: %s", d->path, d->error);
	else if (d->title[0])
		br_columns_add(&s->t, BR_PLAIN, "%s  (%s)", d->path, d->title);
	else
		br_columns_add(&s->t, BR_PLAIN, "%s", d->path);
	if (++s->shown % LIST_PIECE == 0)
		br_columns_print(&s->c->out, &s->t);
}

/* Skipped files are remembered for the next sync; as documents they are listed only when asked for. */
static bool wanted_state(const struct list_params *p, const struct br_doc *d)
{
	if (p->failed || p->skipped)
		return (p->failed && d->state == BR_DOC_FAILED) || (p->skipped && d->state == BR_DOC_SKIPPED);
	return d->state != BR_DOC_SKIPPED;
}

static int wanted(struct list_state *s, const struct br_doc *d)
{
	size_t i;
	int rc;

	for (i = 0; i < s->n_rx; i++)
		if ((rc = br_rx_match(s->rx[i], br_slice_str(d->path), 0, NULL, 0, s->err)))
			return rc;
	return s->n_rx == 0;
}

static int list_one(const struct br_doc *d, void *arg)
{
	struct list_state *s = arg;
	const struct list_params *p = s->c->params;
	int rc;

	if (!wanted_state(p, d) || (rc = wanted(s, d)) == 0)
		return 0;
	if (rc < 0)
		return rc;
	if (s->c->opt.json) {
		doc_json(s->c, d);
		s->shown++;
	} else if (p->paths) {
		br_out_text(&s->c->out, d->path, strlen(d->path));
		br_out_s(&s->c->out, "\n");
		s->shown++;
	} else {
		list_row(s, d);
	}
	return 0;
}

static int list_run(struct br_cli *c, struct br_err *err)
{
	struct list_state s = { .c = c, .t = { .align = "rrll" }, .now = br_now(), .err = err };
	struct br_txn *t = NULL;
	struct br_nb *nb;
	int rc = 0;

	while (s.n_rx < c->n && rc == 0)
		if ((rc = compile_glob(&s.rx[s.n_rx], c->operand[s.n_rx], err)) == 0)
			s.n_rx++;
	if (rc == 0 && (rc = br_cli_notebook(&nb, &t, c, err)) == 0)
		rc = br_doc_each(t, nb->nb, list_one, &s, err);
	br_txn_end(t);
	br_columns_print(&c->out, &s.t);
	while (s.n_rx)
		br_rx_free(s.rx[--s.n_rx]);
	if (rc < 0)
		return rc;
	return !s.shown && c->n ? br_status(BR_ENOTFOUND) : 0;
}

/* ---- show ---- */

static void row(struct br_columns *t, const char *name, const char *value)
{
	br_columns_add(t, BR_DIM, "%s", name);
	br_columns_add(t, BR_PLAIN, "%s", value);
}

static void show_text(struct br_cli *c, const struct br_doc *d)
{
	struct br_columns t = { .align = "ll" };
	char text[65];

	row(&t, "path", d->path);
	row(&t, "title", d->title[0] ? d->title : "-");
	row(&t, "id", d->id);
	row(&t, "state", state_name(d));
	if (d->error[0])
		row(&t, "error", d->error);
	row(&t, "format", br_format_name(d->format));
	row(&t, "language", d->lang[0] ? d->lang : "-");
	row(&t, "encoding", d->encoding[0] ? d->encoding : "-");
	row(&t, "size", br_human_bytes(d->size).s);
	row(&t, "text", br_human_bytes(d->text_bytes).s);
	row(&t, "passages", br_human_count(d->chunks).s);
	row(&t, "words", br_human_count(d->tokens).s);
	if (d->mtime_ns) {
		br_time_iso(text, d->mtime_ns / 1000000000);
		row(&t, "modified", text);
	}
	if (d->indexed) {
		br_time_iso(text, d->indexed);
		row(&t, "indexed", text);
	}
	br_hex(text, d->sha, sizeof d->sha);
	row(&t, "SHA-256", text);
	if (d->meta[0])
		row(&t, "metadata", d->meta);
	br_columns_print(&c->out, &t);
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	struct br_doc *d;
	int rc;

	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	if ((rc = br_doc_find(&d, &c->arena, t, c->ws, nb->nb, c->operand[0], err)) == 0) {
		if (c->opt.json)
			doc_json(c, d);
		else
			show_text(c, d);
	}
	br_txn_end(t);
	return rc;
}

/* ---- cat ---- */

struct cat_params { const char *lines; };
static const struct br_opt cat_opts[] = {
	{ "lines", 'l', BR_AT_STR(struct cat_params, lines), "from-to", "only these lines (12, 12-40, 12-, -40)" },
	BR_OPT_END,
};

/* "A", "A-B", "A-", "-B" */
static int parse_lines(int64_t *from, int64_t *to, const char *text, struct br_err *err)
{
	const char *dash = strchr(text, '-');
	char *first = br_strndup(text, dash ? (size_t)(dash - text) : strlen(text));
	int rc = 0;

	*from = 1;
	*to = INT64_MAX;
	if (first[0] || !dash)
		rc = br_parse_int(from, first, 1, UINT32_MAX, "--lines", err);
	if (rc == 0 && !dash)
		*to = *from;
	else if (rc == 0 && dash[1])
		rc = br_parse_int(to, dash + 1, 1, UINT32_MAX, "--lines", err);
	if (rc == 0 && dash && !dash[1] && !first[0])
		rc = br_fail(err, BR_EUSAGE, "--lines: '-' names no line");
	if (rc == 0 && *to < *from)
		rc = br_fail(err, BR_EUSAGE, "--lines: '%s' ends before it begins", text);
	free(first);
	return rc;
}

static struct br_slice cut_lines(struct br_slice text, int64_t from, int64_t to)
{
	const char *p = text.ptr, *end = p + text.len, *nl;
	const char *start = from == 1 ? p : end;
	int64_t line = 1;

	for (; p < end && line <= to; line++) {
		if (line == from)
			start = p;
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	return br_slice(start, start < p ? (size_t)(p - start) : 0);
}

static void cat_out(struct br_cli *c, const struct br_doc *d, struct br_slice text)
{
	struct br_json j;

	if (c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kstr(&j, "id", d->id);
		br_json_kstr(&j, "path", d->path);
		br_json_key(&j, "text");
		br_json_strn(&j, text.ptr, text.len);
		br_json_end(&j);
		br_out_line(&c->out);
		return;
	}
	br_out_text(&c->out, text.ptr, text.len);
	if (text.len && text.ptr[text.len - 1] != '\n')
		br_out_s(&c->out, "\n");
}

static int cat_check(struct br_cli *c, struct br_err *err)
{
	const struct cat_params *p = c->params;
	int64_t from, to;

	return p->lines ? parse_lines(&from, &to, p->lines, err) : 0;
}

static int cat_run(struct br_cli *c, struct br_err *err)
{
	const struct cat_params *p = c->params;
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	int64_t from = 1, to = INT64_MAX;
	struct br_txn *t;
	struct br_nb *nb;
	struct br_doc *d;
	int rc;

	if (p->lines && (rc = parse_lines(&from, &to, p->lines, err)) < 0)
		return rc;
	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	if ((rc = br_doc_find(&d, &c->arena, t, c->ws, nb->nb, c->operand[0], err)) == 0 &&
	    (rc = br_doc_text(&text, NULL, t, nb->nb, d->doc, 0, d->text_bytes, err)) == 0)
		cat_out(c, d, cut_lines(br_buf_slice(&text), from, to));
	br_txn_end(t);
	br_buf_release(&text);
	return rc;
}

/* ---- rm ---- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void rm_tell(struct br_cli *c, size_t n)
{
	struct br_json j;

	if (c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kuint(&j, "removed", n);
		br_json_end(&j);
		br_out_line(&c->out);
	} else if (!c->opt.quiet) {
		br_out_f(&c->out, "removed %s %s\n", br_human_count(n).s, br_plural(n, "document", "documents"));
	}
}

static int rm_picked(struct br_cli *c, uint32_t nb, struct pick *p, struct br_err *err)
{
	size_t i, n = 0;
	int rc;

	if (!p->docs.n)
		return 0;
	qsort(p->docs.v, p->docs.n, sizeof *p->docs.v, by_number);
	for (i = 0; i < p->docs.n; i++)
		if (!n || p->docs.v[n - 1] != p->docs.v[i])
			p->docs.v[n++] = p->docs.v[i];
	if ((rc = br_doc_remove(c->ws, nb, p->docs.v, n, err)) == 0)
		rm_tell(c, n);
	return rc;
}

static int rm_run(struct br_cli *c, struct br_err *err)
{
	struct pick p = { 0 };
	size_t i, missing = 0;
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	for (i = 0; i < c->n && rc == 0; i++) {
		rc = pick_one(&p, c, t, nb->nb, c->operand[i], err);
		if (rc == -BR_ENOTFOUND && c->n > 1) {
			br_warn(&c->out, "%s", err->msg);
			missing++;
			rc = 0;
		}
	}
	br_txn_end(t);
	if (rc == 0)
		rc = rm_picked(c, nb->nb, &p, err);
	br_vec_release(&p.docs);
	if (rc < 0 || !missing)
		return rc;
	return br_status(missing == c->n ? BR_ENOTFOUND : BR_EPARTIAL);
}

/* ---- the tables ---- */

static const struct br_cmd list = {
	.name = "list", .summary = "show documents, all or those whose path matches", .operands = "[<glob>...]", .max = 64,
	.complete = BR_C_DOC, .opts = list_opts, .params_size = sizeof(struct list_params),
	.flags = BR_CMD_WS | BR_CMD_PAGER, .run = list_run,
};
static const struct br_cmd show = {
	.name = "show", .summary = "show what is known of one document", .operands = "<document>", .min = 1, .max = 1,
	.complete = BR_C_DOC, .flags = BR_CMD_WS, .run = show_run,
};
static const struct br_cmd cat = {
	.name = "cat", .summary = "print the stored text of one document", .operands = "<document>", .min = 1, .max = 1,
	.complete = BR_C_DOC, .opts = cat_opts, .params_size = sizeof(struct cat_params),
	.flags = BR_CMD_WS | BR_CMD_PAGER, .check = cat_check, .run = cat_run,
};
static const struct br_cmd rm = {
	.name = "rm", .summary = "take documents out of the notebook; the files stay", .operands = "<document>...", .min = 1,
	.max = -1, .complete = BR_C_DOC, .flags = BR_CMD_WS, .run = rm_run,
};
static const struct br_cmd *const subs[] = { &list, &show, &cat, &rm, &br_cmd_docs_duplicates, NULL };
static const struct br_example examples[] = {
	{ "br docs list 'docs/**'", "what is below docs" },
	{ "br docs cat docs/guide.md --lines 12-40", "what is stored of it" },
	{ "br docs rm 'old/*.txt'", "take these out" },
	{ "br docs duplicates --threshold 0.9", "documents that say the same" },
	{ NULL },
};
const struct br_cmd br_cmd_docs = {
	.name = "docs", .group = "documents", .summary = "list, show, print and remove documents",
	.operands = "list|show|cat|rm|duplicates", .sub = subs, .examples = examples,
};
