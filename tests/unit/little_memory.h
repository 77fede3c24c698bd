// Runs a part of a test in a child process with little memory.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>

namespace mininmt {

// The exit code of work() in a child that can have `more` bytes beyond what the process has now; -signal if
// one ended it. Not with the sanitizers, which need terabytes of addresses.
inline int with_little_memory(std::size_t more, const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t most = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + more;
    const rlimit limit{most, most};
    _exit(pages > 0 && setrlimit(RLIMIT_AS, &limit) == 0 ? work() : 127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace mininmt
