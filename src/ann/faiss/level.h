/* Which instructions this processor has, for the kernels of the plugin. */
#ifndef BR_FAISS_LEVEL_H
#define BR_FAISS_LEVEL_H

#define BR_AVX2 __attribute__((target("avx2,fma")))
#define BR_AVX512 __attribute__((target("avx512f,avx512bw")))

enum br_faiss_level { BR_LEVEL_SCALAR, BR_LEVEL_SSE2, BR_LEVEL_AVX2, BR_LEVEL_AVX512 };
/* Chosen once; BR_SIMD=scalar|sse2|avx2 lowers it. */
enum br_faiss_level br_faiss_level(void);

#endif
