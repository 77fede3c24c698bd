#include "apps/train/checkpoint.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "apps/program/model_folder.h"
#include "tensor/checksum.h"
#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

namespace fs = std::filesystem;

constexpr char kFormat[] = "1";
// Before the names of numbers and facts in the metadata.
constexpr char kState[] = "state.", kFact[] = "fact.";

// Exact: 0x1.8p+0.
std::string text_of(double x) {
  char text[64];
  std::snprintf(text, sizeof text, "%a", x);
  return text;
}

// Calls f(name, shape, rows) for each matrix of a block on the host, as it is in a file.
template <class F>
void for_each_part(const Parameters& layout, const std::string& block_name, const Tensor& block, const F& f) {
  for (const Parameter* p : layout.all()) {
    const Tensor value = Parameters::view(block, *p);
    for (const Part& part : p->parts)
      f(join(block_name, "/", part.name), p->shape_of(part), value.slice(part.first, part.count).values());
  }
}

// What goes into the checksum, in this order: the metadata but for the checksum itself, then each tensor.
Checksum checksum_of(const Facts& metadata) {
  Checksum sum;
  for (const auto& [name, value] : metadata)
    if (name != "checksum") sum.add(join(name, "=", value, "\n"));
  return sum;
}

void add_header(Checksum& sum, const std::string& name, const std::vector<std::int64_t>& shape) {
  sum.add(name);
  sum.add(std::span<const std::int64_t>(shape));
}

// Collects the header of a checkpoint.
class Header final : public StateVisitor {
 public:
  Header(const Facts& facts, const Parameters& layout) : layout_(layout) {
    metadata_ = {{"checkpoint", kFormat}, {"version", kVersion}};
    for (const auto& [name, value] : facts) metadata_[kFact + name] = value;
  }

  void visit(const std::string& name, std::int64_t& number) override {
    metadata_[kState + name] = std::to_string(number);
  }
  void visit(const std::string& name, double& number) override { metadata_[kState + name] = text_of(number); }
  void visit(const std::string& name, const Tensor& block) override {
    blocks_.emplace_back(name, block);
    for (const Parameter* p : layout_.all())
      for (const Part& part : p->parts) entries_.push_back({join(name, "/", part.name), p->shape_of(part)});
  }

  const std::vector<SafeTensorEntry>& entries() const { return entries_; }

  // Once the state has been visited.
  Facts metadata_with_checksum() {
    Checksum sum = checksum_of(metadata_);
    for_each_block([&](const auto& name, const auto& shape, std::span<const float> rows) {
      add_header(sum, name, shape);
      sum.add(rows);
    });
    metadata_["checksum"] = sum.text();
    return metadata_;
  }

  template <class F>
  void for_each_block(const F& f) const {
    for (const auto& [name, block] : blocks_) for_each_part(layout_, name, block.to(cpu_memory()), f);
  }

 private:
  const Parameters& layout_;
  Facts metadata_;
  std::vector<std::pair<std::string, Tensor>> blocks_;
  std::vector<SafeTensorEntry> entries_;
};

// Sets a state to what a file holds.
class Restorer final : public StateVisitor {
 public:
  Restorer(SafeTensorsReader& file, const Parameters& layout, const std::string& path)
      : file_(file), layout_(layout), path_(path) {
    for (const SafeTensorEntry& entry : file.entries()) entries_[entry.name] = &entry;
  }

