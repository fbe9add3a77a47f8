/*
 * Ids to dense numbers: an open table of hashes over names kept in an arena.
 */
#include "internal.h"

/* The slot that holds name, or the free one where it belongs. */
static size_t slot_of(const struct eval_ids *ids, const char *name)
{
	size_t i = br_hash64(name, strlen(name)) & (ids->slots - 1);

	while (ids->slot[i] && strcmp(ids->name.v[ids->slot[i] - 1], name))
		i = (i + 1) & (ids->slots - 1);
	return i;
}

static void grow(struct eval_ids *ids)
{
	free(ids->slot);
	ids->slots = ids->slots ? ids->slots * 2 : 64;
	ids->slot = br_allocn(ids->slots, sizeof *ids->slot);
	for (size_t i = 0; i < ids->name.n; i++)
		ids->slot[slot_of(ids, ids->name.v[i])] = (uint32_t)i + 1;
}

uint32_t eval__id_find(const struct eval_ids *ids, const char *name)
{
	if (!ids->slots)
		return EVAL_NO_ID;
	uint32_t found = ids->slot[slot_of(ids, name)];
	return found ? found - 1 : EVAL_NO_ID;
}

uint32_t eval__id_add(struct eval_ids *ids, const char *name)
{
	uint32_t found = eval__id_find(ids, name);

	if (found != EVAL_NO_ID)
		return found;
	if ((ids->name.n + 1) * 2 > ids->slots)
		grow(ids);
	size_t slot = slot_of(ids, name);
	*br_vec_push(&ids->name) = br_arena_strdup(&ids->arena, name);
	ids->slot[slot] = (uint32_t)ids->name.n;
	return (uint32_t)ids->name.n - 1;
}

void eval__ids_release(struct eval_ids *ids)
{
	free(ids->slot);
	ids->slot = NULL;
	ids->slots = 0;
	br_vec_release(&ids->name);
	br_arena_release(&ids->arena);
}
