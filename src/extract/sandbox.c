/*
 * The sandbox of br-extract, in layers that do not rely on each other: limits, Landlock, seccomp. Entered once, before the first
 * byte of a document is read, when all libraries are loaded; there is no way back. At the end a wider one, of the same layers, for
 * the programs of others that br-confine runs.
 */
#include "extract/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* Sanitizers reserve terabytes of addresses and open files to report: with them only the limits that do no harm are set. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

enum { TOOL_FILE = 64 << 20, TOOL_OPEN = 64 }; /* of a program run by br-confine: bytes of a file, open files */

/* ---- limits ---- */

static bool limit(int what, rlim_t to)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)what, &l) < 0)
		return false;
	l.rlim_max = BR_MIN(l.rlim_max, to);
	l.rlim_cur = l.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

static bool set_limits(void)
{
	/* FSIZE: what --probe says may go to a file. */
	bool ok = limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 4096) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
	          prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;

	if (ok && !SANITIZED)
		ok = limit(RLIMIT_AS, BR_EXTRACT_MEMORY) && limit(RLIMIT_NOFILE, 16) && prctl(PR_SET_DUMPABLE, 0) == 0;
	return ok;
}

static void on_cpu(int sig)
{
	(void)sig;
	_exit(BR_EXTRACT_EXIT_CPU);
}

/*
 * The timer counts from now; the limit counts from the start of the process and stands behind it, should a parser
 * that was taken over stop the timer.
 */
