/* base, inside: what its files share and nobody else sees. */
#ifndef BR_BASE_INTERNAL_H
#define BR_BASE_INTERNAL_H

#include "br/base.h"

/* ---- descriptors (file.c) ---- */

/* A regular file, opened for reading without ever waiting; *size in bytes. NOTFOUND, INPUT (not a regular file), IO. */
int br_base__open_regular(int *fd_out, uint64_t *size, const char *path, struct br_err *err);
/* Moves a fresh descriptor above 2, so that 0 in a zeroed struct means "none"; -1 with errno set. Consumes fd. */
int br_base__fd_high(int fd);
/* The folder of path, as a string to open: "." for a bare name. Caller frees. */
char *br_base__folder_of(const char *path);
/* One read; waits out EAGAIN (a terminal or pipe left non-blocking by others). *got 0: end of file. */
int br_base__read_some(size_t *got, int fd, void *to, size_t room, const char *name, struct br_err *err);
/* After EAGAIN: waits until fd can be read (POLLIN) or written (POLLOUT). */
void br_base__fd_wait(int fd, short events);

/* ---- gitignore rules (ignore.c) ---- */

struct br_base__rule;
struct br_base__seg;

/* The patterns of one file. They apply to paths below the folder whose path is the first `base` bytes of those asked about. */
struct br_base__frame {
	struct br_buf text;
	BR_VEC(struct br_base__rule) rule;
	BR_VEC(struct br_base__seg) seg;
	size_t base;
	bool git;                       /* .gitignore or info/exclude: does not reach into a nested repository */
};
/* Later frames win over earlier ones, later rules over earlier rules of the frame. */
struct br_base__ignore {
	BR_VEC(struct br_base__frame) frame;
	size_t git_from;                /* frames below this number that are `git` belong to an outer repository */
};

/* Patterns in `text` (lines of a gitignore file); the frame is added even when there are none. */
void br_base__ignore_push(struct br_base__ignore *ig, struct br_slice text, size_t base, bool git);
void br_base__ignore_pop(struct br_base__ignore *ig, size_t frames);   /* down to that many */
void br_base__ignore_release(struct br_base__ignore *ig);
/* 1 excluded, -1 re-included, 0 no rule matches. path[name..len) is its last part. Parents are not asked: the walk does not
 * enter an excluded folder. */
int br_base__ignore_verdict(const struct br_base__ignore *ig, const char *path, size_t name, size_t len, bool is_dir);

/* ---- ini files (ini.c) ---- */

/* section is "" in front of the first one; line counts from 1. */
typedef void br_base__ini_fn(const char *section, const char *name, const char *value, unsigned line, void *arg);
/* INPUT names path and line. */
int br_base__ini_parse(struct br_slice text, const char *path, br_base__ini_fn *fn, void *arg, struct br_err *err);
/* text with one value changed, added or (NULL) removed; all other lines stay as they are. USAGE: ini cannot hold the value. */
int br_base__ini_edit(struct br_buf *out, struct br_slice text, const char *path, const char *section, const char *name,
                      const char *value, struct br_err *err);

#endif
