#include <algorithm>
#include <limits>

#include "plugins/molecules/selfies.h"
#include "plugins/molecules/smiles.h"

namespace marginalia::molecules {
namespace {

constexpr std::int32_t no_atom = -1;
constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();

Order order_of(int order) { return order == 1 ? Order::single : order == 2 ? Order::twofold : Order::threefold; }
int number_of(Order order) { return static_cast<int>(order) / 2; }

// The derivation of Krenn et al.: a state, the number of bonds that the chain's last atom has free, decides how much of
// each token's bond order is granted. A chain inside a branch may take a stated number of tokens and is kept on a stack
// of its own, so that nesting costs no stack of the machine.
class Decoder {
public:
    // `words`: the tokens' text, for messages; empty where it is not at hand.
    Decoder(std::span<const Token> tokens, const Constraints& constraints, std::span<const std::string_view> words = {})
        : tokens_(tokens), constraints_(constraints), words_(words) {}

    Molecule decode() {
        for (; at_ < tokens_.size(); ++at_) decode_fragment();  // the dot between two is passed over
        for (const Ring& ring : rings_) make(ring);
        return std::move(molecule_);
    }

    std::size_t read() const { return read_; }

private:
    struct Chain {
        std::size_t taken = 0;  // tokens
        std::size_t most;       // to be taken
        int state;              // free bonds of the last atom; 0: before the first atom
        std::int32_t last;      // atom
        bool ended = false;
    };

    struct Ring {
        std::int32_t first, last;
        int order;
        Slash at_first, at_last;
    };

    // The next token of the fragment, or null at its end.
    const Token* next() {
        while (at_ < tokens_.size() && tokens_[at_].kind == Token::Kind::nop) ++at_;
        if (at_ == tokens_.size() || tokens_[at_].kind == Token::Kind::dot) return nullptr;
        return &tokens_[at_++];
    }

    void decode_fragment() {
        chains_.push_back({.most = whole, .state = 0, .last = no_atom});
        while (!chains_.empty()) {
            Chain& chain = chains_.back();
            const Token* token = chain.ended || chain.taken >= chain.most ? nullptr : next();
            if (token) {
                ++chain.taken;
                take(*token, chain);
            } else {
                leave(chain);
            }
        }
    }

    // Passes over what is left of a chain's tokens; they count for the chain that it branches from.
    void leave(Chain& chain) {
        if (chains_.size() == 1) read_ = at_;
        while (chain.taken < chain.most && next()) ++chain.taken;
        const std::size_t taken = chain.taken;
        chains_.pop_back();
        if (!chains_.empty()) chains_.back().taken += taken;
    }

    void take(const Token& token, Chain& chain) {
        switch (token.kind) {
            case Token::Kind::branch: return branch(token, chain);
            case Token::Kind::ring: return ring(token, chain);
            case Token::Kind::atom: return atom(token, chain);
            case Token::Kind::epsilon: chain.ended = chain.state > 0; return;
            default: refuse(token);
        }
    }

    [[noreturn]] void refuse(const Token& token) const {
        const std::string_view word = words_.empty() ? "" : words_[static_cast<std::size_t>(&token - tokens_.data())];
        const std::string fault = token_fault(word);
        const bool first_version = fault.starts_with("is a ");
        throw MoleculeError(token.atom.position,
                            first_version ? std::string(word) + " " + fault : "this is not a token of a SELFIES");
    }

    void branch(const Token& token, Chain& chain) {
        if (chain.state <= 1) return;  // no bond left for a branch beside the chain's own
        const int granted = std::min<int>(chain.state - 1, token.order);
        chain.state -= granted;
        chain.taken += token.index_tokens;
        const std::size_t length = index(token.index_tokens) + 1;
        chains_.push_back({.most = length, .state = granted, .last = chain.last});  // chain is no longer valid
    }

    void ring(const Token& token, Chain& chain) {
        if (chain.state == 0) return;
        const int order = std::min<int>(token.order, chain.state);
        chain.state -= order;
        chain.taken += token.index_tokens;
        const auto back = static_cast<std::int32_t>(index(token.index_tokens)) + 1;
        rings_.push_back({std::max(0, chain.last - back), chain.last, order, token.slash, token.last_slash});
        chain.ended = chain.state == 0;
    }

    std::size_t index(int count) {
        std::size_t value = 0;
        for (int i = 0; i < count; ++i) {
            const Token* token = next();
            value = 16 * value + (token ? token->index : 0);
        }
        return value;
    }

    void atom(const Token& token, Chain& chain) {
        const int capacity = constraints_.capacity(token.atom);
        if (capacity < 0)
            throw MoleculeError(token.atom.position,
                                "this atom has more hydrogens than the constraints let it have bonds");
        const int order = std::min({static_cast<int>(token.order), chain.state, capacity});
        if (chain.state == 0) chain.last = molecule_.add_root(token.atom);
        else if (order > 0) chain.last = molecule_.add_atom(token.atom, chain.last, order_of(order), token.slash);
        chain.state = capacity - order;
        chain.ended = chain.state == 0;
    }

    int free_bonds(std::int32_t atom) const {
        return constraints_.capacity(molecule_.atom(atom)) - molecule_.twice_orders(atom) / 2;
    }

    // Rings come last, when every atom of the chains has its bonds, and take what bonds are free.
    void make(const Ring& ring) {
        if (ring.first == ring.last) return;
        const int order = std::min({ring.order, free_bonds(ring.first), free_bonds(ring.last)});
        if (order <= 0) return;
        const std::int32_t bond = molecule_.bond_between(ring.first, ring.last);
        if (bond == Bond::nothing) {
            molecule_.add_ring(ring.first, ring.last, order_of(order), ring.at_first, ring.at_last);
        } else {
            const int before = number_of(molecule_.bonds()[static_cast<std::size_t>(bond)].order);
            molecule_.set_order(bond, order_of(std::min(order + before, 3)));
        }
    }

    std::span<const Token> tokens_;
    const Constraints& constraints_;
    std::span<const std::string_view> words_;
    std::size_t at_ = 0, read_ = 0;
    Molecule molecule_;
    std::vector<Chain> chains_;
    std::vector<Ring> rings_;
};

}  // namespace

Molecule decode_tokens(std::span<const Token> tokens, const Constraints& constraints, std::size_t* read) {
    Decoder decoder(tokens, constraints);
    Molecule molecule = decoder.decode();
    if (read) *read = decoder.read();
    return molecule;
}

std::string decode(std::string_view selfies, const Constraints& constraints) {
    std::vector<Token> tokens;
    const std::vector<std::string_view> words = split(selfies);
    tokens.reserve(words.size());
    for (const std::string_view word : words)
        tokens.push_back(read_token(word, static_cast<std::size_t>(word.data() - selfies.data())));
    return write_smiles(Decoder(tokens, constraints, words).decode());
}

}  // namespace marginalia::molecules
