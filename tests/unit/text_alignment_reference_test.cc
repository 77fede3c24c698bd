// Word alignments by people: both formats, and what is wrong with a file.
#include <doctest/doctest.h>

#include "apps/text/alignment_reference.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string text(const ReferenceLinks& links) {
  return format_links(links.sure) + " / " + format_links(links.possible);
}

TEST_CASE("both formats give the same links") {
  const TemporaryFolder folder;
  for (const std::string file :
       {"0-0 2-1 1p1\n\n3?0 0-0\n", "\n0001 1 1 S\n1 3 2\n0003 4 1 P\n1 2 2 P\n3 1 1 S\n"}) {
    CAPTURE(file);
    const AlignmentReference reference(folder.write("file", file));
    CHECK(text(reference.at(0, 3, 2)) == "0-0 2-1 / 0-0 1-1 2-1");
    CHECK(text(reference.at(1, 1, 1)) == " / ");
    CHECK(text(reference.at(2, 4, 1)) == "0-0 / 0-0 3-0");
    CHECK_NOTHROW(reference.check_end(3));
  }
}

TEST_CASE("a link that is sure and possible is sure") {
  const TemporaryFolder folder;
  for (const std::string file : {"0-0 0p0\n", "0p0 0-0\n", "1 1 1 P\n1 1 1 S\n"})
    CHECK(text(AlignmentReference(folder.write("file", file)).at(0, 1, 1)) == "0-0 / 0-0");
}

TEST_CASE("what is no link is told with file and line") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& contents) {
    const std::string file = folder.write("file", contents);
    const std::string message = message_of<DataError>([&] { AlignmentReference reference(file); });
    return message.starts_with(file) ? message.substr(file.size()) : message;
  };
  for (const char* word :
       {"0", "0-", "-0", "0-0-0", "0x0", "0--1", "a-b", "0-1p", "0,1", "99999999999-1", "1 1 1 S"})
    CHECK_MESSAGE(refusal(join("0-0\n0-0 ", word, "\n")).starts_with(":2: word 2 is no link: 2-3 is"), word);
  for (const char* line :
       {"1 1", "1", "1 1 1 X", "1 1 1 S 1", "1 1 1-1", "1 -1 1", "0-0", "1 1 99999999999 S", "x"})
    CHECK_MESSAGE(refusal(join("1 1 1 S\n\n", line, "\n")).starts_with(":3: no link: \"1 2 3 S\""), line);
  for (const char* line : {"0 1 1 S", "1 0 1 S", "1 1 0 S"})
    CHECK_MESSAGE(
        refusal(join("1 1 1 S\n", line, "\n")).starts_with(":2: pairs and words are counted from 1"), line);
  CHECK(refusal("the red car .\n").starts_with(":1: word 1 is no link"));
  for (const char* none : {"", "\n\n", "0p0\n", "1 1 1 P\n"})
    CHECK_MESSAGE(refusal(none).starts_with(": no link is sure"), none);
  CHECK_THROWS_AS(AlignmentReference(folder.path("nowhere")), IoError);
}

TEST_CASE("links outside of the pairs are told with file and line") {
  const TemporaryFolder folder;
  const AlignmentReference by_pair(folder.write("a", "0-0\n1-2\n")),
      by_link(folder.write("b", "1 1 1 S\n2 2 3 S\n"));
  const auto refusal = [](const AlignmentReference& reference, std::size_t source, std::size_t target) {
    return message_of<DataError>([&] { reference.at(1, source, target); });
  };
  for (const AlignmentReference* reference : {&by_pair, &by_link}) {
    CHECK(refusal(*reference, 2, 3).empty());
    CHECK(holds(refusal(*reference, 3, 2), ":2: source word"));
    CHECK(holds(refusal(*reference, 1, 4), ":2: source word"));
  }
  CHECK(holds(refusal(by_pair, 3, 2),
              "a:2: source word 1, target word 2 (counted from 0): pair 2 has 3 source and 2"));
  CHECK(holds(refusal(by_link, 3, 2),
              "b:2: source word 2, target word 3 (counted from 1): pair 2 has 3 source and 2"));
}

TEST_CASE("as many pairs as the text") {
  const TemporaryFolder folder;
  const AlignmentReference by_pair(folder.write("a", "0-0\n\n")),
      by_link(folder.write("b", "1 1 1 S\n\n2 1 1 P\n"));
  CHECK_NOTHROW(by_pair.at(1, 0, 0));
  CHECK(holds(message_of<DataError>([&] { by_pair.at(2, 1, 1); }),
              "a ends after line 2, but there are more pairs"));
  CHECK(holds(message_of<DataError>([&] { by_pair.check_end(1); }), "a has 2 lines, but there are 1 pairs"));
  CHECK_NOTHROW(by_link.at(7, 1, 1));
  CHECK_NOTHROW(by_link.check_end(7));
  CHECK(holds(message_of<DataError>([&] { by_link.check_end(1); }), "b:3: pair 2, but there are 1"));
}

}  // namespace
}  // namespace mininmt
