// Runs the tests where a GPU answers; else says why not and exits with 77, which CTest counts as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "cuda/device.h"

int main(int argc, char** argv) {
  std::string why;
  if (!mininmt::cuda::available(&why)) {
    std::printf("skipped: no GPU: %s\n", why.c_str());
    return 77;
  }
  // Products are compared with the CPU's.
  mininmt::cuda::set_precision(mininmt::cuda::Precision::kFloat32);
  return doctest::Context(argc, argv).run();
}
