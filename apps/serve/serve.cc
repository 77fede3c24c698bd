#include "apps/serve/serve.h"

#include "apps/program/signals.h"
#include "apps/serve/server.h"
#include "apps/translate/shown.h"
#include "tensor/error.h"

namespace mininmt::serve {

int serve(const BeamOptions& options, const LoadedModel& loaded, int threads, Log& log) {
  const Address address = address_of(options.serve);
  SearchOptions search = search_options(options);
  search.alignment = loaded.model->attends();
  const auto shortlist = shortlist_of(options, loaded);
  const Translator translator(*loaded.model, loaded.source, loaded.target, search, options.mini_batch,
                              threads, shortlist ? &*shortlist : nullptr);
  Queue queue(
      [&](const std::vector<std::string>& lines) {
        return shown(translator, loaded.source, loaded.target, lines);
      },
      static_cast<std::size_t>(options.mini_batch) * static_cast<std::size_t>(options.maxi_batch),
      Limits().waiting);
  Server server(address, queue, {options.languages[0], options.languages[1]});
  note_signals();
  const std::string host =
      address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
  log.info(join("serving at http://", host, ":", server.port(), "/ until Ctrl-C"));
  server.run([] { return signal_received() != 0; });
  queue.stop();  // what waits holds connections of the server
  return 128 + signal_received();
}

}  // namespace mininmt::serve
