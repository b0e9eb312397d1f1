#include "kernel/worker/check/domain_words.h"

#include <marginalia/error.h>

#include <charconv>

namespace marginalia {
namespace {

constexpr std::string_view prefix = "domain.";
constexpr std::int64_t most_sites = 1 << 20;

std::int64_t whole_number(std::string_view text, const std::string& of, std::int64_t maximum) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > maximum)
        throw Error(of + " holds '" + std::string(text) + "'; it must be a whole number from 1 to " +
                    std::to_string(maximum));
    return value;
}

std::vector<std::int64_t> read_shape(std::string_view text) {
    std::vector<std::int64_t> shape;
    std::int64_t sites = 1;
    for (;;) {
        const std::size_t end = text.find('x');
        shape.push_back(whole_number(text.substr(0, end), "domain.shape (as 6 or 4x4)", most_sites));
        sites *= shape.back();
        if (sites > most_sites)
            throw Error("domain.shape has more than " + std::to_string(most_sites) + " sites; give fewer");
        if (end == std::string_view::npos) return shape;
        text.remove_prefix(end + 1);
    }
}

void set(GivenDomain& domain, const std::string& key, const std::string& value) {
    if (key == "shape") {
        domain.layout.shape = read_shape(value);
    } else if (key == "categories") {
        domain.categories = whole_number(value, "domain.categories", 255);
        if (domain.categories < 2) throw Error("domain.categories is 1; it must be 2 to 255");
    } else if (key == "periodic" && (value == "true" || value == "false")) {
        domain.layout.periodic = value == "true";
    } else if (key == "periodic") {
        throw Error("domain.periodic is '" + value + "'; it must be true or false");
    } else {
        throw Error("there is no domain." + key +
                    "; the words are domain.shape, domain.categories and domain.periodic");
    }
}

// A value as the command line would spell it; the list [4, 4] becomes 4x4.
std::string spelled(const config::Node& value) {
    if (!value.is_list()) return value.scalar.is_string() ? value.scalar.get<std::string>() : value.scalar.dump();
    std::string text;
    for (const config::Node& item : value.children) text += (text.empty() ? "" : "x") + item.scalar.dump();
    return text;
}

}  // namespace

std::optional<GivenDomain> take_domain(std::vector<std::string>& words) {
    std::optional<GivenDomain> domain;
    std::erase_if(words, [&](const std::string& word) {
        const auto equals = word.find('=');
        if (!word.starts_with(prefix) || equals == std::string::npos) return false;
        if (!domain) domain.emplace();
        set(*domain, word.substr(prefix.size(), equals - prefix.size()), word.substr(equals + 1));
        return true;
    });
    return domain;
}

GivenDomain domain_of_table(const config::Node& table) {
    GivenDomain domain;
    for (const config::Node& child : table.children) set(domain, child.key, spelled(child));
    return domain;
}

std::string domain_text(const Layout& layout, std::int64_t categories) {
    std::string shape;
    for (const std::int64_t extent : layout.shape) shape += (shape.empty() ? "" : "x") + std::to_string(extent);
    const char* what =
        layout.shape.size() == 1 ? (layout.periodic ? " ring" : " sites") : (layout.periodic ? " torus" : " lattice");
    return shape + what + " of " + std::to_string(categories) + " categories";
}

}  // namespace marginalia
