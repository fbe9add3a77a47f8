/*
 * server, inside: what its files share.
 *
 *   accept -> CONN_TLS -> CONN_HEAD -> (CONN_WAIT for a worker) -> CONN_BODY <-> CONN_WAIT -> CONN_WRITE -> CONN_HEAD ...
 *                                                                                         \-> CONN_LINGER -> closed
 *
 * A connection belongs to one event thread. Its request belongs to that thread too, except while `busy`, when a worker has it;
 * the members under "shared" are guarded by its mutex, those under "posting" by the loop's.
 */
#ifndef BR_SERVER_INTERNAL_H
#define BR_SERVER_INTERNAL_H

#include "br/os.h"
#include "br/auth.h"
#include "br/server.h"

#include "head.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define MAX_PARAMS 8   /* {names} in a path */
#define MAX_LISTEN 16
#define TICK_MS 250    /* between two looks at deadlines */

struct br_tls_plugin;

/* ---- work.c: threads that take jobs from a bounded queue ---- */

struct br_worker { struct br_searcher *searcher; };
struct br_job {
	void (*fn)(struct br_job *j, struct br_worker *w);
	struct br_job *next;
};
struct br_work {
	pthread_mutex_t mu;
	pthread_cond_t work, ended;
	struct br_job *first, **last;
	unsigned queued, idle, threads, keep, most, depth; /* keep: threads that stay when there is nothing to do */
	int64_t spare_ns;              /* how long a thread beyond `keep` waits for another job */
	bool quit;
};
void br_work__init(struct br_work *w, unsigned keep, unsigned most, unsigned depth);
bool br_work__give(struct br_work *w, struct br_job *j); /* false: too many wait */
void br_work__end(struct br_work *w);                    /* waits for what runs */

/* ---- multipart.c ---- */

struct br_multipart;
struct br_multipart_events {
	/* Called in order; begin takes a part whose strings live for the call. Non-zero stops. */
	int (*begin)(const char *name, const char *filename, const char *type, void *arg, struct br_err *err);
	int (*data)(const char *p, size_t n, void *arg, struct br_err *err);
	int (*end)(void *arg, struct br_err *err);
	void *arg;
};
/* INPUT: not multipart/form-data, or without a boundary. */
int br_multipart__new(struct br_multipart **out, const char *type, const struct br_multipart_events *ev, struct br_err *err);
int br_multipart__feed(struct br_multipart *m, const char *p, size_t n, struct br_err *err);
int br_multipart__end(struct br_multipart *m, struct br_err *err); /* INPUT: the last boundary is missing */
void br_multipart__free(struct br_multipart *m);
char *br_multipart__clean_name(struct br_arena *a, const char *filename); /* last component, no control characters, at most 255 bytes */

/* ---- route.c: a tree of path segments ---- */

struct br_node;
struct br_mounted { /* a row with what is counted about it */
	const struct br_route *route;
	const struct br_dialect *dialect;
	struct br_metric *metric;
	struct br_rx **rx;             /* by field of `in`; NULL where there is no pattern */
	const char *param[MAX_PARAMS]; /* names in order */
	unsigned params;
};
struct br_router {
	struct br_node *root;
	BR_VEC(struct br_mounted *) row;
	BR_VEC(const struct br_dialect *) dialect;
};
struct br_match {
	const struct br_mounted *row; /* NULL: status tells */
	int status;                   /* 404, 405 or 400 (the path cannot be decoded) */
	bool head;                    /* HEAD, served by the row of GET */
	char allow[80];               /* with 405 and OPTIONS */
	const char *value[MAX_PARAMS];
};
int br_router__add(struct br_router *r, const struct br_dialect *d, struct br_err *err);
void br_router__find(struct br_match *out, const struct br_router *r, struct br_slice method, struct br_slice path, struct br_arena *a);
const struct br_dialect *br_router__dialect(const struct br_router *r, struct br_slice path); /* longest prefix; NULL: none */
void br_router__release(struct br_router *r);

/* ---- front.c: proxies before us ---- */

int br_front__open(struct br_server *s, struct br_err *err);
void br_front__close(struct br_server *s);
void br_front__look(struct br_req *r);

/* ---- metrics.c ---- */

struct br_metric {
	_Atomic uint64_t status[600];   /* by status */
	_Atomic uint64_t bucket[12], sum_us, count;
};
extern const double br_metric__bounds[11]; /* seconds */
void br_metric__count(struct br_metric *m, int status, int64_t ns);

/* ---- connections and requests ---- */

enum conn_state { CONN_TLS, CONN_HEAD, CONN_WAIT, CONN_BODY, CONN_WRITE, CONN_LINGER };

struct br_address { char text[46]; bool local; uint32_t hash; };

