#include "tests/cuda/reference.h"

#include <filesystem>

#include "tensor/error.h"

namespace mininmt {
namespace {

void write(std::FILE* out, const Tensor& x) {
  const std::int64_t count = x.size();
  const std::vector<double> elements(x.values().begin(), x.values().end());
  std::fwrite(&count, sizeof count, 1, out);
  std::fwrite(elements.data(), sizeof(double), elements.size(), out);
}

std::string sibling() {
  std::string name = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::size_t at = name.rfind("-float");
  if (at == std::string::npos) throw Error(name + " has no -float in its name");
  name.replace(at, 6, "-double");
  if (!std::filesystem::exists(name))
    throw Error(name + ", which gives the reference in double, is not built");
  return name;
}

}  // namespace

void write_reference(const OperandDraws& draws, std::FILE* out) {
  const std::vector<OpRow> rows = all_rows();
  const auto begin = draws.row < 0 ? rows.begin() : rows.begin() + draws.row;
  for (auto row = begin; row != (draws.row < 0 ? rows.end() : begin + 1); ++row)
    for (int seed = draws.first; seed < draws.first + draws.count; ++seed) {
      Operands operands(*row, seed);
      const Outcome outcome = run(*row, operands);
      write(out, outcome.value);
      for (int input = 0; input < static_cast<int>(row->inputs.size()); ++input)
        write(out, operands.gradient(outcome.gradients, input));
    }
}

Reference::Reference(const OperandDraws& draws)
    : command_(join("'", sibling(), "' --reference ", draws.row, " ", draws.first, " ", draws.count)),
      pipe_(popen(command_.c_str(), "r")) {
  if (!pipe_) throw Error(command_ + " cannot be started");
}

Reference::~Reference() { pclose(pipe_); }

std::vector<double> Reference::next(std::int64_t count) {
  std::int64_t written = -1;
  std::vector<double> elements(static_cast<std::size_t>(count));
  if (std::fread(&written, sizeof written, 1, pipe_) != 1 || written != count ||
      std::fread(elements.data(), sizeof(double), elements.size(), pipe_) != elements.size())
    throw Error(join(command_, " gave ", written, " elements where ", count, " were expected"));
  return elements;
}

}  // namespace mininmt
