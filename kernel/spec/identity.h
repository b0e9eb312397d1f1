// What a trial is known by: the hash of what shapes its weights, and beside it that of what is found out about them.
//
// A hash must outlive the programs that wrote it. So no key enters that leaves the result as it is, and none whose
// value is the one declared as `absent`: what the program did before that key existed.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/spec/schema.h"

namespace marginalia {

// The plugin that a table of a config names; "" where it names none, as in a damaged store.
std::string plugin_named(const nlohmann::json& table);

// What is declared of a config's table with these values; null: nothing is known of it.
using DeclaredOf =
    std::function<const std::vector<ParameterSpec>*(const std::string& table, const nlohmann::json& values)>;
const std::vector<ParameterSpec>* declared_by_kernel(const std::string& table, const nlohmann::json& values);
DeclaredOf declared_by(const PluginCatalogue& plugins);  // the kernel's too; the catalogue must outlive it

// A trial's config, stored or planned, in two halves, each with the first 16 hex digits of the SHA-256 of its
// identity_text.
struct SplitConfig {
    nlohmann::json training;    // [energy] or [dataset], [network], [sampler], [objective], [train]: shape the weights
    nlohmann::json evaluation;  // [evaluation], [reference]: what is found out about the weights
    std::string hash, evaluation_hash;
};

// A pure function. A stored config lacks what did not exist when it was written, which is as good as `absent`: the
// kernel's own declarations are enough for it.
SplitConfig split_config(const nlohmann::json& whole, const DeclaredOf& declared = declared_by_kernel);

// Splits the configs of a store in which a trial's hash was that of its whole config, one by one in the order in which
// they were stored: a first stage comes before what starts from it, whose train.start_from = "NAME@HASH" gets the hash
// that the first stage has now.
class OldConfigs {
public:
    SplitConfig split(nlohmann::json whole);

private:
    std::map<std::string, std::string> hashes_;  // of then -> of now
};

// Whether the table shapes the weights; otherwise it belongs to the evaluation.
bool shapes_weights(std::string_view table);

// What of a table enters a hash, as JSON: not the keys that are as if absent; not those that only say what is recorded
// on the way or kept ([train] log_every, keep_state; [evaluation] every, quick_samples, whose figures have generators
// of their own), nor those that change no more than rounding ([train] micro_batch, deterministic); of train.start_from
// = "NAME@HASH" the hash, since a name does not shape weights.
std::string identity_text(const std::string& table, const nlohmann::json& values,
                          const std::vector<ParameterSpec>& declared);

// Of a half's tables: name -> identity_text.
std::string identity_hash(const std::map<std::string, std::string>& texts);

}  // namespace marginalia
