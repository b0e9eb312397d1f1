// The variables that an energy or a dataset is about: how many, what they hold, how they lie, how a state reads and
// looks.
#pragma once

#include <marginalia/plugin.h>
#include <marginalia/states.h>

#include <string>
#include <string_view>
#include <vector>

namespace marginalia {

// D sites of K categories each, or of what site_list() says. What both kinds share; a plugin derives from Energy or
// Dataset.
//
// Threads: after construction every method may be called from several threads at once and must not change the object.
class MARGINALIA_API Variables {
public:
    virtual ~Variables() = default;
    Variables(const Variables&) = delete;
    Variables& operator=(const Variables&) = delete;

    std::int64_t sites() const { return sites_; }            // D
    std::int64_t categories() const { return categories_; }  // K

    // What each of the D sites holds, where they differ: some hold real numbers, or fewer symbols than K, the most that
    // one of them has (2 where none has as many). Empty: each holds K symbols. Networks, samplers and objectives that
    // know symbols alone are refused where it is not empty.
    virtual std::vector<Site> site_list() const { return {}; }

    // How the sites lie; a plain sequence unless the plugin says otherwise.
    virtual Layout layout() const { return {{sites_}, false}; }

    // The text of each symbol, K entries; a dataset's is stored with the trial. Empty: the numbers themselves.
    virtual std::vector<std::string> vocabulary() const { return {}; }

    // A full or partial state as one line of text. The default writes the vocabulary's words, else digits (□ for
    // unknown), with commas where a word or number is longer than one character.
    virtual std::string text(State x) const { return state_text(x, categories_, vocabulary()); }

    // The inverse of text(): D symbols into out; □ or _ is unknown (K). Override both or neither. Throws Error naming
    // the position of what is wrong.
    virtual void parse(std::string_view line, std::span<std::uint8_t> out) const {
        parse_state(line, categories_, vocabulary(), out);
    }

    // Whether a full state that was completed from the line has all that the line says, where that is more than the
    // symbols of its known sites: bonds between atoms, which unknown sites can change. Completions that have not are
    // drawn again, which gives the model's distribution given that they have.
    virtual bool keeps(std::string_view /*line*/, State) const { return true; }

    // What a full state spells, in a form that is the same for all that spell the same thing: a molecule's canonical
    // SMILES for every string of tokens of it. "": nothing valid. Evaluation counts distinct and valid ones by it.
    virtual std::string identity(State x) const { return text(x); }

    // A drawing of a full state, an SVG document of any size. "": not offered.
    virtual std::string picture(State) const { return {}; }

    // Named quantities of a full state, such as a magnetisation or a molecule's number of rings, and their values in
    // the same order: evaluation compares the model's states with the target's. NaN: a quantity that this state does
    // not have.
    virtual std::vector<Observable> observables() const { return {}; }
    virtual void observe(State, std::span<double> /*values*/) const {}

    // What a user should know of how the files were read, such as a line taken for a header or rows that were
    // normalised, in one line, which `run` and `show` print. "": nothing.
    virtual std::string report() const { return {}; }

protected:
    // sites D >= 1; categories 2 <= K <= 255, else throws Error; `what` is "an energy" or "a dataset".
    Variables(std::string_view what, std::int64_t sites, std::int64_t categories)
        : sites_(sites), categories_(categories) {
        check_domain(what, sites, categories);
    }

private:
    const std::int64_t sites_;
    const std::int64_t categories_;
};

}  // namespace marginalia
