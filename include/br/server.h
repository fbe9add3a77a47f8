/*
 * server - HTTP: connections, requests, routes as data. `br serve` is a list of dialects on one port.
 * Use:     br_server_new, br_server_add for each dialect, br_server_listen, br_server_run until a signal, br_server_free.
 * Order:   match, identify, authorise, rate, size, parse, run, encode; nowhere else. A handler sees only requests that passed.
 *          A dialect may have it another way: see `gateway`.
 * Threads: event threads own connections and never block. A handler runs in a worker, blocks as it likes when its route is
 *          BR_ROUTE_SLOW, and has its request for itself until it returns.
 * Lives:   what a request hands out lives until its handler returns (r's arena).
 * Fails:   a handler returns a negative code with err filled; the dialect's error encoder makes the answer.
 * To add a route: a row, its field tables, a handler. To add a dialect: its callbacks, its rows, a line in BR_DIALECT_LIST.
 */
#ifndef BR_SERVER_H
#define BR_SERVER_H

#include "br/corpus.h"
#include "br/json.h"
#include "br/retrieve.h"

struct br_history;
struct br_idp;
struct br_budgets;
struct br_hooks;
struct br_jobs;
struct br_limiter;
struct br_tenancy;
struct br_meter;
struct br_server;
struct br_req;

/* ---- who asks ---- */

/* What a route demands, and what an identity has. CLOSED is 0: a row that forgets its level is refused at start. */
enum br_level {
	BR_LEVEL_CLOSED,
	BR_LEVEL_OPEN,  /* anybody */
	BR_LEVEL_KEY,   /* a key of the dialect, or more */
	BR_LEVEL_USER,
	BR_LEVEL_ADMIN,
};

struct br_identity { /* strings live as long as the request */
	enum br_level level;
	const char *user, *key_id, *tenant; /* NULL where the dialect has none */
	const char *const *notebooks;       /* NULL-terminated; NULL: no restriction */
	const char *const *scopes;          /* NULL-terminated; NULL: all */
	bool bypass;                        /* nobody was asked for a proof */
	const void *own;                    /* of the dialect, in the request's arena */
};

/* ---- fields: parameters, members of bodies and of answers ---- */

enum br_ftype { BR_F_END, BR_F_STR, BR_F_INT, BR_F_NUM, BR_F_BOOL, BR_F_OBJ, BR_F_ARR, BR_F_ANY, BR_F_FILE };
enum br_fwhere { BR_IN_BODY, BR_IN_PATH, BR_IN_QUERY, BR_IN_FORM };
enum br_fflags { BR_REQUIRED = 1, BR_NULLABLE = 2 /* of answers; in requests null always stands for "not given" */ };

struct br_shape;
struct br_field {
	const char *name;
	enum br_ftype type;
	size_t at;                    /* offset in the route's (or shape's) struct; see BR_IN_* below */
	enum br_fwhere in;
	int flags;
	double min, max;              /* numbers: value, strings: characters, arrays: elements; max 0: none */
	const char *choices;          /* strings: "a|b|c" */
	const char *pattern;          /* strings: an anchored regular expression */
	const char *format;           /* strings: "uuid", "date-time", "uri" ...; "uuid" is checked */
	const char *dflt;             /* as one would write it in a query string */
	enum br_ftype of;             /* elements of an array; 0: of `shape`, or anything */
	const struct br_shape *shape; /* of an object, or of an array's elements */
	const char *help;
};
#define BR_FIELD_END { NULL }
/* Type and offset of a member, checked by the compiler. */
#define BR_FAT_(T, f, kind, ctype) kind, _Generic(((T *)0)->f, ctype : offsetof(T, f))
#define BR_FAT_STR(T, f)  BR_FAT_(T, f, BR_F_STR, const char *)
#define BR_FAT_INT(T, f)  BR_FAT_(T, f, BR_F_INT, int64_t)
#define BR_FAT_NUM(T, f)  BR_FAT_(T, f, BR_F_NUM, double)
#define BR_FAT_BOOL(T, f) BR_FAT_(T, f, BR_F_BOOL, bool)
#define BR_FAT_OBJ(T, f)  BR_FAT_(T, f, BR_F_OBJ, const struct br_jval *)
#define BR_FAT_ARR(T, f)  BR_FAT_(T, f, BR_F_ARR, const struct br_jval *)
#define BR_FAT_ANY(T, f)  BR_FAT_(T, f, BR_F_ANY, const struct br_jval *)
#define BR_FOUT(kind) BR_F_##kind, 0 /* of answers, which have no struct */

