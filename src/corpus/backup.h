/* backup - names of the members of a backup, shared by backup.c and restore.c. */
#ifndef BR_CORPUS_BACKUP_H
#define BR_CORPUS_BACKUP_H

#include "tar.h"

#define BACKUP_CONFIG  ".br/config"
#define BACKUP_DATA    ".br/data.mdb"
#define BACKUP_OBJECTS ".br/objects/"
#define BACKUP_SUMS    ".br/backup.sha256"

/* 64 lower-case hexadecimal digits; false when it is anything else. */
bool backup_unhex(uint8_t out[32], const char *hex);

#endif
