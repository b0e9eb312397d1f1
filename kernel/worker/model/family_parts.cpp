#include "kernel/worker/model/family_parts.h"

namespace marginalia {
namespace {

// The request of one member, without the archives.
TrialRequest request_of_member(const TrialRequest& request, const FamilyMember& member) {
    TrialRequest own;
    own.settings = request.settings;
    own.settings.plugins.find("energy")->second.parameters.update(member.values);
    own.seed = request.seed;
    own.device = request.device;
    return own;
}

void require_same_sites(const Domain& a, const Domain& b, const std::string& label) {
    if (a.sites == b.sites && a.categories == b.categories && a.layout.shape == b.layout.shape &&
        a.layout.periodic == b.layout.periodic)
        return;
    throw Error("the energy " + label + " has other sites, symbols or borders than the first of its family; all must " +
                "have the same");
}

}  // namespace

Family family_of(const TrialRequest& request, const PluginHost& plugins) {
    const std::vector<ParameterSpec>& declared =
        plugins.manifest("energy", request.settings.plugin("energy").plugin).parameters;
    Family family(request.settings, declared);
    if (const std::string& further = request.settings.evaluation.family; request.evaluate && !further.empty())
        for (const FamilyMember& member : read_family(further, declared, "evaluation.family"))
            family.find_or_add(member);
    family.find_or_add(request.condition);
    return family;
}

TrialParts build_members(const TrialRequest& request, const PluginHost& plugins, const BuildSingle& build) {
    if (!request.settings.has("energy")) return build(request);
    const Family family = family_of(request, plugins);
    const std::vector<FamilyMember>& members = family.members();
    TrialParts parts = build(request_of_member(request, members[0]));
    parts.members = Members(members[0].label, *parts.network);
    for (std::size_t i = 1; i < members.size(); ++i) {
        TrialParts other = build(request_of_member(request, members[i]));
        require_same_sites(parts.domain, other.domain, members[i].label);
        parts.members.add(members[i].label, i < family.trained(), std::move(static_cast<Target&>(other)),
                          buffers_of(*other.network));
    }
    return parts;
}

}  // namespace marginalia
