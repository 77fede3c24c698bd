#include "apps/serve/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

// What connections share. All handlers run in the one thread of Server::run.
struct Shared {
  Queue& queue;
  Languages languages;
  Limits limits;
  std::size_t connections = 0;
};

// One connection: requests one after the other, each within limits.seconds.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {
    ++shared_.connections;
  }
  ~Session() { --shared_.connections; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    parser_.emplace();
    parser_->body_limit(shared_.limits.body);
    stream_.expires_after(std::chrono::seconds(shared_.limits.seconds));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code failed, std::size_t) { self->was_read(failed); });
  }

  void refuse(unsigned status, const std::string& message) {
    keep_alive_ = false;
    write(error(status, message));
  }

 private:
  void was_read(beast::error_code failed) {
    if (failed == http::error::body_limit) {
      lingers_ = true;
      return refuse(413, join("the body is larger than ", shared_.limits.body, " bytes"));
    }
    if (failed == http::error::end_of_stream) return close();
    if (failed.category() == http::make_error_code(http::error::bad_method).category())
      return refuse(400, "not an HTTP request: " + failed.message());
    if (failed) return;  // too slow, or gone
    const auto& request = parser_->get();
    keep_alive_ = request.keep_alive();
    is_head_ = request.method() == http::verb::head;
    Answer ready = answer({std::string(request.method_string()), std::string(request.target()),
                           std::string(request[http::field::content_type]), request.body()},
                          shared_.languages, shared_.limits);
    if (ready.job.lines.empty()) return write(std::move(ready.response));
    stream_.expires_never();  // while it waits and is translated
    const bool taken =
        shared_.queue.add(std::move(ready.job), [self = shared_from_this()](Response response) {
          asio::post(self->stream_.get_executor(),
                     [self, response = std::move(response)]() mutable { self->write(std::move(response)); });
        });
    if (!taken) write(error(503, "too much is waiting; try again later"));
  }

  void write(Response response) {
    message_ = {};
    message_.version(11);
    message_.result(response.status);
    message_.set(http::field::server, std::string("mininmt/") + kVersion);
    message_.set(http::field::content_type, response.content_type);
    message_.set("X-Content-Type-Options", "nosniff");
    message_.keep_alive(keep_alive_);
    message_.body() = std::move(response.body);
    message_.prepare_payload();
    if (is_head_) message_.body().clear();
    stream_.expires_after(std::chrono::seconds(shared_.limits.seconds));
    http::async_write(stream_, message_, [self = shared_from_this()](beast::error_code failed, std::size_t) {
      if (failed) return;
      if (self->keep_alive_) return self->read();
      self->close();
    });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (lingers_) drain();
  }

  // Reads on, within the time of the answer, what the client still sends: one whose connection breaks while
  // it sends never reads the answer.
  void drain() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(1 << 16),
                            [self = shared_from_this()](beast::error_code failed, std::size_t) {
                              if (!failed) self->drain();
                            });
  }

  beast::tcp_stream stream_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
  bool keep_alive_ = true, is_head_ = false, lingers_ = false;
};

}  // namespace

Address address_of(const std::string& text) {
  Address address;
  const std::size_t colon = text.rfind(':');
  const std::string digits = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos) {
    address.host = text.substr(0, colon);
    if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']')
      address.host = address.host.substr(1, address.host.size() - 2);
  }
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  boost::system::error_code no_address;
  asio::ip::make_address(address.host, no_address);
  if (failed != std::errc() || end != digits.data() + digits.size() || no_address)
    throw UsageError("'" + text +
                     "' is neither a port, as 8080, nor an address with one, as 0.0.0.0:8080 or [::1]:8080");
  return address;
}

struct Server::Implementation {
  Shared shared;  // first: connections, which end with the context, use it
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer timer{context};

  Implementation(const Address& address, Queue& queue, Languages languages, Limits limits)
      : shared{queue, std::move(languages), limits} {
    try {
      const tcp::endpoint endpoint(asio::ip::make_address(address.host), address.port);
      acceptor.open(endpoint.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(endpoint);
      acceptor.listen();
    } catch (const boost::system::system_error& failed) {
      throw IoError(
          join(address.host, ":", address.port, " can't be listened on: ", failed.code().message()));
    }
  }

  void accept() {
    acceptor.async_accept([this](beast::error_code failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted) return;
      if (!failed) {
        const auto session = std::make_shared<Session>(std::move(socket), shared);
        shared.connections > shared.limits.connections
            ? session->refuse(503, "too many connections; try again later")
            : session->read();
        return accept();
      }
      timer_until_accept();  // out of descriptors: some will be free soon
    });
  }

  void timer_until_accept() {
    const auto pause = std::make_shared<asio::steady_timer>(context, std::chrono::milliseconds(100));
    pause->async_wait([this, pause](beast::error_code) { accept(); });
  }

  void ask(const std::function<bool()>& stops) {
    timer.expires_after(std::chrono::milliseconds(100));
    timer.async_wait([this, &stops](beast::error_code) { stops() ? context.stop() : ask(stops); });
  }
};

Server::Server(const Address& address, Queue& queue, Languages languages, Limits limits)
    : implementation_(std::make_unique<Implementation>(address, queue, std::move(languages), limits)) {}

Server::~Server() = default;

unsigned short Server::port() const { return implementation_->acceptor.local_endpoint().port(); }

void Server::run(const std::function<bool()>& stops) {
  implementation_->accept();
  implementation_->ask(stops);
  implementation_->context.run();
}

}  // namespace mininmt::serve