struct br_conn {
	struct br_loop *loop;
	struct br_conn *prev, *next;
	struct br_req *req;         /* NULL between requests */
	void *tls;
	int fd;                     /* -1: closed, waiting for its worker */
	uint32_t armed;             /* events asked of epoll */
	enum conn_state state;
	struct br_buf in;           /* bytes that were read and not used: from in_at */
	size_t in_at, seen;         /* seen: see br_head_find */
	int64_t since, moved;       /* when the state began, when bytes last moved; br_mono_ns */
	uint64_t phase_bytes;       /* of the body or the rest that is thrown away */
	bool eof, last;             /* the client ended its side; the connection ends after this answer */
	struct br_address peer;
	struct br_buf sending;      /* of a stream: framed and on its way */
	size_t sent;                /* of what is being written */
	unsigned sends;             /* left before other connections get their turn */
};

enum br_step { STEP_IDENTIFY, STEP_FEED, STEP_RUN };

struct br_pair { const char *name, *value; };

struct br_req {
	struct br_job job;          /* first: jobs are requests */
	struct br_conn *conn;
	struct br_server *server;
	struct br_arena arena;
	struct br_head head;
	struct br_match match;
	const struct br_mounted *row;
	const struct br_dialect *dialect;
	struct br_pair *query;
	size_t queries;
	struct br_identity who;
	struct br_rate rate;
	char id[65];
	bool own_id, answered;      /* own_id: the client gave none */
	const char *origin;         /* of a page that may call, "*": any; NULL: none */
	const char *client;         /* its address, also behind a proxy of ours */
	bool secure;                /* TLS, here or at that proxy */
	int64_t began;              /* br_mono_ns */

	struct br_framing framing;
	uint64_t body_max, body_seen;
	struct br_buf body, block;  /* a JSON body; bytes of an upload to be handed on */
	bool body_over;
	struct br_multipart *multipart;
	BR_VEC(struct br_part) part;
	uint64_t form_bytes;        /* of values, together */
	struct br_buf value;        /* of the part that is read */

	struct br_jdoc *doc;
	void *in;
	uint64_t given;             /* a bit per field of the route */
	BR_VEC(struct br_problem) problem;

	int status, fail_status;
	struct br_buf headers, out, head_out; /* lines of the handler; body; the head as sent */
	struct br_json json;
	const char *type;
	bool replied, enveloped, head_only, no_body, gzip, transient;
	int file;                   /* 0: none */
	uint64_t file_at, file_left;
	uint64_t bytes;             /* sent of the body */

	enum br_step step;
	int step_rc;
	enum br_who step_who;
	struct br_err err;
	bool busy, slow, later;     /* slow: its thread may wait; later: it is to be run again in one that may */
	bool parsed;
	struct br_worker *worker;

	/* posting */
	struct br_req *next_posted;
	bool posted, done;
	/* shared */
	pthread_mutex_t mu;
	pthread_cond_t stirred;
	struct br_buf ring, inward; /* of a stream, to the client; of an upgraded connection, from it */
	bool streaming, stream_over, gone, upgrade;
	const char *ping;           /* NULL: a comment, after BR_SERVE_PING_TIME */
	int64_t ping_after;         /* seconds */
	void (*on_gone)(void *arg);
	void *on_gone_arg;
};

struct br_loop {
	struct br_server *server;
	pthread_t thread;
	int ep, wake;
	struct br_conn *conns;
	unsigned n;
	bool listening;
	int64_t ticked, listen_again;
	struct br_buf scratch;
	pthread_mutex_t mu;
	struct br_req *posted, **posted_end;
	int64_t date_at;
	char date[40];
	struct br_req *spare;      /* kept for the next request; by next_posted */
	unsigned spares;
};

struct br_listener { int fd; char *url, *unlink_path; bool inherited; };

struct br_server {
	BR_VEC(struct br_key_net) proxy; /* whose word about clients counts */
	struct br_server_opts o;
	struct br_router router;
	struct br_listener listen[MAX_LISTEN];
	size_t listeners;
	struct br_loop *loop;
	unsigned loops;
	struct br_work quick, slow;
	const struct br_tls_plugin *tls;
	void *tls_ctx;
	_Atomic unsigned conns;
	_Atomic uint64_t accepted, turned_away, refused, log_lost; /* refused: heads that are not HTTP */
	_Atomic bool draining, stopping;
	pthread_mutex_t log_mu;
	struct br_buf log;          /* lines that wait; log_out, log_at, log_fd: of the main thread */
	struct br_buf log_out;
	size_t log_at;
	int log_fd;
	struct br_cache *cache;     /* NULL: none */
	_Atomic uint64_t cache_hits;
	_Atomic unsigned reloads;   /* of the settings */
	struct br_metric none;      /* of requests that match no row */
	pthread_mutex_t address_mu;
	uint16_t *address_count;    /* by hash */
	int64_t started;
	char *tmp;                  /* folder for uploads */
	bool any_host, any_origin;
	sigset_t mask;              /* of signals, before we blocked ours */
};

