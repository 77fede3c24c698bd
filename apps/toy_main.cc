// mininmt-toy: writes the project's own English-French corpus.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "apps/options/toy_options.h"
#include "apps/program/program.h"
#include "apps/toy/corpus.h"
#include "tensor/error.h"

namespace {

using mininmt::IoError;
using mininmt::join;
using mininmt::toy::Lengths;

volatile std::sig_atomic_t signal_received = 0;

// The first signal ends the program at the next sentence, so that nothing half written stays; a second one at
// once. One that is ignored stays ignored.
void note_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action.sa_handler = [](int number) { signal_received = number; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
}

// One file of the corpus, written under a temporary name until complete, and removed if it never is.
class LineFile {
 public:
  explicit LineFile(const std::filesystem::path& path)
      : path_(path), part_(path.string() + ".part"), out_(part_) {
    check();
  }
  ~LineFile() {
    std::error_code ignored;
    if (!part_.empty()) std::filesystem::remove(part_, ignored);
  }
  void write(const std::string& line) {
    out_ << line << '\n';
    check();
  }
  void finish() {
    out_.close();
    check();
    std::error_code error;
    std::filesystem::rename(part_, path_, error);
    if (error) throw IoError(join(path_.string(), ": cannot be written: ", error.message()));
    part_.clear();
  }

 private:
  void check() const {
    if (!out_) throw IoError(join(path_.string(), ": cannot be written: ", std::strerror(errno)));
  }

  std::filesystem::path path_, part_;
  std::ofstream out_;
};

// False if a signal has ended it.
bool write_part(mininmt::toy::Corpus& corpus, const std::filesystem::path& stem, int sentences,
                Lengths lengths) {
  LineFile english(stem.string() + ".en");
  LineFile french(stem.string() + ".fr");
  for (int i = 0; i < sentences; ++i) {
    if (signal_received != 0) return false;
    const mininmt::toy::SentencePair pair = corpus.next(lengths);
    english.write(pair.english);
    french.write(pair.french);
  }
  english.finish();
  french.finish();
  return true;
}

int run(const std::vector<std::string>& arguments) {
  const auto parsed = mininmt::parse_toy_options(arguments);
  if (const auto* reply = std::get_if<mininmt::Reply>(&parsed)) return mininmt::print_reply(*reply);
  const auto& options = std::get<mininmt::ToyOptions>(parsed);
  const std::filesystem::path folder = options.output;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(join(options.output, ": cannot be made: ", error.message()));
  // The held-out parts come first, so that they don't depend on the size of the training part.
  mininmt::toy::Corpus corpus(static_cast<std::uint64_t>(options.seed));
  note_signals();
  const bool done = write_part(corpus, folder / "test", options.test,
                               options.test_lengths == "even" ? Lengths::kEven : Lengths::kMixed) &&
                    write_part(corpus, folder / "valid", options.valid, Lengths::kMixed) &&
                    write_part(corpus, folder / "train", options.train, Lengths::kMixed);
  return done ? 0 : 128 + signal_received;
}

}  // namespace

int main(int argc, char** argv) { return mininmt::run_program("mininmt-toy", argc, argv, run); }
