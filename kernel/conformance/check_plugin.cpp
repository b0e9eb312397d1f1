#include <cstdio>
#include <memory>
#include <optional>

#include "kernel/conformance/check.h"
#include "kernel/conformance/crash_guard.h"
#include "kernel/conformance/parameters.h"
#include "kernel/plugins/plugin_host.h"

namespace marginalia {
namespace {

constexpr unsigned longest_check_seconds = 120;

template <class Object>
KindCheck kind_check(void (*check)(const Object&, Checker&)) {
    return [check](void (*factory)(), const Params& params, Checker& checker) {
        using Factory = Object* (*)(const Params&);
        std::unique_ptr<const Object> object;
        checker.run("an object can be made", [&] {
            object.reset(reinterpret_cast<Factory>(factory)(params));
            expect(object != nullptr, "the factory returned nothing");
            return "";
        });
        if (object) check(*object, checker);
    };
}

template <class Object>
std::function<void(const Params&)> maker(void (*factory)()) {
    return [factory](const Params& params) {
        using Factory = Object* (*)(const Params&);
        delete reinterpret_cast<Factory>(factory)(params);
    };
}

void print(const CheckResult& result) {
    std::printf("%s  %s%s%s\n", result.passed ? "ok    " : "FAILED", result.name.c_str(),
                result.detail.empty() ? "" : ": ", result.detail.c_str());
    std::fflush(stdout);
}

// False: nothing but the plugin's declared parameters was checked, as no check of its kind is known.
bool run_checks(const PluginManifest& plugin, void (*factory)(), const Params& params,
                const std::map<std::string, KindCheck>& more, Checker& checker) {
    if (plugin.kind == "energy") {
        check_parameters(plugin, maker<Energy>(factory), checker);
        kind_check<Energy>(check_energy)(factory, params, checker);
    } else if (plugin.kind == "dataset") {
        check_parameters(plugin, maker<Dataset>(factory), checker);
        kind_check<Dataset>(check_dataset)(factory, params, checker);
    } else {
        check_parameters(plugin, {}, checker);
        const auto found = more.find(plugin.kind);
        if (found == more.end()) return false;
        found->second(factory, params, checker);
    }
    return true;
}

}  // namespace

int check_plugin_main(const std::filesystem::path& file, const std::vector<std::string>& words,
                      const std::map<std::string, KindCheck>& more) {
    if (!std::filesystem::is_regular_file(file)) {
        std::fprintf(stderr, "marginalia: there is no file %s; name a plugin's .so file\n", file.c_str());
        return 3;
    }
    guard_check("the file loads", longest_check_seconds);
    const PluginHost host({std::filesystem::absolute(file)});
    const PluginCatalogue& found = host.catalogue();
    if (found.plugins.empty()) {
        std::fprintf(stderr, "marginalia: %s: %s\n", file.c_str(), found.failures.front().reason.c_str());
        return 3;
    }
    const PluginManifest& plugin = found.plugins.front();
    std::optional<Params> params;
    try {
        params = plugin_parameters(plugin, words);
    } catch (const Error& error) {
        std::fprintf(stderr, "marginalia: %s\n", error.what());
        return 2;
    }
    std::printf("%s '%s': %s\n", plugin.kind.c_str(), plugin.name.c_str(), plugin.summary.c_str());
    std::fflush(stdout);
    Checker checker([](const std::string& name) { guard_check(name, longest_check_seconds); }, print);
    const bool whole = run_checks(plugin, host.factory(plugin.kind, plugin.name), *params, more, checker);
    int failed = 0;
    for (const CheckResult& result : checker.results()) failed += !result.passed;
    std::printf("%zu checks, %d failed\n", checker.results().size(), failed);
    if (!whole)
        std::printf("%s plugins are so far checked for their declared parameters only: none was made or run.\n",
                    plugin.kind.c_str());
    return failed == 0 ? 0 : 1;
}

}  // namespace marginalia
