// SELFIES: tokens, encoding, decoding and constraints.
#include <doctest/doctest.h>

#include "tests/plugins/selfies_testing.h"

using namespace selfies_testing;

namespace {

std::string encode_refusal(std::string_view smiles) {
    return refusal([&] { encode(smiles); });
}
std::string decode_refusal(std::string_view selfies) {
    return refusal([&] { decode(selfies); });
}

std::string repeated(std::string_view word, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += word;
    return text;
}

}  // namespace

TEST_CASE("tokens of a text") {
    CHECK(split("[C][=C].[F]") == std::vector<std::string_view>{"[C]", "[=C]", ".", "[F]"});
    CHECK(split("").empty());
    CHECK(refusal([] { split("C[C]"); }) ==
          "character 1: here a token of a SELFIES, such as [C] or [=Branch1], should be");
    CHECK(refusal([] { split("[C]C"); }) ==
          "character 4: here a token of a SELFIES, such as [C] or [=Branch1], should be");
    CHECK(refusal([] { split("[C][C"); }) == "character 4: this '[' is not closed by a ']'");
    CHECK(refusal([] { split("[C[C]"); }) == "character 1: this '[' is not closed by a ']'");
    const std::vector<std::string> texts = {"[C][F][O]", "[C].[O]", "[F][F]"};
    CHECK(alphabet_of(texts) == std::vector<std::string>{"[C]", "[F]", "[O]"});
}

TEST_CASE("what a token says") {
    using Kind = Token::Kind;
    const auto kind = [](std::string_view text) { return read_token(text).kind; };
    CHECK(kind("[nop]") == Kind::nop);
    CHECK(kind(".") == Kind::dot);
    CHECK(kind("[epsilon]") == Kind::epsilon);
    for (const char* none : {"", "[]", "[Branch4]", "[Branch]", "[/Branch1]", "[--Ring1]", "[-Ring1]", "[Ring0]", "[X]",
                             "[c]", "[CH]", "[C+0]", "[C@@@]", "[$C]", "C"})
        CHECK(kind(none) == Kind::unknown);
    const Token branch = read_token("[#Branch2]");
    CHECK(branch.kind == Kind::branch);
    CHECK(branch.order == 3);
    CHECK(branch.index_tokens == 2);
    CHECK(branch.index == 8);
    const Token ring = read_token("[-\\Ring3]");
    CHECK(ring.kind == Kind::ring);
    CHECK(ring.order == 1);
    CHECK(ring.slash == Slash::none);
    CHECK(ring.last_slash == Slash::down);
    const Token atom = read_token("[=13C@@H1-12]", 5);
    CHECK(atom.kind == Kind::atom);
    CHECK(atom.order == 2);
    CHECK(atom.atom.isotope == 13);
    CHECK(atom.atom.chirality == Chirality::clockwise);
    CHECK(atom.atom.hydrogens == 1);
    CHECK(atom.atom.charge == -12);
    CHECK(read_token("[Fe+10]").atom.charge == 10);
    CHECK(atom.atom.position == 5);
    CHECK(read_token("[C]").atom.plain());
    CHECK_FALSE(read_token("[CH0]").atom.plain());
    for (std::size_t i = 0; i < 16; ++i) CHECK(read_token(index_tokens()[i]).index == i);
}

TEST_CASE("encoding known molecules") {
    CHECK(encode("C=CF") == "[C][=C][F]");
    CHECK(encode("c1ccccc1") == "[C][=C][C][=C][C][=C][Ring1][=Branch1]");
    CHECK(encode("CC(=O)O") == "[C][C][=Branch1][C][=O][O]");
    CHECK(encode("C(F)(Cl)=O") == "[C][Branch1][C][F][Branch1][C][Cl][=O]");
    CHECK(encode("C#N.[Na+]") == "[C][#N].[Na+1]");
    CHECK(encode("[C]") == "[CH0]");
    CHECK(encode("F/C=C/F") == "[F][/C][=C][/F]");
    CHECK(encode("C1CCCC=1") == "[C][C][C][C][C][=Ring1][Branch1]");
    CHECK(encode("C/1CCCC\\1") == "[C][C][C][C][C][/\\Ring1][Branch1]");
    CHECK(encode("C" + repeated("C", 19) + "(O)C") == repeated("[C]", 20) + "[Branch1][C][O][C]");
    CHECK(encode("C(" + repeated("C", 17) + ")O") == "[C][Branch2][Ring1][C]" + repeated("[C]", 17) + "[O]");
    CHECK(encode("C1" + repeated("C", 300) + "1")
              .ends_with("[C][Ring3][Ring1][Ring2][=N]"));  // 299 = 1 * 256 + 2 * 16 + 11
}

