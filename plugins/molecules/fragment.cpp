#include "plugins/molecules/fragment.h"

#include <algorithm>
#include <limits>

#include "plugins/molecules/smiles.h"

namespace marginalia::molecules {
namespace {

constexpr std::size_t endless = std::numeric_limits<std::size_t>::max(), no_parent = endless;

// A branch or ring token with its index tokens.
struct Counted {
    std::size_t place, size;    // tokens
    std::size_t first, second;  // atoms: where the branch leaves and its first; what the ring binds
};

// The tree of an encoded molecule as its tokens tell it; atoms are numbered from 0 in their order.
struct TokenTree {
    std::vector<std::size_t> parents;  // of each atom; no_parent: none
    std::vector<std::size_t> places;   // of each atom's token
    std::vector<Counted> branches, rings;
};

class TreeReader {
public:
    explicit TreeReader(const std::vector<Token>& tokens) : tokens_(tokens) {}

    TokenTree read() {
        for (std::size_t at = 0; at < tokens_.size(); ++at) {
            while (open_.size() > 1 && open_.back().end <= at) open_.pop_back();
            at += take(at);
        }
        return std::move(tree_);
    }

private:
    struct Level {
        std::size_t end;   // token behind the branch
        std::size_t last;  // atom
    };

    // Returns how many index tokens follow.
    std::size_t take(std::size_t at) {
        const Token& token = tokens_[at];
        Level& level = open_.back();
        const std::size_t next = tree_.places.size(), behind = at + 1 + token.index_tokens;
        if (token.kind == Token::Kind::atom) {
            tree_.parents.push_back(level.last);
            tree_.places.push_back(at);
            level.last = next;
        } else if (token.kind == Token::Kind::dot) {
            level.last = no_parent;
        } else if (token.kind == Token::Kind::branch) {
            tree_.branches.push_back({at, behind - at, level.last, next});
            open_.push_back({behind + count(at), level.last});
        } else if (token.kind == Token::Kind::ring) {
            tree_.rings.push_back({at, behind - at, level.last - std::min(level.last, count(at)), level.last});
        }
        return token.index_tokens;
    }

    std::size_t count(std::size_t at) const {
        std::size_t value = 0;
        for (std::size_t i = 1; i <= tokens_[at].index_tokens; ++i) value = 16 * value + tokens_[at + i].index;
        return value + 1;
    }

    const std::vector<Token>& tokens_;
    TokenTree tree_;
    std::vector<Level> open_ = {{endless, no_parent}};
};

std::vector<bool> kept_tokens(const TokenTree& tree, std::size_t tokens, const std::vector<bool>& atoms) {
    std::vector<bool> kept(tokens);
    std::vector<std::size_t> last_child(atoms.size(), no_parent);  // of a kept atom the last that is kept as well
    for (std::size_t atom = 0; atom < atoms.size(); ++atom) {
        kept[tree.places[atom]] = atoms[atom];
        const std::size_t parent = tree.parents[atom];
        if (parent != no_parent && atoms[atom] && atoms[parent]) last_child[parent] = atom;
    }
    const auto keep = [&](const Counted& part) {
        std::fill_n(kept.begin() + static_cast<std::ptrdiff_t>(part.place), part.size, true);
    };
    for (const Counted& branch : tree.branches)
        if (last_child[branch.first] != no_parent && branch.second <= last_child[branch.first]) keep(branch);
    for (const Counted& ring : tree.rings)
        if (atoms[ring.first] && atoms[ring.second]) keep(ring);
    return kept;
}

// Tokens that know their places, by which their atoms are found again.
std::vector<Token> read_tokens(const std::vector<std::string>& words) {
    std::vector<Token> tokens;
    for (const std::string& word : words) tokens.push_back(read_token(word, tokens.size()));
    return tokens;
}

}  // namespace

Fragment::Fragment(std::string_view line) {
    constexpr std::string_view blanks = " \t";
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    line = line.substr(0, line.find_last_not_of(blanks) + 1);
    const std::size_t end = std::min(line.find_first_of(blanks), line.size());
    Molecule molecule = parse_smiles(line.substr(0, end));
    const std::int32_t atoms = molecule.size();
    const std::string selfies = encode(std::move(molecule));
    for (const std::string_view word : split(selfies)) words_.emplace_back(word);
    whole_ = end == line.size();
    const std::vector<Token> tokens = read_tokens(words_);
    kept_ = whole_ ? std::vector<bool>(words_.size(), true)
                   : kept_tokens(TreeReader(tokens).read(), words_.size(), read_atom_list(line.substr(end), atoms));
    bonds_ = bonds_among_kept(tokens, atoms_);
}

std::vector<std::uint8_t> Fragment::symbols(std::span<const std::string> vocabulary) const {
    std::vector<std::uint8_t> numbers(words_.size(), static_cast<std::uint8_t>(vocabulary.size()));
    for (std::size_t i = 0; i < words_.size(); ++i) {
        if (!kept_[i]) continue;
        const auto found = std::find(vocabulary.begin(), vocabulary.end(), words_[i]);
        if (found == vocabulary.end())
            throw Error("the SELFIES of this SMILES has the token " + words_[i] + ", which is not in the alphabet");
        numbers[i] = static_cast<std::uint8_t>(found - vocabulary.begin());
    }
    return numbers;
}

bool Fragment::is_in(std::span<const Token> row) const {
    std::vector<Token> placed(row.begin(), row.end());
    for (std::size_t at = 0; at < placed.size(); ++at) placed[at].atom.position = static_cast<std::uint32_t>(at);
    std::size_t atoms = 0;
    return bonds_among_kept(placed, atoms) == bonds_ && atoms == atoms_;
}

std::vector<Fragment::BoundPair> Fragment::bonds_among_kept(std::span<const Token> row, std::size_t& atoms) const {
    const Molecule molecule = decode_tokens(row);
    const auto is_kept = [&](std::int32_t atom) {
        const std::uint32_t place = molecule.atom(atom).position;
        return place < kept_.size() && kept_[place];
    };
    atoms = 0;
    for (std::int32_t atom = 0; atom < molecule.size(); ++atom) atoms += is_kept(atom);
    std::vector<BoundPair> pairs;
    for (const Bond& bond : molecule.bonds())  // of a ring bond one of its halves
        if ((!bond.ring() || bond.from < bond.to) && is_kept(bond.from) && is_kept(bond.to))
            pairs.push_back({molecule.atom(bond.from).position, molecule.atom(bond.to).position, bond.order});
    std::sort(pairs.begin(), pairs.end());
    return pairs;
}

}  // namespace marginalia::molecules
