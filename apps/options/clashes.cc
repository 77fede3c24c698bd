#include "apps/options/clashes.h"

#include <sys/stat.h>

#include <filesystem>

#include "apps/options/beam_options.h"
#include "apps/options/options.h"
#include "apps/program/model_folder.h"

namespace mininmt {
namespace {

namespace fs = std::filesystem;

constexpr char kStandardStream[] = "-";
constexpr char kStandardInput[] = "/dev/stdin";

bool belongs_to_a_model(const fs::path& name) {
  return name.extension() == ".safetensors" || name.extension() == ".vocab" || name.extension() == ".model" ||
         name == kSavedOptions || name == kEvents || name == kReportPage || name == kTensorBoardEvents ||
         name.string().starts_with("checkpoint");
}

std::string input_path(const std::string& read) { return read == kStandardStream ? kStandardInput : read; }

// Also of folders that are not there yet.
bool same_folder(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) ||
         fs::weakly_canonical(fs::absolute(a), error) == fs::weakly_canonical(fs::absolute(b), error);
}

}  // namespace

fs::path place_of(const std::string& path) {
  std::error_code ignored;
  fs::path place = fs::absolute(path, ignored);
  for (int links = 0; links < 40 && fs::is_symlink(place, ignored); ++links)
    place = place.parent_path() / fs::read_symlink(place, ignored);
  return fs::weakly_canonical(place, ignored);
}

bool is_model_file(const std::string& path, const std::string& model) {
  if (path.empty() || path == kStandardStream || model.empty()) return false;
  std::error_code error;
  const bool is_file = fs::is_regular_file(model, error);
  if (is_file && same_file(path, model)) return true;
  const fs::path folder = is_file ? fs::path(model).parent_path() / "." : fs::path(model) / ".";
  const fs::path named = fs::path(path);
  // A file that is not there yet, in the folder under any of its names.
  if (belongs_to_a_model(named.filename()) && same_folder(named.parent_path() / ".", folder)) return true;
  for (fs::directory_iterator file(folder, error), end; !error && file != end; file.increment(error))
    if (belongs_to_a_model(file->path().filename()) && same_file(path, file->path().string())) return true;
  return false;
}

bool would_overwrite(const std::string& path, const std::string& read) {
  return path != kStandardStream && !read.empty() && same_file(path, input_path(read));
}

bool same_stream(const std::string& a, const std::string& b) {
  if (a == kStandardStream && b == kStandardStream) return true;
  struct stat one, other;
  if (stat(input_path(a).c_str(), &one) != 0 || stat(input_path(b).c_str(), &other) != 0) return false;
  const bool is_stream = S_ISFIFO(one.st_mode) || S_ISSOCK(one.st_mode) || S_ISCHR(one.st_mode);
  return is_stream && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace mininmt
