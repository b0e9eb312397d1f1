#include "kernel/spec/needs.h"

#include <algorithm>

#include "kernel/spec/family.h"
#include "kernel/spec/nearest.h"

namespace marginalia::config {
namespace {

// What a word of `needs` asks for.
struct Need {
    std::string table;                                              // empty: nothing more
    enum class Source { any, model, energy } source = Source::any;  // of a sampler's states
};

// "states" are a dataset's rows, or else states of the energy.
Need need_of(const std::string& word, bool has_dataset) {
    if (word == "model-sampler") return {"sampler", Need::Source::model};
    if (word == "target-sampler") return {"sampler", Need::Source::energy};
    if (word != "states") return {word};
    return has_dataset ? Need{} : Need{"sampler", Need::Source::energy};
}

bool draws_from_energy(const PluginManifest& sampler) {
    return std::find(sampler.needs.begin(), sampler.needs.end(), "energy") != sampler.needs.end();
}

bool fits(const Need& need, const PluginManifest& plugin) {
    return need.source == Need::Source::any || (need.source == Need::Source::energy) == draws_from_energy(plugin);
}

std::string source_in_words(bool energy) { return energy ? "the energy" : "the model"; }

std::string table_with_article(const std::string& table) { return (table == "energy" ? "an [" : "a [") + table + "]"; }

std::string in_words(const Need& need) {
    if (need.source == Need::Source::any) return table_with_article(need.table);
    return table_with_article(need.table) + " that draws from " + source_in_words(need.source == Need::Source::energy);
}

std::string in_words(const PluginManifest& plugin) { return plugin.kind + " '" + plugin.name + "'"; }

// "'block-gibbs', which draws from the model"
std::string of_another_kind(const PluginManifest& sampler) {
    return "'" + sampler.name + "', which draws from " + source_in_words(draws_from_energy(sampler));
}

std::string fitting(const Need& need, const PluginCatalogue& catalogue) {
    std::vector<std::string> names;
    for (const PluginManifest& plugin : catalogue.plugins)
        if (plugin.kind == need.table && fits(need, plugin)) names.push_back(plugin.name);
    return listed(names);
}

bool is_used(const Section& section) {
    return std::any_of(section.candidates.begin(), section.candidates.end(),
                       [](const Candidate& candidate) { return !candidate.is_none(); });
}

std::string lacks(const Node& root, const PluginManifest& plugin, const Need& need, const PluginCatalogue& catalogue) {
    const std::string other = need.table == "energy" ? "dataset" : need.table == "dataset" ? "energy" : "";
    const std::string start = in_words(plugin) + " needs " + in_words(need);
    if (other.empty())
        return start + "; add one with plugin = \"NAME\". " +
               (need.source == Need::Source::any ? "The " + need.table + " plugins: " : "Choices: ") +
               fitting(need, catalogue);
    return root.find(other) ? start + ", not " + table_with_article(other) : "";  // that both are absent has been told
}

// The fault of a need that no trial meets; empty: there is none, or not all of it is known yet.
std::string unmet(const Node& root, const std::vector<Section>& sections, const PluginManifest& plugin,
                  const Need& need, const PluginCatalogue& catalogue) {
    const Section* found = find_section(sections, need.table);
    if (found && !found->complete) return "";
    if (found ? !is_used(*found) : !root.find(need.table)) return lacks(root, plugin, need, catalogue);
    if (!found) return "";
    const PluginManifest* wrong = nullptr;
    for (const Candidate& candidate : found->candidates) {
        if (candidate.is_none()) continue;
        if (fits(need, *candidate.plugin)) return "";
        if (!wrong) wrong = candidate.plugin;
    }
    return in_words(plugin) + " needs " + in_words(need) + ", not " + of_another_kind(*wrong) +
           "; these do: " + fitting(need, catalogue);
}

void check_reference(const Node& root, const Section& reference, const PluginCatalogue& catalogue, Faults& faults) {
    if (is_used(reference) && root.find("dataset") && !root.find("energy"))
        return faults.add(reference.place,
                          "[reference] draws states of an [energy], but this experiment learns from a "
                          "[dataset], whose own rows are its reference; remove the table");
    const Need need{"sampler", Need::Source::energy};
    for (const Candidate& candidate : reference.candidates)
        if (candidate.plugin && !fits(need, *candidate.plugin))
            faults.add(candidate.place, "[reference] needs a sampler that draws from the energy, not " +
                                            of_another_kind(*candidate.plugin) +
                                            "; these do: " + fitting(need, catalogue));
}

const Candidate* candidate_of(const TrialConfig& trial, const Section& section) {
    const auto table = trial.config.find(section.name);
    if (table == trial.config.end()) return nullptr;
    const auto found = std::find_if(section.candidates.begin(), section.candidates.end(), [&](const Candidate& c) {
        return c.plugin && table->at("plugin") == c.plugin->name;
    });
    return found == section.candidates.end() ? nullptr : &*found;
}

// What one trial has in place of what a plugin needs; empty: it has that.
std::string instead_of(const Need& need, const TrialConfig& trial, const std::vector<Section>& sections) {
    if (need.table.empty()) return "";
    if (!trial.config.contains(need.table)) return need.table + ".plugin = \"none\"";
    const Section* section = find_section(sections, need.table);
    const Candidate* candidate = section ? candidate_of(trial, *section) : nullptr;
    return candidate && !fits(need, *candidate->plugin) ? of_another_kind(*candidate->plugin) : "";
}

void check_needs(const TrialConfig& trial, const std::vector<Section>& sections, Faults& faults) {
    for (const Section& section : sections) {
        const Candidate* candidate = candidate_of(trial, section);
        if (!candidate) continue;
        for (const std::string& word : candidate->plugin->needs) {
            const Need need = need_of(word, trial.config.contains("dataset"));
            const std::string instead = instead_of(need, trial, sections);
            if (!instead.empty())
                faults.add(candidate->place, in_words(*candidate->plugin) + " needs " + in_words(need) +
                                                 ", but some of its trials in the sweep have " + instead +
                                                 "; let the two move together in a [[sweep.zip]]");
        }
    }
}

// An objective that takes states from wherever they come would take the sampler's in place of the rows.
void check_rows_are_used(const TrialConfig& trial, const std::vector<Section>& sections, Faults& faults) {
    const Section* objective = find_section(sections, "objective");
    const Candidate* candidate = objective ? candidate_of(trial, *objective) : nullptr;
    if (!candidate || !trial.config.contains("dataset") || !trial.config.contains("sampler")) return;
    const std::vector<std::string>& needs = candidate->plugin->needs;
    if (std::find(needs.begin(), needs.end(), "states") != needs.end())
        faults.add(find_section(sections, "sampler")->place,
                   in_words(*candidate->plugin) +
                       " learns from the rows of the [dataset], in whose place it would take the states of this "
                       "[sampler]; remove the table");
}

// Where a key was given, in its table or in the sweep.
Place place_of(const Node& root, const std::string& table, const std::string& key) {
    const Node *given = root.find(table), *sweep = root.find("sweep");
    if (const Node* found = given && given->is_table() ? given->find(key) : nullptr) return found->place;
    if (const Node* found = sweep && sweep->is_table() ? sweep->find(table + "." + key) : nullptr) return found->place;
    return given ? given->place : Place{};
}

void check_annealing(const Node& root, const TrialConfig& trial, Faults& faults) {
    if (trial.config.contains("dataset") && trial.config.at("evaluation").at("ais_chains") > 0)
        faults.add(place_of(root, "evaluation", "ais_chains"),
                   "'evaluation.ais_chains' estimates log Z of an [energy], but this experiment learns from a "
                   "[dataset], which has none; remove it");
}

void check_family(const Node& root, const TrialConfig& trial, const std::vector<Section>& sections, Faults& faults) {
    const Section* energy = find_section(sections, "energy");
    const Candidate* candidate = energy ? candidate_of(trial, *energy) : nullptr;
    for (const std::string table : {"train", "evaluation"}) {
        const auto text = trial.config.at(table).at("family").get<std::string>();
        if (text.empty()) continue;
        const std::string key = table + ".family";
        try {
            if (!candidate)
                throw Error("'" + key + "' is of an [energy], but this experiment learns from a [dataset]; remove it");
            read_family(text, *candidate->parameters, key);
        } catch (const Error& error) {
            faults.add(place_of(root, table, "family"), error.what());
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
                const Need need = need_of(word, root.find("dataset") != nullptr);
                if (need.table.empty()) continue;
                const std::string fault = unmet(root, sections, *candidate.plugin, need, catalogue);
                if (!fault.empty()) faults.add(candidate.place, fault);
            }
        }
    if (const Section* reference = find_section(sections, "reference"))
        check_reference(root, *reference, catalogue, faults);
}

void check_needs_of_trials(const Node& root, const std::vector<TrialConfig>& trials,
                           const std::vector<Section>& sections, Faults& faults) {
    for (const TrialConfig& trial : trials) {
        check_needs(trial, sections, faults);
        check_rows_are_used(trial, sections, faults);
        check_annealing(root, trial, faults);
        check_family(root, trial, sections, faults);
    }
}

}  // namespace marginalia::config
