/* Records of --ndjson input. */
#include "fuzz.h"

#include "corpus/internal.h"

FUZZ(corpus_record)
{
	struct br_arena a = { 0 };
	struct record r;
	struct br_err err = { 0 };
	struct br_jdoc *meta = NULL;

	if (record_parse(&r, &a, in, "test", &err) == 0) {
		HOLDS(*r.id && strlen(r.id) <= BR_MAX_PATH && r.title && r.text && r.meta && strlen(r.meta) <= BR_MAX_META);
		HOLDS(br_utf8_valid(r.text, strlen(r.text)) == strlen(r.text));
		HOLDS(!*r.meta || (br_jdoc_parse(&meta, br_slice_str(r.meta), "meta", NULL) == 0 && br_jval_type(br_jdoc_root(meta)) == BR_J_OBJ));
		br_jdoc_free(meta);
	} else {
		HOLDS((err.code == BR_EINPUT || err.code == BR_ETOOBIG) && err.msg[0]);
	}
	br_arena_release(&a);
}
