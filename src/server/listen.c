/*
 * Sockets to listen on: an address, a socket file, or what systemd hands over; and a word to systemd when we are ready.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define INHERITED_FROM 3 /* as systemd has it */

/* ---- addresses ---- */

static bool is_loopback(const struct sockaddr *sa)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	const struct sockaddr_in6 *six = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24 == 127;
	if (sa->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) || (!memcmp(&six->sin6_addr, mapped, 12) && six->sin6_addr.s6_addr[12] == 127);
	return sa->sa_family == AF_UNIX;
}

void br_address__of(struct br_address *out, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *six = (const void *)sa;
	const struct sockaddr_in *four = (const void *)sa;

	*out = (struct br_address){ .text = "unix", .local = is_loopback(sa) };
	if (sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &four->sin_addr, out->text, sizeof out->text);
		out->hash = (uint32_t)br_hash64(&four->sin_addr, sizeof four->sin_addr);
	} else if (sa->sa_family == AF_INET6) { /* a network of 64 bits is one neighbour */
		inet_ntop(AF_INET6, &six->sin6_addr, out->text, sizeof out->text);
		out->hash = (uint32_t)br_hash64(&six->sin6_addr, 8);
	} else {
		out->local = true;
	}
}

/* ---- listening ---- */

static char *url_of(const struct br_server *s, int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof at;
	const char *scheme = s->o.cert ? "https" : "http";
	struct br_address a;

	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return br_strdup("?");
	br_address__of(&a, (struct sockaddr *)&at);
	if (at.ss_family == AF_INET)
		return br_sprintf("%s://%s:%u", scheme, a.text, ntohs(((struct sockaddr_in *)&at)->sin_port));
	if (at.ss_family == AF_INET6)
		return br_sprintf("%s://[%s]:%u", scheme, a.text, ntohs(((struct sockaddr_in6 *)&at)->sin6_port));
	return br_sprintf("unix:%s", ((struct sockaddr_un *)&at)->sun_path);
}

/* Takes fd. */
static int add_listener(struct br_server *s, int fd, char *unlink_path, bool inherited, struct br_err *err)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof at;
	struct br_listener *l = &s->listen[s->listeners];
	bool local = getsockname(fd, (struct sockaddr *)&at, &len) == 0 && is_loopback((struct sockaddr *)&at);

	if (!local && !s->o.authenticated && !s->o.insecure) {
		close(fd);
		return br_fail(err, BR_EUSAGE, "listening beyond this machine without authentication would give everybody everything; --insecure does it");
	}
	if (s->listeners == MAX_LISTEN) {
		close(fd);
		return br_fail(err, BR_EUSAGE, "at most %d sockets can be listened on", MAX_LISTEN);
	}
	*l = (struct br_listener){ .fd = fd, .url = url_of(s, fd), .unlink_path = unlink_path, .inherited = inherited };
	s->listeners++;
	return 0;
}

static int open_one(const struct addrinfo *a)
{
	int on = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

/* "host:port", "[::1]:port", ":port", "port" */
static int split_address(char *host, size_t size, const char **port, const char *address, struct br_err *err)
{
	const char *colon = strrchr(address, ':'), *from = address;
	size_t n = colon ? (size_t)(colon - address) : 0;
	int64_t number;

	*port = colon ? colon + 1 : address;
	if (n > 1 && *from == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	} else if (memchr(from, ':', n)) {
		return br_fail(err, BR_EUSAGE, "'%s': an IPv6 address stands in brackets: [::1]:8000", address);
	}
	if (n >= size)
		return br_fail(err, BR_EUSAGE, "'%s' is not an address to listen on", address);
	snprintf(host, size, "%.*s", n ? (int)n : 9, n ? from : "127.0.0.1");
	return br_parse_int(&number, *port, 0, 65535, "port", err);
}

int br_server_listen(struct br_server *s, const char *address, struct br_err *err)
{
	struct addrinfo want = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *list = NULL;
	const char *port;
	char host[256];
	int rc, fd = -1;

	if ((rc = split_address(host, sizeof host, &port, address, err)) < 0)
		return rc;
	if ((rc = getaddrinfo(!strcmp(host, "*") ? NULL : host, port, &want, &list)) != 0)
		return br_fail(err, BR_EUSAGE, "cannot listen on '%s': %s", address, gai_strerror(rc));
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = open_one(a);
	freeaddrinfo(list);
	if (fd < 0)
		return br_fail_errno(err, BR_EIO, "cannot listen on '%s'", address);
	return add_listener(s, fd, NULL, false, err);
}

/* A socket file nobody answers on is left from a server that died. */
static bool is_dead(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) < 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return dead;
}

int br_server_listen_unix(struct br_server *s, const char *path, struct br_err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t old;
	int fd, rc;

	if (strlen(path) >= sizeof at.sun_path)
		return br_fail(err, BR_EUSAGE, "'%s' is too long for a socket", path);
	strcpy(at.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && is_dead(&at))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	old = umask(0177);
	rc = fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, BACKLOG) < 0;
	umask(old);
	if (rc) {
		rc = br_fail_errno(err, BR_EIO, "cannot listen on '%s'", path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return add_listener(s, fd, br_path_abs(path), false, err);
}

int br_server_listen_inherited(struct br_server *s, struct br_err *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int64_t for_pid, n;
	int rc;

	if (!pid || !fds || br_parse_int(&for_pid, pid, 1, INT32_MAX, "LISTEN_PID", NULL) < 0 || for_pid != getpid() ||
	    br_parse_int(&n, fds, 1, MAX_LISTEN, "LISTEN_FDS", NULL) < 0)
		return 0;
	for (int fd = INHERITED_FROM; fd < INHERITED_FROM + n; fd++) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
			return br_fail_errno(err, BR_EIO, "cannot use socket %d of systemd", fd);
		if ((rc = add_listener(s, fd, NULL, true, err)) < 0)
			return rc;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return (int)n;
}

const char *br_server_url(const struct br_server *s, size_t i)
{
	return i < s->listeners ? s->listen[i].url : NULL;
}

/* New connections are refused from here on; sockets of systemd live on, for who comes after us. */
void br_listen__close(struct br_server *s)
{
	for (size_t i = 0; i < s->listeners; i++) {
		struct br_listener *l = &s->listen[i];

		if (!l->inherited)
			shutdown(l->fd, SHUT_RDWR);
		if (l->unlink_path)
			unlink(l->unlink_path);
		free(l->unlink_path);
		l->unlink_path = NULL;
	}
}

/* ---- systemd ---- */

void br_listen__notify(const char *state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (!n || n >= sizeof at.sun_path || (*path != '/' && *path != '@'))
		return;
	memcpy(at.sun_path, path, n);
	if (*path == '@')
		at.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}
