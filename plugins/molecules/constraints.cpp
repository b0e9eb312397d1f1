#include "plugins/molecules/constraints.h"

#include <algorithm>
#include <charconv>

#include "plugins/molecules/elements.h"
#include "plugins/molecules/selfies.h"
#include "plugins/molecules/smiles.h"

namespace marginalia::molecules {
namespace {

constexpr int most_bonds = 1000;

struct Listed {
    std::string_view key;
    int bonds;
};

constexpr Listed usual[] = {{"H", 1},   {"F", 1},   {"Cl", 1}, {"Br", 1},  {"I", 1},   {"B", 3},
                            {"B+1", 2}, {"B-1", 4}, {"O", 2},  {"O+1", 3}, {"O-1", 1}, {"N", 3},
                            {"N+1", 4}, {"N-1", 2}, {"C", 4},  {"C+1", 3}, {"C-1", 3}, {"P", 5},
                            {"P+1", 4}, {"P-1", 6}, {"S", 6},  {"S+1", 5}, {"S-1", 5}};
constexpr Listed octet_rule[] = {{"S", 2}, {"S+1", 3}, {"S-1", 1}, {"P", 3}, {"P+1", 4}, {"P-1", 2}};
constexpr Listed hypervalent[] = {{"Cl", 7}, {"Br", 7}, {"I", 7}, {"N", 5}};

void check_bonds(std::string_view key, int bonds) {
    if (bonds < 0 || bonds > most_bonds)
        throw Error("the constraint " + std::string(key) + " = " + std::to_string(bonds) +
                    " is not a number of bonds; it must be 0 to " + std::to_string(most_bonds));
}

// An element, and the charge after it; element 0 where the key is neither.
std::pair<int, int> element_and_charge(std::string_view key) {
    const std::size_t sign = std::min(key.find_first_of("+-"), key.size());
    const int element = element_of(key.substr(0, sign));
    if (sign == key.size()) return {element, 0};
    int charge = 0;
    const auto [end, failed] = std::from_chars(key.data() + sign + 1, key.data() + key.size(), charge);
    if (failed != std::errc() || end != key.data() + key.size() || charge < 1) return {0, 0};
    return {element, key[sign] == '+' ? charge : -charge};
}

}  // namespace

Constraints::Constraints(int others) : others_(others) {
    check_bonds("?", others);
    neutral_.fill(-1);
}

Constraints Constraints::preset(std::string_view name) {
    Constraints made(8);
    for (const auto& [key, bonds] : usual) made.set(key, bonds);
    if (name == "octet_rule")
        for (const auto& [key, bonds] : octet_rule) made.set(key, bonds);
    else if (name == "hypervalent")
        for (const auto& [key, bonds] : hypervalent) made.set(key, bonds);
    else if (name != "default")
        throw Error("there are no constraints '" + std::string(name) +
                    "'; there are default, octet_rule and hypervalent");
    return made;
}

void Constraints::set(std::string_view key, int bonds) {
    check_bonds(key, bonds);
    if (key == "?") {
        others_ = bonds;
        return;
    }
    const auto [element, charge] = element_and_charge(key);
    if (element == 0)
        throw Error("'" + std::string(key) +
                    "' is not a key of a constraint; give an element such as N, an ion such as N+1 or "
                    "O-1, or ? for all others");
    if (charge == 0) {
        neutral_[static_cast<std::size_t>(element)] = static_cast<std::int16_t>(bonds);
        return;
    }
    const auto found = std::find_if(ions_.begin(), ions_.end(), [element = element, charge = charge](const Ion& ion) {
        return ion.element == element && ion.charge == charge;
    });
    if (found != ions_.end()) found->bonds = bonds;
    else ions_.push_back({static_cast<std::uint8_t>(element), charge, bonds});
}

int Constraints::capacity(int element, int charge) const {
    if (charge == 0) {
        const int listed = neutral_[static_cast<std::size_t>(element)];
        return listed < 0 ? others_ : listed;
    }
    for (const Ion& ion : ions_)
        if (ion.element == element && ion.charge == charge) return ion.bonds;
    return others_;
}

std::vector<std::string> Constraints::robust_alphabet() const {
    std::vector<std::string> words(index_tokens().begin(), index_tokens().end());
    const std::string marks[] = {"", "=", "#"};
    for (const char digit : {'1', '2', '3'}) {
        for (const std::string& mark : marks) words.push_back("[" + mark + "Branch" + digit + "]");
        for (const std::string& mark : {marks[0], marks[1]}) words.push_back("[" + mark + "Ring" + digit + "]");
    }
    const auto add_atom = [&](const std::string& atom, int bonds) {
        for (int order = 1; order <= std::min(bonds, 3); ++order) words.push_back("[" + marks[order - 1] + atom + "]");
    };
    for (int element = 1; element <= elements; ++element)
        add_atom(std::string(element_symbol(element)), neutral_[static_cast<std::size_t>(element)]);
    for (const Ion& ion : ions_)
        add_atom(std::string(element_symbol(ion.element)) + (ion.charge > 0 ? "+" : "") + std::to_string(ion.charge),
                 ion.bonds);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

void check_valences(const Molecule& molecule, const Constraints& constraints) {
    for (std::int32_t number = 0; number < molecule.size(); ++number) {
        const Atom& atom = molecule.atom(number);
        const int bonds = molecule.twice_orders(number) / 2, most = constraints.capacity(atom);
        if (bonds <= most) continue;
        std::string name;
        append_atom(name, atom);
        throw MoleculeError(atom.position, "this atom, " + name + ", has bonds of order " + std::to_string(bonds) +
                                               " in all, and the constraints let it have " +
                                               std::to_string(std::max(most, 0)));
    }
}

const Constraints& default_constraints() {
    static const Constraints constraints = Constraints::preset("default");
    return constraints;
}

}  // namespace marginalia::molecules
