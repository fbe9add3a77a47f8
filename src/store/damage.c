/*
 * Damaged pages under LMDB's feet. It trusts every page, so on a damaged one it stops with an assertion, follows a number
 * out of the file, where the kernel answers with SIGBUS or SIGSEGV, or spoils its memory, at which libc aborts. Opening
 * looks at few pages, since looking at all takes longer than most questions; so what goes wrong later is caught here.
 * There is no way back from it into LMDB: the process ends, by a function of the program.
 */
#include "br/os.h"

#include "internal.h"

#include <signal.h>
#include <stdatomic.h>

#define MAPS  8                 /* open stores of one process that are watched */
#define SLACK (256u << 10)      /* offsets and counts within a page lead so far beyond the map's end at most */

static struct {
	_Atomic(const struct br_store *) owner;
	_Atomic uintptr_t from, to;
} maps[MAPS];

static void (*ended_by)(void);
static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT };
static struct sigaction before[BR_COUNT(fatal)];

_Thread_local unsigned br_store__in_lmdb;

/* Where the map begins. LMDB does not tell, but a page that has records in it begins with its number. */
static uintptr_t map_start(const struct br_store *s)
{
	MDB_val key = br_store__val(br_slice_str("format")), val;
	uintptr_t page, start = 0;
	MDB_stat st;
	MDB_txn *m;

	if (mdb_txn_begin(s->env, NULL, MDB_RDONLY, &m))
		return 0;
	if (!mdb_get(m, s->dbi[BR_T_META], &key, &val) && !mdb_stat(m, s->dbi[BR_T_META], &st)) {
		page = (uintptr_t)val.mv_data & ~((uintptr_t)st.ms_psize - 1);
		start = page - br_rd_le64((const void *)page) * st.ms_psize;
	}
	mdb_txn_abort(m);
	return start;
}

void br_store__watch(const struct br_store *s)
{
	uintptr_t start = map_start(s);
	MDB_envinfo info;
	size_t i = 0;

	for (const struct br_store *none = NULL; i < MAPS; i++, none = NULL) /* none: what a failed exchange overwrites */
		if (maps[i].owner == s || atomic_compare_exchange_strong(&maps[i].owner, &none, s))
			break;
	if (i == MAPS)
		return;
	maps[i].to = 0;
	if (!start || mdb_env_info(s->env, &info))
		return;
	maps[i].from = start;
	maps[i].to = start + info.me_mapsize + SLACK;
}

void br_store__unwatch(const struct br_store *s)
{
	for (size_t i = 0; i < MAPS; i++)
		if (maps[i].owner == s) {
			maps[i].to = 0;
			maps[i].owner = NULL;
		}
}

static bool in_a_map(uintptr_t at)
{
	for (size_t i = 0; i < MAPS; i++)
		if (at >= maps[i].from && at < maps[i].to)
			return true;
	return false;
}

/* A fault elsewhere is a mistake of ours: whoever handled it before does so when the instruction is run again. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (br_store__in_lmdb || (sig != SIGABRT && in_a_map((uintptr_t)info->si_addr)))
		ended_by();
	for (size_t i = 0; i < BR_COUNT(fatal); i++)
		if (fatal[i] == sig)
			sigaction(sig, &before[i], NULL);
}

void br_store__on_assert(MDB_env *env, const char *text)
{
	(void)env;
	br_log(BR_LOG_INFO, "%s", text);
	if (ended_by)
		ended_by();
}

void br_store_on_damage(void (*fn)(void))
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	ended_by = fn;
	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < BR_COUNT(fatal); i++)
		sigaction(fatal[i], &act, &before[i]);
}