/* loop.c */
int br_loop__init(struct br_loop *l, struct br_server *s, struct br_err *err);
void *br_loop__run(void *arg);
void br_loop__release(struct br_loop *l);
void br_loop__wake(struct br_loop *l);
void br_loop__post(struct br_req *r, bool done);  /* by workers */
const char *br_loop__date(struct br_loop *l);
void br_loop__arm(struct br_conn *c, uint32_t events);
void br_loop__drop(struct br_conn *c);            /* closes; frees when no worker has its request */

/* conn.c: what happens to a connection */
void br_conn__ready(struct br_conn *c, uint32_t events);
void br_conn__posted(struct br_req *r, bool done);
void br_conn__tick(struct br_conn *c, int64_t now);
bool br_conn__begin(struct br_conn *c);           /* false: out of memory */

/* io.c: bytes in and out, in the clear or by TLS; -1 with errno (EAGAIN) */
ssize_t br_io__read(struct br_conn *c, void *p, size_t n);
ssize_t br_io__send(struct br_conn *c, struct br_slice a, struct br_slice b, bool more);
ssize_t br_io__sendfile(struct br_conn *c, int fd, uint64_t at, size_t n);

/* request.c */
struct br_req *br_req__new(struct br_conn *c);
void br_req__done(struct br_req *r);              /* kept for another one */
void br_req__free(struct br_req *r);
bool br_req__take_head(struct br_req *r, const char *p, size_t n, int *status, const char **why);
void br_req__gone(struct br_req *r);

/* gate.c: the steps before a body is read. 0: go on; 1: wait for a worker; -1: the reply is made */
int br_gate__enter(struct br_req *r);
int br_gate__identified(struct br_req *r, enum br_who who);
int br_gate__authorise(struct br_req *r);         /* 0, or -1: the reply is made */
void br_gate__cors(struct br_req *r);

/* fields.c */
int br_fields__read(struct br_req *r, struct br_err *err); /* fills r->in from path, query, body, form; the problems are noted */
bool br_fields__check(const struct br_shape *s, bool list, const struct br_jval *v, char *why, size_t size); /* an answer against its shape */
int br_fields__compile(struct br_rx ***out, const struct br_field *f, struct br_err *err);

/* reply.c */
void br_reply__fault(struct br_req *r, enum br_stage stage, int status, enum br_code code, const char *fmt, ...) BR_PRINTF(5, 6);
void br_reply__err(struct br_req *r, enum br_stage stage, int status, const struct br_err *err);
void br_reply__finish(struct br_req *r);          /* closes the envelope, compresses, writes the head */
const char *br_status__text(int status);

/* steps.c: what workers do */
void br_step__run(struct br_job *j, struct br_worker *w);
void br_step__handle(struct br_req *r);           /* parse, run, encode */

/* upload.c */
int br_upload__begin(struct br_req *r, struct br_err *err);
int br_upload__feed(struct br_req *r, struct br_slice block, bool last, struct br_err *err);
void br_upload__release(struct br_req *r);

/* cache.c */
struct br_cache;
struct br_cache_key { uint8_t hash[16]; uint64_t generation; bool lasting; };
struct br_cache *br_cache__new(size_t bytes);
void br_cache__free(struct br_cache *c);
bool br_cache__key(struct br_cache_key *out, struct br_req *r);
bool br_cache__get(struct br_cache *c, const struct br_cache_key *k, struct br_buf *out);
void br_cache__put(struct br_cache *c, const struct br_cache_key *k, struct br_slice text);

/* access.c */
int br_access__open(struct br_server *s, struct br_err *err);
void br_access__line(struct br_req *r);
void br_access__flush(struct br_server *s);
void br_access__close(struct br_server *s);

/* listen.c */
void br_listen__close(struct br_server *s);
void br_listen__notify(const char *state);        /* to systemd */
void br_address__of(struct br_address *out, const struct sockaddr *sa);

/* ---- the TLS plugin: libbr-tls.so, loaded when --cert is given, as OpenSSL's start costs every br a millisecond ---- */

#define BR_TLS_ABI 1
#define BR_TLS_SYMBOL "br_tls_plugin"
struct br_tls_plugin {
	int abi;
	const char *library;
	void *(*ctx_new)(const char *cert, const char *key, char *why, size_t size);
	void (*ctx_free)(void *ctx);
	void *(*conn_new)(void *ctx, int fd);
	void (*conn_free)(void *conn);
	/* Above 0: bytes; 0: the end; -1: errno is EAGAIN (*want: POLLIN or POLLOUT) or ECONNRESET */
	ssize_t (*read)(void *conn, void *p, size_t n, short *want);
	ssize_t (*write)(void *conn, const void *p, size_t n, short *want);
	int (*handshake)(void *conn, short *want);
	void (*bye)(void *conn);
};
const struct br_tls_plugin *br_tls__load(struct br_err *err);

#endif
