#include <utility>

#include "plugins/molecules/smiles.h"
#include "plugins/molecules/smiles_cursor.h"

namespace marginalia::molecules {
namespace {

constexpr std::size_t longest_text = std::size_t{1} << 30;  // atom numbers are 32 bits wide

// A bond as written: 0 where it is left out.
struct Sign {
    char sign = 0;
    std::size_t position = 0;
};

struct OpenRing {
    std::int32_t atom = Bond::nothing, bond = Bond::nothing;
    Sign sign;
    std::size_t position = 0;
};

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text), cursor_(text) {}

    Molecule read() {
        if (text_.size() > longest_text) throw MoleculeError(longest_text, "a molecule this long is not read");
        while (!cursor_.ended()) read_part();
        end_fragment(text_.empty() ? "there is no molecule" : "after the '.' there is no molecule");
        for (std::size_t number = 0; open_ > 0; ++number)
            if (rings_[number].bond != Bond::nothing)
                SmilesCursor::refuse(rings_[number].position,
                                     "ring bond " + std::to_string(number) + " is opened here and never closed");
        return std::move(molecule_);
    }

private:
    void read_part() {
        const Sign sign = take_sign();
        const char c = cursor_.peek();
        if (c == '[' || is_upper(c) || is_lower(c)) {
            const Atom atom = c == '[' ? cursor_.bracket_atom() : cursor_.bare_atom();
            attach(atom, sign);
        } else if (is_digit(c) || c == '%') {
            ring(sign);
        } else if (sign.sign && c != '*') {
            SmilesCursor::refuse(sign.position, std::string("the bond '") + sign.sign + "' leads to no atom");
        } else if (c == '(') {
            if (current_ == Bond::nothing || branch_is_empty_)
                SmilesCursor::refuse(cursor_.place(), "a branch must follow the atom that it leaves");
            branches_.push_back({current_, cursor_.place()});
            cursor_.skip(1);
            branch_is_empty_ = true;
        } else if (c == ')') {
            end_branch();
        } else if (c == '.') {
            end_fragment("before this '.' there is no molecule");
            cursor_.skip(1);
        } else {
            refuse_sign(c);
        }
    }

    [[noreturn]] void refuse_sign(char c) const {
        const std::size_t place = cursor_.place();
        if (c == '$') SmilesCursor::refuse(place, "the fourfold bond $ is not supported; bonds are - = # : / and \\");
        if (c == '*') SmilesCursor::refuse(place, wildcard);
        if (c == '~')
            SmilesCursor::refuse(
                place, "the bond ~ (any bond) is of SMARTS, which are not read; write the bond that is meant");
        if (c == '>') SmilesCursor::refuse(place, "reactions (>) are not supported; give one molecule");
        SmilesCursor::refuse(place, cursor_.quoted() + " has no meaning in a SMILES");
    }

    Sign take_sign() {
        const char c = cursor_.peek();
        if (c == '-' || c == '=' || c == '#' || c == ':' || c == '/' || c == '\\') {
            const std::size_t position = cursor_.place();
            return {cursor_.take(), position};
        }
        return {};
    }

    static Slash slash_of(char sign) { return sign == '/' ? Slash::up : sign == '\\' ? Slash::down : Slash::none; }

    static Order order_of(char sign) {
        switch (sign) {
            case '=': return Order::twofold;
            case '#': return Order::threefold;
            case ':': return Order::aromatic;
            default: return Order::single;
        }
    }

    Order order_between(std::int32_t a, const Atom& b, char sign) const {
        return !sign && molecule_.atom(a).aromatic && b.aromatic ? Order::aromatic : order_of(sign);
    }

    void attach(const Atom& atom, Sign sign) {
        if (current_ == Bond::nothing) {
            if (sign.sign)
                SmilesCursor::refuse(sign.position, std::string("the bond '") + sign.sign + "' comes from no atom");
            current_ = molecule_.add_root(atom);
        } else {
            current_ =
                molecule_.add_atom(atom, current_, order_between(current_, atom, sign.sign), slash_of(sign.sign));
        }
        branch_is_empty_ = false;
    }