struct br_shape {
	const char *name;             /* in the OpenAPI document; NULL: written where it is used */
	const struct br_field *field; /* ends with BR_FIELD_END */
	size_t size;                  /* of its struct; 0: none */
};

/* What is wrong with a request, one place each. */
struct br_problem { enum br_fwhere in; const char *field, *type, *what; };

/* Checks v against the shape and fills out (size bytes, zeroed; strings borrowed from v). NULL v stands for {}. False: br_problem told. */
bool br_shape_read(void *out, const struct br_shape *s, const struct br_jval *v, struct br_req *r);
bool br_req_given(const struct br_req *r, const char *field); /* was there and not null */

/* ---- routes ---- */

enum br_body_kind { BR_BODY_NONE, BR_BODY_JSON, BR_BODY_FORM /* multipart/form-data, files go to disk */, BR_BODY_RAW /* to disk */ };
enum br_route_flags {
	BR_ROUTE_SLOW = 1,   /* may wait: for a model, a disk, a client. Runs apart from the quick ones */
	BR_ROUTE_BARE = 2,   /* its answer has no envelope */
	BR_ROUTE_STREAM = 4, /* answers with a stream of events, or may */
	BR_ROUTE_HIDDEN = 8, /* not in the OpenAPI document */
	BR_ROUTE_MAY_BODY = 16, /* JSON that may be left out */
	BR_ROUTE_LIST = 32,  /* answers with an array of `out` */
	BR_ROUTE_CACHE = 128, /* reads only: the answer with status 200 may be given again for a second or two, as long as nothing was committed */
	BR_ROUTE_CACHE_NB = 256, /* likewise, as long as nothing in the notebook of its path was changed; tells nothing of files */
	BR_ROUTE_INLINE = 64, /* runs in the event thread: microseconds, no locks, no disk, no searcher */
};
typedef int br_handler(struct br_req *r, const void *in, struct br_err *err);
struct br_route {
	const char *method, *path;   /* "/api/notebooks/{notebook_id}"; served with and without a slash at the end */
	const char *id, *summary, *tag; /* operation id: letters, digits, _ */
	enum br_level level;
	const char *scopes;          /* "chat:write query:read": all of them; NULL: none */
	const char *rate;            /* class that the dialect's limiter knows; NULL: not limited */
	enum br_body_kind body;
	uint64_t body_max;           /* bytes; 0: BR_SERVE_JSON_BODY or BR_SERVE_UPLOAD */
	const struct br_field *in;   /* NULL: takes nothing */
	size_t in_size;
	const struct br_shape *out;
	int ok;                      /* status of success, 0: 200 */
	const short *fails;          /* further statuses, ends with 0; those of the steps before `run` are known; below 300: with `out`, too */
	const char *type;            /* content type of success; NULL: application/json */
	int flags;
	br_handler *run;
	/* With BR_ROUTE_CACHE: an answer is given again without `run`; its whole text, and no more of the request than its body. May be NULL. */
	void (*again)(struct br_req *r, struct br_slice answer);
};

/* ---- dialects ---- */

/* Why a request is not answered with success. */
enum br_stage { BR_AT_HTTP, BR_AT_MATCH, BR_AT_IDENTIFY, BR_AT_AUTHORISE, BR_AT_RATE, BR_AT_SIZE, BR_AT_PARSE, BR_AT_RUN };
struct br_fault {
	enum br_stage stage;
	int status;                  /* the dialect may change it */
	enum br_code code;
	const char *message;
	const struct br_problem *problem;
	size_t problems;
	uint64_t limit;              /* with 413: bytes of a body at most */
};

struct br_routes { const struct br_route *row; size_t n; };

enum br_who { BR_WHO_REFUSED = -1, BR_WHO_KNOWN = 0, BR_WHO_LATER = 1 };
struct br_rate { int64_t limit, left, reset; /* reset, after: seconds */ int64_t after; };

