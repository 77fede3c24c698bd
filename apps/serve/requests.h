// What the server answers: LibreTranslate's requests, and a page. Knows nothing of sockets.
//
//   GET  /            the page
//   GET  /languages   [{"code": "en", "name": "en", "targets": ["fr"]}, ...]
//   POST /translate   q, a text or (in JSON) a list of texts, as JSON or a form; source and target, if given,
//                     must be the model's. -> {"translatedText": ...}. With "alignment": true also "alignment":
//                     for each line {"source": units, "target": units, "weights": rows of percents}.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/translate/shown.h"

namespace mininmt::serve {

struct Languages {
  std::string source = "source", target = "target";
};

struct Limits {
  std::size_t body = 1 << 20;     // bytes of a request
  std::size_t lines = 1000;       // of a request
  std::size_t waiting = 10000;    // lines of all requests
  std::size_t connections = 256;  // at once
  int seconds = 30;               // to send a request, or to take an answer
};

struct Request {
  std::string method, target, content_type, body;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json", body;
};

// Texts to translate: lines of all of them, and what makes the response of their translations.
struct Job {
  std::vector<std::string> lines;
  std::function<Response(const std::vector<Shown>&)> respond;
};

// An answer, or a job whose answer follows from it.
struct Answer {
  Response response;
  Job job;  // no lines: the response is ready
};

Answer answer(const Request& request, const Languages& languages, const Limits& limits);

// {"error": message}
Response error(unsigned status, const std::string& message);

}  // namespace mininmt::serve
