// What crosses the border of a plugin's shared library: one exported plain-data symbol, whose name carries the ABI
// number. Authors use the macros at the end of energy.h, dataset.h, network.h, sampler.h and objective.h instead.
#pragma once

#include <cstddef>

#include <marginalia/params.h>

// Raised whenever a class or struct of the SDK that plugins see changes its layout or meaning (docs/plugins.md,
// "Versions"). Plugin and host must agree exactly.
#define MARGINALIA_ABI 8

#define MARGINALIA_TEXT_(x) #x
#define MARGINALIA_TEXT(x) MARGINALIA_TEXT_(x)
#define MARGINALIA_JOIN_(a, b) a##b
#define MARGINALIA_JOIN(a, b) MARGINALIA_JOIN_(a, b)
#define MARGINALIA_SYMBOL MARGINALIA_JOIN(marginalia_plugin_v, MARGINALIA_ABI)

#ifdef _GLIBCXX_DEBUG
#define MARGINALIA_DEBUG_STL "1"
#else
#define MARGINALIA_DEBUG_STL "0"
#endif

// How a plugin was compiled; compared word for word with the host's before the plugin is used. LibTorch plugins append
// the LibTorch version (see marginalia/torch_tag.h).
#define MARGINALIA_BUILD_TAG \
    "abi " MARGINALIA_TEXT(MARGINALIA_ABI) ", c++ abi " MARGINALIA_TEXT(                         \
        __GXX_ABI_VERSION) ", cxx11 strings " MARGINALIA_TEXT(_GLIBCXX_USE_CXX11_ABI) ", debug " \
                                                                                      "stl " MARGINALIA_DEBUG_STL

namespace marginalia {

// Plain data, initialised by the linker: reading it runs no code of the plugin. `build_tag` stays the first field for
// ever.
struct PluginDescriptor {
    const char* build_tag;
    const char* kind;     // "energy", "dataset", "network", "sampler", "objective"
    const char* name;     // lower-case words joined by '-'; unique per kind
    const char* summary;  // one line
    const char* manual;   // description, equations and references as Markdown; may be ""
    const Parameter* parameters;
    std::size_t parameter_count;
    void (*create)();   // cast by the host to the factory type of the kind
    const char* needs;  // what an experiment with it must have: words such as "energy sampler" (objective.h), by spaces
};

}  // namespace marginalia

// Defines the plugin's only exported symbol. `list` is a constexpr array of marginalia::Parameter; `needs` is "" where
// any experiment will do. Not constinit: the cast of a function's address is no constant expression, as GCC 14 insists,
// though it is static data all the same (tests/layering/exports).
#define MARGINALIA_PLUGIN(tag, kind, name, summary, manual, list, factory, needs)                                   \
    extern "C" MARGINALIA_API const marginalia::PluginDescriptor MARGINALIA_SYMBOL;                                 \
    extern "C" const marginalia::PluginDescriptor MARGINALIA_SYMBOL = {                                             \
        tag,  kind, name, summary, manual, std::data(list), std::size(list), reinterpret_cast<void (*)()>(factory), \
        needs}
