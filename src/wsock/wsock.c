/*
 * WebSocket on wslay, which is looked for when the first handshake comes: linking it would cost every start of br. wslay works on
 * memory here: what came in is handed to it under a lock, what it wants sent is taken out under the same lock and carried away
 * under another, which keeps frames in order.
 */
#include "br/wsock.h"

#include "br/os.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <wslay/wslay.h>

enum { READ_AT_ONCE = 16 << 10 };

/* ---- the library ---- */

#define WSLAY(X) \
	X(event_context_server_init) X(event_context_free) X(event_config_set_max_recv_msg_length) X(event_recv) X(event_send) \
	X(event_queue_msg) X(event_queue_close) X(event_want_read) X(event_want_write) X(event_set_error) X(event_get_close_received)
static struct {
#define X(name) __typeof__(wslay_##name) *name;
	WSLAY(X)
#undef X
} lib;
static const char *missing;       /* NULL: all is there */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	void *so = dlopen("libwslay.so.1", RTLD_NOW | RTLD_LOCAL);

	missing = so ? NULL : "libwslay.so.1";
#define X(name) \
	if (!missing && !(*(void **)&lib.name = dlsym(so, "wslay_" #name))) \
		missing = "wslay_" #name;
	WSLAY(X)
#undef X
}

int br_wsock_load(struct br_err *err)
{
	pthread_once(&once, load);
	return missing ? br_fail(err, BR_EUNSUPPORTED, "WebSockets need libwslay, which is not installed (no '%s')", missing) : 0;
}

/* ---- the handshake ---- */

bool br_wsock_accept(char out[29], const char *key)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	uint8_t hash[20];
	char text[100];

	if (strlen(key) != 24 || strcmp(key + 22, "==")) /* 16 bytes */
		return false;
	memcpy(text, key, 24);
	strcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	br_sha1(hash, text, strlen(text));
	br_base64url(&b, hash, sizeof hash);
	for (size_t i = 0; i < b.len; i++)
		out[i] = b.ptr[i];
	br_buf_release(&b);
	for (int i = 0; i < 27; i++)
		out[i] = out[i] == '-' ? '+' : out[i] == '_' ? '/' : out[i];
	memcpy(out + 27, "=", 2);
	return true;
}

/* ---- a socket ---- */

struct message { char *ptr; size_t len; };
struct br_wsock {
	struct br_wsock_io io;
	wslay_event_context_ptr ctx;
	pthread_mutex_t mu;          /* ctx, in, out, closing */
	pthread_mutex_t writing;     /* taken before mu; held while bytes are carried away */
	struct br_slice in;          /* what came and wslay has not taken */
	struct br_buf out;           /* what it wants sent */
	BR_VEC(struct message) inbox;
	struct message given;
	_Atomic int64_t heard;
	bool closing;                /* a closing frame was queued */
	bool broken;
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *p, size_t n, int flags, void *arg)
{
	struct br_wsock *w = arg;

	(void)flags;
	if (!w->in.len) {
		lib.event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	n = BR_MIN(n, w->in.len);
	memcpy(p, w->in.ptr, n);
	w->in = br_slice(w->in.ptr + n, w->in.len - n);
	return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *p, size_t n, int flags, void *arg)
{
	struct br_wsock *w = arg;

	(void)flags;
	br_buf_add(&w->out, p, n);
	if (w->out.failed)
		lib.event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
	return w->out.failed ? -1 : (ssize_t)n;
}

static void queue_close(struct br_wsock *w, unsigned code, const char *reason)
{
	if (!w->closing)
		lib.event_queue_close(w->ctx, (uint16_t)code, (const uint8_t *)reason, strlen(reason));
	w->closing = true;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct br_wsock *w = arg;

	(void)ctx;
	if (w->closing)
		return;
	if (m->opcode == WSLAY_TEXT_FRAME)
		*br_vec_push(&w->inbox) = (struct message){ br_strndup((const char *)m->msg, m->msg_length), m->msg_length };
	else if (m->opcode == WSLAY_BINARY_FRAME)
		queue_close(w, 1003, "text only");
	else if (m->opcode == WSLAY_CONNECTION_CLOSE)
		w->closing = true; /* wslay answers it */
}

int br_wsock_new(struct br_wsock **out, const struct br_wsock_io *io, size_t max, struct br_err *err)
{
	static const struct wslay_event_callbacks calls = { on_recv, on_send, NULL, NULL, NULL, NULL, on_message };
	struct br_wsock *w;
	int rc = br_wsock_load(err);

	*out = NULL;
	if (rc < 0)
		return rc;
	w = br_alloc(sizeof *w);
	w->io = *io;
	br_buf_init(&w->out, BR_MAX_REPLY * 8);
	if (lib.event_context_server_init(&w->ctx, &calls, w) != 0) {
		free(w);
		return br_fail(err, BR_ENOMEM, "a WebSocket cannot be made");
	}
	lib.event_config_set_max_recv_msg_length(w->ctx, max);
	pthread_mutex_init(&w->mu, NULL);
	pthread_mutex_init(&w->writing, NULL);
	atomic_store(&w->heard, br_mono_ns());
	*out = w;
	return 0;
}

void br_wsock_free(struct br_wsock *w)
{
	if (!w)
		return;
	lib.event_context_free(w->ctx);
	for (size_t i = 0; i < w->inbox.n; i++)
		free(w->inbox.v[i].ptr);
	br_vec_release(&w->inbox);
	free(w->given.ptr);
	br_buf_release(&w->out);
	pthread_mutex_destroy(&w->mu);
	pthread_mutex_destroy(&w->writing);
	free(w);
}

/* ---- writing ---- */

static int over(struct br_err *err) { return br_fail(err, BR_ECANCELLED, "the connection is over"); }

/* Carries away what wslay wants sent; with `writing` held. */
static int carry(struct br_wsock *w, struct br_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&w->mu);
	while (rc == 0 && !w->broken && lib.event_want_write(w->ctx)) {
		struct br_buf out;
		bool bad = lib.event_send(w->ctx) != 0;

		out = w->out;
		br_buf_init(&w->out, out.max);
		pthread_mutex_unlock(&w->mu);
		rc = bad ? br_fail(err, BR_EBUG, "wslay cannot send") : out.len ? w->io.write(w->io.arg, out.ptr, out.len, err) : 0;
		br_buf_release(&out);
		pthread_mutex_lock(&w->mu);
		w->broken |= rc < 0;
	}
	pthread_mutex_unlock(&w->mu);
	return rc;
}

/* Frames that wslay made by itself. Who writes just now sends them, too. */
static void carry_own(struct br_wsock *w)
{
	if (pthread_mutex_trylock(&w->writing) == 0) {
		(void)carry(w, NULL);
		pthread_mutex_unlock(&w->writing);
	}
}

static int write_frame(struct br_wsock *w, uint8_t opcode, struct br_slice text, struct br_err *err)
{
	struct wslay_event_msg m = { opcode, (const uint8_t *)text.ptr, text.len };
	int rc;

	pthread_mutex_lock(&w->writing);
	pthread_mutex_lock(&w->mu);
	rc = w->closing || w->broken || lib.event_queue_msg(w->ctx, &m) != 0 ? over(err) : 0;
	pthread_mutex_unlock(&w->mu);
	if (rc == 0)
		rc = carry(w, err);
	pthread_mutex_unlock(&w->writing);
	return rc;
}

int br_wsock_write(struct br_wsock *w, struct br_slice text, struct br_err *err)
{
	return write_frame(w, WSLAY_TEXT_FRAME, text, err);
}

int br_wsock_ping(struct br_wsock *w, struct br_err *err)
{
	return write_frame(w, WSLAY_PING, br_slice("br", 2), err);
}

void br_wsock_close(struct br_wsock *w, unsigned code, const char *reason)
{
	pthread_mutex_lock(&w->mu);
	queue_close(w, code, reason);
	pthread_mutex_unlock(&w->mu);
	pthread_mutex_lock(&w->writing);
	(void)carry(w, NULL);
	pthread_mutex_unlock(&w->writing);
}

/* ---- reading ---- */

static int feed(struct br_wsock *w, struct br_slice bytes, struct br_err *err)
{
	int rc;

	pthread_mutex_lock(&w->mu);
	w->in = bytes;
	rc = lib.event_recv(w->ctx) != 0 ? over(err) : 0;
	w->in = br_slice(NULL, 0);
	w->closing |= !lib.event_want_read(w->ctx);
	pthread_mutex_unlock(&w->mu);
	carry_own(w);
	return rc;
}

/* Nothing more will come: the client has closed, or made a mistake after which it is not listened to. */
static bool has_ended(struct br_wsock *w)
{
	bool is;

	pthread_mutex_lock(&w->mu);
	is = w->broken || !lib.event_want_read(w->ctx) || lib.event_get_close_received(w->ctx);
	pthread_mutex_unlock(&w->mu);
	return is;
}

int br_wsock_read(struct br_wsock *w, struct br_slice *text, int timeout_ms, struct br_err *err)
{
	char buf[READ_AT_ONCE];
	int64_t got;
	int rc;

	free(w->given.ptr);
	w->given.ptr = NULL;
	if (!w->inbox.n) {
		carry_own(w);
		if (has_ended(w))
			return over(err);
		if ((got = w->io.read(w->io.arg, buf, sizeof buf, timeout_ms, err)) <= 0)
			return (int)got;
		atomic_store(&w->heard, br_mono_ns());
		if ((rc = feed(w, br_slice(buf, (size_t)got), err)) < 0)
			return rc;
	}
	if (!w->inbox.n)
		return has_ended(w) ? over(err) : 0;
	w->given = w->inbox.v[0];
	memmove(w->inbox.v, w->inbox.v + 1, --w->inbox.n * sizeof *w->inbox.v);
	*text = br_slice(w->given.ptr, w->given.len);
	return 1;
}

int64_t br_wsock_heard(const struct br_wsock *w) { return atomic_load(&w->heard); }
