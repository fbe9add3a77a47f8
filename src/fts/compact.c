/*
 * Compaction: the index of a notebook without its deleted chunks, as br_fts_write gives it for the others in one commit.
 *
 * Lists cannot be written beside those that are still to be read, since both have the same keys. So they go through a file: term
 * by term in, then the old index is dropped, then term by term out. Memory holds one block of postings and the lengths.
 *
 * The file, whose name is removed as soon as it is open: for each term a varint, its length, and its bytes; a varint, the number
 * of postings n; and for each a varint, twice the gap to the one before plus 1 when tf - 2 follows as a varint.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct compact {
	struct br_txn *txn;
	struct br_err *err;
	uint32_t nb;
	const struct br_bits *live;
	uint32_t *ranks;       /* br_bits_ranks(live) */
	uint32_t ever;
	uint16_t *len;         /* of the live chunks, by their new numbers */
	uint32_t n;            /* live chunks */
	FILE *file;
	struct br_fts__place at; /* the list in hand: old */
	uint32_t df, left, next; /* postings of it, those still to come, number after the last one's */
};

static int file_failed(const struct compact *c)
{
	return br_fail_errno(c->err, BR_EIO, "cannot write the postings of notebook %u to a temporary file", c->nb);
}

/* ---- the new numbers ---- */

static inline uint32_t new_number(const struct compact *c, uint32_t chunk)
{
	return br_bits_rank(c->live, c->ranks, chunk);
}

static int read_len_block(struct compact *c, uint32_t block)
{
	uint32_t from = block * BR_FTS__LEN_BLOCK, n = BR_MIN(c->ever - from, (uint32_t)BR_FTS__LEN_BLOCK);
	struct br_key key;
	struct br_slice v;
	br_fts__len_key(&key, c->nb, block);
	int rc = br_get(&v, c->txn, BR_T_LEN, br_key_slice(&key), c->err);
	if (rc < 0)
		return rc;
	if (rc == 0 || v.len != (size_t)n * 2)
		return br_fail(c->err, BR_ECORRUPT, "full text of notebook %u: block %u of its lengths is missing or damaged", c->nb, block);
	for (uint32_t i = 0; i < n; i++)
		if (br_bits_get(c->live, from + i))
			c->len[new_number(c, from + i)] = br_rd_le16(v.ptr + 2 * (size_t)i);
	return 0;
}

static int read_lens(struct compact *c)
{
	int rc = 0;
	c->len = br_allocn((size_t)c->n + 1, sizeof *c->len);
	for (uint64_t from = 0; rc == 0 && from < c->ever; from += BR_FTS__LEN_BLOCK)
		rc = read_len_block(c, (uint32_t)(from / BR_FTS__LEN_BLOCK));
	return rc;
}

/* ---- into the file ---- */

static void put_varint(FILE *f, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		putc_unlocked((int)(v & 0x7F) | 0x80, f);
	putc_unlocked((int)v, f);
}

static int save_postings(struct compact *c, const uint32_t *chunk, const uint32_t *tf, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (chunk[i] >= c->ever || !br_bits_get(c->live, chunk[i]))
			continue;
		uint32_t number = new_number(c, chunk[i]);
		if (number < c->next || !c->left)
			return br_fts__damaged(c->err, &c->at, "its postings do not ascend, or are more than it counts");
		put_varint(c->file, (uint64_t)(number - c->next) << 1 | (tf[i] > 1));
		if (tf[i] > 1)
			put_varint(c->file, tf[i] - 2);
		c->next = number + 1;
		c->left--;
	}
	return 0;
}

static int save_seg(struct compact *c, struct br_slice val, uint32_t first)
{
	uint32_t chunk[BR_FTS__BLOCK], tf[BR_FTS__BLOCK], from = first;
	int n = br_fts__seg_check(val, first, &c->at, c->err), rc = 0;
	if (n < 0)
		return n;
	const char *head = val.ptr + 2, *data = head + (size_t)n * BR_FTS__HEADER;
	for (int b = 0; rc == 0 && b < n; b++, head += BR_FTS__HEADER) {
		struct br_fts__header h;
		br_fts__header_decode(&h, head);
		br_fts__unpack(chunk, data, h.gap_bits);
		br_fts__sum_gaps(chunk, from - 1);
		br_fts__unpack(tf, data + 16u * h.gap_bits, h.tf_bits);
		for (int i = 0; i < BR_FTS__BLOCK; i++)
			tf[i]++;
		rc = save_postings(c, chunk, tf, BR_FTS__BLOCK);
		data += br_fts__data_bytes(&h);
		from = h.last + 1;
	}
	return rc;
}

