/* Archives, as br-extract unpacks them. Input: a byte (0: ZIP, 1: TAR, 2: a TAR whose header sums are put right), then the archive. */
#include "fuzz.h"

#include "extract/extract.h"

enum { BLOCK = 512 };

static int member(enum br_code code, struct br_slice name, struct br_slice body, void *arg)
{
	uint64_t *total = arg;

	HOLDS(code < BR_ERR_COUNT && (code == BR_OK || body.len));
	HOLDS(name.len <= 8192 + 1024);
	*total += body.len;
	return 0;
}

/* Every block that could be a header gets the sum of one. */
static void put_sums(char *p, size_t n)
{
	for (size_t at = 0; at + BLOCK <= n; at += BLOCK) {
		unsigned sum = 0;
		char text[8];
		if (memcmp(p + at + 257, "ustar", 5))
			continue;
		memset(p + at + 148, ' ', 8);
		for (int i = 0; i < BLOCK; i++)
			sum += (unsigned char)p[at + (size_t)i];
		snprintf(text, sizeof text, "%06o", sum & 0777777);
		memcpy(p + at + 148, text, 7);
	}
}

FUZZ(extract_archive)
{
	struct br_rd r = br_rd(in);
	uint8_t how = br_rd_u8(&r) % 3;
	struct br_slice rest = fuzz_rest(&r);
	char *p = br_alloc(rest.len + 1);
	uint64_t total = 0;
	const struct br_extract__emit to = { member, &total };
	struct br_err err = { 0 };
	int rc;

	memcpy(p, rest.len ? rest.ptr : "", rest.len);
	if (how == 2)
		put_sums(p, rest.len);
	rc = how ? br_extract__untar(br_slice(p, rest.len), &to, &err) : br_extract__unzip(br_slice(p, rest.len), &to, &err);
	HOLDS(rc == 0 || (err.code && err.msg[0]));
	HOLDS(total <= BR_MAX_UNPACKED + BR_MAX_MEMBER);
	free(p);
}