struct br_dialect {
	const char *name, *prefix;   /* "/api/v1/external", several with spaces: the longest decides whose error is sent where no route matches */
	const struct br_route *route;
	size_t n;
	const struct br_routes *const *more; /* further rows, a file each; NULL-terminated, or NULL */
	/* REFUSED fills err (AUTH, FORBIDDEN). LATER: finding out may take time; asked again with `may_wait` in another thread. */
	enum br_who (*identify)(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err);
	/* After level and scopes: access to what the path names. May be NULL. */
	int (*authorise)(struct br_req *r, struct br_err *err);
	/* False: over the limit. *out may stay zero. May be NULL. */
	bool (*rate)(struct br_rate *out, struct br_req *r, const char *class);
	/* Around one JSON value; both NULL: none. */
	void (*open)(struct br_json *j);
	void (*close)(struct br_json *j);
	/* The body of an error; may set fault->status and headers. */
	void (*error)(struct br_json *j, struct br_req *r, struct br_fault *fault);
	/* JSON schemas of the envelope (writes data's by calling data) and of the error. NULL: bare; {"error":...} */
	void (*schema)(struct br_json *j, void (*data)(struct br_json *j, const void *arg), const void *arg);
	void (*error_schema)(struct br_json *j);
	int invalid;                 /* status of a request whose fields are wrong; 0: 422 */
	/* Order as behind a gateway: identify and rate (of every path below `prefix`), match, size, parse, authorise, run. */
	bool gateway;
	const char *id_begins;       /* of ids that we give to requests: "req-"; NULL: nothing */
	uint64_t (*largest)(struct br_req *r); /* bytes of any body at most, besides the route's limit. May be NULL */
	/* Once for each request that was identified or refused, before its answer leaves; quick, in any thread. May be NULL */
	void (*answered)(struct br_req *r, int status);
	const char *security;        /* for OpenAPI: "bearer", or the name of a header; NULL: none */
};
#define BR_DIALECT_LIST(X) X(plain) X(beyond) X(external) X(quivr) X(baiyuan)
#define X(name) extern const struct br_dialect br_dialect_##name;
BR_DIALECT_LIST(X)
#undef X

/* ---- the request, for handlers and callbacks ---- */

const struct br_identity *br_req_who(const struct br_req *r);
const struct br_route *br_req_route(const struct br_req *r);
struct br_arena *br_req_arena(struct br_req *r);
struct br_ws *br_req_ws(struct br_req *r);
struct br_server *br_req_server(struct br_req *r);
struct br_searcher *br_req_searcher(struct br_req *r);                 /* this worker's; not in callbacks of dialects */
const char *br_req_header(const struct br_req *r, const char *name);   /* NULL: absent; several are joined by ", " */
const char *br_req_query(const struct br_req *r, const char *name);    /* decoded; the first of that name */
const char *br_req_param(const struct br_req *r, const char *name);    /* of the path, decoded */
const char *br_req_path(const struct br_req *r);                       /* as sent, without the query */
const char *br_req_method(const struct br_req *r);
const char *br_req_id(const struct br_req *r);                         /* X-Request-Id */
const char *br_req_address(const struct br_req *r);                    /* of the client; "unix" */
bool br_req_local(const struct br_req *r);                             /* loopback or a socket file */
bool br_req_secure(const struct br_req *r);                            /* came over TLS, here or to a proxy of ours */
struct br_slice br_req_body(const struct br_req *r);                   /* the bytes of a JSON body, for signatures */
void br_req_problem(struct br_req *r, enum br_fwhere in, const char *field, const char *type, const char *fmt, ...) BR_PRINTF(5, 6);
const struct br_problem *br_req_problems(const struct br_req *r, size_t *n);
void br_req_forget(struct br_req *r); /* what was wrong so far: for connections that go on */
/* An error with a status of its own. Returns -code. */
int br_req_fail(struct br_req *r, int status, struct br_err *err, enum br_code code, const char *fmt, ...) BR_PRINTF(5, 6);

