// The server: HTTP over TCP (Boost.Beast), answers by requests.h, translations by queue.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apps/serve/queue.h"

namespace mininmt::serve {

struct Address {
  std::string host = "127.0.0.1";
  unsigned short port = 0;  // 0: any that is free
};

// "8080", "0.0.0.0:8080", "[::1]:8080". Throws UsageError.
Address address_of(const std::string& text);

class Server {
 public:
  // Listens from here on. Throws IoError if the address can't be had. Holds a reference to the queue, which
  // has stopped when the server ends.
  Server(const Address& address, Queue& queue, Languages languages, Limits limits = {});
  ~Server();

  unsigned short port() const;

  // Serves until `stops` says so, which is asked ten times a second.
  void run(const std::function<bool()>& stops);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mininmt::serve
