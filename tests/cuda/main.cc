// Runs the tests where a GPU answers; else says why not and exits with 77, which CTest counts as skipped.
//   --reference ROW FIRST COUNT   writes what the float tests are judged by (tests/cuda/reference.h); needs no GPU
//   --peer RANK FOLDER            trains as one of several processes (tests/cuda/peer.h)
//   --device NAME                 prints what a program with that option says of its device, or why it ends
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "apps/program/device.h"
#include "cuda/device.h"
#include "tensor/error.h"
#include "tests/cuda/peer.h"
#include "tests/cuda/reference.h"

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--reference") {
    mininmt::write_reference({std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4])}, stdout);
    return 0;
  }
  if (argc == 4 && std::string_view(argv[1]) == "--peer") {
    mininmt::cuda::set_precision(mininmt::cuda::Precision::kFloat32);
    return mininmt::run_peer(std::atoi(argv[2]), argv[3]);
  }
  if (argc == 3 && std::string_view(argv[1]) == "--device") {
    try {
      std::puts(mininmt::choose_device(argv[2], "tf32", 2).description.c_str());
      return 0;
    } catch (const mininmt::Error& e) {
      std::puts(e.what());
      return e.exit_code();
    }
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
