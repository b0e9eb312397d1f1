#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "kernel/base/printable.h"
#include "kernel/worker/check/check.h"
#include "kernel/worker/check/crash_guard.h"
#include "kernel/worker/check/parameters.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace marginalia {
namespace {

constexpr unsigned longest_check_seconds = 120;
constexpr std::size_t name_width = 44;

// From here to its end, by a return or an exception, the process must not end otherwise.
struct Guard {
    Guard() { guard_check("the file loads", longest_check_seconds); }
    ~Guard() { end_guard(); }
};

// The checks of a kind of tier 1, whose factory takes the parameters and `rest`.
template <class Object, class Factory, class... Rest>
KindCheck first_tier(
    std::function<void(const std::function<std::unique_ptr<const Object>()>&, Checker&, const CheckTarget&)> check,
    Rest... rest) {
    return [check = std::move(check), rest...](const CheckTarget& target, Checker& checker) {
        const auto factory = reinterpret_cast<Factory>(target.factory);
        const auto make = [&] { return std::unique_ptr<const Object>(factory(target.params, rest...)); };
        const std::string kind = target.plugin.kind;
        check_declarations(target.plugin, checker);
        const bool made = checker.run((kind == "energy" ? "an " : "a ") + kind + " can be made", [&] {
            expect(make() != nullptr, "the factory returned nothing; return a new object of the class");
            return "";
        });
        if (!made) return;
        check_corners(target.plugin, target.words, [&](const Params& p) { delete factory(p, rest...); }, checker);
        check(make, checker, target);
    };
}

// Filled up with blanks to a width in characters, of which UTF-8 has more bytes than that.
std::string padded(std::string text, std::size_t width) {
    const auto characters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
    if (static_cast<std::size_t>(characters) < width) text.append(width - static_cast<std::size_t>(characters), ' ');
    return text;
}

void print(const CheckResult& result) {
    const char* verdict = result.verdict == Verdict::passed ? "ok" : result.failed() ? "FAILED" : "-";
    const std::string name = result.detail.empty() ? result.name : padded(result.name, name_width);
    std::cout << padded(verdict, 6) << "  " << printable(name) << (result.detail.empty() ? "" : "  ")
              << printable(result.detail) << std::endl;
}

KindCheck checks_of(const std::string& kind, const std::map<std::string, KindCheck>& more) {
    const auto found = more.find(kind);
    const KindCheck with_torch = found == more.end() ? KindCheck() : found->second;
    if (kind == "energy")
        return first_tier<Energy, EnergyFactory>(
            [with_torch](const EnergyMaker& make, Checker& checker, const CheckTarget& target) {
                check_energy(make, checker, [&] {
                    if (with_torch) with_torch(target, checker);
                });
            });
    if (kind == "dataset")
        return first_tier<Dataset, DatasetFactory>(
            [](const DatasetMaker& make, Checker& checker, const CheckTarget& target) {
                const auto factory = reinterpret_cast<DatasetFactory>(target.factory);
                check_dataset(make, checker, [&](const RowDescription& described) {
                    return std::unique_ptr<const Dataset>(factory(target.params, &described));
                });
            },
            nullptr);
    return with_torch;
}

// Reads the parameters and, for kinds that are made for one, the domain; the words of the command line win.
CheckTarget read_target(const PluginManifest& plugin, void (*factory)(), const std::vector<std::string>& words) {
    CheckTarget target{plugin, factory, {}, words, {}};
    if (plugin.kind == "energy" || plugin.kind == "dataset") {
        target.params = plugin_parameters(plugin, target.words);
        return target;
    }
    const auto from_words = take_domain(target.words);
    target.params = plugin_parameters(plugin, target.words, &target.domain);
    if (from_words) target.domain = from_words;
    return target;
}

int run_checks(const CheckTarget& target, const KindCheck& check) {
    std::cout << printable(target.plugin.kind + " '" + target.plugin.name + "': " + target.plugin.summary) << std::endl;
    Checker checker([](const std::string& name) { guard_check(name, longest_check_seconds); }, print);
    check(target, checker);
    const std::size_t failed = checker.count(Verdict::failed), left_out = checker.count(Verdict::left_out),
                      not_applicable = checker.count(Verdict::not_applicable);
    std::cout << checker.count(Verdict::passed) << " checks passed, " << failed << " failed";
    if (not_applicable > 0) std::cout << ", " << not_applicable << " not applicable";
    if (left_out > 0) std::cout << ", " << left_out << " left out";
    std::cout << std::endl;
    return failed == 0 ? 0 : 1;
}

}  // namespace

int check_plugin_main(const std::filesystem::path& file, const std::vector<std::string>& words,
                      const std::map<std::string, KindCheck>& more) {
    if (!std::filesystem::is_regular_file(file)) {
        std::cerr << "marginalia: there is no file " << printable(file.string()) << "; name a plugin's .so file\n";
        return 3;
    }
    const Guard guard;
    const PluginHost host({std::filesystem::absolute(file)});
    const PluginCatalogue& found = host.catalogue();
    if (found.plugins.empty()) {
        std::cerr << "marginalia: " << printable(file.string() + ": " + found.failures.front().reason) << '\n';
        return 3;
    }
    const PluginManifest& plugin = found.plugins.front();
    const KindCheck check = checks_of(plugin.kind, more);
    if (!check) {
        std::cerr << "marginalia: this program has no checks of " << printable(plugin.kind)
                  << " plugins; use marginalia-worker\n";
        return 3;
    }
    std::optional<CheckTarget> target;
    try {
        target = read_target(plugin, host.factory(plugin.kind, plugin.name), words);
    } catch (const Error& error) {
        std::cerr << "marginalia: " << printable_lines(error.what()) << '\n';
        return 2;
    }
    return run_checks(*target, check);
}

}  // namespace marginalia