/* Parts of a form, in order. A file is at `path` in the workspace's tmp folder, and is removed after the handler unless it took it. */
struct br_part {
	const char *name, *filename, *type; /* filename: its last component, cleaned; NULL: a value */
	const char *value;                  /* of values; valid UTF-8 */
	char *path;                         /* of files; taken: set to NULL after renaming it */
	int fd;                             /* of files: open for reading and writing, closed after the handler */
	uint64_t size;
};
struct br_part *br_req_part(struct br_req *r, size_t i);               /* NULL: no more. Of a raw body: part 0 */

/* ---- the answer: one of these, once ---- */

/* Not to be given again, though the route says so: something took part that may answer otherwise the next time, or is to be counted. */
void br_reply_transient(struct br_req *r);
void br_reply_header(struct br_req *r, const char *name, const char *value);
/* Opens the envelope; the handler writes one value; the core closes it. status 0: the route's. */
struct br_json *br_reply(struct br_req *r, int status);
void br_reply_text(struct br_req *r, int status, const char *type, const char *text, size_t n);
void br_reply_empty(struct br_req *r, int status);                     /* 204 and the like */
/* Bytes of an open file, which the answer closes; honours Range. */
int br_reply_file(struct br_req *r, int fd, const char *type, const char *download, struct br_err *err);
/* True: the client has this already, 304 is on its way and nothing must be written. etag without quotes. */
bool br_reply_etag(struct br_req *r, const char *etag);

/* ---- streams (BR_ROUTE_STREAM and SLOW): open, write as things come, return 0 ---- */

int br_stream_open(struct br_req *r, int status, const char *type, struct br_err *err);
/* Waits while the client is behind by BR_SERVE_RING bytes. CANCELLED: it has gone. */
int br_stream_write(struct br_req *r, const void *p, size_t n, struct br_err *err);
/* One server-sent event; id and event may be NULL; data may have several lines. */
int br_stream_event(struct br_req *r, const char *id, const char *event, const char *data, size_t n, struct br_err *err);
/*
 * For handlers of quick routes whose request turns out to need a wait. False: release everything, write nothing and return 0; the handler
 * is called again in a thread that may wait, where this is true.
 */
bool br_req_may_wait(struct br_req *r);
/* Before it is opened: what it gets after so many seconds of silence, instead of a comment. text lives as long as the program. */
void br_stream_ping(struct br_req *r, int64_t seconds, const char *text);
bool br_req_gone(struct br_req *r);     /* nobody waits for the answer of this slow route any more */
bool br_req_draining(struct br_req *r); /* the server is ending: streams without an end should end */
/* fn is called once, in another thread and under a lock, as soon as nobody waits any more; it must be quick. NULL takes it back. */
void br_req_on_gone(struct br_req *r, void (*fn)(void *arg), void *arg);

/* After 101 the connection is bytes in both directions: br_stream_write, and this. 0: nothing within timeout_ms (-1: for ever). CANCELLED: gone. */
int br_req_upgrade(struct br_req *r, const char *protocol, struct br_err *err);
int64_t br_upgrade_read(struct br_req *r, void *p, size_t n, int timeout_ms, struct br_err *err);

/* ---- the server ---- */

