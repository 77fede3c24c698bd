// run_program and its helpers: exit codes, lost output, log and progress.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <new>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "apps/program/log.h"
#include "apps/program/program.h"
#include "apps/program/progress.h"
#include "tensor/error.h"
#include "tests/unit/little_memory.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

using Work = std::function<int(const std::vector<std::string>&)>;

struct Outcome {
  int exit_code;
  std::string message;
};

// Runs run_program in this process and captures std::cerr.
Outcome run(const Work& work) {
  std::ostringstream message;
  std::streambuf* before = std::cerr.rdbuf(message.rdbuf());
  char name[] = "prog", argument[] = "--x";
  char* argv[] = {name, argument, nullptr};
  const int exit_code = run_program("prog", 2, argv, work);
  std::cerr.rdbuf(before);
  return {exit_code, message.str()};
}

// The exit code of run_program in a child process with stdout `descriptor`, after writing a megabyte.
int exit_code_writing_to(int descriptor) {
  const pid_t child = fork();
  if (child == 0) {
    dup2(descriptor, STDOUT_FILENO);
    std::cerr.rdbuf(nullptr);
    const int exit_code = run_program("prog", 0, nullptr, [](const std::vector<std::string>&) {
      std::cout << std::string(1 << 20, 'x');
      return 0;
    });
    _exit(exit_code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_CASE("exceptions become a message and an exit code") {
  const auto throwing = [](auto error) {
    return run([error](const std::vector<std::string>&) -> int { throw error; });
  };
  CHECK(throwing(UsageError("u")).exit_code == 2);
  CHECK(throwing(UsageError("u")).message == "prog: error: u\n");
  CHECK(throwing(DataError("d")).exit_code == 65);
  CHECK(throwing(IoError("i")).exit_code == 74);
  CHECK(throwing(Error("e")).exit_code == 1);
  CHECK(throwing(std::runtime_error("r")).exit_code == 1);
  CHECK(throwing(std::bad_alloc()).exit_code == 1);
  CHECK(throwing(std::bad_alloc()).message.find("out of memory") != std::string::npos);
}

TEST_CASE("a lack of memory is told with the options that need less") {
  const auto advised = [](auto error) {
    return run([error](const std::vector<std::string>&) {
      return advise("--mini-batch or --x", [error]() -> int { throw error; });
    });
  };
  const std::string advice = "; a smaller --mini-batch or --x needs less\n";
  CHECK(advised(std::bad_alloc()).message == "prog: error: out of memory" + advice);
  CHECK(advised(OutOfMemory("out of memory: 3 MiB")).message == "prog: error: out of memory: 3 MiB" + advice);
  CHECK(advised(OutOfMemory("")).exit_code == 1);
  CHECK(advised(DataError("d")).message == "prog: error: d\n");
  CHECK(advised(DataError("d")).exit_code == 65);
  CHECK(advise("", [] { return 7; }) == 7);
}

#ifndef MININMT_SANITIZE
TEST_CASE("a message that finds no memory is an exception, not half a message") {
  const std::string text(std::size_t{64} << 20, 'x');
  const int exit_code = with_little_memory(std::size_t{8} << 20, [&] {
    try {
      return join(text).size() == text.size() ? 0 : 1;
    } catch (const std::bad_alloc&) {
      return 2;
    }
  });
  CHECK(exit_code == 2);
}
#endif

TEST_CASE("bytes in messages") {
  CHECK(format_bytes(0) == "0 KiB");
  CHECK(format_bytes((1 << 20) - 1) == "1023 KiB");
  CHECK(format_bytes(1 << 20) == "1 MiB");
  CHECK(format_bytes(std::size_t{3} << 30) == "3072 MiB");
}

TEST_CASE("the work gets the arguments, and its exit code is the program's") {
  std::vector<std::string> seen;
  const Outcome outcome = run([&](const std::vector<std::string>& arguments) {
    seen = arguments;
    return 3;
  });
  CHECK(outcome.exit_code == 3);
  CHECK(outcome.message == "");
  CHECK(seen == std::vector<std::string>{"--x"});
}

TEST_CASE("lost output is noticed, a closed pipe quietly") {
  const int null = open("/dev/null", O_WRONLY);
  CHECK(exit_code_writing_to(null) == 0);
  close(null);
  const int full = open("/dev/full", O_WRONLY);
  CHECK(exit_code_writing_to(full) == 74);
  close(full);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  CHECK(exit_code_writing_to(ends[1]) == 128 + 13);
  close(ends[1]);
}

TEST_CASE("the log file gets every line with its time, whole, and is appended to") {
  const TemporaryFolder folder;
  const std::string file = folder.path("log");
  {
    Log log(true, file);
    log.info("one\ntwo");
    log.to_file("three");
  }
  {
    Log log(true, file);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < 100; ++i) log.info("a line of a thread");
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::istringstream lines(read_whole(file));
  const std::regex form(R"(\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] (one|two|three|a line of a thread))");
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) CHECK(std::regex_match(line, form));
  CHECK(count == 403);
  CHECK_THROWS_AS(Log(true, "/no/such/folder/log"), IoError);
}

TEST_CASE("durations and the bar") {
  CHECK(format_duration(0) == "0s");
  CHECK(format_duration(59.4) == "59s");
  CHECK(format_duration(59.6) == "1m00s");
  CHECK(format_duration(250) == "4m10s");
  CHECK(format_duration(3600 + 3 * 60 + 59) == "1h03m");
  CHECK(format_duration((2 * 24 + 4) * 3600) == "2d04h");
  CHECK(format_duration(-1) == "?");
  CHECK(format_duration(std::nan("")) == "?");
  CHECK(seconds_left(0.25, 10) == doctest::Approx(30));
  CHECK(seconds_left(1, 10) == 0);
  CHECK(seconds_left(0, 10) < 0);
  CHECK(progress_bar(0, 4) == "[>   ]");
  CHECK(progress_bar(0.5, 4) == "[==> ]");
  CHECK(progress_bar(1, 4) == "[====]");
  CHECK(progress_bar(7, 4) == "[====]");
}

}  // namespace
}  // namespace mininmt