TEST_CASE("the decoder undoes chirality that ring bonds have turned") {
    CHECK(encode("N[C@@H1]1CCCCO1") == "[N][C@@H1][C][C][C][C][O][Ring1][=Branch1]");
    CHECK(encode("N[C@](F)1CCCCO1") == "[N][C@@][Branch1][C][F][C][C][C][C][O][Ring1][#Branch1]");
    CHECK(decode("[N][C@@][Branch1][C][F][C][C][C][C][O][Ring1][#Branch1]") == "N[C@@]1(F)CCCCO1");
}

TEST_CASE("decoding: derivation rules") {
    CHECK(decode("") == "");
    CHECK(decode("[nop][nop]") == "");
    CHECK(decode("[Ring1][Branch1]") == "");
    CHECK(decode("[C][nop][=C][nop][F]") == "C=CF");
    CHECK(decode("[F][=C][=C][#N]") == "FC=C=N");  // bond orders as far as both ends have bonds
    CHECK(decode("[F][F][F][what]") == "FF");      // behind the chain's end
    CHECK(decode("[C][epsilon][C]") == "C");
    CHECK(decode("[epsilon][C][C]") == "CC");
    CHECK(decode("[C][Branch1][Ring1][C][O][N]") == "C(CO)N");
    CHECK(decode("[C][#Branch1][Ring1][#C][O][N]") == "C(#CO)N");
    CHECK(decode("[O][Branch1][C][F][C]") == "O(F)C");
    CHECK(decode("[F][Branch1][C][C]") == "FCC");  // no bond left for a branch: the token is passed over
    CHECK(decode("[C][Branch1]") == "C");
    CHECK(decode("[C][C][C][Ring1][Ring1]") == "C1CC1");
    CHECK(decode("[C][C][C][Ring1][P][C]") == "C1CC1C");  // no further back than the first atom
    CHECK(decode("[C][C][Ring1][C][C]") == "C=CC");       // between neighbours: one more bond
    CHECK(decode("[C][C].[C][C][Ring1][Ring2]") == "C1C.CC1");
    CHECK(decode("[C].[F]") == "C.F");
    CHECK(decode("[C]..[F]") == "C.F");
    CHECK(decode("[CH4][C]") == "[CH4]");
    CHECK(decode("[C][CH4][C]") == "C");
    CHECK(decode_refusal("[13CH1@+1]") == "character 1: this is not a token of a SELFIES");
    CHECK(decode_refusal("[C][what][C]") == "character 4: this is not a token of a SELFIES");
    const std::string again = "; make the SELFIES again from SMILES (marginalia-selfies encode)";
    CHECK(decode_refusal("[C][Branch1_2][C][=O][O]") ==
          "character 4: [Branch1_2] is a token of SELFIES 1, where version 2 writes [=Branch1]" + again);
    const std::pair<const char*, const char*> first_version[] = {
        {"[Branch2_1]", "[Branch2]"}, {"[Branch3_3]", "[#Branch3]"}, {"[Expl=Ring1]", "[=Ring1]"},
        {"[Expl#Ring2]", "[#Ring2]"}, {"[NHexpl]", "[NH1]"},         {"[O-expl]", "[O-1]"},
        {"[=N+expl]", "[=N+1]"},      {"[C@@Hexpl]", "[C@@H1]"}};
    for (const auto& [token, second] : first_version)
        CHECK(token_fault(token) == std::string("is a token of SELFIES 1, where version 2 writes ") + second + again);
    for (const char* token : {"[what]", "[Branch1_9x]", "[Explode]", "[expl]", "[]", "[Xxexpl]"})
        CHECK(token_fault(token) == "is not a token of SELFIES");
    CHECK(decode_refusal("[C][Ring4]") == "character 4: this is not a token of a SELFIES");
    CHECK(decode_refusal("CCO") == "character 1: here a token of a SELFIES, such as [C] or [=Branch1], should be");
    CHECK(decode_refusal("[C][CH9]") ==
          "character 4: this atom has more hydrogens than the constraints let it have bonds");
}

