// Marks a function that kernels also call: compiled for host and device by nvcc.
#pragma once

#ifdef __CUDACC__
#define MININMT_PORTABLE __host__ __device__
#else
#define MININMT_PORTABLE
#endif
