// Several models of the same words: together as an ensemble, or averaged into one.
#pragma once

#include <string>
#include <vector>

#include "apps/program/model_folder.h"

namespace mininmt {

// Reads each as load_model_folder() does. Throws DataError if their vocabularies differ.
std::vector<LoadedModel> load_models(const std::vector<std::string>& paths);

// weights, as in the next: one for each model; empty: all the same.
LoadedModel ensemble_of(std::vector<LoadedModel> models, const std::vector<double>& weights);

// Writes a model folder: the mean of the models' parameters, with the vocabularies and the saved options of
// the first, whose path is `first`. Throws UsageError if the folder has a model already or the models differ
// in kind or size.
void write_average(const std::vector<LoadedModel>& models, const std::vector<double>& weights,
                   const std::string& first, const std::string& folder);

}  // namespace mininmt
