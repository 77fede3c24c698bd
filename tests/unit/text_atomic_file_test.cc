#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

std::size_t count_files(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator files(folder.path(""));
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST_CASE("a file is written in full, text and binary, over an older one") {
  const TemporaryFolder folder;
  std::string bytes = "line\n";
  for (int i = 0; i < 100000; ++i) bytes += static_cast<char>(i * 31);
  const std::string path = folder.write("model", "older");
  write_file_atomically(path, bytes);
  CHECK(read_whole(path) == bytes);
  write_file_atomically(path, "");
  CHECK(read_whole(path).empty());
  CHECK(count_files(folder) == 1);
}

TEST_CASE("until commit the older file stays, and without it no trace is left") {
  const TemporaryFolder folder;
  const std::string path = folder.write("model", "older");
  {
    AtomicFile file(path);
    file.write("new");
    CHECK(read_whole(path) == "older");
    CHECK(count_files(folder) == 2);
  }
  CHECK(read_whole(path) == "older");
  CHECK(count_files(folder) == 1);
}

TEST_CASE("a bare name, and one in the current folder") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  for (const std::string name : {"bare", "./here"}) {
    CHECK_NOTHROW(write_file_atomically(name, "old"));
    CHECK_NOTHROW(write_file_atomically(name, name));
    CHECK(read_whole(name) == name);
  }
  std::filesystem::current_path(before);
  CHECK(read_whole(folder.path("bare")) == "bare");
  CHECK(read_whole(folder.path("here")) == "./here");
  CHECK(count_files(folder) == 2);
}

TEST_CASE("two writers of one file don't mix") {
  const TemporaryFolder folder;
  AtomicFile first(folder.path("model")), second(folder.path("model"));
  first.write("aaaa");
  second.write("bb");
  second.commit();
  CHECK(read_whole(folder.path("model")) == "bb");
  first.commit();
  CHECK(read_whole(folder.path("model")) == "aaaa");
  CHECK(count_files(folder) == 1);
}

TEST_CASE("failures are IoErrors that name the file and the reason, and leave no temporary") {
  const TemporaryFolder folder;
  const std::string nowhere = folder.path("no/such/model");
  const std::string message = message_of<IoError>([&] { write_file_atomically(nowhere, "x"); });
  CHECK(message.find(nowhere) != std::string::npos);
  CHECK(message.find("No such file or directory") != std::string::npos);

  std::filesystem::create_directory(folder.path("taken"));
  CHECK_THROWS_AS(write_file_atomically(folder.path("taken"), "x"), IoError);
  CHECK(count_files(folder) == 1);
}

TEST_CASE("a disk that is full is an IoError and leaves the older file") {
  const TemporaryFolder folder;
  const std::string path = folder.write("model", "older");
  // A file size limit simulates a full disk: write() fails the same way.
  rlimit saved;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &saved) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1000, saved.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message =
      message_of<IoError>([&] { write_file_atomically(path, std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &saved);
  std::signal(SIGXFSZ, handler);
  CHECK(message.find("File too large") != std::string::npos);
  CHECK(read_whole(path) == "older");
  CHECK(count_files(folder) == 1);
}

}  // namespace
}  // namespace mininmt
