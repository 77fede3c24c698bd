// The events of a training and their page.
#include "apps/train/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

struct Folder {
  TemporaryFolder parent;
  TrainingFolder folder{parent.path("model"), [](const std::string&) {}};
  Log log{true, parent.path("log")};

  std::string file(const char* name) const { return read_whole(folder.file(name)); }
  TrainingReport report() {
    return {folder, {"Training of <model>", {{"pairs", "7"}, {"options", "a = 1\nb = 2"}}}, log, [] {
              return 1.2e9;
            }};
  }
};

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_CASE("an event a line, and what will happen again after a checkpoint is left out") {
  Folder f;
  TrainingReport report = f.report();
  report.progress(10, {{"cost", 2.5}, {"gradient_norm", std::nan("")}});
  report.validation(20, {{"bleu", 30}}, true, {});
  report.progress(30, {{"cost", 1.5}});
  report.ended(30, "done");
  report.save();
  CHECK(f.file(kEvents) ==
        "{\"event\":\"progress\",\"update\":10,\"cost\":2.5,\"gradient_norm\":null,\"time\":1200000000}\n"
        "{\"event\":\"validation\",\"update\":20,\"metrics\":{\"bleu\":30.0},\"best\":true,\"samples\":[],"
        "\"time\":1200000000}\n"
        "{\"event\":\"progress\",\"update\":30,\"cost\":1.5,\"time\":1200000000}\n"
        "{\"event\":\"end\",\"update\":30,\"how\":\"done\",\"time\":1200000000}\n");

  std::ofstream(f.folder.file(kEvents), std::ios::app) << "not json\n{\"event\":\"progress\",\"upd";
  TrainingReport after = f.report();
  after.go_on_after(20);
  after.save();
  CHECK(lines_of(f.file(kEvents)) == 2);
  // A checkpoint is saved before its validation, so the validation is done again.
  after.validation(20, {{"bleu", 31}}, true, {});
  after.save();
  CHECK(lines_of(f.file(kEvents)) == 2);
  CHECK(f.file(kEvents).find("\"bleu\":31.0") != std::string::npos);
  TrainingReport anew = f.report();
  anew.save();
  CHECK(f.file(kEvents).empty());
}

// TensorBoard's own reader read such a file when this was written: tags, updates, values and times were
// right.
TEST_CASE("events for TensorBoard: records that begin as its own do, appended, and anew after a resume") {
  Folder f;
  TrainingReport report = f.report();
  report.progress(300, {{"seconds", 1.5}, {"cost", 2.5}});
  report.save();
  CHECK(!std::filesystem::exists(f.folder.file(kTensorBoardEvents)));
  report.write_for_tensorboard();
  report.save();
  const std::string once = f.file(kTensorBoardEvents);
  // The length of a record of 24 bytes and its checksum are known from TensorFlow's files.
  const std::string first(
      "\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09\0\0\0\0\0\0\0\0\x1a\x0d"
      "brain.Event:2",
      36);
  CHECK(once.starts_with(first));
  // Time 1.2e9, update 300; the value 2.5 of the tag.
  CHECK(once.find(std::string("\x09\0\0\0\0\xa3\xe1\xd1\x41\x10\xac\x02", 12)) == 24 + 16 + 12);
  CHECK(once.find(std::string("training/cost\x15\0\0\x20\x40", 18)) != std::string::npos);
  report.validation(300, {{"bleu", 30}}, true, {});
  report.save();
  const std::string twice = f.file(kTensorBoardEvents);
  CHECK(twice.size() > once.size());
  CHECK(twice.starts_with(once));
  CHECK(twice.find("validation/bleu") != std::string::npos);
  TrainingReport after = f.report();
  after.go_on_after(200);
  after.write_for_tensorboard();
  after.save();
  CHECK(f.file(kTensorBoardEvents).size() == 24 + 16);
}

TEST_CASE("nothing in a training's text can be taken for HTML") {
  Folder f;
  TrainingReport report = f.report();
  const Sample sample{
      "</script><b>", "r\xff", {"t", {"</script><b>", "</s>"}, {"t", "</s>"}, {{0.254F, 0.746F}, {0, 1}}}};
  report.validation(5, {{"bleu", 1}}, false, {sample});
  report.save();
  const std::string page = f.file(kReportPage);
  CHECK(page.find("<h1>Training of &lt;model&gt;</h1>") != std::string::npos);
  const std::string begin = "id=\"data\">\n";
  const std::size_t first = page.find(begin) + begin.size(), end = page.find("</script>", first);
  const auto data = nlohmann::json::parse(page.substr(first, end - first));
  CHECK(data["about"][1][1] == "a = 1\nb = 2");
  REQUIRE(data["events"].size() == 1);
  const auto& shown = data["events"][0]["samples"][0];
  CHECK(shown["source"] == "</script><b>");
  CHECK(shown["reference"] == "r\xef\xbf\xbd");
  CHECK(shown["alpha"] == nlohmann::json({{25, 75}, {0, 100}}));
  for (const char* outside : {"https:", "src=", "href=", "url("})
    CHECK_MESSAGE(page.find(outside) == std::string::npos, outside);
}

TEST_CASE("a report that can't be written is told once, and ends nothing") {
  Folder f;
  std::filesystem::create_directories(f.folder.file(kEvents) + "/full");
  TrainingReport report = f.report();
  report.progress(1, {{"cost", 1}});
  report.save();
  report.save();
  const std::string log = read_whole(f.parent.path("log"));
  CHECK(lines_of(log) == 1);
  CHECK(log.find("warning: no report: ") != std::string::npos);
}

}  // namespace
}  // namespace mininmt
