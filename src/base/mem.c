/*
 * Memory: allocation that ends the program with a message, arenas, growable arrays. Every size goes through a checked
 * multiplication.
 */
#include "br/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Without cleaning up, which could need memory: an open transaction is undone and locks are freed by the process's end. */
static void *must(void *p, size_t n)
{
	char text[64];
	int len;

	if (p)
		return p;
	len = snprintf(text, sizeof text, "br: out of memory (%zu bytes)\n", n);
	(void)!write(2, text, (size_t)len);
	_exit(br_err_info(BR_ENOMEM)->exit);
}

void *br_must(void *p) { return must(p, 0); }
void *br_alloc(size_t n) { return must(calloc(1, n ? n : 1), n); }
void *br_try_alloc(size_t n) { return calloc(1, n ? n : 1); }
void *br_realloc(void *p, size_t n) { return must(realloc(p, n ? n : 1), n); }

void *br_allocn(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size ? size : 1), n * size);
}

char *br_strndup(const char *s, size_t n)
{
	char *p = br_alloc(n + 1);

	if (n)
		memcpy(p, s, n);
	return p;
}

char *br_strdup(const char *s) { return s ? br_strndup(s, strlen(s)) : NULL; }

char *br_sprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		p = NULL;
	va_end(ap);
	return must(p, strlen(fmt));
}

void *br_vec_grow_(void *v, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap + *cap / 2 : 8, bytes;

	if (n < need)
		n = need;
	if (__builtin_mul_overflow(n, size, &bytes))
		must(NULL, SIZE_MAX);
	*cap = n;
	return br_realloc(v, bytes);
}

/* ---- arenas ---- */

struct br_arena_block {
	struct br_arena_block *next;
	size_t used, cap;
	_Alignas(16) char data[];
};

enum { FIRST_BLOCK = 4096, LARGEST_STEP = 1 << 20 };

static struct br_arena_block *add_block(struct br_arena *a, size_t n)
{
	size_t cap = a->head ? BR_MIN(a->head->cap * 2, (size_t)LARGEST_STEP) : FIRST_BLOCK;
	struct br_arena_block *b;

	cap = BR_MAX(cap, n);
	b = must(malloc(sizeof *b + cap), cap);
	b->next = a->head;
	b->used = 0;
	b->cap = cap;
	return a->head = b;
}

void *br_arena_alloc(struct br_arena *a, size_t n)
{
	struct br_arena_block *b = a->head;
	size_t need = (BR_MAX(n, 1) + 15) & ~(size_t)15;
	void *p;

	BR_ASSERT(need >= n);
	if (!b || b->cap - b->used < need)
		b = add_block(a, need);
	p = b->data + b->used;
	b->used += need;
	a->used += need;
	return p;
}

void *br_arena_zalloc(struct br_arena *a, size_t n) { return memset(br_arena_alloc(a, n), 0, n); }

char *br_arena_strndup(struct br_arena *a, const char *s, size_t n)
{
	char *p = br_arena_alloc(a, n + 1);

	if (n)
		memcpy(p, s, n);
	p[n] = 0;
	return p;
}

char *br_arena_strdup(struct br_arena *a, const char *s) { return s ? br_arena_strndup(a, s, strlen(s)) : NULL; }

char *br_arena_printf(struct br_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	BR_ASSERT(n >= 0);
	p = br_arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

static void free_blocks(struct br_arena_block *b)
{
	while (b) {
		struct br_arena_block *next = b->next;
		free(b);
		b = next;
	}
}

void br_arena_reset(struct br_arena *a)
{
	if (a->head) {
		free_blocks(a->head->next);
		a->head->next = NULL;
		a->head->used = 0;
	}
	a->used = 0;
}

void br_arena_release(struct br_arena *a)
{
	free_blocks(a->head);
	*a = (struct br_arena){ 0 };
}
