/* auth - shared inside src/auth only. */
#ifndef BR_AUTH_INTERNAL_H
#define BR_AUTH_INTERNAL_H

#include "br/auth.h"

#define DAY_SECONDS 86400
static inline uint32_t day_of(int64_t now) { return now < 0 ? 0 : (uint32_t)(now / DAY_SECONDS); }
/* Year * 12 + month of UTC, and the second in which the next one begins. */
uint32_t month_of(int64_t now, int64_t *next);

/* ---- records (record.c); man/br-index.5, KEYS ---- */
enum ref_kind { REF_HASH = 1, REF_ID = 2 };
enum { HASH_PREFIX = 8 }; /* bytes of a secret's hash in its reference */
void apikey_key(struct br_key *k, uint32_t number);
void ref_hash_key(struct br_key *k, const uint8_t hash[32], uint32_t number);
void ref_id_key(struct br_key *k, const char *id);
void use_key(struct br_key *k, uint32_t number, uint32_t day);
void apikey_encode(struct br_buf *out, const struct br_apikey *k);
int apikey_decode(struct br_apikey *out, struct br_arena *a, uint32_t number, struct br_slice rec, struct br_err *err);
int apikey_load(struct br_apikey **out, struct br_arena *a, struct br_txn *t, uint32_t number, struct br_err *err); /* 1 there, 0 not */
/* The record and the references of all its secrets. */
int apikey_store(struct br_txn *t, const struct br_apikey *k, struct br_err *err);
/* What an edit may not get wrong: lengths, counts, characters. */
int apikey_valid(const struct br_apikey *k, struct br_err *err);

/* What is stored of a day. */
struct use_rec {
	uint64_t requests, errors, tokens;
	int64_t last;
	BR_VEC(uint64_t) addresses; /* hashes, ascending */
	bool more;
};
void use_release(struct use_rec *u);
void use_encode(struct br_buf *out, const struct use_rec *u);
int use_decode(struct use_rec *out, uint32_t number, uint32_t day, struct br_slice rec, struct br_err *err);
void use_add_address(struct use_rec *u, uint64_t hash);
void use_merge(struct use_rec *to, const struct use_rec *from);

#endif
