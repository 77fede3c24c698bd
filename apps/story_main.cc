// mininmt-story: compares the systems that story.sh trained, in tables and a figure.
#include <iostream>

#include "apps/options/story_options.h"
#include "apps/program/program.h"
#include "apps/story/figure.h"
#include "apps/story/report.h"
#include "apps/story/story.h"
#include "tensor/atomic_file.h"

namespace mininmt {
namespace {

int run(const std::vector<std::string>& arguments) {
  const Parsed<StoryOptions> parsed = parse_story_options(arguments);
  if (const Reply* reply = std::get_if<Reply>(&parsed)) return print_reply(*reply);
  const StoryOptions& options = std::get<StoryOptions>(parsed);
  const story::Story story = story::read_story(options);
  const std::string figure = story::draw_figure(story), stem = options.folder + "/story.";
  write_file_atomically(stem + "svg", figure);
  write_file_atomically(stem + "md", story::markdown_report(story, "story.svg"));
  write_file_atomically(stem + "html", story::html_report(story, figure));
  std::cout << story::table_of_systems(story).markdown();
  flush_stdout();
  return 0;
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) { return mininmt::run_program("mininmt-story", argc, argv, mininmt::run); }