TEST_CASE("a vocabulary read once gives the same molecules") {
    const std::vector<Token> tokens = {read_token("[C]"), read_token("[=O]"), read_token("[nop]")};
    CHECK(write_smiles(decode_tokens(tokens)) == decode("[C][=O][nop]"));
}

TEST_CASE("constraints") {
    const Constraints octet = Constraints::preset("octet_rule"), hyper = Constraints::preset("hypervalent");
    CHECK(default_constraints().capacity(16, 0) == 6);
    CHECK(octet.capacity(16, 0) == 2);
    CHECK(octet.capacity(15, -1) == 2);
    CHECK(hyper.capacity(17, 0) == 7);
    CHECK(hyper.capacity(7, 0) == 5);
    CHECK(hyper.capacity(26, 2) == 8);
    CHECK(decode("[C][=S][=C]") == "C=S=C");
    CHECK(decode("[C][=S][=C]", octet) == "C=S");
    CHECK(encode_refusal("O=I(O)O") ==
          "character 3: this atom, I, has bonds of order 4 in all, and the constraints let it have 1");
    CHECK(encode("O=I(O)O", hyper) == "[O][=I][Branch1][C][O][O]");
    Constraints own(2);
    own.set("C", 3);
    own.set("Fe+2", 1);
    own.set("C", 4);
    own.set("Fe+2", 3);
    CHECK(own.capacity(6, 0) == 4);
    CHECK(own.capacity(26, 2) == 3);
    CHECK(own.capacity(26, 3) == 2);
    own.set("?", 0);
    CHECK(own.capacity(7, 0) == 0);
    CHECK_THROWS_WITH(Constraints::preset("none"),
                      "there are no constraints 'none'; there are default, octet_rule and hypervalent");
    for (const char* key : {"", "c", "Xx", "C+", "C+0", "C-1x", "C+-1", "+1"})
        CHECK_THROWS_WITH(own.set(key, 1),
                          doctest::Contains("is not a key of a constraint; give an element such as N"));
    CHECK_THROWS_WITH(own.set("C", -1), "the constraint C = -1 is not a number of bonds; it must be 0 to 1000");
    CHECK_THROWS_WITH(Constraints(1001), "the constraint ? = 1001 is not a number of bonds; it must be 0 to 1000");
}

TEST_CASE("the robust alphabet") {
    const std::vector<std::string> words = default_constraints().robust_alphabet();
    CHECK(std::is_sorted(words.begin(), words.end()));
    CHECK(words.size() == 69);
    for (const char* in : {"[#C]", "[=O]", "[F]", "[#N+1]", "[O-1]", "[#Branch3]", "[=Ring3]", "[H]"})
        CHECK(std::count(words.begin(), words.end(), in) == 1);
    for (const char* out : {"[#O]", "[=F]", "[=O-1]", "[#Ring1]", "[nop]", "[?]"})
        CHECK(std::count(words.begin(), words.end(), out) == 0);
    Constraints own(8);
    own.set("Au", 1);
    const std::vector<std::string> few = own.robust_alphabet();
    CHECK(few.size() == 24);  // 16 index tokens, 8 of them among the 15 of branches and rings, and [Au]
}

TEST_CASE("rings from one fragment to another are read and not encoded, as by the reference") {
    CHECK(encode_refusal("C1.CC1") ==
          "character 5: a ring bond leads from this atom to another fragment, which SELFIES are not "
          "encoded with; write the fragments as one");
}

TEST_CASE("rings and branches longer than their tokens can say") {
    CHECK(encode("C1" + repeated("C", 4096) + "1").ends_with("[Ring3][P][P][P]"));
    CHECK(encode_refusal("C1" + repeated("C", 4097) + "1") ==
          "character 4099: this ring is 4097 atoms long; SELFIES count to 4096");
    CHECK(encode_refusal("C(" + repeated("C", 4097) + ")C") ==
          "character 3: this branch is 4097 tokens long; SELFIES count to 4096");
}
