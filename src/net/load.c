/*
 * libcurl is looked for when the first request is made: linking it would cost every start of br several milliseconds for its
 * thirty libraries, and almost no run reaches the network.
 */
#include "internal.h"

#include <dlfcn.h>
#include <pthread.h>

static struct br_net__curl curl;
static const char *missing;       /* what could not be found, NULL: all is there */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	missing = lib ? NULL : "libcurl.so.4";
	/* POSIX promises that a function's address survives the way through void *. */
#define X(name) \
	if (!missing && !(*(void **)&curl.name = dlsym(lib, "curl_" #name))) \
		missing = "curl_" #name;
	BR_NET__CURL(X)
#undef X
	if (!missing && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		missing = "curl_global_init";
}

int br_net__load(const struct br_net__curl **out, struct br_err *err)
{
	pthread_once(&once, load);
	*out = &curl;
	return missing ? br_fail(err, BR_EUNSUPPORTED, "the network needs libcurl, which is not installed (no '%s')", missing) : 0;
}

const char *br_net_library(struct br_err *err)
{
	const struct br_net__curl *c;

	return br_net__load(&c, err) < 0 ? NULL : c->version();
}
