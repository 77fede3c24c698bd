// Runs a program: turns exceptions into a message and an exit code, and detects lost output.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/options/reply.h"

namespace mininmt {

// Runs `work` on the arguments (argv without the program's name) and returns main's exit code: that of
// `work`; the exit code of an Error; 1 for other exceptions; 74 if stdout could not be written; 141
// (128 + SIGPIPE), without a message, if the reader of stdout has gone away. Messages go to stderr as "name:
// error: ...". From here on SIGPIPE and SIGXFSZ are ignored, so that closing a log viewer doesn't end a
// training run, and a file that is too large is an error of the write; no file takes the descriptor of a
// closed standard stream.
int run_program(const std::string& name, int argc, char** argv,
                const std::function<int(const std::vector<std::string>&)>& work);

// From now on `report` gets the message that ends the program, a line, and its exit code, instead of stderr.
void on_failure(std::function<void(const std::string& message, int exit_code)> report);

// How many processes a launcher (mpirun) has started together, as it tells each of them; 1 without one.
int launched_processes();

// Calls work(). A lack of memory leaves it as OutOfMemory, whose message ends with the options that need
// less.
int advise(const std::string& options, const std::function<int()>& work);

// Flushes std::cout. Throws IoError if any output was lost; if the reader closed the pipe, run_program turns
// the exception into a silent exit.
void flush_stdout();

// Prints a reply (--help etc.) and returns its exit code.
int print_reply(const Reply& reply);

}  // namespace mininmt
