#include "kernel/spec/family.h"

#include <algorithm>
#include <charconv>

#include <marginalia/lists.h>

#include "kernel/spec/nearest.h"
#include "kernel/spec/section.h"
#include "kernel/spec/toml_text.h"
#include "kernel/spec/value.h"

namespace marginalia {
namespace {

constexpr std::size_t most_members = 256;  // each has an energy, chains and a log Z of its own
constexpr const char* remedy = "; write it as \"coupling = 0.2, 0.3\"";

std::string label_of(const nlohmann::json& values) {
    std::string label;
    for (const auto& [name, value] : values.items()) {
        std::string text = value.is_string() ? value.get<std::string>() : config::toml_scalar(value);
        if (value.is_number_float() && text.ends_with(".0")) text.resize(text.size() - 2);
        label += (label.empty() ? "" : ",") + name + "=" + text;
    }
    return label;
}

// "a, b" and "a; b" in their parts, without the blanks around them.
std::vector<std::string_view> parts_of(std::string_view text, char divider) {
    std::vector<std::string_view> parts;
    for (bool more = true; more;) {
        const std::size_t end = text.find(divider);
        parts.push_back(trim_blanks(text.substr(0, end)));
        more = end != text.npos;
        if (more) text.remove_prefix(end + 1);
    }
    return parts;
}

// The values of one parameter.
class ListReader {
public:
    ListReader(const ParameterSpec& spec, const std::string& key) : spec_(spec), key_(key) {}

    std::vector<nlohmann::json> read(std::string_view list) {
        const bool ranges = spec_.type == ParameterType::integer || spec_.type == ParameterType::number;
        for (const std::string_view item : parts_of(list, ',')) {
            if (const std::size_t dots = item.find(".."); ranges && dots != item.npos)
                add_range(item, item.substr(0, dots), item.substr(dots + 2));
            else values_.push_back(value_of(item));
            if (values_.size() > most_members) refuse("has more than " + std::to_string(most_members) + " members");
        }
        return std::move(values_);
    }

private:
    [[noreturn]] void refuse(const std::string& what) const { throw Error(key_ + ": '" + spec_.name + "' " + what); }

    nlohmann::json value_of(std::string_view text) const {
        if (text.empty()) refuse("has a value that is empty");
        const auto read = config::read_toml_value(std::string(text), {});
        const bool as_it_is = !read || (spec_.type == ParameterType::text && !read->scalar.is_string());
        const nlohmann::json value = as_it_is ? nlohmann::json(std::string(text)) : read->scalar;
        if (const std::string fault = config::fault_of(value, spec_, spec_.name); !fault.empty())
            throw Error(key_ + ": " + fault);
        return spec_.type == ParameterType::number ? nlohmann::json(value.get<double>() + 0.0) : value;
    }

    void add_range(std::string_view item, std::string_view first, std::string_view rest) {
        const std::size_t slash = rest.find('/');
        const bool counted = slash != rest.npos, whole = spec_.type == ParameterType::integer;
        const std::string_view last = rest.substr(0, slash);
        const auto count = counted ? whole_numbers(rest.substr(slash + 1), 2, most_members) : std::nullopt;
        if (counted == whole || (counted && (!count || count->size() != 1)))
            refuse("cannot be " + config::toml_scalar(std::string(item)) +
                   (whole ? "; a range of whole numbers is written as 1..8"
                          : "; a range of numbers is written as 0.2..0.44/5, its ends and how many"));
        const double begin = value_of(trim_blanks(first)), end = value_of(trim_blanks(last));
        if (!(begin < end)) refuse("has the range " + std::string(item) + "; the lower end comes first");
        if (whole)
            for (double value = begin; value <= end && values_.size() <= most_members; ++value)
                values_.emplace_back(static_cast<std::int64_t>(value));
        else
            for (std::int64_t i = 0; i < count->front(); ++i)
                values_.emplace_back(
                    rounded(begin + (end - begin) * static_cast<double>(i) / static_cast<double>(count->front() - 1)));
    }

    // So that 0.26 of 0.2..0.44/5 is what people write.
    static double rounded(double value) {
        constexpr int digits = 12;
        char text[32];
        const char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr;
        std::from_chars(text, end, value);
        return value;
    }

    const ParameterSpec& spec_;
    const std::string& key_;
    std::vector<nlohmann::json> values_;
};

const ParameterSpec& parameter_called(std::string_view name, const std::vector<ParameterSpec>& declared,
                                      const std::string& key) {
    const ParameterSpec* spec = config::find_parameter(declared, name);
    if (!spec)
        throw Error(key + ": [energy] has no parameter '" + std::string(name) + "'" +
                    suggestion(name, config::names_of(declared), "Its parameters"));
    if (names_file(spec->type))
        throw Error(key + ": '" + spec->name + "' names a file, which members cannot differ in; sweep it");
    return *spec;
}

}  // namespace

std::vector<FamilyMember> read_family(std::string_view text, const std::vector<ParameterSpec>& declared,
                                      const std::string& key) {
    std::vector<FamilyMember> members;
    for (const std::string_view part : parts_of(text, ';')) {
        const std::size_t equals = part.find('=');
        if (equals == part.npos)
            throw Error(key + ": " + config::toml_scalar(std::string(part)) + " is not NAME = VALUES" + remedy);
        const ParameterSpec& spec = parameter_called(trim_blanks(part.substr(0, equals)), declared, key);
        const std::vector<nlohmann::json> values = ListReader(spec, key).read(part.substr(equals + 1));
        if (!members.empty() && members.front().values.contains(spec.name))
            throw Error(key + ": '" + spec.name + "' is given twice; give one list of it");
        if (!members.empty() && members.size() != values.size())
            throw Error(key + ": '" + spec.name + "' has " + std::to_string(values.size()) +
                        " values, and what stands before it " + std::to_string(members.size()) +
                        "; lists that move together must be of equal length");
        members.resize(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) members[i].values[spec.name] = values[i];
    }
    for (FamilyMember& member : members) {
        member.label = label_of(member.values);
        if (std::ranges::count(members, member.label, &FamilyMember::label) > 1)
            throw Error(key + ": the member " + member.label + " is there twice; every member is another energy");
    }
    return members;
}

Family::Family(const TrialSettings& settings, const std::vector<ParameterSpec>& declared)
    : declared_(declared), energy_(settings.plugin("energy").parameters) {
    if (settings.train.family.empty()) members_.emplace_back();
    else members_ = read_family(settings.train.family, declared, "train.family");
    trained_ = members_.size();
}

std::size_t Family::find_or_add(const FamilyMember& wanted) {
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        nlohmann::json all = energy_;
        all.update(members_[i].values);
        const nlohmann::json before = all;
        all.update(wanted.values);
        if (all == before) fitting.push_back(i);
    }
    if (fitting.size() > 1)
        throw Error("'" + wanted.label + "' may be " + members_[fitting[0]].label + " or " +
                    members_[fitting[1]].label + "; say which by its other values");
    if (fitting.size() == 1) return fitting.front();
    nlohmann::json values = members_.front().values;
    values.update(wanted.values);
    members_.push_back({values, label_of(values)});
    return members_.size() - 1;
}

std::size_t Family::find_or_add(const std::string& condition) {
    if (condition.empty()) return 0;
    const std::vector<FamilyMember> named = read_family(condition, declared_, "--condition");
    if (named.size() > 1) throw Error("--condition names " + std::to_string(named.size()) + " energies; name one");
    return find_or_add(named.front());
}

}  // namespace marginalia
