/* A record of contexts: damaged ones are told, whatever the bytes are. */
#include "fuzz.h"

#include "corpus/internal.h"

FUZZ(corpus_context)
{
	struct br_err err = { 0 };
	struct br_key k;

	doc_key(&k, 1, 7);
	br_key_u32(&k, 0);
	if (ctx_check(br_key_slice(&k), in, &err) < 0)
		HOLDS(err.code == BR_ECORRUPT || err.code == BR_EVERSION);
	else
		HOLDS(in.len >= 7 && in.ptr[0] == 1);
	HOLDS(ctx_check(br_slice(br_key_slice(&k).ptr, 8), in, &err) == -BR_ECORRUPT);
}
