/* ann, inside: what the kernels and the scan share. */
#ifndef BR_ANN_INTERNAL_H
#define BR_ANN_INTERNAL_H

#include "br/ann.h"

/* sum|q| stays at or below this, so that a dot product with any int8 row (-128 included) fits an int32. */
#define BR_ANN__MAX_L1 (INT32_MAX / 128)

/* Bytes ahead of the row in hand that are asked for from memory: a dozen rows of 256. */
#define BR_ANN__AHEAD 3072

/* The best kernel of this processor for rows of `dim`. */
br_dot_fn *br_ann__dot(uint32_t dim);

#endif
