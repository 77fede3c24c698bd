// Libraries that are loaded at the first call into them, not at program start: loading takes time and memory
// even if only the CPU is used, and this way they may be missing then.
#pragma once

#include <dlfcn.h>

#include <string>

#include "tensor/error.h"

namespace mininmt::cuda {

class Library {
 public:
  // needed: by what; file: as in libcublas.so.13; way_out: what to do where it is missing. Throws Error then.
  Library(const char* name, const char* needed, const std::string& file, const char* way_out)
      : name_(name), handle_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle_) throw Error(join(name, " is needed ", needed, ": ", dlerror(), "; ", way_out));
  }

  // Calls `function`, and caches its address in `symbol`. Argument types are those of its declaration.
  template <class Result, class... Arguments>
  Result call(void*& symbol, const char* function, Arguments... arguments) const {
    if (!symbol) symbol = dlsym(handle_, function);
    if (!symbol) throw Error(join(name_, " has no ", function, ": ", dlerror()));
    return reinterpret_cast<Result (*)(Arguments...)>(symbol)(arguments...);
  }

 private:
  const char* name_;
  void* handle_;
};

}  // namespace mininmt::cuda
