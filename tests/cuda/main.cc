// Runs the tests where a GPU answers; else says why not and exits with 77, which CTest counts as skipped.
//   --reference    writes what the float tests are judged by (tests/cuda/reference.h); needs no GPU
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <string_view>

#include "cuda/device.h"
#include "tests/cuda/reference.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--reference") {
    mininmt::write_reference(stdout);
    return 0;
  }
  std::string why;
  if (!mininmt::cuda::available(&why)) {
    std::printf("skipped: no GPU: %s\n", why.c_str());
    return 77;
  }
  // Products are compared with the CPU's.
  mininmt::cuda::set_precision(mininmt::cuda::Precision::kFloat32);
  return doctest::Context(argc, argv).run();
}
