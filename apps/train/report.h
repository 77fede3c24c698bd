// What a training has done so far: its events, a line each in log.jsonl of its folder, and a page that shows
// them, report.html.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/program/log.h"
#include "apps/program/model_folder.h"
#include "apps/train/report_page.h"
#include "apps/train/sampler.h"

namespace mininmt {

// Neither decides anything in training; a file that can't be written is told once, and training goes on.
class TrainingReport {
 public:
  // Holds references. now: seconds since 1970.
  TrainingReport(const TrainingFolder& folder, ReportHeader header, Log& log,
                 std::function<double()> now = unix_seconds)
      : folder_(folder), header_(std::move(header)), log_(log), now_(std::move(now)) {}

  // The training goes on from a checkpoint: events in the folder up to its update stay, but for the end.
  // Later ones will happen again; one of its update that happens again, as a validation may, replaces the one
  // before.
  void go_on_after(std::int64_t update);

  // Numbers by name.
  using Values = std::vector<std::pair<std::string, double>>;

  void progress(std::int64_t update, const Values& values);
  void validation(std::int64_t update, const Values& metrics, bool is_best,
                  const std::vector<Sample>& samples);
  void ended(std::int64_t update, const std::string& how);

  // Writes the files. Call it only when the folder is this training's (Saver::started).
  void save();

  // Another process writes: from now on nothing is.
  void leave_writing() { writes_ = false; }

  // Also writes kTensorBoardEvents from now on.
  void write_for_tensorboard() { for_tensorboard_ = true; }

 private:
  static double unix_seconds();
  void add(nlohmann::ordered_json event);
  void append_for_tensorboard();

  const TrainingFolder& folder_;
  ReportHeader header_;
  Log& log_;
  std::function<double()> now_;
  std::vector<std::string> events_;  // lines
  bool for_tensorboard_ = false, writes_ = true;
  bool warned_ = false;
};

}  // namespace mininmt
