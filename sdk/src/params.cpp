#include <marginalia/params.h>

namespace marginalia {
namespace {

using Values = std::map<std::string, ParameterValue, std::less<>>;

template <class T>
const T& get(const Values& values, std::string_view key, const char* what) {
    const auto found = values.find(key);
    if (found == values.end())
        throw Error("parameter '" + std::string(key) + "' is read but not declared; add it to the plugin's parameters");
    if (const T* value = std::get_if<T>(&found->second)) return *value;
    constexpr const char* declared[] = {"a boolean", "an integer", "a number", "a text"};
    throw Error("parameter '" + std::string(key) + "' is read as " + what + " but declared as " +
                declared[found->second.index()]);
}

}  // namespace

bool Params::boolean(std::string_view key) const { return get<bool>(values_, key, "a boolean"); }
std::int64_t Params::integer(std::string_view key) const { return get<std::int64_t>(values_, key, "an integer"); }
double Params::number(std::string_view key) const { return get<double>(values_, key, "a number"); }
const std::string& Params::text(std::string_view key) const { return get<std::string>(values_, key, "a text"); }

}  // namespace marginalia
