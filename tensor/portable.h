// The mark of a function that kernels call too: compiled for both host and device where the compiler is
// nvcc.
#pragma once

#ifdef __CUDACC__
#define MININMT_PORTABLE __host__ __device__
#else
#define MININMT_PORTABLE
#endif
