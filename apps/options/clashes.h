// Whether files that an option names are in each other's way, by file identity: whatever they are called.
#pragma once

#include <filesystem>
#include <string>

namespace mininmt {

// Whether `path` is a file of the model (a folder, or a file in one): parameters, vocabularies, saved
// options, the report of its training, also those that are not there yet.
bool is_model_file(const std::string& path, const std::string& model);

// Where writing to a path ends: an absolute path, also through links to a file that is not there yet.
std::filesystem::path place_of(const std::string& path);

// Whether writing to `path` would change the file that `read` names; "-" is standard input.
bool would_overwrite(const std::string& path, const std::string& read);

// Whether both read the same pipe, socket or terminal, so that neither gets all of it; "-" is standard input.
bool same_stream(const std::string& a, const std::string& b);

}  // namespace mininmt
