// The server's answers, without sockets; and its queue.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "apps/serve/queue.h"
#include "apps/serve/server.h"
#include "tensor/error.h"

namespace mininmt::serve {
namespace {

const Languages kLanguages = {"en", "fr"};

Answer ask(const std::string& method, const std::string& target, const std::string& body = "",
           const std::string& type = "application/json", const Limits& limits = {}) {
  return answer({method, target, type, body}, kLanguages, limits);
}

std::string refusal(const std::string& body, const std::string& type = "application/json") {
  const Answer found = ask("POST", "/translate", body, type);
  CHECK(found.response.status == 400);
  CHECK(found.job.lines.empty());
  return nlohmann::json::parse(found.response.body)["error"];
}

Shown upper(const std::string& line) {
  Shown translated{line, {line, "</s>"}, {line, "</s>"}, {{1, 0}, {0.25F, 0.75F}}};
  for (char& c : translated.text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return translated;
}

std::vector<Shown> upper_all(const std::vector<std::string>& lines) {
  std::vector<Shown> all;
  for (const std::string& line : lines) all.push_back(upper(line));
  return all;
}

nlohmann::json translated(const std::string& body, const std::string& type = "application/json") {
  const Answer found = ask("POST", "/translate", body, type);
  REQUIRE(!found.job.lines.empty());
  return nlohmann::json::parse(found.job.respond(upper_all(found.job.lines)).body);
}

TEST_CASE("texts come as JSON, as a list, or as a form, and a text's lines stay lines") {
  CHECK(translated(R"({"q": "a b"})") == R"({"translatedText": "A B"})"_json);
  CHECK(translated(R"({"q": ["a", "b\nc"], "source": "en", "target": "fr"})") ==
        R"({"translatedText": ["A", "B\nC"]})"_json);
  const std::string form = "application/x-www-form-urlencoded";
  CHECK(translated("q=a+b%0Ac%C3%A9&source=auto&target=fr&format=text", form) ==
        R"({"translatedText": "A B\nCé"})"_json);
  CHECK(translated(R"({"q": "a", "alignment": true})") ==
        R"({"translatedText": "A", "alignment": [{"source": ["a", "</s>"], "target": ["a", "</s>"],
            "weights": [[100, 0], [25, 75]]}]})"_json);
  const Answer none = ask("POST", "/translate", R"({"q": []})");
  CHECK(none.response.body == R"({"translatedText":[]})");
}

TEST_CASE("what can't be translated is told") {
  CHECK(refusal("not json") == "the body is neither a JSON object nor a form");
  CHECK(refusal("[1]") == "the body is neither a JSON object nor a form");
  CHECK(refusal("{}") == "q, the text to translate, is missing");
  CHECK(refusal(R"({"q": 7})") == "q must be a text, or a list of texts");
  CHECK(refusal(R"({"q": [["a"]]})") == "q must be a text, or a list of texts");
  CHECK(refusal(R"({"q": "a\u0000b"})") == "q is not UTF-8 text");
  CHECK(refusal("q=%ff", "application/x-www-form-urlencoded; charset=utf-8") == "q is not UTF-8 text");
  for (const char* cut : {"q=%", "q=%4", "q=%zz"})
    CHECK(refusal(cut, "application/x-www-form-urlencoded").find("a % in the form") == 0);
  CHECK(refusal(R"({"q": "a", "target": "de"})") ==
        "de is not the target language of the model, which is fr");
  CHECK(ask("POST", "/translate", R"({"q": "a\nb\nc"})", "application/json", {.lines = 2}).response.status ==
        400);
  CHECK(ask("GET", "/nothing").response.status == 404);
  CHECK(ask("GET", "/translate").response.status == 405);
  CHECK(ask("POST", "/").response.status == 405);
}

TEST_CASE("languages, and the page") {
  CHECK(
      nlohmann::json::parse(ask("GET", "/languages").response.body) ==
      R"([{"code": "en", "name": "en", "targets": ["fr"]}, {"code": "fr", "name": "fr", "targets": []}])"_json);
  const Response page = ask("GET", "/?from=here").response;
  CHECK(page.content_type == "text/html; charset=utf-8");
  CHECK(page.body.find(">en</label>") != std::string::npos);
  CHECK(answer({"GET", "/", "", ""}, {"<b>", "fr"}, {}).response.body.find("<b>") == std::string::npos);
}

Job job_of(const std::string& body) { return ask("POST", "/translate", body).job; }

TEST_CASE("what waits is translated together, a failure is one request's own, and too much is refused") {
  std::promise<void> first_began, may_go_on;
  std::atomic<int> calls = 0;
  std::vector<std::size_t> sizes;
  Queue queue(
      [&](const std::vector<std::string>& lines) {
        if (calls++ == 0) {
          first_began.set_value();
          may_go_on.get_future().wait();
        }
        sizes.push_back(lines.size());
        for (const std::string& line : lines)
          if (line == "bad") throw std::runtime_error("this one fails");
        return upper_all(lines);
      },
      4, 5);
  std::vector<std::promise<Response>> answers(5);
  const auto add = [&](std::size_t i, const std::string& body) {
    return queue.add(job_of(body),
                     [&answers, i](Response response) { answers[i].set_value(std::move(response)); });
  };
  CHECK(add(0, R"({"q": "first"})"));
  first_began.get_future().wait();
  CHECK(add(1, R"({"q": "a\nb"})"));
  CHECK(add(2, R"({"q": "bad"})"));
  CHECK(!add(4, R"({"q": "a\nb\nc"})"));
  CHECK(add(3, R"({"q": "c\nd"})"));
  may_go_on.set_value();
  CHECK(answers[0].get_future().get().body == R"({"translatedText":"FIRST"})");
  CHECK(answers[1].get_future().get().body == R"({"translatedText":"A\nB"})");
  const Response failed = answers[2].get_future().get();
  CHECK(failed.status == 500);
  CHECK(failed.body == R"({"error":"this one fails"})");
  CHECK(answers[3].get_future().get().body == R"({"translatedText":"C\nD"})");
  CHECK(sizes == std::vector<std::size_t>{1, 3, 2, 1, 2});
}

TEST_CASE("addresses to listen on") {
  CHECK(address_of("8080").host == "127.0.0.1");
  CHECK(address_of("8080").port == 8080);
  CHECK(address_of("0.0.0.0:80").host == "0.0.0.0");
  CHECK(address_of("[::1]:80").host == "::1");
  for (const char* wrong : {"", "http", "65536", "-1", "localhost:80", "::1:", "1.2.3.4", "80 "})
    CHECK_THROWS_AS(address_of(wrong), UsageError);
}

}  // namespace
}  // namespace mininmt::serve
