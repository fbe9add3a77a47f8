/*
 * libcrypto's checking of signatures and ciphers is looked for when it is first needed: linking it would cost every start of br a
 * quarter of a millisecond, and only the server needs it.
 */
#include "crypto.h"

#include <dlfcn.h>
#include <pthread.h>

struct br_crypto__lib br_lc;
static const char *missing;       /* what could not be found, NULL: all is there */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	void *lib = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);

	missing = lib ? NULL : "libcrypto.so.3";
	/* POSIX promises that a function's address survives the way through void *. */
#define X(name) \
	if (!missing && !(*(void **)&br_lc.name = dlsym(lib, #name))) \
		missing = #name;
	BR_CRYPTO__LIST(X)
#undef X
	/* Nothing is read from the machine's OpenSSL configuration: what is accepted is decided here. */
	if (!missing && br_lc.OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		missing = "OPENSSL_init_crypto";
}

int br_crypto__load(struct br_err *err)
{
	pthread_once(&once, load);
	return missing ? br_fail(err, BR_EUNSUPPORTED, "tokens and secrets need libcrypto, which is not installed (no '%s')", missing) : 0;
}
