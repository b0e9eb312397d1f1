#include <algorithm>
#include <utility>

#include "plugins/molecules/elements.h"
#include "plugins/molecules/kekulize.h"
#include "plugins/molecules/selfies.h"
#include "plugins/molecules/smiles.h"

namespace marginalia::molecules {
namespace {

constexpr std::size_t longest = 16 * 16 * 16;  // what three index tokens can count

// Tokens that the index of a ring or branch of `count` takes; it says count - 1.
std::size_t index_size(std::size_t count) { return count <= 16 ? 1 : count <= 256 ? 2 : 3; }

// Chirality counts an atom's bonds in the order of the text. The decoder puts ring bonds first, those that close at the
// atom before those that open there, the latter by their other end: whether that is an odd permutation of the order
// here.
bool decoder_inverts(const Molecule& molecule, std::int32_t atom) {
    std::vector<std::pair<std::pair<int, std::int32_t>, std::size_t>> order;  // sorting key, place here
    for (const Bond& bond : molecule.leaving(atom)) {
        const auto place = static_cast<std::int32_t>(order.size());
        const int group = !bond.ring() ? 2 : bond.from < bond.to ? 1 : 0;
        order.push_back({{group, group == 1 ? bond.to : place}, order.size()});
    }
    std::sort(order.begin(), order.end());
    std::size_t cycles = 0;
    std::vector<bool> seen(order.size());
    for (std::size_t start = 0; start < order.size(); ++start) {
        cycles += !seen[start];
        for (std::size_t at = start; !seen[at]; at = order[at].second) seen[at] = true;
    }
    return (order.size() - cycles) % 2 == 1;
}

void keep_chirality(Molecule& molecule) {
    for (std::int32_t number = 0; number < molecule.size(); ++number) {
        Chirality& chirality = molecule.atom(number).chirality;
        if (chirality == Chirality::none || !molecule.in_ring_bond(number) || !decoder_inverts(molecule, number))
            continue;
        chirality = chirality == Chirality::clockwise ? Chirality::counterclockwise : Chirality::clockwise;
    }
}

void check_fragments(const Molecule& molecule) {
    const std::vector<std::int32_t>& roots = molecule.roots();
    if (roots.size() < 2) return;
    const auto fragment = [&](std::int32_t atom) { return std::upper_bound(roots.begin(), roots.end(), atom); };
    for (const Bond& bond : molecule.bonds())
        if (bond.ring() && bond.from > bond.to && fragment(bond.from) != fragment(bond.to))
            throw MoleculeError(
                molecule.atom(bond.from).position,
                "a ring bond leads from this atom to another fragment, which SELFIES are not encoded with; "
                "write the fragments as one");
}

class Encoder {
public:
    explicit Encoder(const Molecule& molecule)
        : molecule_(molecule), sizes_(static_cast<std::size_t>(molecule.size())) {
        // From the last atom on: a chain's atoms stand after the one that it leaves.
        for (std::int32_t atom = molecule.size(); atom-- > 0;)
            sizes_[static_cast<std::size_t>(atom)] = chain_size(atom);
    }

    std::string encode() {
        text_.reserve(5 * static_cast<std::size_t>(molecule_.size()) + 20);
        for (const std::int32_t root : molecule_.roots()) {
            if (root != molecule_.roots().front()) text_ += '.';
            append_token({}, root);
            for (next_ = first_bond(root); next_ != Bond::nothing || !back_.empty();) step();
        }
        return std::move(text_);
    }

private:
    const Bond& bond(std::int32_t number) const { return molecule_.bonds()[static_cast<std::size_t>(number)]; }

    std::int32_t first_bond(std::int32_t atom) const {
        const auto bonds = molecule_.leaving(atom);
        return bonds.begin() != bonds.end() ? static_cast<std::int32_t>(&*bonds.begin() - molecule_.bonds().data())
                                            : Bond::nothing;
    }

