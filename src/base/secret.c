/*
 * What handles secrets: comparison whose steps do not depend on the bytes, wiping, and base64url, in which keys and tokens are written.
 */
#include "br/base.h"

/* Volatile, so that no compiler ends the loop early or makes a branch of it. */
bool br_secret_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}

void br_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

/* ---- base64url, RFC 4648 section 5, without padding ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void br_base64url(struct br_buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;

	for (; n >= 3; n -= 3, s += 3) {
		uint32_t v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
		br_buf_add(out, (char[]){ digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63] }, 4);
	}
	if (n == 1)
		br_buf_add(out, (char[]){ digits[s[0] >> 2], digits[(s[0] & 3) << 4] }, 2);
	if (n == 2)
		br_buf_add(out, (char[]){ digits[s[0] >> 2], digits[(s[0] & 3) << 4 | s[1] >> 4], digits[(s[1] & 15) << 2] }, 3);
}

static int digit_of(char c)
{
	const char *at = memchr(digits, c, sizeof digits - 1);

	return at ? (int)(at - digits) : -1;
}

bool br_base64url_decode(struct br_buf *out, struct br_slice text)
{
	uint32_t v = 0;
	unsigned bits = 0;

	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int d = digit_of(text.ptr[i]);
		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		if ((bits += 6) >= 8) {
			bits -= 8;
			br_buf_u8(out, (uint8_t)(v >> bits));
			v &= (1u << bits) - 1;
		}
	}
	return v == 0 && !out->failed; /* bits behind the last byte must be 0: one text for each value */
}