    void end_branch() {
        if (branches_.empty()) SmilesCursor::refuse(cursor_.place(), "this ')' closes no branch");
        if (branch_is_empty_) SmilesCursor::refuse(cursor_.place(), "this branch is empty");
        current_ = branches_.back().first;
        branches_.pop_back();
        cursor_.skip(1);
    }

    void ring(Sign sign) {
        const std::size_t position = cursor_.place();
        const std::size_t number = ring_number();
        if (current_ == Bond::nothing || branch_is_empty_)
            SmilesCursor::refuse(position, "a ring bond must follow its atom");
        if (number >= rings_.size()) rings_.resize(number + 1);
        OpenRing& ring = rings_[number];
        if (ring.bond == Bond::nothing) {
            ring = {current_, molecule_.open_ring(current_), sign, position};
            ++open_;
        } else {
            close(ring, sign, position);
            ring = {};
            --open_;
        }
    }

    std::size_t ring_number() {
        if (cursor_.peek() != '%') return static_cast<std::size_t>(cursor_.take() - '0');
        const std::size_t begin = cursor_.place();
        std::size_t value = 0;
        if (cursor_.peek(1) == '(') {
            cursor_.skip(2);
            while (is_digit(cursor_.peek()) && cursor_.place() < begin + 7)
                value = 10 * value + static_cast<std::size_t>(cursor_.take() - '0');
            if (cursor_.place() > begin + 2 && cursor_.peek() == ')') return cursor_.skip(1), value;
        } else if (is_digit(cursor_.peek(1)) && is_digit(cursor_.peek(2))) {
            value =
                10 * static_cast<std::size_t>(cursor_.peek(1) - '0') + static_cast<std::size_t>(cursor_.peek(2) - '0');
            cursor_.skip(3);
            return value;
        }
        SmilesCursor::refuse(begin, "'%' is not followed by a ring bond's number: two digits, or up to five in ( )");
    }

    void close(const OpenRing& ring, Sign sign, std::size_t position) {
        if (ring.atom == current_) SmilesCursor::refuse(position, "this ring bond leads from an atom to itself");
        if (molecule_.bond_between(ring.atom, current_) != Bond::nothing)
            SmilesCursor::refuse(position, "this ring bond joins two atoms that have a bond already");
        const char one = ring.sign.sign, two = sign.sign;
        const bool slashes = slash_of(one) != Slash::none && slash_of(two) != Slash::none;
        if (one && two && one != two && !slashes)
            SmilesCursor::refuse(position,
                                 std::string("this ring bond is '") + two + "' here and '" + one + "' where it opens");
        const Order order = order_between(ring.atom, molecule_.atom(current_), one ? one : two);
        molecule_.close_ring(ring.bond, current_, order, slash_of(one), slash_of(two));
    }

    void end_fragment(const char* nothing) {
        if (!branches_.empty()) SmilesCursor::refuse(branches_.back().second, "this '(' is not closed by a ')'");
        if (current_ == Bond::nothing) SmilesCursor::refuse(cursor_.place(), nothing);
        current_ = Bond::nothing;
    }

    std::string_view text_;
    SmilesCursor cursor_;
    Molecule molecule_;
    std::int32_t current_ = Bond::nothing;                        // the atom that the next one is bound to
    std::vector<std::pair<std::int32_t, std::size_t>> branches_;  // atom to go back to, place of the '('
    bool branch_is_empty_ = false;
    std::vector<OpenRing> rings_;  // by number
    std::size_t open_ = 0;
};

}  // namespace

Molecule parse_smiles(std::string_view smiles) { return Reader(smiles).read(); }

}  // namespace marginalia::molecules