    bool is_branch(const Bond& bond) const { return !bond.ring() && bond.next != Bond::nothing; }
    static std::size_t span_of(const Bond& ring) { return static_cast<std::size_t>(ring.from - ring.to); }

    // Tokens from an atom to the end of its chain, branches and all.
    std::size_t chain_size(std::int32_t atom) const {
        std::size_t size = 1;
        for (const Bond& bond : molecule_.leaving(atom)) {
            if (bond.ring()) {
                if (bond.from > bond.to) size += 1 + checked_index_size(span_of(bond), atom, "ring");
                continue;
            }
            const std::size_t chain = sizes_[static_cast<std::size_t>(bond.to)];
            if (is_branch(bond)) size += 1 + checked_index_size(chain, bond.to, "branch");
            size += chain;
        }
        return size;
    }

    std::size_t checked_index_size(std::size_t count, std::int32_t atom, const char* what) const {
        if (count > longest)
            throw MoleculeError(molecule_.atom(atom).position,
                                std::string("this ") + what + " is " + std::to_string(count) +
                                    (what[0] == 'r' ? " atoms" : " tokens") + " long; SELFIES count to " +
                                    std::to_string(longest));
        return index_size(count);
    }

    // Takes bond next_, or goes back to where a finished branch left.
    void step() {
        if (next_ == Bond::nothing) {
            next_ = back_.back();
            back_.pop_back();
            return;
        }
        const Bond& taken = bond(next_);
        next_ = taken.next;
        if (taken.ring()) {
            if (taken.from > taken.to) append_counted(ring_signs(taken), "Ring", span_of(taken));
            return;
        }
        if (is_branch(taken)) {
            append_counted(order_sign(taken.order), "Branch", sizes_[static_cast<std::size_t>(taken.to)]);
            back_.push_back(next_);
        }
        append_token(taken.order == Order::single ? slash_sign(taken.slash) : order_sign(taken.order), taken.to);
        next_ = first_bond(taken.to);
    }

    static std::string_view order_sign(Order order) {
        return order == Order::twofold ? "=" : order == Order::threefold ? "#" : "";
    }
    static std::string_view slash_sign(Slash slash) {
        return slash == Slash::up ? "/" : slash == Slash::down ? "\\" : "";
    }

    // Of the ring bond's half at its second atom.
    std::string ring_signs(const Bond& last) const {
        const Bond& first = bond(last.other);
        if (last.order != Order::single || (first.slash == Slash::none && last.slash == Slash::none))
            return std::string(order_sign(last.order));
        std::string signs;
        for (const Slash slash : {first.slash, last.slash}) signs += slash == Slash::none ? "-" : slash_sign(slash);
        return signs;
    }

    void append_token(std::string_view sign, std::int32_t atom) {
        text_ += '[';
        text_ += sign;
        append_atom(text_, molecule_.atom(atom));
        text_ += ']';
    }

    void append_counted(std::string_view sign, std::string_view what, std::size_t count) {
        const std::size_t size = index_size(count);
        text_ += '[';
        text_ += sign;
        text_ += what;
        text_ += static_cast<char>('0' + size);
        text_ += ']';
        for (std::size_t digit = size; digit-- > 0;) text_ += index_tokens()[((count - 1) >> (4 * digit)) & 15];
    }

    const Molecule& molecule_;
    std::vector<std::size_t> sizes_;  // of the chain from each atom
    std::string text_;
    std::int32_t next_ = Bond::nothing;  // bond to be taken
    std::vector<std::int32_t> back_;     // bonds to be taken when the branches begun are finished
};

}  // namespace

std::string encode(Molecule molecule, const Constraints& constraints) {
    kekulize(molecule);
    check_valences(molecule, constraints);
    check_fragments(molecule);
    keep_chirality(molecule);
    return Encoder(molecule).encode();
}

std::string encode(std::string_view smiles, const Constraints& constraints) {
    return encode(parse_smiles(smiles), constraints);
}

}  // namespace marginalia::molecules
