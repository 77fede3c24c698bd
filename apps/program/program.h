// The frame around a program's work: exceptions become a message and an exit code, and lost output is
// noticed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/options/reply.h"

namespace mininmt {

// Runs `work` on the arguments (argv without the program's name) and returns the exit code for main:
// what `work` returns; the exit code of an Error; 1 for other exceptions; 74 when stdout could not be
// written; 141 (128 + SIGPIPE), without a message, when the reader of stdout has gone. Messages go to stderr
// as "name: error: ...". SIGPIPE is ignored from here on, so that a closed viewer of the log doesn't end a
// training run.
int run_program(const std::string& name, int argc, char** argv,
                const std::function<int(const std::vector<std::string>&)>& work);

// Flushes std::cout. Throws IoError if anything written so far was lost; if the reader has closed the pipe,
// run_program turns what is thrown into a quiet exit.
void flush_stdout();

// Prints a reply (--help and the like) and returns its exit code.
int print_reply(const Reply& reply);

}  // namespace mininmt
