/* Headers in a backup: what is one is, byte for byte, what would be written for it. */
#include "fuzz.h"

#include "corpus/backup.h"

FUZZ(corpus_tar)
{
	char block[TAR_BLOCK] = { 0 }, again[TAR_BLOCK];
	struct tar_entry e;
	unsigned sum = 0;

	memcpy(block, in.len ? in.ptr : "", BR_MIN(in.len, (size_t)TAR_BLOCK));
	for (int pass = 0; pass < 2; pass++) {
		if (tar_decode(&e, block) == 1) {
			tar_encode(again, &e);
			HOLDS(!memcmp(block, again, TAR_BLOCK) && strlen(e.name) <= TAR_NAME && e.mtime >= 0);
			HOLDS((e.size + tar_padding(e.size)) % TAR_BLOCK == 0);
		}
		/* The second time with the right sum. */
		memset(block + 148, ' ', 8);
		for (int i = 0; i < TAR_BLOCK; i++)
			sum += (unsigned char)block[i];
		snprintf(block + 148, 7, "%06o", sum & 0777777);
	}
}
