/*
 * The plugin: found beside the running program or in the library folder, loaded once, when an index is first needed. BLAS, which
 * only building calls, is loaded apart: with its threads it would cost every search process some milliseconds.
 */
#include "internal.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef BR_LIBDIR
#define BR_LIBDIR "/usr/local/lib/br"
#endif
#define PLUGIN "libbr-ann.so"

static pthread_once_t plugin_once = PTHREAD_ONCE_INIT, blas_once = PTHREAD_ONCE_INIT;
static const struct br_ann_plugin *plugin;
static struct br_err plugin_err, blas_err;

static bool beside_us(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size);
	char *slash;

	if (n <= 0 || (size_t)n >= size)
		return false;
	out[n] = 0;
	slash = strrchr(out, '/');
	if (!slash || (size_t)(slash + 1 - out) + sizeof PLUGIN > size)
		return false;
	strcpy(slash + 1, PLUGIN);
	return access(out, R_OK) == 0;
}

static const char *plugin_path(char *own, size_t size)
{
	const char *set = getenv("BR_ANN_LIB");

	if (set)
		return set;
	return beside_us(own, size) ? own : BR_LIBDIR "/" PLUGIN;
}

static void blas_load(void)
{
	static const char *const lib[] = { "libblas.so.3", "liblapack.so.3" };

	for (size_t i = 0; i < BR_COUNT(lib); i++)
		if (!dlopen(lib[i], RTLD_NOW | RTLD_GLOBAL))
			br_fail(&blas_err, BR_EUNSUPPORTED, "building an index needs BLAS (libopenblas0): %s", dlerror());
}

/* BLAS is looked up when it is first called, so it need not be there now; where all is bound at once (LD_BIND_NOW) it must. */
static void *load(const char *path)
{
	void *lib = dlopen(path, RTLD_LAZY | RTLD_LOCAL);

	if (lib || access(path, R_OK) < 0)
		return lib;
	pthread_once(&blas_once, blas_load);
	return dlopen(path, RTLD_LAZY | RTLD_LOCAL);
}

static void plugin_load(void)
{
	const struct br_ann_plugin *(*table)(void);
	char own[4096];
	const char *path = plugin_path(own, sizeof own);
	void *lib = load(path), *sym = lib ? dlsym(lib, BR_ANN_PLUGIN_SYMBOL) : NULL;

	if (!sym) {
		br_fail(&plugin_err, BR_EUNSUPPORTED, "vector indexes need " PLUGIN ": %s", access(path, R_OK) < 0 ? "not installed" : dlerror());
		return;
	}
	memcpy(&table, &sym, sizeof table);
	plugin = table();
	if (plugin->abi != BR_ANN_PLUGIN_ABI) {
		br_fail(&plugin_err, BR_EUNSUPPORTED, "'%s' belongs to another version of br", path);
		plugin = NULL;
	}
}

const struct br_ann_plugin *br_ann__plugin(struct br_err *err)
{
	pthread_once(&plugin_once, plugin_load);
	if (!plugin && err)
		*err = plugin_err;
	return plugin;
}

int br_ann__blas(struct br_err *err)
{
	pthread_once(&blas_once, blas_load);
	if (blas_err.code && err)
		*err = blas_err;
	return -(int)blas_err.code;
}

void br_ann__blas_threads(int n)
{
	void (*set)(int);
	void *sym = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");

	if (!sym)
		return;
	memcpy(&set, &sym, sizeof set);
	set(n);
}

const char *br_ann_faiss(struct br_err *err)
{
	const struct br_ann_plugin *p = br_ann__plugin(err);

	return p ? p->version : NULL;
}

size_t br_ann_wrapped(const char *const **name, bool *called, size_t max)
{
	const struct br_ann_plugin *p = br_ann__plugin(NULL);

	return p ? p->wrapped(name, called, max) : 0;
}
