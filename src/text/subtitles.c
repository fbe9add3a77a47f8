/*
 * Subtitles, SubRip and WebVTT: what is said is indexed; cue numbers, times, styling and markup are kept and quoted but not
 * indexed. Cues that follow one another are one paragraph while it is short, since a sentence runs over several.
 */
#include "internal.h"

enum { CUES = 1 /* the flow all cues belong to */ };

struct subtitles {
	struct br_extracted *e;
	struct br_slice text;
	struct br_text__flow flow;
	bool vtt;
};

static bool is_timing(const struct br_text__line *l)
{
	return br_text__line_len(l) >= 12 && br_text__digit(l->p[l->first]) && memmem(l->p + l->first,
	    br_text__line_len(l), "-->", 3);
}

/* The line after `l` says when the cue is shown: `l` is its number or name. */
static bool names_a_cue(const struct subtitles *s, const struct br_text__line *l)
{
	struct br_text__line next;

	return br_text__line(&next, s->text, l->next) && is_timing(&next);
}

/* "<i>", "<v Mary>", "<00:01.500>", "{\an8}" and "{y:i}" within [off, end). The "<" of "a < b" is none. */
static void skip_tags(struct subtitles *s, size_t off, size_t end)
{
	const char *p = s->text.ptr;

	for (size_t i = off; i < end; i++) {
		bool angle = p[i] == '<' && i + 1 < end && (br_text__alpha(p[i + 1]) || br_text__digit(p[i + 1]) ||
		    p[i + 1] == '/');
		bool brace = p[i] == '{' && i + 2 < end && (p[i + 1] == '\\' || p[i + 2] == ':');
		const char *close = angle || brace ? memchr(p + i, angle ? '>' : '}', end - i) : NULL;

		if (!close)
			continue;
		if (angle && p[i + 1] == 'v' && p[i + 2] == ' ') { /* who speaks is worth finding */
			br_text__skip(s->e, i, i + 3);
			br_text__skip(s->e, (size_t)(close - p), (size_t)(close - p) + 1);
		} else {
			br_text__skip(s->e, i, (size_t)(close - p) + 1);
		}
		i = (size_t)(close - p);
	}
}

/* The lines from `off` to the next blank one; gives the offset behind them. */
static size_t skip_block(struct subtitles *s, size_t off)
{
	struct br_text__line l;
	size_t at = off;

	while (br_text__line(&l, s->text, at) && !br_text__line_blank(&l))
		at = l.next;
	br_text__skip(s->e, off, at);
	return at;
}

static size_t read_cue(struct subtitles *s, const struct br_text__line *timing)
{
	struct br_text__line l;
	size_t at = timing->next, begin = at;

	br_text__skip(s->e, timing->off, timing->next);
	for (; br_text__line(&l, s->text, at) && !br_text__line_blank(&l) && !is_timing(&l) && !names_a_cue(s,
	    &l); at = l.next)
		skip_tags(s, l.first, l.end);
	br_text__flow_add(&s->flow, s->e, CUES, (struct br_text__span){ BR_BLOCK_PARA, 0, begin, at });
	return at;
}

static bool is_aside(const struct subtitles *s, const struct br_text__line *l)
{
	return s->vtt && (br_text__is(l, "STYLE") || br_text__is(l, "REGION") || br_text__starts(l, "WEBVTT") ||
	    br_text__starts(l, "X-TIMESTAMP-MAP"));
}

int br_read_subtitles(struct br_extracted *out, const char *name, struct br_err *err)
{
	struct subtitles s = { .e = out, .text = br_buf_slice(&out->text) };
	struct br_text__line l;

	(void)name, (void)err;
	s.vtt = s.text.len >= 6 && !memcmp(s.text.ptr, "WEBVTT", 6);
	for (size_t at = 0; br_text__line(&l, s.text, at);) {
		if (is_timing(&l)) {
			at = read_cue(&s, &l);
		} else if (is_aside(&s, &l)) {
			at = skip_block(&s, at);
		} else {
			if (names_a_cue(&s, &l))
				br_text__skip(out, l.off, l.next);
			at = l.next;
		}
	}
	br_text__finish(out);
	return 0;
}
