// Lines of the .xz files that lie beside the project, and molecules compared atom by atom.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plugins/molecules/constraints.h"
#include "plugins/molecules/kekulize.h"
#include "plugins/molecules/selfies.h"
#include "plugins/molecules/smiles.h"

namespace selfies_testing {

using namespace marginalia::molecules;

// A file beside the project (or in MARGINALIA_TEST_DATA); empty, said aloud, where it is not there.
inline std::string shared_file(const std::string& name) {
    namespace fs = std::filesystem;
    const char* given = std::getenv("MARGINALIA_TEST_DATA");
    const fs::path folder = given ? fs::path(given) : fs::path(MARGINALIA_SOURCE_DIR).parent_path() / "shared" / "data";
    if (fs::exists(folder / name)) return (folder / name).string();
    std::cout << "left out: there is no " << (folder / name).string() << std::endl;
    return "";
}

// The first lines of an .xz file, without its first line of column names.
inline std::vector<std::string> lines_of(const std::string& path, std::size_t most = 1'000'000'000) {
    archive* a = archive_read_new();
    archive_read_support_filter_xz(a);
    archive_read_support_format_raw(a);
    REQUIRE(archive_read_open_filename(a, path.c_str(), 1 << 16) == ARCHIVE_OK);
    archive_entry* entry = nullptr;
    REQUIRE(archive_read_next_header(a, &entry) == ARCHIVE_OK);
    std::vector<std::string> lines(1);
    std::vector<char> buffer(1 << 16);
    for (la_ssize_t size; lines.size() <= most + 1 && (size = archive_read_data(a, buffer.data(), buffer.size())) > 0;)
        for (la_ssize_t i = 0; i < size; ++i)
            if (buffer[static_cast<std::size_t>(i)] == '\n') lines.emplace_back();
            else lines.back() += buffer[static_cast<std::size_t>(i)];
    archive_read_free(a);
    if (lines.back().empty() || lines.size() > most + 1) lines.resize(std::min(lines.size() - 1, most + 1));
    lines.erase(lines.begin());
    return lines;
}

inline std::vector<std::string> fields_of(const std::string& line) {
    std::vector<std::string> fields(1);
    for (const char c : line)
        if (c == '\t') fields.emplace_back();
        else fields.back() += c;
    return fields;
}

// What the function's MoleculeError says; "" where it throws none.
template <typename Function>
std::string refusal(Function function) {
    try {
        function();
    } catch (const MoleculeError& error) {
        return error.what();
    }
    return "";
}

using BondOrders = std::map<std::pair<int, int>, int>;  // by atoms

inline BondOrders orders_of(const Molecule& molecule) {
    BondOrders orders;
    for (const Bond& bond : molecule.bonds())
        orders[{std::min(bond.from, bond.to), std::max(bond.from, bond.to)}] = static_cast<int>(bond.order);
    return orders;
}

// Both kekulized, atom i of the one the same as atom i of the other and bonded alike; chirality left out, which depends
// on the order of bonds.
inline bool same_molecule(const Molecule& a, const Molecule& b) {
    if (a.size() != b.size() || orders_of(a) != orders_of(b)) return false;
    for (std::int32_t i = 0; i < a.size(); ++i) {
        const Atom &one = a.atom(i), &two = b.atom(i);
        if (one.element != two.element || one.hydrogens != two.hydrogens || one.charge != two.charge ||
            one.isotope != two.isotope || one.aromatic != two.aromatic ||
            (one.chirality == Chirality::none) != (two.chirality == Chirality::none))
            return false;
    }
    return true;
}

inline Molecule kekulized(std::string_view smiles) {
    Molecule molecule = parse_smiles(smiles);
    kekulize(molecule);
    return molecule;
}

}  // namespace selfies_testing
