/*
 * rx - regular expressions, behind which PCRE2 stands. Patterns may come from users: length, match and heap limits are set.
 * Threads: a compiled pattern is read-only and may be shared; br_rx_match allocates its own match data.
 */
#ifndef BR_RX_H
#define BR_RX_H

#include "br/base.h"

#define BR_RX_MAX_PATTERN 4096 /* bytes */
const char *br_rx_library(void); /* "PCRE2 10.42", what is linked */
enum br_rx_flags { BR_RX_ICASE = 1, BR_RX_MULTILINE = 2, BR_RX_ANCHORED = 4 };
struct br_rx;
BR_MUST_USE int br_rx_new(struct br_rx **out, const char *pattern, int flags, struct br_err *err); /* USAGE with the offset */
void br_rx_free(struct br_rx *rx);
/* 1 match at or after `from`, group ranges into group[0..n) (unset: off UINT32_MAX); 0 none; negative over a limit. text is valid UTF-8. */
struct br_rx_range { uint32_t off, len; };
int br_rx_match(const struct br_rx *rx, struct br_slice text, size_t from, struct br_rx_range *group, size_t n, struct br_err *err);
/* Shell glob to an anchored pattern: '*' within a path part, '**' across, '?', [set]; caller frees. */
char *br_rx_from_glob(const char *glob);

#endif
