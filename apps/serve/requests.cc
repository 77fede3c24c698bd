#include "apps/serve/requests.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/serve/page.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt::serve {
namespace {

using Json = nlohmann::ordered_json;

Response json_response(const Json& json) {
  return {200, "application/json", json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

// A request that can't be answered: 400 and this message.
struct BadRequest {
  std::string message;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 32);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string form_text(const std::string& encoded) {
  std::string text;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      text += encoded[i] == '+' ? ' ' : encoded[i];
      continue;
    }
    const int high = i + 2 < encoded.size() ? hex_digit(encoded[i + 1]) : -1,
              low = high < 0 ? -1 : hex_digit(encoded[i + 2]);
    if (low < 0) throw BadRequest{"a % in the form is not followed by two hexadecimal digits"};
    text += static_cast<char>(16 * high + low);
    i += 2;
  }
  return text;
}

Json form_fields(const std::string& body) {
  Json fields = Json::object();
  for (std::size_t begin = 0; begin < body.size();) {
    const std::size_t end = std::min(body.find('&', begin), body.size());
    const std::string field = body.substr(begin, end - begin);
    const std::size_t equals = std::min(field.find('='), field.size());
    fields[form_text(field.substr(0, equals))] = form_text(field.substr(std::min(equals + 1, field.size())));
    begin = end + 1;
  }
  return fields;
}

Json fields_of(const Request& request) {
  if (request.content_type.find("application/x-www-form-urlencoded") == 0) return form_fields(request.body);
  const Json json = Json::parse(request.body, nullptr, false);
  if (!json.is_object()) throw BadRequest{"the body is neither a JSON object nor a form"};
  return json;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines = {""};
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else if (c != '\r')
      lines.back() += c;
  }
  return lines;
}

std::string text_of(const Json& value) {
  if (!value.is_string()) throw BadRequest{"q must be a text, or a list of texts"};
  const std::string text = value;
  if (text.find('\0') != std::string::npos || find_invalid_utf8(text) != std::string::npos)
    throw BadRequest{"q is not UTF-8 text"};
  return text;
}

void check_language(const Json& fields, const char* name, const std::string& own) {
  if (!fields.contains(name) || fields[name] == own) return;
  if (std::string(name) == "source" && fields[name] == "auto") return;
  throw BadRequest{join(fields[name].is_string() ? fields[name].get<std::string>() : "this", " is not the ",
                        name, " language of the model, which is ", own)};
}

Json alignment(const Shown& line) {
  return {{"source", line.source_units}, {"target", line.target_units}, {"weights", percents(line.alpha)}};
}

Job job_of(const Request& request, const Languages& languages, const Limits& limits) {
  const Json fields = fields_of(request);
  if (!fields.contains("q")) throw BadRequest{"q, the text to translate, is missing"};
  check_language(fields, "source", languages.source);
  check_language(fields, "target", languages.target);
  const bool is_list = fields["q"].is_array();
  const bool with_alignment =
      fields.contains("alignment") && (fields["alignment"] == true || fields["alignment"] == "true");
  Job job;
  std::vector<std::size_t> lines_of_text;
  for (const Json& text : is_list ? fields["q"] : Json::array({fields["q"]})) {
    const auto lines = lines_of(text_of(text));
    job.lines.insert(job.lines.end(), lines.begin(), lines.end());
    lines_of_text.push_back(lines.size());
  }
  if (job.lines.size() > limits.lines)
    throw BadRequest{join(job.lines.size(), " lines are more than the ", limits.lines, " of a request")};
  job.respond = [=](const std::vector<Shown>& translated) {
    Json texts = Json::array(), alignments = Json::array();
    std::size_t at = 0;
    for (const std::size_t count : lines_of_text) {
      std::string text;
      for (std::size_t i = 0; i < count; ++i, ++at) {
        text += (i > 0 ? "\n" : "") + translated[at].text;
        if (with_alignment) alignments.push_back(alignment(translated[at]));
      }
      texts.push_back(text);
    }
    Json response = {{"translatedText", is_list ? texts : texts[0]}};
    if (with_alignment) response["alignment"] = alignments;
    return json_response(response);
  };
  return job;
}

Json language_list(const Languages& languages) {
  return Json::array(
      {{{"code", languages.source}, {"name", languages.source}, {"targets", {languages.target}}},
       {{"code", languages.target}, {"name", languages.target}, {"targets", Json::array()}}});
}

}  // namespace

Response error(unsigned status, const std::string& message) {
  Response response = json_response({{"error", message}});
  response.status = status;
  return response;
}

Answer answer(const Request& request, const Languages& languages, const Limits& limits) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  const std::map<std::string, std::string> methods = {
      {"/", "GET"}, {"/languages", "GET"}, {"/translate", "POST"}};
  const auto known = methods.find(path);
  if (known == methods.end()) return {error(404, "there are /, /languages and /translate"), {}};
  if (request.method != known->second && !(request.method == "HEAD" && known->second == "GET"))
    return {error(405, join(path, " takes ", known->second)), {}};
  if (path == "/") return {{200, "text/html; charset=utf-8", page(languages)}, {}};
  if (path == "/languages") return {json_response(language_list(languages)), {}};
  try {
    Job job = job_of(request, languages, limits);
    if (job.lines.empty()) return {job.respond({}), {}};
    return {{}, std::move(job)};
  } catch (const BadRequest& bad) {
    return {error(400, bad.message), {}};
  }
}

}  // namespace mininmt::serve
