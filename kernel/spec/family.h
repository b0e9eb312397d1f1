// The energies of one trial: parameters of [energy] that take several values in the text of one key (train.family).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/spec/schema.h"
#include "kernel/spec/settings.h"

namespace marginalia {

// One energy of a family.
struct FamilyMember {
    nlohmann::json values = nlohmann::json::object();  // of [energy], in place of the table's own: {"coupling": 0.3}
    std::string label;                                 // "coupling=0.3", several divided by commas; "": the table's own
};

// "coupling = 0.2, 0.3; field = 0, 0.1": lists of equal length that move together, for parameters that `declared` has.
// 1..8 in a list are those whole numbers, 0.2..0.44/5 five numbers at equal distances. Throws Error, a sentence that
// begins with `key`.
std::vector<FamilyMember> read_family(std::string_view text, const std::vector<ParameterSpec>& declared,
                                      const std::string& key);

// What a trial's network is to know: the members that it learns, then others that it is asked about.
class Family {
public:
    // The members of train.family; of a trial without one, its energy alone.
    Family(const TrialSettings& settings, const std::vector<ParameterSpec>& declared);

    const std::vector<FamilyMember>& members() const { return members_; }
    std::size_t trained() const { return trained_; }

    // The member that has these values, by its number, or else a further one, the first with these values in place of
    // its own. Throws Error where several have them.
    std::size_t find_or_add(const FamilyMember& wanted);

    // The same of a text that names one energy, "coupling=0.3", or of an empty one, which names the first.
    std::size_t find_or_add(const std::string& condition);

private:
    const std::vector<ParameterSpec>& declared_;
    const nlohmann::json energy_;  // parameters
    std::vector<FamilyMember> members_;
    std::size_t trained_ = 1;
};

}  // namespace marginalia
