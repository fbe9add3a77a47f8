/*
 * TLS by OpenSSL, as a plugin: its start-up would cost every run of br a millisecond. TLS 1.2 and newer; sessions are resumed by
 * tickets; there is no renegotiation.
 */
#include "../internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/epoll.h>

static const unsigned char alpn[] = "\x08http/1.1";

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in, unsigned len, void *arg)
{
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, n, alpn, sizeof alpn - 1, in, len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static void *fail(SSL_CTX *ctx, char *why, size_t size, const char *what, const char *path)
{
	char text[200];

	ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
	snprintf(why, size, "%s '%.200s' cannot be used: %s", what, path, ERR_reason_error_string(ERR_peek_last_error()) ?
	         ERR_reason_error_string(ERR_peek_last_error()) : text);
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return NULL;
}

static void *ctx_new(const char *cert, const char *key, char *why, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		return fail(NULL, why, size, "TLS for", cert);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return fail(ctx, why, size, "the certificate", cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return fail(ctx, why, size, "the key", key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return fail(ctx, why, size, "the key", key);
	return ctx;
}

static void ctx_free(void *ctx) { SSL_CTX_free(ctx); }

static void *conn_new(void *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl && SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}

static void conn_free(void *conn) { SSL_free(conn); }

static ssize_t outcome(SSL *ssl, int rc, short *want)
{
	int e = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, rc);

	ERR_clear_error();
	if (e == SSL_ERROR_NONE)
		return rc;
	if (e == SSL_ERROR_ZERO_RETURN)
		return 0;
	*want = e == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN;
	errno = e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
	return -1;
}

static ssize_t tls_read(void *conn, void *p, size_t n, short *want)
{
	return outcome(conn, SSL_read(conn, p, (int)BR_MIN(n, (size_t)INT32_MAX)), want);
}

static ssize_t tls_write(void *conn, const void *p, size_t n, short *want)
{
	return outcome(conn, SSL_write(conn, p, (int)BR_MIN(n, (size_t)INT32_MAX)), want);
}

static int handshake(void *conn, short *want)
{
	return outcome(conn, SSL_do_handshake(conn), want) > 0 ? 0 : -1;
}

static void bye(void *conn)
{
	SSL_shutdown(conn);
	ERR_clear_error();
}

__attribute__((visibility("default"))) const struct br_tls_plugin *br_tls_plugin(void);
const struct br_tls_plugin *br_tls_plugin(void)
{
	static const struct br_tls_plugin plugin = {
		BR_TLS_ABI, OPENSSL_VERSION_TEXT, ctx_new, ctx_free, conn_new, conn_free, tls_read, tls_write, handshake, bye,
	};

	return &plugin;
}
