/*
 * Runs every file of the committed corpora through its target, without libFuzzer: fuzz-replay FOLDER [TARGET ...]. Each target
 * runs in a child, so that one that crashes does not hide the others; the file is named, and the run goes on behind it.
 */
#include "br/base.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 60 /* for one file, also under valgrind */ };

#define X(name) int fuzz_##name(const uint8_t *p, size_t n);
#include "targets.h"
#undef X

static const struct target {
	const char *name;
	int (*run)(const uint8_t *p, size_t n);
} targets[] = {
#define X(name) { #name, fuzz_##name },
#include "targets.h"
#undef X
};

/* In memory that the children share. */
struct progress { unsigned done; };

static void run_file(const struct target *t, const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = NULL;
	long n = -1;

	if (f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && (p = malloc((size_t)n ? (size_t)n : 1))) {
		rewind(f);
		n = (long)fread(p, 1, (size_t)n, f);
	}
	if (n < 0 || !p) {
		fprintf(stderr, "cannot read '%s'\n", path);
		exit(1);
	}
	fclose(f);
	alarm(SECONDS);
	t->run(p, (size_t)n);
	alarm(0);
	free(p);
}

static int visible(const struct dirent *e) { return e->d_name[0] != '.'; }

/* Runs files from done on in a child; true when it came to the end. */
static bool run_rest(const struct target *t, const char *folder, struct dirent **file, unsigned n, struct progress *at)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (; at->done < n; at->done++) {
			char *path = br_sprintf("%s/%s/%s", folder, t->name, file[at->done]->d_name);
			run_file(t, path);
			free(path);
		}
		exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 && at->done == n;
}

/* Files that passed. */
static unsigned run_target(const struct target *t, const char *folder, struct progress *at, unsigned *failed)
{
	unsigned bad = 0;
	char *dir = br_sprintf("%s/%s", folder, t->name);
	struct dirent **file = NULL;
	int n = scandir(dir, &file, visible, alphasort);

	at->done = 0;
	if (n <= 0) {
		fprintf(stderr, "%s: no files in '%s'\n", t->name, dir);
		(*failed)++;
	}
	while (n > 0 && !run_rest(t, folder, file, (unsigned)n, at)) {
		bad++;
		if (at->done >= (unsigned)n) {
			fprintf(stderr, "FAILED %s, at its end\n", t->name);
			break;
		}
		fprintf(stderr, "FAILED %s: %s/%s\n", t->name, dir, file[at->done++]->d_name);
	}
	for (int i = 0; i < n; i++)
		free(file[i]);
	free(file);
	free(dir);
	*failed += bad;
	return n > 0 && (unsigned)n > bad ? (unsigned)n - bad : 0;
}

static bool wanted(const char *name, char **list)
{
	bool any = !*list;

	for (; *list; list++)
		any |= !strcmp(name, *list);
	return any;
}

int main(int argc, char **argv)
{
	struct progress *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned passed = 0, failed = 0;

	if (argc < 2 || at == MAP_FAILED)
		return 2;
	for (size_t i = 0; i < BR_COUNT(targets); i++)
		if (wanted(targets[i].name, argv + 2))
			passed += run_target(&targets[i], argv[1], at, &failed);
	printf("fuzz corpora: %u passed, %u failed\n", passed, failed);
	return failed != 0;
}
