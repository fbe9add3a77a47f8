/*
 * Keys and signatures as the contract spells them out, and whether two questions ask the same in nearly the same words.
 */
#include "internal.h"

#include <stdlib.h>

void br_tenant_cache_key(char out[69], const char *tenant, const char *kb, const char *question)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	uint8_t sha[32];

	br_buf_addf(&b, "%s:%s:", tenant, kb ? kb : "");
	br_wiki_normalize(&b, br_slice_str(question));
	br_sha256(sha, b.ptr, b.len);
	memcpy(out, "ans:", 4);
	br_hex(out + 4, sha, 32);
	br_buf_release(&b);
}

void br_tenant_sign(char hex[65], const char *secret, struct br_slice body)
{
	uint8_t mac[32];

	br_hmac_sha256(mac, br_slice_str(secret), body);
	br_hex(hex, mac, sizeof mac);
}

/* ---- words that say nothing ---- */

static const char *const plain[] = {
	"a", "an", "the", "is", "are", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should", "shall", "may", "i", "me", "my", "we", "our",
	"you", "your", "it", "its", "of", "to", "in", "on", "at", "for", "please", "tell", "what", "whats", "which", "how", "there", "be", "about", "any",
	"的", "了", "吗", "嗎", "呢", "吧", "啊", "是", "请", "請", "问", "問", "我", "你", "您", "们", "們", "想", "什", "么", "麼", "怎", "样", "樣", "如", "何",
};

static bool says_nothing(struct br_slice w)
{
	for (size_t i = 0; i < BR_COUNT(plain); i++)
		if (br_slice_eq(w, br_slice_str(plain[i])))
			return true;
	return false;
}

typedef BR_VEC(struct br_slice) words;

/* ASCII and other alphabets by blanks, CJK by characters. */
static struct br_slice next_word(const char **p, const char *end)
{
	uint32_t cp = 0;
	size_t n;
	const char *from;

	while (*p < end && **p == ' ')
		++*p;
	from = *p;
	while (*p < end && **p != ' ') {
		n = br_utf8_next(&cp, *p, (size_t)(end - *p));
		if (cp >= 0x2e80 && *p > from)
			break;
		*p += n;
		if (cp >= 0x2e80)
			break;
	}
	return br_slice(from, (size_t)(*p - from));
}

static int by_bytes(const void *x, const void *y)
{
	const struct br_slice *a = x, *b = y;
	int c = memcmp(a->ptr, b->ptr, BR_MIN(a->len, b->len));

	return c ? c : a->len < b->len ? -1 : a->len > b->len;
}

static void split(words *out, struct br_buf *text, const char *question)
{
	const char *p, *end;
	struct br_slice w;

	br_wiki_normalize(text, br_slice_str(question));
	for (p = text->ptr, end = p + text->len; (w = next_word(&p, end)).len;)
		if (!says_nothing(w))
			*br_vec_push(out) = w;
	if (out->n)
		qsort(out->v, out->n, sizeof *out->v, by_bytes);
}

bool words_agree(const char *a, const char *b)
{
	struct br_buf ta = BR_BUF_INIT(SIZE_MAX), tb = BR_BUF_INIT(SIZE_MAX);
	words wa = { 0 }, wb = { 0 };
	bool same;

	split(&wa, &ta, a);
	split(&wb, &tb, b);
	same = wa.n == wb.n && wa.n;
	for (size_t i = 0; i < wa.n && same; i++)
		same = br_slice_eq(wa.v[i], wb.v[i]);
	br_vec_release(&wa);
	br_vec_release(&wb);
	br_buf_release(&ta);
	br_buf_release(&tb);
	return same;
}
