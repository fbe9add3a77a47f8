/* Walks the whole index of a notebook: every record is read, every posting decoded, every count made again. */
#include "search.h"

#include <stdlib.h>

struct check {
	struct br_txn *txn;
	struct br_err *err;
	uint32_t nb;
	struct br_fts__totals totals;
	const struct br_bits *dead;
	uint16_t *len;
	uint8_t *number_used;  /* of each term number */
	uint64_t terms, segs;
	/* the list in hand */
	struct br_fts__place at;
	uint64_t live, next;   /* live postings so far; no posting below this may follow */
};

/* ---- lengths ---- */

static int check_len_block(struct check *k, uint32_t block)
{
	struct br_key key;
	struct br_slice v;
	uint32_t from = block * BR_FTS__LEN_BLOCK, n = BR_MIN(k->totals.ever - from, (uint32_t)BR_FTS__LEN_BLOCK);
	br_fts__len_key(&key, k->nb, block);
	int rc = br_get(&v, k->txn, BR_T_LEN, br_key_slice(&key), k->err);
	if (rc < 0)
		return rc;
	if (rc == 0 || v.len != (size_t)n * 2)
		return br_fail(k->err, BR_ECORRUPT, "full text of notebook %u: block %u of its lengths is missing or damaged", k->nb, block);
	for (uint32_t i = 0; i < n; i++) {
		k->len[from + i] = br_rd_le16(v.ptr + 2 * (size_t)i);
		if (!k->len[from + i])
			return br_fail(k->err, BR_ECORRUPT, "full text of notebook %u: chunk %u has no length", k->nb, from + i);
	}
	return 0;
}

static bool is_dead(const struct check *k, uint32_t chunk) { return k->dead && br_bits_get(k->dead, chunk); }

static int check_lens(struct check *k)
{
	uint64_t chunks = 0, tokens = 0;
	int rc = 0;
	for (uint64_t c = 0; rc == 0 && c < k->totals.ever; c += BR_FTS__LEN_BLOCK)
		rc = check_len_block(k, (uint32_t)(c / BR_FTS__LEN_BLOCK));
	for (uint32_t c = 0; rc == 0 && c < k->totals.ever; c++) {
		chunks += !is_dead(k, c);
		tokens += is_dead(k, c) ? 0 : k->len[c];
	}
	if (rc == 0 && (chunks != k->totals.chunks || tokens != k->totals.tokens))
		rc = br_fail(k->err, BR_ECORRUPT, "full text of notebook %u: totals say %llu chunks of %llu tokens, there are %llu of %llu", k->nb,
		             (unsigned long long)k->totals.chunks, (unsigned long long)k->totals.tokens, (unsigned long long)chunks,
		             (unsigned long long)tokens);
	return rc;
}

/* ---- lists ---- */

static int check_postings(struct check *k, const uint32_t *chunk, const uint32_t *tf, uint32_t n, const struct br_fts__bound *bound)
{
	for (uint32_t i = 0; i < n; i++) {
		if (chunk[i] < k->next || chunk[i] >= k->totals.ever)
			return br_fts__damaged(k->err, &k->at, "its postings do not ascend");
		if (bound && !br_fts__bound_covers(bound, tf[i], k->len[chunk[i]]))
			return br_fts__damaged(k->err, &k->at, "the impact bound of a block is too low");
		k->next = (uint64_t)chunk[i] + 1;
		k->live += !is_dead(k, chunk[i]);
	}
	return 0;
}

static int check_seg(struct check *k, struct br_slice val, uint32_t first)
{
	uint32_t chunk[BR_FTS__BLOCK], tf[BR_FTS__BLOCK], from = first;
	int rc = br_fts__seg_check(val, first, &k->at, k->err);
	if (rc < 0)
		return rc;
	const char *head = val.ptr + 2, *data = head + (size_t)rc * BR_FTS__HEADER;
	for (; head < val.ptr + 2 + (size_t)br_rd_le16(val.ptr) * BR_FTS__HEADER; head += BR_FTS__HEADER) {
		struct br_fts__header h;
		br_fts__header_decode(&h, head);
		br_fts__unpack(chunk, data, h.gap_bits);
		br_fts__sum_gaps(chunk, from - 1);
		br_fts__unpack(tf, data + 16u * h.gap_bits, h.tf_bits);
		for (int i = 0; i < BR_FTS__BLOCK; i++)
			tf[i]++;
		if (chunk[BR_FTS__BLOCK - 1] != h.last || (from == first && head == val.ptr + 2 && chunk[0] != first))
			return br_fts__damaged(k->err, &k->at, "a block of postings does not end where its header says");
		int bad = check_postings(k, chunk, tf, BR_FTS__BLOCK, &h.bound);
		if (bad < 0)
			return bad;
		data += br_fts__data_bytes(&h);
		from = h.last + 1;
	}
	return rc;
}

