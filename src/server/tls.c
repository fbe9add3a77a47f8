/*
 * The TLS plugin: found beside the running program or in the library folder, loaded when a certificate is given.
 */
#include "internal.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef BR_LIBDIR
#define BR_LIBDIR "/usr/local/lib/br"
#endif
#define PLUGIN "libbr-tls.so"

static char *plugin_path(void)
{
	const char *set = getenv("BR_TLS_LIB");
	char self[4096], *beside;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (set)
		return br_strdup(set);
	if (n > 0) {
		self[n] = 0;
		beside = br_sprintf("%.*s/" PLUGIN, (int)(br_path_base(self) - self - 1), self);
		if (access(beside, R_OK) == 0)
			return beside;
		free(beside);
	}
	return br_strdup(BR_LIBDIR "/" PLUGIN);
}

const struct br_tls_plugin *br_tls__load(struct br_err *err)
{
	const struct br_tls_plugin *(*table)(void), *plugin = NULL;
	char *path = plugin_path();
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL), *sym = lib ? dlsym(lib, BR_TLS_SYMBOL) : NULL;

	if (sym) {
		memcpy(&table, &sym, sizeof table);
		plugin = table();
	}
	if (!plugin)
		br_fail(err, BR_EUNSUPPORTED, "TLS needs " PLUGIN ": %s", access(path, R_OK) < 0 ? "not installed" : dlerror());
	else if (plugin->abi != BR_TLS_ABI)
		br_fail(err, BR_EUNSUPPORTED, "'%s' belongs to another version of br", path);
	free(path);
	return plugin && plugin->abi == BR_TLS_ABI ? plugin : NULL;
}
