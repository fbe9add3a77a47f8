/* Keys of model services that users gave to the APIs: which one serves a request, and the service made to use it. */
#include "br/keep.h"

#include "br/llm.h"

#include <stdio.h>
#include <stdlib.h>

static const struct { const char *slot, *provider, *env; } slots[] = {
#define X(slot, provider, env) { slot, provider, env },
	BR_KEEP_SLOTS(X)
#undef X
};

/* Users by the hash of their names, which may be longer than the name of a record. */
void br_keep_slot_name(char out[80], const char *slot, const char *user)
{
	uint8_t sum[32];
	char hex[65];

	if (!user) {
		snprintf(out, 80, "%s", slot);
		return;
	}
	br_sha256(sum, user, strlen(user));
	br_hex(hex, sum, 16);
	snprintf(out, 80, "%.40s/%.32s", slot, hex);
}

int br_keep_provider_key(char **out, struct br_ws *ws, const char *provider, const char *const *user, struct br_err *err)
{
	const char *slot = NULL;
	char name[80];
	int rc = 0;

	*out = NULL;
	for (size_t i = 0; i < BR_COUNT(slots); i++)
		slot = strcmp(slots[i].provider, provider) ? slot : slots[i].slot;
	if (!slot)
		return 0;
	for (; user && *user && !*out && rc == 0; user++) {
		br_keep_slot_name(name, slot, *user);
		rc = br_keep_secret_get(out, ws, name, err);
	}
	return rc < 0 || *out ? rc : br_keep_secret_get(out, ws, slot, err);
}

int br_keep_use_key(struct br_llm *s, struct br_ws *ws, const char *const *user, struct br_err *err)
{
	char *key;
	int rc = br_keep_provider_key(&key, ws, br_llm_info(s)->provider, user, err);

	if (rc == 0 && key)
		rc = br_llm_use_key(s, key, "the user", err);
	if (key)
		br_wipe(key, strlen(key));
	free(key);
	return rc;
}