static int save_segs(struct compact *c, const struct br_fts__list *l)
{
	struct br_cur cur;
	struct br_key key;
	int rc = br_cur_open(&cur, c->txn, BR_T_POST, c->err);
	if (rc < 0)
		return rc;
	br_fts__post_key(&key, c->nb, l->number, 0);
	cur.within = br_slice(key.b, 8);
	for (rc = br_cur_seek(&cur, br_key_slice(&key), c->err); rc == 1; rc = br_cur_next(&cur, c->err)) {
		if (cur.key.len != 12)
			break;
		if ((rc = save_seg(c, cur.val, br_rd_be32(cur.key.ptr + 8))) < 0)
			break;
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : 0;
}

static int save_term(struct compact *c, struct br_slice term, struct br_slice val)
{
	uint32_t chunk[BR_FTS__BLOCK], tf[BR_FTS__BLOCK];
	struct br_fts__list l;
	int rc;
	c->at = (struct br_fts__place){ c->nb, term };
	if ((rc = br_fts__list_decode(&l, val, &c->at, c->err)) < 0 || l.df == 0)
		return rc;
	if ((rc = br_fts__tail_decode(chunk, tf, &l, c->ever, &c->at, c->err)) < 0)
		return rc;
	c->left = l.df;
	c->next = 0;
	put_varint(c->file, term.len);
	fwrite(term.ptr, 1, term.len, c->file);
	put_varint(c->file, l.df);
	if ((l.n >= BR_FTS__BLOCK && (rc = save_segs(c, &l)) < 0) ||
	    (rc = save_postings(c, chunk, tf, l.n % BR_FTS__BLOCK)) < 0)
		return rc;
	if (c->left)
		return br_fts__damaged(c->err, &c->at, "it counts more chunks than have it");
	return ferror(c->file) ? file_failed(c) : 0;
}

static int save_terms(struct compact *c)
{
	struct br_cur cur;
	struct br_key prefix;
	int rc = br_cur_open(&cur, c->txn, BR_T_TERM, c->err);
	if (rc < 0)
		return rc;
	br_key_init(&prefix, c->nb);
	cur.within = br_key_slice(&prefix);
	for (rc = br_cur_seek(&cur, br_key_slice(&prefix), c->err); rc == 1; rc = br_cur_next(&cur, c->err)) {
		if ((rc = save_term(c, br_slice(cur.key.ptr + 4, cur.key.len - 4), cur.val)) < 0 || (rc = br_check_stop(c->err)) < 0)
			break;
	}
	br_cur_close(&cur);
	if (rc >= 0 && (fflush(c->file) || ferror(c->file)))
		rc = file_failed(c);
	return rc < 0 ? rc : 0;
}

/* ---- out of the file; it is ours, so what it holds is what was put there unless reading fails ---- */

static uint64_t get_varint(FILE *f)
{
	uint64_t v = 0;
	int b = 0x80;
	for (int shift = 0; b & 0x80 && shift < 64; shift += 7) {
		if ((b = getc_unlocked(f)) == EOF)
			return 0;
		v |= (uint64_t)(b & 0x7F) << shift;
	}
	return v;
}

static int load_term(struct compact *c, struct br_fts__writer *w, size_t len)
{
	char term[BR_MAX_TOKEN];
	uint32_t next = 0, n;
	int rc;
	if (len > sizeof term || fread(term, 1, len, c->file) != len)
		return file_failed(c);
	n = (uint32_t)get_varint(c->file);
	if ((rc = br_fts__writer_term(w, br_slice(term, len))) < 0)
		return rc;
	for (; rc == 0 && n; n--) {
		uint64_t v = get_varint(c->file);
		next += (uint32_t)(v >> 1);
		if (next >= c->n)
			return file_failed(c);
		rc = br_fts__writer_add(w, next++, v & 1 ? (uint32_t)get_varint(c->file) + 2 : 1);
	}
	return rc < 0 ? rc : br_fts__writer_term_end(w);
}

static int load_terms(struct compact *c)
{
	struct br_fts__writer *w;
	size_t len;
	int rc = br_fts__writer_new(&w, c->txn, c->nb, c->len, c->n, c->err);
	rewind(c->file);
	while (rc == 0 && (len = get_varint(c->file)) && (rc = br_check_stop(c->err)) == 0)
		rc = load_term(c, w, len);
	if (rc == 0 && ferror(c->file))
		rc = file_failed(c);
	if (rc == 0)
		rc = br_fts__writer_finish(w);
	free(w);
	return rc;
}

/* ---- the whole ---- */

static int open_file(struct compact *c, const char *dir)
{
	char *path;
	int fd = br_tmp_open(&path, dir, 0600, c->err);
	if (fd < 0)
		return fd;
	unlink(path);
	free(path);
	if ((c->file = fdopen(fd, "w+")))
		return 0;
	close(fd);
	return br_fail(c->err, BR_ENOMEM, "out of memory while compacting notebook %u", c->nb);
}

int br_fts_compact(struct br_txn *t, uint32_t nb, const struct br_bits *live, const char *tmp, struct br_err *err)
{
	struct compact c = { .txn = t, .err = err, .nb = nb, .live = live };
	struct br_fts__totals totals;
	int rc = br_fts__totals_get(&totals, t, nb, err);
	if (rc < 0)
		return rc;
	c.ever = totals.ever;
	if (c.ever != live->n)
		return br_fail(err, BR_ECORRUPT, "full text of notebook %u has %u chunks where %u were expected", nb, c.ever, live->n);
	c.ranks = br_bits_ranks(live);
	c.n = br_bits_count(live);
	if ((rc = read_lens(&c)) == 0 && (rc = open_file(&c, tmp)) == 0 && (rc = save_terms(&c)) == 0 && (rc = br_fts_drop(t, nb, err)) == 0)
		rc = load_terms(&c);
	if (c.file)
		fclose(c.file);
	free(c.ranks);
	free(c.len);
	return rc;
}
