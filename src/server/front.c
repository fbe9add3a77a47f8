/*
 * Who the client is when the connection comes from a proxy of ours: X-Forwarded-For from the right, up to the first address that is not
 * such a proxy, or X-Real-IP. From anybody else these headers are only words.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

int br_front__open(struct br_server *s, struct br_err *err)
{
	struct br_slice rest = s->o.proxies ? br_slice_str(s->o.proxies) : br_slice(NULL, 0), item;
	int rc = 0;

	while (rc == 0 && br_list_next(&item, &rest, ',')) {
		char *text = br_strndup(item.ptr, item.len);
		if (*text)
			rc = br_err_prefix(err, br_key_net_parse(br_vec_push(&s->proxy), text, err), "proxies");
		free(text);
	}
	return rc;
}

void br_front__close(struct br_server *s) { br_vec_release(&s->proxy); }

static bool is_proxy(const struct br_server *s, const char *text)
{
	struct br_key_addr a;

	if (!br_key_addr_parse(&a, text))
		return false;
	for (size_t i = 0; i < s->proxy.n; i++)
		if (br_key_net_has(&s->proxy.v[i], &a))
			return true;
	return false;
}

/* All lines of that name, joined: the client may have sent one, to which the proxy added another. NULL: none. */
static char *header(struct br_req *r, const char *name)
{
	const struct br_header *h = br_head_get(&r->head, name, 0);
	char *all = h ? br_arena_strndup(&r->arena, h->value.ptr, h->value.len) : NULL;

	while (h && (h = br_head_get(&r->head, name, (size_t)(h - r->head.header) + 1)))
		all = br_arena_printf(&r->arena, "%s, %.*s", all, (int)h->value.len, h->value.ptr);
	return all;
}

static const char *last_word(char *list)
{
	char *comma = list ? strrchr(list, ',') : NULL;

	return comma ? comma + 1 + strspn(comma + 1, " \t") : list;
}

/* The last address of the list that is not a proxy's; NULL: there is none. */
static const char *last_of(const struct br_server *s, char *list)
{
	char *comma;

	do {
		char *one = (comma = strrchr(list, ',')) ? comma + 1 : list;
		size_t n;
		if (comma)
			*comma = 0;
		one += strspn(one, " \t");
		for (n = strlen(one); n && isspace((unsigned char)one[n - 1]);)
			one[--n] = 0;
		if (!is_proxy(s, one)) {
			struct br_key_addr a;
			return br_key_addr_parse(&a, one) ? one : NULL;
		}
	} while (comma);
	return NULL;
}

void br_front__look(struct br_req *r)
{
	const struct br_server *s = r->server;
	const char *told, *proto;
	struct br_key_addr a;
	char *list;

	r->client = r->conn->peer.text;
	r->secure = r->conn->tls != NULL;
	if (!s->proxy.n || !is_proxy(s, r->client))
		return;
	proto = last_word(header(r, "X-Forwarded-Proto"));
	r->secure |= proto && !strcasecmp(proto, "https");
	list = header(r, "X-Forwarded-For");
	told = list ? last_of(s, list) : last_word(header(r, "X-Real-IP"));
	if (told && br_key_addr_parse(&a, told))
		r->client = told;
}