void br_extract__cpu_limit(unsigned seconds)
{
	struct itimerval t = { .it_value = { .tv_sec = (time_t)seconds } };
	struct rusage used = { 0 };
	struct rlimit l;

	getrusage(RUSAGE_SELF, &used);
	if (getrlimit(RLIMIT_CPU, &l) == 0) {
		l.rlim_cur = BR_MIN(l.rlim_max, (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 2 * seconds + 2);
		setrlimit(RLIMIT_CPU, &l);
	}
	setitimer(ITIMER_PROF, &t, NULL);
}

/* ---- Landlock: no path may be opened, made or run ---- */

static int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Rights that the ABI knows: 13 at first, REFER with 2, TRUNCATE with 3, IOCTL_DEV with 5. */
static uint64_t all_rights(int abi)
{
	unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

	return (UINT64_C(1) << bits) - 1;
}

static int set_landlock(void)
{
	int abi = landlock_abi(), fd, rc;
	struct landlock_ruleset_attr attr = { .handled_access_fs = all_rights(abi) };

	if (!abi)
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (fd < 0)
		return 0;
	rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return rc == 0 ? abi : 0;
}

/* ---- seccomp: what is not named here kills the process ---- */

static const int allowed[] = {
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	SCMP_SYS(setitimer), SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(sysinfo), /* qsort asks how much memory there is */
};

/* Calls that are allowed with one argument of a certain value: (argument & mask) == value. */
static int add_conditional(scmp_filter_ctx ctx)
{
	struct { int call; unsigned arg; uint64_t mask, value; } rules[] = {
		{ SCMP_SYS(read), 0, ~UINT64_C(0), 0 },
		{ SCMP_SYS(write), 0, ~UINT64_C(0), 1 },
		{ SCMP_SYS(write), 0, ~UINT64_C(0), 2 },
		{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
		{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
		{ SCMP_SYS(prlimit64), 0, 0xffffffff, 0 },                  /* its own limits, which it cannot raise */
		{ SCMP_SYS(tgkill), 0, 0xffffffff, (uint64_t)getpid() },    /* abort */
	};

	for (size_t i = 0; i < BR_COUNT(rules); i++) {
		struct scmp_arg_cmp cmp = { rules[i].arg, SCMP_CMP_MASKED_EQ, rules[i].mask, rules[i].value };
		int rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rules[i].call, 1, &cmp);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int set_seccomp(struct br_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < BR_COUNT(allowed) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc == 0)
		rc = add_conditional(ctx);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	errno = -rc;
	return rc < 0 ? br_fail_errno(err, BR_EUNSUPPORTED, "cannot set the seccomp filter") : 0;
}

int br_extract__sandbox(struct br_extract__layers *on, struct br_err *err)
{
	struct sigaction cpu = { .sa_handler = on_cpu };
	int rc;

	*on = (struct br_extract__layers){ 0 };
	sigemptyset(&cpu.sa_mask);
	sigaction(SIGPROF, &cpu, NULL);
	on->limits = set_limits();
	if (SANITIZED) {
		on->off = "built with a sanitizer";
		return 0;
	}
	if (!on->limits)
		return br_fail_errno(err, BR_EUNSUPPORTED, "cannot set limits");
	on->landlock = set_landlock();
	if ((rc = set_seccomp(err)) < 0)
		return rc;
	on->seccomp = true;
	return 0;
}

/* ---- the wider one ---- */

static bool set_tool_limits(void)
{
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, TOOL_FILE) && limit(RLIMIT_NOFILE, TOOL_OPEN) &&
	       limit(RLIMIT_CPU, BR_EXTRACT_CPU) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* A path that is not there needs no right. */
static int add_path(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr attr = { .allowed_access = rights };
	struct stat st;
	int rc = 0;

	attr.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd < 0)
		return 0;
	if (fstat(attr.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		attr.allowed_access &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
	close(attr.parent_fd);
	return rc;
}

static int set_tool_landlock(const char *program)
{
	static const char *const readable[] = { "/usr", "/lib", "/lib64", "/bin", "/etc/fonts", "/etc/ld.so.cache", "/etc/alternatives",
		"/var/cache/fontconfig", "/dev/null", "/dev/urandom", "/proc/self", "/proc/cpuinfo", "/sys/devices/system/cpu" };
	const uint64_t rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
	int abi = landlock_abi(), fd, rc = 0;
	struct landlock_ruleset_attr attr = { .handled_access_fs = all_rights(abi) };

	fd = abi ? (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0) : -1;
	if (fd < 0)
		return 0;
	for (size_t i = 0; i < BR_COUNT(readable) && rc == 0; i++)
		rc = add_path(fd, readable[i], rights);
	if (rc == 0)
		rc = add_path(fd, program, rights);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return rc == 0 ? abi : 0;
}

/* They fail with EPERM. Processes: clone3 looks missing, so that the C library takes clone, whose flags a filter can see. */
static const int refused[] = {
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
	SCMP_SYS(accept4), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kill), SCMP_SYS(tkill),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(kexec_load), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(shmget),
	SCMP_SYS(msgget), SCMP_SYS(semget), SCMP_SYS(setrlimit), SCMP_SYS(personality), SCMP_SYS(quotactl), SCMP_SYS(acct),
	SCMP_SYS(name_to_handle_at), SCMP_SYS(open_by_handle_at),
};

static int set_tool_seccomp(struct br_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	struct scmp_arg_cmp no_thread = { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0 };
	int rc = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < BR_COUNT(refused) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0)
		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &no_thread);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	errno = -rc;
	return rc < 0 ? br_fail_errno(err, BR_EUNSUPPORTED, "cannot set the seccomp filter") : 0;
}

int br_extract__confine(const char *program, struct br_err *err)
{
	int rc;

	if (!set_tool_limits())
		return br_fail_errno(err, BR_EUNSUPPORTED, "cannot set limits");
	set_tool_landlock(program);
	if ((rc = set_tool_seccomp(err)) < 0)
		return rc;
	/* Last, for it would keep a sanitizer of our own from its memory; the program that follows has none. */
	return limit(RLIMIT_AS, BR_EXTRACT_MEMORY) ? 0 : br_fail_errno(err, BR_EUNSUPPORTED, "cannot set limits");
}
