#include "kernel/config/needs.h"

#include <algorithm>

#include "kernel/config/nearest.h"

namespace marginalia::config {
namespace {

bool is_none(const Candidate& candidate) { return candidate.is_none(); }

bool is_used(const Section& section) {
    return !std::all_of(section.candidates.begin(), section.candidates.end(), is_none);
}

bool is_left_out_by_some(const Section& section) {
    return std::any_of(section.candidates.begin(), section.candidates.end(), is_none);
}

const Section* find_section(const std::vector<Section>& sections, const std::string& name) {
    const auto found = std::find_if(sections.begin(), sections.end(), [&](const Section& s) { return s.name == name; });
    return found == sections.end() ? nullptr : &*found;
}

std::string with_article(const std::string& table) { return (table == "energy" ? "an [" : "a [") + table + "]"; }

std::string in_words(const Section& section, const Candidate& candidate) {
    return section.kind + " '" + candidate.plugin->name + "'";
}

std::string lacks(const Node& root, const std::string& plugin, const std::string& needed,
                  const PluginCatalogue& catalogue) {
    const std::string other = needed == "energy" ? "dataset" : needed == "dataset" ? "energy" : "";
    const std::string start = plugin + " needs " + with_article(needed);
    if (other.empty())
        return start + "; add one with plugin = \"NAME\". The " + needed +
               " plugins: " + listed(plugin_names(catalogue, needed));
    return root.find(other) ? start + ", not " + with_article(other) : "";  // that both are absent has been told
}

// The table that a word of `needs` asks for: "states" are a dataset's rows or else a sampler's. Empty: nothing more.
std::string needed_table(const std::string& word, bool has_dataset) {
    if (word != "states") return word;
    return has_dataset ? "" : "sampler";
}

void check_needs(const TrialConfig& trial, const std::vector<Section>& sections, Faults& faults) {
    for (const Section& section : sections) {
        const auto table = trial.config.find(section.name);
        for (const Candidate& candidate : section.candidates) {
            if (!candidate.plugin || table == trial.config.end() || table->at("plugin") != candidate.plugin->name) continue;
            for (const std::string& word : candidate.plugin->needs) {
                const std::string needed = needed_table(word, trial.config.contains("dataset"));
                if (!needed.empty() && !trial.config.contains(needed))
                    faults.add(candidate.place,
                               in_words(section, candidate) + " needs " + with_article(needed) +
                                   ", but some of its trials in the sweep have " + needed +
                                   ".plugin = \"none\"; let the two move together in a [[sweep.zip]]");
            }
        }
    }
}

}  // namespace

void check_needs(const Node& root, const std::vector<Section>& sections, const PluginCatalogue& catalogue,
                 Faults& faults) {
    for (const Section& section : sections)
        for (const Candidate& candidate : section.candidates) {
            if (!candidate.plugin) continue;
            for (const std::string& word : candidate.plugin->needs) {
                const std::string needed = needed_table(word, root.find("dataset") != nullptr);
                if (needed.empty()) continue;
                const Section* found = find_section(sections, needed);
                if (found ? !found->complete || is_used(*found) : root.find(needed) != nullptr) continue;
                const std::string fault = lacks(root, in_words(section, candidate), needed, catalogue);
                if (!fault.empty()) faults.add(candidate.place, fault);
            }
        }
    const Section* reference = find_section(sections, "reference");
    if (reference && is_used(*reference) && root.find("dataset") && !root.find("energy"))
        faults.add(reference->place, "[reference] draws states of an [energy], but this experiment learns from a "
                                     "[dataset], whose own rows are its reference; remove the table");
}

void check_needs_of_trials(const std::vector<TrialConfig>& trials, const std::vector<Section>& sections,
                           Faults& faults) {
    if (std::none_of(sections.begin(), sections.end(), is_left_out_by_some)) return;
    for (const TrialConfig& trial : trials) check_needs(trial, sections, faults);
}

}  // namespace marginalia::config
