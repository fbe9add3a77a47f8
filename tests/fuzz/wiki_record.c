/* Records of the wiki: damaged ones are told, whatever the bytes are. The first byte chooses the kind. */
#include "fuzz.h"

#include "wiki/internal.h"

FUZZ(wiki_record)
{
	static const char *const names[] = { "page", "page", "page\0\0\0\0\1", "page\0claim", "compile", "stamp" };
	static const size_t lengths[] = { 4, 4, 9, 10, 7, 5 };
	struct br_err err = { 0 };
	struct br_rd r = br_rd(in);
	unsigned which = br_rd_u8(&r) % BR_COUNT(names);
	struct br_key k;
	uint8_t kind = (uint8_t)BR_MIN(which + 1, 5u);

	br_key_init(&k, 1);
	br_key_bytes(&k, &kind, 1);
	br_key_bytes(&k, names[which], lengths[which]);
	if (br_wiki__record_check(br_key_slice(&k), fuzz_rest(&r), &err) < 0)
		HOLDS(err.code == BR_ECORRUPT || err.code == BR_EVERSION);
	HOLDS(br_wiki__record_check(br_slice(k.b, 5), fuzz_rest(&r), &err) == -BR_ECORRUPT);
}
