// mininmt-toy: writes the project's own English-French corpus.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "apps/program/program.h"
#include "apps/toy/corpus.h"
#include "tensor/error.h"

namespace {

using mininmt::IoError;
using mininmt::join;
using mininmt::UsageError;
using mininmt::toy::Lengths;

constexpr std::uint64_t kMostSentences = 10'000'000;  // a gigabyte of sentences, kept to detect repeats

constexpr const char* kHelp = R"(Usage: mininmt-toy --output DIR [options]

Writes a small English-French corpus, made by a grammar, to the files train.en, train.fr,
valid.en, valid.fr, test.en and test.fr of DIR: tokenized text, one sentence a line, 3 to 50
words a sentence. No English sentence occurs twice, so none of valid and test is in train.
The same seed gives the same files on every machine.

Options:
  --output DIR   folder to write to; made if missing
  --train N      sentences to train on (default 40000)
  --valid N      sentences to validate on (default 200)
  --test N       sentences held out to test (default 500)
  --test-lengths mixed|even
                 of the test sentences: as in the rest, mostly short (default),
                 or every length equally often, to compare lengths
  --seed S       seed of the random draws (default 1)
  --help         show this and exit

Example:
  mininmt-toy --output toy --train 20000
)";

struct Options {
  std::string output;
  std::uint64_t train = 40000, valid = 200, test = 500, seed = 1;
  Lengths test_lengths = Lengths::kMixed;
  bool help = false;
};

std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > most) {
    throw UsageError(join(option, " takes a whole number from 0 to ", most, ", not '", text, "'"));
  }
  return number;
}

Lengths parse_lengths(std::string_view option, std::string_view text) {
  if (text == "mixed") return Lengths::kMixed;
  if (text == "even") return Lengths::kEven;
  throw UsageError(join(option, " takes mixed or even, not '", text, "'"));
}

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string option = arguments[i];
    if (option == "--help" || option == "-h") {
      options.help = true;
      return options;
    }
    constexpr std::array<std::string_view, 6> known = {"--output", "--train",        "--valid",
                                                       "--test",   "--test-lengths", "--seed"};
    std::string value;
    const std::size_t equals = option.find('=');
    const bool attached = option.starts_with("--") && equals != std::string::npos;
    if (attached) {
      value = option.substr(equals + 1);
      option.resize(equals);
    }
    if (std::find(known.begin(), known.end(), option) == known.end()) {
      throw UsageError(join("unknown option '", option, "'; --help lists the options"));
    }
    if (!attached) {
      if (++i == arguments.size()) throw UsageError(join(option, " needs a value"));
      value = arguments[i];
    }
    if (option == "--output") options.output = value;
    if (option == "--train") options.train = parse_number(option, value, kMostSentences);
    if (option == "--valid") options.valid = parse_number(option, value, kMostSentences);
    if (option == "--test") options.test = parse_number(option, value, kMostSentences);
    if (option == "--test-lengths") options.test_lengths = parse_lengths(option, value);
    if (option == "--seed") options.seed = parse_number(option, value, UINT64_MAX);
  }
  if (options.output.empty()) throw UsageError("--output is missing: name a folder for the corpus");
  return options;
}

volatile std::sig_atomic_t signal_received = 0;

// The first signal ends the program at the next sentence, so that nothing half written stays; a second one at once.
// One that is ignored stays ignored.
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
bool write_part(mininmt::toy::Corpus& corpus, const std::filesystem::path& stem, std::uint64_t sentences,
                Lengths lengths) {
  LineFile english(stem.string() + ".en");
  LineFile french(stem.string() + ".fr");
  for (std::uint64_t i = 0; i < sentences; ++i) {
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
  const Options options = parse_options(arguments);
  if (options.help) {
    std::cout << kHelp;
    return 0;
  }
  const std::filesystem::path folder = options.output;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(join(options.output, ": cannot be made: ", error.message()));
  // The held-out parts come first, so that they don't depend on the size of the training part.
  mininmt::toy::Corpus corpus(options.seed);
  note_signals();
  const bool done = write_part(corpus, folder / "test", options.test, options.test_lengths) &&
                    write_part(corpus, folder / "valid", options.valid, Lengths::kMixed) &&
                    write_part(corpus, folder / "train", options.train, Lengths::kMixed);
  return done ? 0 : 128 + signal_received;
}

}  // namespace

int main(int argc, char** argv) { return mininmt::run_program("mininmt-toy", argc, argv, run); }
