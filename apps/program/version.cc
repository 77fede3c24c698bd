#include "apps/program/version.h"

namespace mininmt {

const char* const kVersion = MININMT_VERSION;

}  // namespace mininmt
