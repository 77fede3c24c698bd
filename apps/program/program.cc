#include "apps/program/program.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <utility>

#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// The reader of stdout has gone away.
struct ClosedPipe {};

// An earlier failed write leaves no errno, so ask the descriptor: a pipe without a reader reports POLLERR.
bool stdout_has_no_reader() {
  pollfd state{STDOUT_FILENO, POLLOUT, 0};
  return poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0;
}

std::function<void(const std::string&, int)> report_failure;

// Memory may be short even now.
int fail(const std::string& name, const char* message, int exit_code) {
  std::cout.flush();
  if (report_failure) {
    try {
      report_failure(join(name, ": error: ", visible(message), "\n"), exit_code);
    } catch (const std::bad_alloc&) {
      report_failure({}, exit_code);
    }
    return exit_code;
  }
  std::cerr << name << ": error: ";
  try {
    std::cerr << visible(message) << '\n';
  } catch (const std::bad_alloc&) {
    std::cerr << message << '\n';
  }
  return exit_code;
}

// A file opened later would take the place of a closed standard stream, and be read or written for it. What
// stands there now can't be read or written, as a closed one.
void fill_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0)
      (void)open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

}  // namespace

int run_program(const std::string& name, int argc, char** argv,
                const std::function<int(const std::vector<std::string>&)>& work) {
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  fill_standard_descriptors();
  try {
    const int exit_code =
        work(argc > 0 ? std::vector<std::string>(argv + 1, argv + argc) : std::vector<std::string>());
    flush_stdout();
    return exit_code;
  } catch (const ClosedPipe&) {
    return 128 + SIGPIPE;
  } catch (const Error& error) {
    return fail(name, error.what(), error.exit_code());
  } catch (const std::bad_alloc&) {
    return fail(name, "out of memory", 1);
  } catch (const std::exception& error) {
    return fail(name, error.what(), 1);
  }
}

void on_failure(std::function<void(const std::string& message, int exit_code)> report) {
  report_failure = std::move(report);
}

int launched_processes() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})  // Open MPI's; MPICH's and Intel's
    if (const char* const size = std::getenv(variable)) return std::max(std::atoi(size), 1);
  return 1;
}

int advise(const std::string& options, const std::function<int()>& work) {
  std::string message = "out of memory";
  try {
    return work();
  } catch (const OutOfMemory& error) {
    message = error.what();
  } catch (const std::bad_alloc&) {
  }
  throw OutOfMemory(join(message, "; a smaller ", options, " needs less"));
}

void flush_stdout() {
  errno = 0;
  if (std::cout.flush()) return;
  const int reason = errno;
  if (stdout_has_no_reader()) throw ClosedPipe();
  throw IoError(join("cannot write to standard output", reason == 0 ? "" : ": ",
                     reason == 0 ? "" : std::strerror(reason)));
}

int print_reply(const Reply& reply) {
  (reply.exit_code == 0 ? std::cout : std::cerr) << reply.text;
  return reply.exit_code;
}

}  // namespace mininmt