/* All values of the term in POST. */
static int check_segs(struct check *k, const struct br_fts__list *l)
{
	struct br_cur c;
	struct br_key key;
	uint32_t blocks = 0, last_seg = 0;
	int rc = br_cur_open(&c, k->txn, BR_T_POST, k->err);
	if (rc < 0)
		return rc;
	br_fts__post_key(&key, k->nb, l->number, 0);
	c.within = br_slice(key.b, 8);
	for (rc = br_cur_seek(&c, br_key_slice(&key), k->err); rc == 1; rc = br_cur_next(&c, k->err)) {
		if (c.key.len != 12 || memcmp(c.key.ptr, key.b, 8) != 0)
			break;
		last_seg = br_rd_be32(c.key.ptr + 8);
		if ((rc = check_seg(k, c.val, last_seg)) < 0)
			break;
		blocks += (uint32_t)rc;
		k->segs++;
	}
	br_cur_close(&c);
	if (rc >= 0 && (blocks != l->n / BR_FTS__BLOCK || last_seg != l->last_seg || k->next != (uint64_t)l->last + 1))
		rc = br_fts__damaged(k->err, &k->at, "its record and its blocks of postings disagree");
	return rc < 0 ? rc : 0;
}

static int check_term(struct check *k, struct br_slice term, struct br_slice val)
{
	uint32_t chunk[BR_FTS__BLOCK], tf[BR_FTS__BLOCK];
	struct br_fts__list l;
	int rc;
	k->at = (struct br_fts__place){ k->nb, term };
	k->next = k->live = 0;
	k->terms++;
	if (term.len == 0 || term.len > BR_MAX_TOKEN)
		return br_fts__damaged(k->err, &k->at, "a term of this length cannot be");
	if ((rc = br_fts__list_decode(&l, val, &k->at, k->err)) < 0)
		return rc;
	if (l.n >= BR_FTS__BLOCK) {
		if (l.number >= k->totals.numbers || k->number_used[l.number]++)
			return br_fts__damaged(k->err, &k->at, "its number is not its own");
		if ((rc = check_segs(k, &l)) < 0)
			return rc;
	}
	if ((rc = br_fts__tail_decode(chunk, tf, &l, k->totals.ever, &k->at, k->err)) < 0 ||
	    (rc = check_postings(k, chunk, tf, l.n % BR_FTS__BLOCK, NULL)) < 0)
		return rc;
	return k->live == l.df ? 0 : br_fts__damaged(k->err, &k->at, "it counts other chunks than the live ones that have it");
}

static int check_terms(struct check *k)
{
	struct br_cur c;
	struct br_key prefix;
	int rc = br_cur_open(&c, k->txn, BR_T_TERM, k->err);
	if (rc < 0)
		return rc;
	br_key_init(&prefix, k->nb);
	c.within = br_key_slice(&prefix);
	for (rc = br_cur_seek(&c, br_key_slice(&prefix), k->err); rc == 1; rc = br_cur_next(&c, k->err)) {
		if (!br_has_prefix(c.key, br_key_slice(&prefix)))
			break;
		if ((rc = check_term(k, br_slice(c.key.ptr + 4, c.key.len - 4), c.val)) < 0)
			break;
	}
	br_cur_close(&c);
	if (rc >= 0 && k->terms != k->totals.terms)
		rc = br_fail(k->err, BR_ECORRUPT, "full text of notebook %u: totals say %llu terms, there are %llu", k->nb,
		             (unsigned long long)k->totals.terms, (unsigned long long)k->terms);
	return rc < 0 ? rc : 0;
}

/* ---- records that belong to nothing ---- */

static int check_count(struct check *k, enum br_table table, uint64_t want, const char *what)
{
	struct br_cur c;
	struct br_key prefix;
	uint64_t n = 0;
	int rc = br_cur_open(&c, k->txn, table, k->err);
	if (rc < 0)
		return rc;
	br_key_init(&prefix, k->nb);
	c.within = br_key_slice(&prefix);
	for (rc = br_cur_seek(&c, br_key_slice(&prefix), k->err); rc == 1; rc = br_cur_next(&c, k->err)) {
		if (!br_has_prefix(c.key, br_key_slice(&prefix)))
			break;
		n++;
	}
	br_cur_close(&c);
	if (rc >= 0 && n != want)
		rc = br_fail(k->err, BR_ECORRUPT, "full text of notebook %u: %llu %s where %llu belong", k->nb, (unsigned long long)n, what,
		             (unsigned long long)want);
	return rc < 0 ? rc : 0;
}

int br_fts_verify(struct br_txn *t, uint32_t nb, uint32_t chunks, const struct br_bits *dead, struct br_err *err)
{
	struct check k = { .txn = t, .err = err, .nb = nb, .dead = dead };
	int rc = br_fts__totals_get(&k.totals, t, nb, err);
	if (rc < 0)
		return rc;
	if (k.totals.ever != chunks)
		return br_fail(err, BR_ECORRUPT, "full text of notebook %u has %u chunks, the notebook %u", nb, k.totals.ever, chunks);
	/* The totals may be damaged: no memory is taken on their word alone. */
	uint64_t len_blocks = ((uint64_t)chunks + BR_FTS__LEN_BLOCK - 1) / BR_FTS__LEN_BLOCK;
	if ((rc = check_count(&k, BR_T_LEN, len_blocks, "blocks of lengths")) < 0)
		return rc;
	k.len = br_try_alloc(((size_t)chunks + 1) * sizeof *k.len);
	k.number_used = br_try_alloc((size_t)k.totals.numbers + 1);
	if (!k.len || !k.number_used)
		rc = br_fail(err, BR_ENOMEM, "out of memory while checking the full text of notebook %u", nb);
	else if ((rc = check_lens(&k)) == 0 && (rc = check_terms(&k)) == 0)
		rc = check_count(&k, BR_T_POST, k.segs, "values of postings");
	free(k.len);
	free(k.number_used);
	return rc;
}
