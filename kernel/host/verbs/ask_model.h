// What the verbs that ask a trained model share: finding its trial, and becoming the worker that answers.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/verbs/model_options.h"
#include "kernel/spec/schema.h"
#include "kernel/wire/inference_request.h"

namespace marginalia {

// A number is a trial, whatever files there are.
bool is_experiment_file(const std::string& what);

// A request about the model of a trial's checkpoint, its plugin files among it. Throws store::StoreError (no_match)
// where there is no such trial or checkpoint, MissingPlugin, and Error for an experiment file.
InferenceRequest ask_model(const Common& common, const ModelOptions& options);
// The same with what `sample`, `complete` and `marginals` ask, but for the number of states.
InferenceRequest ask_model(const Common& common, const InferenceOptions& options, InferenceRequest::Verb verb,
                           const OutputRequest& output);

// The states that it is about: what is no file is itself the text of one.
void give_states(InferenceRequest& request, const std::string& states);

// Adds the files of the plugins that these tables of the request's config name. Throws MissingPlugin.
void use_plugins(InferenceRequest& request, const std::vector<std::string>& tables, const PluginCatalogue& catalogue);

// Becomes the worker program, which answers.
[[noreturn]] void hand_over(const InferenceRequest& request);

}  // namespace marginalia
