/*
 * wsock - the one door to wslay: WebSocket, RFC 6455, of the side of a server, over bytes that somebody else carries.
 * Use:     br_wsock_accept for the answer to the handshake; br_wsock_new when the connection has changed over; br_wsock_read in one
 *          thread, br_wsock_write in any; br_wsock_close, br_wsock_free.
 * Threads: one reads; any may write, ping and close. A writer that waits for its client does not keep the reader from reading.
 * Global:  wslay is loaded when it is first needed, once per process, and stays.
 * Fails:   CANCELLED when the connection is over, UNSUPPORTED when wslay is not installed, and what the carrier fails with.
 */
#ifndef BR_WSOCK_H
#define BR_WSOCK_H

#include "br/base.h"

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key. False: that is not one. */
bool br_wsock_accept(char out[29], const char *key);
BR_MUST_USE int br_wsock_load(struct br_err *err); /* UNSUPPORTED: not installed. For an answer before the handshake */

struct br_wsock_io {
	int64_t (*read)(void *arg, void *p, size_t n, int timeout_ms, struct br_err *err); /* 0: nothing came; negative: it is over */
	int (*write)(void *arg, const void *p, size_t n, struct br_err *err);              /* all of it, or negative */
	void *arg;
};
struct br_wsock;
/* max: bytes of a message; a longer one ends the connection with 1009, one that is not text with 1003. */
BR_MUST_USE int br_wsock_new(struct br_wsock **out, const struct br_wsock_io *io, size_t max, struct br_err *err);
void br_wsock_free(struct br_wsock *w);
/* 1: *text is a message, valid until the next read. 0: none within timeout_ms. CANCELLED: the end, the client having closed or made a mistake. */
BR_MUST_USE int br_wsock_read(struct br_wsock *w, struct br_slice *text, int timeout_ms, struct br_err *err);
BR_MUST_USE int br_wsock_write(struct br_wsock *w, struct br_slice text, struct br_err *err); /* one text message */
BR_MUST_USE int br_wsock_ping(struct br_wsock *w, struct br_err *err);
void br_wsock_close(struct br_wsock *w, unsigned code, const char *reason); /* nothing is written after it; read until the end, but not for long */
int64_t br_wsock_heard(const struct br_wsock *w); /* br_mono_ns when bytes came last */

#endif
