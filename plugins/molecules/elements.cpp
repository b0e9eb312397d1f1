#include "plugins/molecules/elements.h"

#include <array>

namespace marginalia::molecules {
namespace {

struct Element {
    std::string_view symbol;
    double weight;
};

constexpr std::array<Element, elements + 1> table = {
    {{"", 0},         {"H", 1.008},    {"He", 4.003},   {"Li", 6.941},   {"Be", 9.012},   {"B", 10.812},
     {"C", 12.011},   {"N", 14.007},   {"O", 15.999},   {"F", 18.998},   {"Ne", 20.18},   {"Na", 22.99},
     {"Mg", 24.305},  {"Al", 26.982},  {"Si", 28.086},  {"P", 30.974},   {"S", 32.067},   {"Cl", 35.453},
     {"Ar", 39.948},  {"K", 39.098},   {"Ca", 40.078},  {"Sc", 44.956},  {"Ti", 47.867},  {"V", 50.944},
     {"Cr", 51.996},  {"Mn", 54.938},  {"Fe", 55.845},  {"Co", 58.933},  {"Ni", 58.693},  {"Cu", 63.546},
     {"Zn", 65.39},   {"Ga", 69.723},  {"Ge", 72.61},   {"As", 74.922},  {"Se", 78.96},   {"Br", 79.904},
     {"Kr", 83.8},    {"Rb", 85.468},  {"Sr", 87.62},   {"Y", 88.906},   {"Zr", 91.224},  {"Nb", 92.906},
     {"Mo", 95.94},   {"Tc", 98},      {"Ru", 101.07},  {"Rh", 102.906}, {"Pd", 106.42},  {"Ag", 107.868},
     {"Cd", 112.412}, {"In", 114.818}, {"Sn", 118.711}, {"Sb", 121.76},  {"Te", 127.6},   {"I", 126.904},
     {"Xe", 131.29},  {"Cs", 132.905}, {"Ba", 137.328}, {"La", 138.906}, {"Ce", 140.116}, {"Pr", 140.908},
     {"Nd", 144.24},  {"Pm", 145},     {"Sm", 150.36},  {"Eu", 151.964}, {"Gd", 157.25},  {"Tb", 158.925},
     {"Dy", 162.5},   {"Ho", 164.93},  {"Er", 167.26},  {"Tm", 168.934}, {"Yb", 173.04},  {"Lu", 174.967},
     {"Hf", 178.49},  {"Ta", 180.948}, {"W", 183.84},   {"Re", 186.207}, {"Os", 190.23},  {"Ir", 192.217},
     {"Pt", 195.078}, {"Au", 196.967}, {"Hg", 200.59},  {"Tl", 204.383}, {"Pb", 207.2},   {"Bi", 208.98},
     {"Po", 209},     {"At", 210},     {"Rn", 222},     {"Fr", 223},     {"Ra", 226},     {"Ac", 227},
     {"Th", 232.038}, {"Pa", 231.036}, {"U", 238.029},  {"Np", 237},     {"Pu", 244},     {"Am", 243},
     {"Cm", 247},     {"Bk", 247},     {"Cf", 251},     {"Es", 252},     {"Fm", 257},     {"Md", 258},
     {"No", 259},     {"Lr", 262},     {"Rf", 267},     {"Db", 268},     {"Sg", 269},     {"Bh", 270},
     {"Hs", 269},     {"Mt", 278},     {"Ds", 281},     {"Rg", 281},     {"Cn", 285},     {"Nh", 284},
     {"Fl", 289},     {"Mc", 288},     {"Lv", 293},     {"Ts", 292},     {"Og", 294}}};

constexpr int slot(char letter) { return letter >= 'a' && letter <= 'z' ? letter - 'a' + 1 : 0; }

// Numbers by first and second letter.
constexpr auto by_letters = [] {
    std::array<std::array<std::uint8_t, 27>, 26> numbers{};
    for (std::uint8_t number = 1; number <= elements; ++number) {
        const std::string_view symbol = table[number].symbol;
        numbers[static_cast<std::size_t>(symbol[0] - 'A')][symbol.size() == 2 ? slot(symbol[1]) : 0] = number;
    }
    return numbers;
}();

constexpr std::uint8_t one[] = {1}, three[] = {3}, four[] = {4}, three_five[] = {3, 5}, two[] = {2},
                       two_four[] = {2, 4}, two_four_six[] = {2, 4, 6};

}  // namespace

std::string_view element_symbol(int element) { return table[static_cast<std::size_t>(element)].symbol; }

int element_of(std::string_view symbol) {
    if (symbol.empty() || symbol.size() > 2 || symbol[0] < 'A' || symbol[0] > 'Z') return 0;
    const int second = symbol.size() == 2 ? slot(symbol[1]) : 0;
    if (symbol.size() == 2 && second == 0) return 0;
    return by_letters[static_cast<std::size_t>(symbol[0] - 'A')][static_cast<std::size_t>(second)];
}

double atomic_weight(int element) { return table[static_cast<std::size_t>(element)].weight; }

bool in_organic_subset(int element) { return !usual_valences(element).empty(); }

bool may_be_aromatic(int element) { return aromatic_facts(element).electrons > 0; }

AromaticFacts aromatic_facts(int element) {
    switch (element) {
        case 5:
        case 13: return {three, 3};  // B Al
        case 6:
        case 14: return {four, 4};  // C Si
        case 7:
        case 15:
        case 33: return {three_five, 5};  // N P As
        case 8:
        case 16:
        case 34:
        case 52: return {two_four, 6};  // O S Se Te
        default: return {};
    }
}

std::span<const std::uint8_t> usual_valences(int element) {
    switch (element) {
        case 5: return three;  // B
        case 6: return four;   // C
        case 7:
        case 15: return three_five;    // N P
        case 8: return two;            // O
        case 16: return two_four_six;  // S
        case 9:
        case 17:
        case 35:
        case 53: return one;  // F Cl Br I
        default: return {};
    }
}

}  // namespace marginalia::molecules
