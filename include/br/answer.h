/*
 * answer - from questions to cited answers, and the conversations they belong to.
 * Use:     br_answer with a searcher; read the reply, br_reply_release. Conversations: br_chat_*, by notebook and UUID.
 * Models:  a language model is a callback (br_answer_model). Without one an answer is made of sentences quoted from the passages.
 * Threads: as the searcher: one at a time. Conversations may be read and written by any thread that has no transaction.
 * Lives:   a reply owns copies of all it shows; no transaction is held while a model is asked.
 * Fails:   as br_retrieve; UPSTREAM and CANCELLED from the model; CHECK under `strict`. Nothing found is not an error: `found` is false.
 * Format:  man/br-index.5, CONVERSATIONS.
 */
#ifndef BR_ANSWER_H
#define BR_ANSWER_H

#include "br/retrieve.h"

#include <stdatomic.h>

/* ---- language models ---- */

struct br_chat_message { const char *role, *content; }; /* "system", "user", "assistant" */
struct br_usage { uint64_t prompt, completion; };       /* tokens */
typedef int br_token_fn(const char *text, size_t n, void *arg); /* a piece of the answer, valid UTF-8; not 0: stop */

struct br_answer_model {
	/* The model's reply to messages, told to `token` piece by piece (whole at once when it does not stream). Negative with err, or 0. */
	int (*complete)(void *arg, const struct br_chat_message *m, size_t n, br_token_fn *token, void *token_arg, struct br_usage *usage, struct br_err *err);
	void *arg;
	const char *name;
	struct br_llm *llm;            /* for strategies that ask a model; NULL: they run as less */
};

/* The configured language model (settings chat.*). cancel may be NULL; NOTFOUND: none is configured. May be shared by threads. */
struct br_answer_service;
BR_MUST_USE int br_answer_service_open(struct br_answer_service **out, const struct br_config *c, const atomic_bool *cancel, struct br_err *err);
/* A model that is open already, which it takes over. */
struct br_answer_service *br_answer_service_over(struct br_llm *llm, const atomic_bool *cancel);
void br_answer_service_close(struct br_answer_service *s);
const struct br_answer_model *br_answer_service_model(const struct br_answer_service *s);
/*
 * For what is asked from now on, instead of the settings. A model that the service does not have, or says nothing of, gives way to the
 * configured one.
 */
struct br_answer_voice { const char *model; const double *temperature; int64_t max_tokens; }; /* NULL, NULL, 0: of the settings */
void br_answer_service_voice(struct br_answer_service *s, const struct br_answer_voice *v); /* borrowed */

/* ---- answers ---- */

#define BR_PERSONA_LIST(X) X(professional) X(funny) X(mentor) X(storyteller) X(clear) X(custom)
#define BR_LANGUAGE_LIST(X) X(en, "English") X(de, "German") X(es, "Spanish") X(fr, "French") X(it, "Italian") X(pt, "Portuguese") \
	X(nl, "Dutch") X(ru, "Russian") X(zh, "Chinese") X(ja, "Japanese")

struct br_turn { bool user; const char *text; };
struct br_answer_opts {
	struct br_query_opts query;    /* how passages are found; top is how many a model gets */
	const char *persona, *language; /* NULL: professional, the language of the question */
	const char *instructions;      /* of persona custom, and further ones of the notebook; NULL: none */
	const struct br_turn *history; /* the conversation so far, oldest first */
	size_t n_history;
	const struct br_answer_model *model; /* NULL: sentences are quoted */
	bool strict;                   /* refuse to run as less; a model's reply without a citation counts as nothing found */
	bool cache;                    /* look for the same question of the same notebook, and keep the reply; never with a history */
	uint32_t sentences;            /* at most so many are quoted */
	bool suggest;                  /* also suggest questions */
	bool only_top;                 /* sentences are quoted from query.top passages, too, and from no other */
	void (*passages)(const struct br_result *r, void *arg); /* what the answer is made from, before a word of it; again for a second look; may be NULL */
	br_token_fn *token;            /* the text as it comes, citations checked; may be NULL */
	void *arg;
};
#define BR_ANSWER_OPTS_DEFAULT { .query = BR_QUERY_OPTS_DEFAULT, .sentences = 3 }

