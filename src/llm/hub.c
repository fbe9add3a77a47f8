/*
 * The one hub of the process: opened by the first service that makes a request, closed when the last that used it is.
 */
#include "internal.h"

static struct { pthread_mutex_t mu; struct br_hub *hub; unsigned users; } shared = { .mu = PTHREAD_MUTEX_INITIALIZER };

int br_llm__hub_take(struct br_hub **out, struct br_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&shared.mu);
	if (!shared.hub)
		rc = br_hub_open(&shared.hub, err);
	if (rc == 0) {
		shared.users++;
		*out = shared.hub;
	}
	pthread_mutex_unlock(&shared.mu);
	return rc;
}

void br_llm__hub_drop(void)
{
	struct br_hub *last = NULL;

	pthread_mutex_lock(&shared.mu);
	if (--shared.users == 0) {
		last = shared.hub;
		shared.hub = NULL;
	}
	pthread_mutex_unlock(&shared.mu);
	br_hub_close(last);
}
