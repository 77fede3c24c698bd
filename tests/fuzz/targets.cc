#include "tests/fuzz/targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tensor/error.h"

namespace mininmt {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

bool accepts(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error&) {
    return false;
  }
  return true;
}

BytesFile::BytesFile(std::string_view bytes)
    : file_(memfd_create("fuzz", 0)), path_(join("/proc/self/fd/", file_)) {
  require(file_ >= 0 && write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
          "memory for a file");
}
BytesFile::~BytesFile() { close(file_); }

void run_target(std::string_view name, std::string_view bytes) {
  for (const auto& targets : {format_targets(), text_targets(), search_targets()})
    for (const FuzzTarget& target : targets)
      if (name == target.name) return target.run(bytes);
  throw UsageError(join("no target ", name));
}

}  // namespace mininmt
