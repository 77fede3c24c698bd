// Several processes with a GPU each train one model together: as the CPU does, and alike to the bit.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tensor/error.h"
#include "tests/cuda/emulated.h"
#include "tests/cuda/peer.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST_CASE("two processes with a GPU each follow the CPU's two parts, and have the same bits") {
  const TemporaryFolder temporary;
  const std::string folder = temporary.path("");
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::string command;
  for (int rank = 0; rank < kPeers; ++rank)
    command += join("'", self, "' --peer ", rank, " '", folder, "' & p", rank, "=$!; ");
  const int status = std::system((command + "wait $p0; first=$?; wait $p1 || exit $?; exit $first").c_str());
  if (!kEmulated && WEXITSTATUS(status) == 77) {
    MESSAGE("one GPU: not tested");
    return;
  }
  REQUIRE(status == 0);
  CHECK(text_of(folder + "0") == text_of(folder + "1"));

  std::ifstream in(folder + "0");
  Trainee cpu(recipe_of_peers(), cpu_memory(), kCorpus, config_of_peers());
  const std::vector<real> before = cpu.values();
  for (int i = 0; i < kUpdatesOfPeers; ++i) {
    double cost = 0;
    in >> cost;
    CHECK(cost == doctest::Approx(cpu.update(minibatches_of_peers(i)).cost).epsilon(kTolerance));
  }
  std::vector<real> values;
  for (double x; in >> x;) values.push_back(static_cast<real>(x));
  const double moved = largest_difference(cpu.values(), before);
  CHECK(moved > 0);
  CHECK(largest_difference(values, cpu.values()) <= 10 * kTolerance * moved);
}

}  // namespace
}  // namespace mininmt
