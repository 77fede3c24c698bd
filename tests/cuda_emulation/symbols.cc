#include "tests/cuda_emulation/symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

namespace mininmt::emulation {
namespace {

struct Named {
  std::string name;  // mangled
  ThreadLocal place;
};

struct Symbols {
  std::map<std::uintptr_t, std::string> functions;  // by address in the file
  std::vector<Named> thread_locals;
};

template <class T>
const T* at(const std::vector<char>& file, std::size_t offset) {
  return reinterpret_cast<const T*>(file.data() + offset);
}

Symbols read_symbols() {
  std::ifstream in("/proc/self/exe", std::ios::binary);
  const std::vector<char> file((std::istreambuf_iterator<char>(in)), {});
  Symbols result;
  if (file.size() < sizeof(ElfW(Ehdr))) return result;
  const auto* const header = at<ElfW(Ehdr)>(file, 0);
  for (int i = 0; i < header->e_shnum; ++i) {
    const auto* const section = at<ElfW(Shdr)>(file, header->e_shoff + i * sizeof(ElfW(Shdr)));
    if (section->sh_type != SHT_SYMTAB) continue;
    const auto* const strings = at<ElfW(Shdr)>(file, header->e_shoff + section->sh_link * sizeof(ElfW(Shdr)));
    for (std::size_t s = 0; s < section->sh_size; s += sizeof(ElfW(Sym))) {
      const auto* const symbol = at<ElfW(Sym)>(file, section->sh_offset + s);
      const char* const name = at<char>(file, strings->sh_offset + symbol->st_name);
      const int type = ELF64_ST_TYPE(symbol->st_info);
      if (type == STT_FUNC) result.functions.emplace(symbol->st_value, name);
      if (type == STT_TLS) result.thread_locals.push_back({name, {symbol->st_value, symbol->st_size}});
    }
  }
  return result;
}

const Symbols& symbols() {
  static const Symbols* const all = new Symbols(read_symbols());
  return *all;
}

// dl_iterate_phdr visits the program itself first.
int first_module(dl_phdr_info* info, std::size_t, void* out) {
  *static_cast<dl_phdr_info*>(out) = *info;
  return 1;
}

dl_phdr_info program() {
  dl_phdr_info info{};
  dl_iterate_phdr(first_module, &info);
  return info;
}

std::string mangled(const void* function) {
  const auto it = symbols().functions.find(reinterpret_cast<std::uintptr_t>(function) - program().dlpi_addr);
  return it == symbols().functions.end() ? "" : it->second;
}

// "void f<int>(float*, int)" without result type and parameters.
std::string without_signature(std::string name) {
  if (name.ends_with(')')) {
    int depth = 0;
    std::size_t i = name.size();
    do {
      --i;
      depth += name[i] == ')' ? 1 : name[i] == '(' ? -1 : 0;
    } while (depth > 0 && i > 0);
    name.resize(i);
  }
  return name.starts_with("void ") ? name.substr(5) : name;
}

template <class Matches>
std::vector<ThreadLocal> thread_locals(Matches matches) {
  std::vector<ThreadLocal> result;
  for (const Named& symbol : symbols().thread_locals)
    if (matches(symbol.name)) result.push_back(symbol.place);
  return result;
}

}  // namespace

std::string kernel_name(const void* kernel) {
  const std::string name = mangled(kernel);
  int status = 0;
  char* const demangled = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  if (status != 0) return name.empty() ? "?" : name;
  const std::string result = without_signature(demangled);
  std::free(demangled);
  return result;
}

// A variable x in function _ZN1fE... is named _ZZN1fE...E1x.
std::vector<ThreadLocal> shared_arrays(const void* kernel) {
  const std::string name = mangled(kernel);
  if (!name.starts_with("_Z")) return {};
  const std::string prefix = "_ZZ" + name.substr(2) + "E";
  return thread_locals([&](const std::string& s) { return s.starts_with(prefix); });
}

const std::vector<ThreadLocal>& all_shared_arrays() {
  static const auto* const all = new std::vector<ThreadLocal>(
      thread_locals([](const std::string& s) { return s.starts_with("_ZZN7mininmt4cuda"); }));
  return *all;
}

void poison(const std::vector<ThreadLocal>& arrays) {
  if (arrays.empty()) return;
  auto* const block = static_cast<unsigned char*>(program().dlpi_tls_data);
  if (!block) return;
  for (const ThreadLocal& array : arrays) std::memset(block + array.offset, 0xff, array.bytes);
}

}  // namespace mininmt::emulation
