/* Stored text and its dictionary, of any bytes. Input: length of the dictionary (16 bits), the dictionary, then blocks: u16, bytes. */
#include "fuzz.h"

#include "corpus/internal.h"

enum { NB = 1, DOC = 2 };

static uint32_t put_dict(struct br_txn *t, struct br_slice dict, struct br_slice frame, struct br_err *err)
{
	/* Where the frame names its dictionary in one, two or four bytes, this one is it. */
	static const uint8_t id_bytes[4] = { 0, 1, 2, 4 };
	uint8_t how = frame.len > 5 ? (uint8_t)frame.ptr[4] : 0, n = id_bytes[how & 3], at = how & 0x20 ? 5 : 6;
	uint32_t id = 0;
	struct br_key k;

	for (uint8_t i = 0; i < n && (size_t)at + i < frame.len; i++)
		id |= (uint32_t)(uint8_t)frame.ptr[at + i] << 8 * i;
	br_key_init(&k, NB);
	br_key_u32(&k, id);
	FUZZ_OK(br_put(t, BR_T_DICT, br_key_slice(&k), dict, err));
	return id;
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_rd r = *(struct br_rd *)arg;
	struct br_slice dict = br_rd_bytes(&r, BR_MIN((size_t)br_rd_u16(&r), (size_t)(r.end - r.p)));
	struct br_text_reader *reader = br_text_reader_new();
	struct br_buf all = BR_BUF_INIT(SIZE_MAX), part = BR_BUF_INIT(SIZE_MAX);
	struct text_dict *d = NULL;
	uint32_t n = 0;

	for (; r.p < r.end && !r.bad && n < 8; n++) {
		struct br_slice frame = br_rd_bytes(&r, BR_MIN((size_t)br_rd_u16(&r), (size_t)(r.end - r.p)));
		struct br_key k;
		br_key_init(&k, NB);
		br_key_u32(&k, DOC);
		br_key_u32(&k, n);
		FUZZ_OK(br_put(t, BR_T_TEXT, br_key_slice(&k), frame, err));
		if (dict.len)
			put_dict(t, dict, frame, err);
	}
	HOLDS(text_dict_load(&d, t, NB, NULL) == 0 || !d);
	text_dict_free(d);
	if (br_doc_text(&all, reader, t, NB, DOC, 0, UINT32_MAX, NULL) == 0)
		HOLDS(all.len <= (size_t)n * TEXT_BLOCK);
	for (uint32_t i = 0; i < n; i++) {
		br_buf_reset(&part);
		if (br_doc_text(&part, i & 1 ? reader : NULL, t, NB, DOC, i * TEXT_BLOCK + 3, 50, NULL) == 0)
			HOLDS(part.len <= 50);
	}
	br_buf_release(&all);
	br_buf_release(&part);
	br_text_reader_free(reader);
	return 0;
}

FUZZ(corpus_text)
{
	struct br_rd r = br_rd(in);

	fuzz_in_store(run, &r);
}
