// Command lines of mininmt-train for tests, and the errors they give.
#pragma once

#include <doctest/doctest.h>

#include <variant>

#include "apps/options/train_options.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {

using Arguments = std::vector<std::string>;

// The options of a command line with the required ones and `more`.
inline TrainOptions parse(const Arguments& more) {
  Arguments all = {"--train-sets", "a.en", "a.fr", "--model", "m"};
  all.insert(all.end(), more.begin(), more.end());
  return std::get<TrainOptions>(parse_train_options(all));
}

// The error message for such a command line; empty if there is none.
inline std::string refusal(const Arguments& more) {
  return message_of<UsageError>([&] { parse(more); });
}

inline std::string refusal_alone(const Arguments& arguments) {
  return message_of<UsageError>([&] { parse_train_options(arguments); });
}

inline std::string refusal_of_config(const std::string& text) {
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", text);
  const std::string message = refusal({"--config", file});
  // Without the folder, whose name differs between runs.
  return message.starts_with(file) ? "my.ini" + message.substr(file.size()) : message;
}

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::string help_text(const std::string& option) {
  const Reply reply = std::get<Reply>(parse_train_options({option}));
  CHECK(reply.exit_code == 0);
  return reply.text;
}

}  // namespace mininmt
