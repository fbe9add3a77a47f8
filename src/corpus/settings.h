/* corpus - what changes the settings of a notebook's record. */
#ifndef BR_CORPUS_SETTINGS_H
#define BR_CORPUS_SETTINGS_H

#include "internal.h"

/* value NULL: back to the default. Checks, then replaces nb->settings by one in the arena. */
int nb_setting_put(struct br_nb *nb, struct br_arena *a, const struct br_nb_setting *s, const char *value, struct br_err *err);
int nb_setting_unknown(const char *key, struct br_err *err);

#endif