struct br_citation {
	uint32_t n;                    /* [n] in the text, from 1 */
	bool cited;                    /* the text has [n]; false only for passages that a model got and did not use */
	const char *path, *title, *doc_id;
	uint32_t line, line_end, page, ordinal; /* where the quote stands: 0 unknown; ordinal: of the passage in its document */
	const char *quote;             /* exactly as stored */
	double score;
	double cosine;                 /* of the passage with the question; 0: not known */
	bool stale;
};
struct br_reply {
	struct br_arena arena;
	const char *question;          /* as given */
	const char *asked;             /* what was looked for: a follow-up with what it refers to */
	const char *text;              /* of the answer; when nothing was found, a sentence that says so */
	bool found, cached;
	double support;                /* how well the passages support an answer: found from 0 on */
	struct br_citation *cite;
	size_t n;
	const char **suggested;        /* questions, NULL-terminated */
	const char *notebook, *strategy, *degraded, *model; /* model NULL: quoted */
	uint32_t repaired;             /* citations of the model that pointed nowhere and were removed */
	uint64_t generation, stale_sources;
	int64_t indexed_at;
	struct br_usage tokens;
	double took_ms;
};
BR_MUST_USE int br_answer(struct br_reply *out, struct br_searcher *s, const char *question, const struct br_answer_opts *opts, struct br_err *err);
void br_reply_release(struct br_reply *r);
/* "[{"n":1,"path":...,"lines":...,"page":...,"quote":...,"score":...}]" of those that are cited, or of all. */
void br_reply_citations(struct br_json *j, const struct br_reply *r, bool all);
/* Members of an object: strategy, degraded, model, cached, repaired, generation. */
void br_reply_origin(struct br_json *j, const struct br_reply *r);

/* What of passages can be quoted, for those who make a text of it. */
struct br_quotable {
	uint32_t hit, off, len;        /* bytes of the text of a passage in r */
	bool code, asks;               /* asks: ends with a question mark */
	double score, share;           /* share: of the question's weight in it, its title and headings, 0..1 */
};
struct br_quotables { struct br_result r; BR_VEC(struct br_quotable) v; };
/* Every sentence, table row and piece of code of the passages found for a question. Release in every case. */
BR_MUST_USE int br_quotables_find(struct br_quotables *out, struct br_searcher *s, const char *question, const struct br_query_opts *opts, struct br_err *err);
void br_quotables_release(struct br_quotables *q);

/* Questions that the notebook's titles and headings answer, the same for the same notebook; at most n, NULL-terminated, in the arena. */
BR_MUST_USE int br_suggest(const char ***out, struct br_arena *a, struct br_ws *ws, const char *notebook, size_t n, struct br_err *err);

/*
 * Citations of a text that comes in pieces: [n] with n from 1 to `passages` stays, any other is removed and counted. At most
 * BR_CITE_HOLD bytes are held back. Line breaks and everything else pass unchanged.
 */
#define BR_CITE_HOLD 64
struct br_cite_filter {
	uint32_t passages, removed;
	uint64_t seen[BR_MAX_TOP / 64 + 1]; /* bit n: [n] was there */
	char held[BR_CITE_HOLD];
	size_t n;
	bool code;                     /* between backquotes, where brackets are something else */
	br_token_fn *out;
	void *arg;
};
int br_cite_push(struct br_cite_filter *f, const char *text, size_t n); /* what out returned, if not 0 */
int br_cite_end(struct br_cite_filter *f);
static inline bool br_cite_seen(const struct br_cite_filter *f, uint32_t n) { return f->seen[n / 64] >> (n % 64) & 1; }

/* ---- conversations ---- */

struct br_chat {
	uint32_t number;
	char id[37];
	const char *title, *owner;     /* owner: who began it, "" on the command line */
	bool pinned, archived;
	int64_t created, updated, last; /* seconds; last: of the newest message, 0 none */
	uint32_t messages;
	const char *meta;              /* JSON object, "{}" */
};
#define BR_CHAT_NEW_TITLE "New Chat"   /* until the first question names it */

