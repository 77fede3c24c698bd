#include "apps/train/report.h"

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/train/tensorboard.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

using Json = nlohmann::ordered_json;

std::string one_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json numbers(const TrainingReport::Values& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) json[name] = std::isfinite(value) ? Json(value) : Json();
  return json;
}

constexpr char kEnd[] = "end";

Json event(const char* kind, std::int64_t update) { return {{"event", kind}, {"update", update}}; }

Json sample(const Sample& of) {
  const Shown& translation = of.translation;
  return {{"source", of.source},
          {"reference", of.reference},
          {"translation", translation.text},
          {"columns", translation.source_units},
          {"rows", translation.target_units},
          {"alpha", percents(translation.alpha)}};
}

// The events in a file up to `update`; a line that a crash cut off is left out.
std::vector<std::string> read_events(const std::string& path, std::int64_t update) {
  std::vector<std::string> events;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("update") || !json["update"].is_number_integer()) continue;
    if (json["update"] <= update && json.value("event", kEnd) != kEnd) events.push_back(line);
  }
  return events;
}

}  // namespace

void TrainingReport::go_on_after(std::int64_t update) {
  events_ = read_events(folder_.file(kEvents), update);
}

double TrainingReport::unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Events of a kind and an update begin alike.
void TrainingReport::add(Json event) {
  event["time"] = static_cast<std::int64_t>(now_());
  const std::string line = one_line(event);
  const std::string begin = line.substr(0, line.find(',', line.find(',') + 1) + 1);
  std::erase_if(events_, [&](const std::string& before) { return before.starts_with(begin); });
  events_.push_back(line);
}

void TrainingReport::progress(std::int64_t update, const Values& values) {
  Json json = event("progress", update);
  json.update(numbers(values));
  add(std::move(json));
}

void TrainingReport::validation(std::int64_t update, const Values& metrics, bool is_best,
                                const std::vector<Sample>& samples) {
  Json json = event("validation", update);
  json["metrics"] = numbers(metrics);
  json["best"] = is_best;
  json["samples"] = Json::array();
  for (const Sample& of : samples) json["samples"].push_back(sample(of));
  add(std::move(json));
}

void TrainingReport::ended(std::int64_t update, const std::string& how) {
  Json json = event(kEnd, update);
  json["how"] = how;
  add(std::move(json));
}

// TensorBoard keeps the file open and reads on, so what is new is appended; only after a resume from an
// earlier update is it written anew.
void TrainingReport::append_for_tensorboard() {
  const std::string path = folder_.file(kTensorBoardEvents), events = tensorboard_events(events_);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
    throw IoError(path + " can't be written: it is no file");
  std::ifstream in(path, std::ios::binary);
  const std::string before{std::istreambuf_iterator<char>(in), {}};
  if (!events.starts_with(before)) return write_file_atomically(path, events);
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::app);
  if (!out.write(events.data() + before.size(), static_cast<std::streamsize>(events.size() - before.size()))
           .flush())
    throw IoError(path + " can't be written: " + std::strerror(errno));
}

void TrainingReport::save() {
  if (!writes_) return;
  std::string lines;
  for (const std::string& line : events_) lines += line + "\n";
  try {
    write_file_atomically(folder_.file(kEvents), lines);
    write_file_atomically(folder_.file(kReportPage), report_page(header_, events_));
    if (for_tensorboard_) append_for_tensorboard();
  } catch (const IoError& error) {
    if (!warned_) log_.warning(join("no report: ", error.what(), "; training goes on"));
    warned_ = true;
  }
}

}  // namespace mininmt
