// Regions of sites as people write them: what each form means, and what is refused in which words.
#include <doctest/doctest.h>

#include <numeric>

#include "kernel/worker/states/regions.h"

namespace regions_grammar {

using namespace marginalia;

namespace {

using Sites = std::vector<std::int64_t>;

const Layout lattice{{4, 6}, true}, chain{{10}, false}, layered{{2, 3, 4}, false}, many_axes{{2, 2, 2, 2}, false};

Sites sites(const std::string& text, const Layout& layout = lattice) { return read_region("A", text, layout).sites; }

std::string refusal(const std::string& text, const Layout& layout = lattice) {
    try {
        sites(text, layout);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

Sites up_to(std::int64_t end) {
    Sites all(static_cast<std::size_t>(end));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

}  // namespace

TEST_CASE("sites by number are a set in ascending order") {
    CHECK(read_region("A", "3", lattice).name == "A");
    CHECK(sites("0,1,5") == Sites{0, 1, 5});
    CHECK(sites(" 5 , 0-2 ,1") == Sites{0, 1, 2, 5});
    CHECK(sites("0-23") == up_to(24));
    CHECK(sites("0, 9; 4", chain) == Sites{0, 4, 9});
}

TEST_CASE("places along axes by name leave other axes whole") {
    CHECK(sites("rows 1") == Sites{6, 7, 8, 9, 10, 11});
    CHECK(sites("row 1, column 2") == Sites{8});
    CHECK(sites("rows 0,2, columns 0-1, 5") == Sites{0, 1, 5, 12, 13, 17});
    CHECK(sites("columns 5 rows 0-3") == Sites{5, 11, 17, 23});
    CHECK(sites("rows 0, columns 0; rows 3, columns 5") == Sites{0, 23});
    CHECK(sites("sites 2-4", chain) == Sites{2, 3, 4});
    CHECK(sites("layers 1, columns 3", layered) == Sites{15, 19, 23});
}

TEST_CASE("slices are NumPy's") {
    CHECK(sites("[0:2, 0:2]") == Sites{0, 1, 6, 7});
    CHECK(sites("[1]") == sites("rows 1"));
    CHECK(sites("[:, 5]") == Sites{5, 11, 17, 23});
    CHECK(sites("[2:, 4:]") == Sites{16, 17, 22, 23});
    CHECK(sites("[::2, 1:6:2]") == Sites{1, 3, 5, 13, 15, 17});
    CHECK(sites("[3]; [0, 0]") == Sites{0, 18, 19, 20, 21, 22, 23});
    CHECK(sites("[1, 1, 1, 0:2]", many_axes) == Sites{14, 15});
}

TEST_CASE("all, and the half of the first axis that has one") {
    CHECK(sites("all") == up_to(24));
    CHECK(sites("half") == up_to(12));
    CHECK(sites("half", chain) == up_to(5));
    CHECK(sites("half", Layout{{1, 5}, false}) == up_to(2));
    CHECK(refusal("half", Layout{{1, 1}, false}) == "region 'A': a single site has no half");
}

TEST_CASE("what is wrong is named, and what there is") {
    CHECK(refusal("0,24") == "region 'A': there is no site 24; there are sites 0 to 23");
    CHECK(refusal("0-999999999") == "region 'A': there is no site 999999999; there are sites 0 to 23");
    CHECK(refusal("99999999999999999999") ==
          "region 'A': there is no site 99999999999999999999; there are sites 0 to 23");
    CHECK(refusal("rows 4") == "region 'A': there is no row 4; there are rows 0 to 3");
    CHECK(refusal("rows 0-1, columns 6") == "region 'A': there is no column 6; there are columns 0 to 5");
    CHECK(refusal("[0:5]") == "region 'A': there is no row 5; there are rows 0 to 3");
    CHECK(refusal("[0:2, 0:7]") == "region 'A': there is no column 7; there are columns 0 to 5");
    CHECK(refusal("-3") == "region 'A': '-' stands where a site should; there are sites 0 to 23");
    CHECK(refusal("[-2:]") == "region 'A': '-' stands where a row should; there are rows 0 to 3");
    CHECK(refusal("[0:-1]") == "region 'A': '-' stands where a row should; there are rows 0 to 3");
    CHECK(refusal("5-2") == "region 'A': sites 5-2 run backwards; write 2-5");
    CHECK(refusal("[2:2]") == "region 'A': the slice 2:2 has no row; its end is left out");
    CHECK(refusal("[::0]") == "region 'A': a slice's step is 1 or more");
    CHECK(refusal("[0, 0, 0]") == "region 'A': it has more slices than the layout's 2 axes");
    CHECK(refusal("[0:2, 0:2") == "region 'A': ']' is missing behind its slices");
    CHECK(refusal("") == "region 'A': its end stands where a site should; there are sites 0 to 23");
    CHECK(refusal("0,1,") == "region 'A': its end stands where a site should; there are sites 0 to 23");
    CHECK(refusal("rows 0,") == "region 'A': its end stands where a row should; there are rows 0 to 3");
    CHECK(refusal("rows") == "region 'A': its end stands where a row should; there are rows 0 to 3");
    CHECK(refusal("1e9") == "region 'A': 'e' is not understood; separate its parts by ';'");
    CHECK(refusal("0 1") == "region 'A': '1' is not understood; separate its parts by ';'");
    CHECK(refusal("nan") == "region 'A': 'nan' is not a part of this layout; there are rows, columns, all and half");
    CHECK(refusal("layers 0") ==
          "region 'A': 'layers' is not a part of this layout; there are rows, columns, all and half");
    CHECK(refusal("rows 0", many_axes) == "region 'A': 'rows' is not a part of this layout; there are all and half");
    CHECK(refusal("[0, 2]", many_axes) == "region 'A': there is no axis-1 place 2; there are axis-1 places 0 to 1");
}

TEST_CASE("no text makes the reader fail otherwise than by a sentence") {
    const std::string characters = "0129,;:-[] rowcolumnshalfall\xff";
    std::uint64_t state = 1;
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (state = state * 6364136223846793005u + 1442695040888963407u; text.size() < (state >> 60);)
            text +=
                characters[((state = state * 6364136223846793005u + 1442695040888963407u) >> 33) % characters.size()];
        const std::string said = refusal(text);
        CHECK((said.empty() || said.starts_with("region 'A': ")));
        if (said.empty()) CHECK(sites(text).size() > 0);
    }
}

}  // namespace regions_grammar
