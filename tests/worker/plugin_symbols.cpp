// The names by which a plugin is known, in libraries as compilers, strip and strangers leave them.
#include <doctest/doctest.h>
#include <elf.h>
#include <marginalia/error.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "kernel/worker/plugins/exported_symbols.h"

using namespace marginalia;

namespace plugin_symbols {
namespace {

namespace fs = std::filesystem;

struct Library {
    fs::path folder = fs::temp_directory_path() / ("marginalia-symbols-" + std::to_string(std::random_device{}()));
    fs::path file = folder / "small.so";

    // Few symbols and many sections: the table of sections' names is the larger one.
    Library() {
        fs::create_directories(folder);
        std::ofstream(folder / "small.c") << "int stem_v6 = 1; static int stem_local = 2; int stem_v5 = 3;\n"
                                             "__attribute__((visibility(\"hidden\"))) int stem_hidden = 4;\n"
                                             "extern int stem_elsewhere; int* other = &stem_elsewhere;\n";
        run("cc -g -shared -fPIC -o '" + file.string() + "' '" + (folder / "small.c").string() + "'");
    }
    ~Library() { fs::remove_all(folder); }

    void run(const std::string& command) { REQUIRE(std::system(command.c_str()) == 0); }

    std::string bytes() const {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::vector<std::string> of(const std::string& changed) {
        std::ofstream(file, std::ios::binary) << changed;
        return exported_symbols(file, "stem_v");
    }
};

std::vector<std::string> sorted(std::vector<std::string> names) {
    std::ranges::sort(names);
    return names;
}

}  // namespace

TEST_CASE("names that a library exports are found, stripped or not") {
    Library library;
    const std::vector<std::string> versions{"stem_v5", "stem_v6"};
    CHECK(sorted(exported_symbols(library.file, "stem_")) == versions);
    library.run("strip --strip-all '" + library.file.string() + "'");
    CHECK(sorted(exported_symbols(library.file, "stem_")) == versions);
    CHECK(exported_symbols(library.file, "nothing").empty());
}

TEST_CASE("a library with damaged tables is refused or has fewer names") {
    Library library;
    const std::string whole = library.bytes();
    CHECK_THROWS_WITH_AS(library.of("no library at all"), "not a shared library", Error);
    CHECK_THROWS_WITH_AS(library.of(""), "not a shared library", Error);
    CHECK_THROWS_WITH_AS(library.of(whole.substr(0, whole.size() - 8)), "not a shared library", Error);
    std::mt19937 random(7);
    Elf64_Ehdr header;
    std::memcpy(&header, whole.data(), sizeof(header));
    int refused = 0;
    for (int round = 0; round < 300; ++round) {  // wild numbers in the header and in the table of sections
        std::string changed = whole;
        for (int i = 0; i < 4; ++i) {
            const std::size_t table = header.e_shnum * sizeof(Elf64_Shdr);
            const std::size_t at = random() % 2 ? random() % sizeof(header) : header.e_shoff + random() % table;
            changed[at] = static_cast<char>(random());
        }
        try {
            const auto names = library.of(changed);
            CHECK(names.size() <= 2);
        } catch (const Error& error) {
            CHECK(std::string(error.what()) == "not a shared library");
            ++refused;
        }
    }
    CHECK(refused > 0);
    CHECK(refused < 300);
}

}  // namespace plugin_symbols
