/*
 * signal - SIGINT and SIGTERM become a flag that long work asks between two steps.
 */
#include "br/os.h"

#include <signal.h>
#include <stdatomic.h>

static atomic_int stop_signal;

static void on_stop(int sig)
{
	atomic_store(&stop_signal, sig);
}

/* A signal that is ignored (nohup, a background job) stays ignored. */
static void catch_one(int sig, const struct sigaction *how)
{
	struct sigaction old;

	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(sig, how, NULL);
}

void br_catch_signals(void)
{
	/* No SA_RESTART: what waits must wake. RESETHAND: the second signal ends a program that does not listen. */
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&stop.sa_mask);
	sigemptyset(&ignore.sa_mask);
	catch_one(SIGINT, &stop);
	catch_one(SIGTERM, &stop);
	catch_one(SIGPIPE, &ignore);
}

int br_stop_signal(void)
{
	return atomic_load_explicit(&stop_signal, memory_order_relaxed);
}

void br_forget_signal(void)
{
	atomic_store(&stop_signal, 0);
	br_catch_signals();
}

int br_check_stop(struct br_err *err)
{
	int sig = br_stop_signal();

	if (!sig)
		return 0;
	return br_fail(err, BR_ECANCELLED, "stopped by %s", sig == SIGINT ? "an interrupt" : "a request to end");
}