enum br_role { BR_ROLE_USER, BR_ROLE_ASSISTANT };
struct br_message {
	char id[37], chat_id[37];
	enum br_role role;
	int64_t created_ms;            /* milliseconds since 1970 */
	const char *text;
	const char *citations;         /* JSON array */
	const char *meta;              /* JSON object: strategy, degraded, model, found, cached */
	struct br_usage tokens;
	double took_ms;
	int8_t verdict;                /* feedback: 1 liked, -1 disliked, 0 none */
	const char *comment;           /* of the feedback, "" none */
};

/* NOTFOUND names the conversation. `id` is a UUID, a unique beginning of at least 6 characters, or "last" for the one written to last. */
BR_MUST_USE int br_chat_create(struct br_chat *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *title, const char *owner, struct br_err *err);
BR_MUST_USE int br_chat_get(struct br_chat *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, struct br_err *err);
struct br_chats { BR_VEC(struct br_chat) v; };
/* Pinned first, then by the newest message, then by creation. owner NULL: of all. */
BR_MUST_USE int br_chat_list(struct br_chats *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *owner, bool archived, struct br_err *err);
struct br_chat_change { const char *title; int pinned, archived; }; /* NULL and -1: as it is */
BR_MUST_USE int br_chat_set(struct br_chat *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, const struct br_chat_change *to, struct br_err *err);
BR_MUST_USE int br_chat_delete(uint32_t *messages, struct br_ws *ws, const char *notebook, const char *id, struct br_err *err);

struct br_messages { BR_VEC(struct br_message) v; };
/* Oldest first; the last `newest` of them, 0 for all. */
BR_MUST_USE int br_chat_messages(struct br_messages *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, uint32_t newest, struct br_err *err);
/*
 * Appends messages in one commit. A message whose id is there already is left out, so that a retry stores nothing twice; an empty id
 * is filled. The first question names a conversation that has no title yet.
 */
BR_MUST_USE int br_chat_append(struct br_ws *ws, const char *notebook, const char *id, struct br_message *m, size_t n, struct br_err *err);
/* The question and the reply as two messages; ids may be NULL. */
BR_MUST_USE int br_chat_save(struct br_message saved[2], struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, const struct br_reply *r,
			     const char *question_id, const char *reply_id, struct br_err *err);
BR_MUST_USE int br_message_get(struct br_message *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, struct br_err *err);
/* Replaces an earlier verdict. */
BR_MUST_USE int br_message_feedback(struct br_message *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, int verdict, const char *comment, struct br_err *err);
/* One member of its meta: name and JSON value, in place of an earlier one. NOTFOUND: the message went meanwhile. */
BR_MUST_USE int br_message_note(struct br_ws *ws, const char *notebook, const char *id, const char *name, const char *json, struct br_err *err);
void br_chat_write_json(struct br_json *j, const struct br_chat *c);
void br_message_write_json(struct br_json *j, const struct br_message *m);
void br_chat_export_markdown(struct br_buf *out, const struct br_chat *c, const struct br_message *m, size_t n);

/* ---- past questions (setting log.questions) ---- */

struct br_asked {
	int64_t at_ms;
	const char *question, *by, *strategy, *way; /* by: who asked, "" the command line; way: "quoted", "model", "cache" or "none" */
	const char *top;               /* path of the best citation, "" none */
	double score, took_ms;
	uint32_t citations;
};
BR_MUST_USE int br_asked_add(struct br_ws *ws, const char *notebook, const struct br_reply *r, const char *by, struct br_err *err); /* nothing when the log is off */
/* These, whatever the setting says, in one commit; oldest first. Notebooks that are gone are passed over. */
BR_MUST_USE int br_asked_put(struct br_ws *ws, const char *const *notebook, const struct br_asked *q, size_t n, struct br_err *err);
typedef int br_asked_fn(const struct br_asked *q, void *arg);
/* Newest first, at most n. */
BR_MUST_USE int br_asked_each(struct br_ws *ws, const char *notebook, size_t n, br_asked_fn *fn, void *arg, struct br_err *err);
BR_MUST_USE int br_asked_clear(struct br_ws *ws, const char *notebook, const char *by, struct br_err *err); /* by NULL: of everybody */

#endif
