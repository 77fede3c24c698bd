// Runs stored cases through their targets, in any build: mininmt-fuzz-cases FOLDER, with FOLDER/TARGET/CASE.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/fuzz/targets.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  mininmt::require(argc == 2, "one argument: the folder of cases");
  int cases = 0;
  for (const fs::directory_entry& target : fs::directory_iterator(argv[1])) {
    for (const fs::directory_entry& file : fs::directory_iterator(target)) {
      std::cout << target.path().filename().string() << '/' << file.path().filename().string() << std::endl;
      std::ifstream stream(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
      mininmt::run_target(target.path().filename().string(), bytes);
      ++cases;
    }
  }
  std::cout << cases << " cases\n";
  return cases > 0 ? 0 : 1;
}
