// The page that translates while one types.
#pragma once

#include <string>

#include "apps/serve/requests.h"

namespace mininmt::serve {

std::string page(const Languages& languages);

}  // namespace mininmt::serve
