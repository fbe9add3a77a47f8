/*
 * Headers of a ustar archive, as any tar reads them. Numbers are octal digits; a size of 8 GiB or more is in base 256, as GNU tar
 * has it. Decoding is strict: a header must be, byte for byte, what would be written for it.
 */
#include "tar.h"

#include <stdio.h>

static void put_octal(char *field, size_t width, uint64_t v)
{
	field[--width] = 0;
	while (width) {
		field[--width] = (char)('0' + (v & 7));
		v >>= 3;
	}
}

static void put_size(char field[12], uint64_t v)
{
	if (v < 1ull << 33) {
		put_octal(field, 12, v);
		return;
	}
	memset(field, 0, 12);
	field[0] = (char)0x80;
	br_be64(field + 4, v);
}

void tar_encode(char out[TAR_BLOCK], const struct tar_entry *e)
{
	size_t n = strlen(e->name);
	unsigned sum = 0;

	memset(out, 0, TAR_BLOCK);
	memcpy(out, e->name, n);
	put_octal(out + 100, 8, e->mode);
	put_octal(out + 108, 8, 0);
	put_octal(out + 116, 8, 0);
	put_size(out + 124, e->size);
	put_octal(out + 136, 12, (uint64_t)e->mtime);
	memset(out + 148, ' ', 8);
	out[156] = n && e->name[n - 1] == '/' ? '5' : '0';
	memcpy(out + 257, "ustar\00000", 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)out[i];
	put_octal(out + 148, 7, sum);
}

static uint64_t get_octal(const char *field, size_t width)
{
	uint64_t v = 0;

	for (size_t i = 0; i + 1 < width && field[i] >= '0' && field[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(field[i] - '0');
	return v;
}

int tar_decode(struct tar_entry *e, const char block[TAR_BLOCK])
{
	static const char zero[TAR_BLOCK];
	char again[TAR_BLOCK];

	if (!memcmp(block, zero, TAR_BLOCK))
		return 0;
	*e = (struct tar_entry){ .mode = (unsigned)get_octal(block + 100, 8), .mtime = (int64_t)get_octal(block + 136, 12) };
	memcpy(e->name, block, TAR_NAME);
	e->size = (unsigned char)block[124] == 0x80 ? br_rd_be64(block + 128) : get_octal(block + 124, 12);
	tar_encode(again, e);
	return memcmp(block, again, TAR_BLOCK) ? -1 : 1;
}