  void visit(const std::string& name, std::int64_t& number) override {
    const std::string text = value(name);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) refuse(name, " is no number");
  }
  void visit(const std::string& name, double& number) override {
    const std::string text = value(name);
    char* end = nullptr;
    number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') refuse(name, " is no number");
  }
  void visit(const std::string& name, const Tensor& block) override {
    const Tensor on_host = Tensor::zeros(block.shape());
    for_each_part(layout_, name, on_host, [&](const auto& part, const auto& shape, std::span<float> rows) {
      const auto entry = entries_.find(part);
      if (entry == entries_.end()) refuse(part, " is missing");
      if (entry->second->shape != shape) refuse(part, " has another shape than this model's");
      file_.read(*entry->second, 0, rows);
    });
    block.set(on_host);
  }

 private:
  std::string value(const std::string& name) const {
    const auto found = file_.metadata().find(kState + name);
    if (found == file_.metadata().end()) refuse(name, " is missing");
    return found->second;
  }
  [[noreturn]] void refuse(const std::string& name, const char* what) const {
    throw DataError(path_ + ": " + name + what + ": it is the checkpoint of another kind of training");
  }

  SafeTensorsReader& file_;
  const Parameters& layout_;
  const std::string& path_;
  std::map<std::string, const SafeTensorEntry*> entries_;
};

// Reads all of the file.
std::string checksum_of(SafeTensorsReader& file) {
  Checksum sum = checksum_of(file.metadata());
  std::vector<float> piece(std::size_t{1} << 18);
  for (const SafeTensorEntry& entry : file.entries()) {
    add_header(sum, entry.name, entry.shape);
    for (std::uint64_t at = 0; at < entry.elements(); at += piece.size()) {
      const std::span<float> now(piece.data(), std::min<std::uint64_t>(piece.size(), entry.elements() - at));
      file.read(entry, at, now);
      sum.add(std::span<const float>(now));
    }
  }
  return sum.text();
}

}  // namespace

void save_checkpoint(const std::string& folder, const Facts& facts, const Parameters& layout,
                     const StateOf& state) {
  const fs::path path = fs::path(folder) / kCheckpoint;
  Header header(facts, layout);
  state(header);
  SafeTensorsWriter file(path.string(), header.metadata_with_checksum(), header.entries());
  header.for_each_block([&](const auto&, const auto&, std::span<const float> rows) { file.write(rows); });
  if (fs::exists(path)) link_file(path.string(), (fs::path(folder) / kPreviousCheckpoint).string());
  file.commit();
}

std::optional<Checkpoint> Checkpoint::find(const std::string& folder,
                                           const std::function<void(const std::string&)>& warn) {
  const fs::path newest = fs::path(folder) / kCheckpoint, previous = fs::path(folder) / kPreviousCheckpoint;
  const bool has_newest = fs::exists(newest), has_previous = fs::exists(previous);
  if (!has_newest && !has_previous) return {};
  if (has_newest && has_previous) {
    try {
      return Checkpoint(newest.string());
    } catch (const DataError& error) {
      warn(join(error.what(), "; going on from ", previous.string()));
    }
  } else if (has_previous) {
    warn(join(newest.string(), " is missing; going on from ", previous.string()));
  }
  try {
    return Checkpoint((has_previous ? previous : newest).string());
  } catch (const DataError& error) {
    throw DataError(
        join(error.what(),
             ", and there is no other: start anew with --overwrite, or in another folder with --init ",
             (fs::path(folder) / kLastModel).string()));
  }
}

Checkpoint::Checkpoint(const std::string& path) : path_(path), file_(path) {
  const auto text = [this](const std::string& name) {
    const auto found = file_.metadata().find(name);
    return found == file_.metadata().end() ? std::string() : found->second;
  };
  if (text("checkpoint").empty()) throw DataError(path + ": not a checkpoint of mininmt-train");
  if (text("checkpoint") != kFormat)
    throw DataError(join(path, ": format ", text("checkpoint"), ", written by version ", text("version"),
                         "; this one reads format ", kFormat));
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION  // a fuzzer can't guess it
  if (text("checksum") != checksum_of(file_)) throw DataError(path + " is damaged: its checksum is wrong");
#endif
  const std::string before = kFact;
  for (const auto& [name, value] : file_.metadata())
    if (name.starts_with(before)) facts_[name.substr(before.size())] = value;
}

void Checkpoint::restore(const Parameters& layout, const StateOf& state) {
  Restorer restorer(file_, layout, path_);
  state(restorer);
}

}  // namespace mininmt
