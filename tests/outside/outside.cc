// Built by a project of its own on the installed library: outside MODEL.safetensors ID ... prints the ids of
// the translation of a sentence of ids.
#include "nn/beam_search.h"
#include "nn/model_file.h"
#include "tensor/error.h"

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  try {
    const auto model = mininmt::load_model(argv[1]);
    std::vector<mininmt::Id> source;
    for (int i = 2; i < argc; ++i) source.push_back(std::atoi(argv[i]));
    source.push_back(mininmt::kEos);
    const std::span<const mininmt::Id> sentence = source;
    const auto translations = mininmt::beam_search(*model, {&sentence, 1}, {});
    for (const mininmt::Id word : translations[0][0].words) std::cout << word << ' ';
    std::cout << '\n';
  } catch (const mininmt::Error& error) {
    std::cerr << "outside: " << error.what() << '\n';
    return 1;
  }
}