struct br_server_opts {
	struct br_ws *ws;            /* NULL: only to print the OpenAPI document */
	const char *cert, *key;      /* PEM files: TLS; NULL: none */
	const char *access_log;      /* path, "-": stdout; NULL: none */
	const char *hosts;           /* further names in Host, separated by commas; "*": any */
	bool any_origin;             /* pages from anywhere may call gateways, which ask for a key */
	const char *proxies;         /* addresses and networks, with commas: what they say of clients counts (X-Forwarded-For, X-Real-IP, X-Forwarded-Proto) */
	const char *audit;           /* path of the audit log of gateways; NULL: none */
	const char *origins;         /* origins of pages that may call, separated by commas; "*": any */
	bool insecure;               /* listening beyond loopback without authentication is meant */
	bool authenticated;          /* dialects ask for proofs of identity */
	struct br_idp *idp;          /* whose tokens prove identity; NULL: nobody is asked */
	struct br_jobs *jobs;        /* what runs in the background; NULL: nothing does */
	struct br_tenancy *tenancy;  /* tenants of the Baiyuan dialect; NULL: only to print the OpenAPI document */
	struct br_hooks *hooks;      /* what tells others of events; NULL: the next server does */
	struct br_limiter *limiter;  /* of requests by key; NULL: no limits */
	struct br_meter *meter;      /* what keys are used for; NULL: nobody counts */
	struct br_history *history;  /* what was searched for; NULL: nobody keeps it */
	struct br_budgets *budgets;  /* of tokens by key; NULL: no limits */
	unsigned events, workers;    /* threads; 0: by the processors */
	uint64_t cache;              /* bytes of answers kept for BR_ROUTE_CACHE; 0: none */
	int64_t grace;               /* seconds for running requests at the end */
	void (*on_reload)(struct br_server *s, void *arg); /* SIGHUP, in the main thread; may be NULL */
	void *arg;
};
BR_MUST_USE int br_server_new(struct br_server **out, const struct br_server_opts *opts, struct br_err *err);
/* BUG names the row that is wrong: no level, an unknown method, two rows alike ... */
BR_MUST_USE int br_server_add(struct br_server *s, const struct br_dialect *d, struct br_err *err);
/* "127.0.0.1:8000", "[::1]:0", "localhost:80". USAGE: beyond loopback without authentication. */
BR_MUST_USE int br_server_listen(struct br_server *s, const char *address, struct br_err *err);
BR_MUST_USE int br_server_listen_unix(struct br_server *s, const char *path, struct br_err *err);
/* Sockets that systemd opened (LISTEN_FDS): how many. */
BR_MUST_USE int br_server_listen_inherited(struct br_server *s, struct br_err *err);
const char *br_server_url(const struct br_server *s, size_t i);        /* NULL: no more */
/* Serves until SIGTERM or SIGINT, then drains. Tells systemd (NOTIFY_SOCKET). */
BR_MUST_USE int br_server_run(struct br_server *s, struct br_err *err);
void br_server_free(struct br_server *s);

/* fn(arg) is called in a thread that may wait, when one has time; the server does not end before. False: too much waits already. */
bool br_server_later(struct br_server *s, void (*fn)(void *arg), void *arg);

/*
 * What was searched for over the APIs (table ASKED, whether the setting log.questions is on or not). It is kept in memory for some seconds,
 * since a commit costs more than many searches: the newest BR_SERVE_HISTORY of them, then written by a thread of its own, and at the end.
 */
struct br_searched { int64_t at_ms; const char *notebook, *query, *strategy, *by; uint32_t found; double took_ms; };
BR_MUST_USE int br_history_start(struct br_history **out, struct br_ws *ws, struct br_err *err);
void br_history_stop(struct br_history *h);
void br_history_add(struct br_history *h, const struct br_searched *s); /* h NULL: nothing */
BR_MUST_USE int br_history_flush(struct br_history *h, struct br_err *err); /* what is in memory is written; h NULL: nothing */

const struct br_server_opts *br_server_opts(const struct br_server *s);
/* Pretty JSON. */
void br_server_openapi(struct br_buf *out, const struct br_server *s);
/* Since it started: milliseconds of an answer on average, percent of answers with 5xx, open connections. */
struct br_server_load { double average_ms, error_percent; unsigned connections; };
void br_server_load(struct br_server_load *out, struct br_server *s);
/* Prometheus text. */
void br_server_metrics(struct br_buf *out, struct br_server *s);
/* Everybody who may reach the server is the administrator: for use on one's own machine. */
enum br_who br_identify_bypass(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err);
/*
 * The user whose token of the identity provider stands in Authorization; the bypass where there is no provider. Administrators are
 * those of auth.admins, then as stored (br_person), then as the token says.
 */
enum br_who br_identify_user(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err);

/* What is kept about a user: by tokens that came, and by administrators. Strings live as long as the request; NULL: not known. */
struct br_person { const char *id, *email, *first_name, *last_name, *claim /* role in the token */, *role /* given here */, *created, *seen; };
BR_MUST_USE int br_person_get(struct br_person *out, struct br_req *r, const char *id, struct br_err *err); /* 1: known, 0: not, and all but id is NULL */
void br_person_read(struct br_person *out, struct br_req *r, const char *id, const char *json);
BR_MUST_USE int br_person_put(struct br_req *r, const struct br_person *p, struct br_err *err);
bool br_person_is_admin(struct br_req *r, const struct br_person *p);

#endif
