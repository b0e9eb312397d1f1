// Datasets: rows of discrete symbols to learn from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <marginalia/plugin.h>
#include <marginalia/states.h>

namespace marginalia {

enum class Split { train, validation, test };

// Rows of D symbols 0..K-1 in three disjoint splits.
//
// Threads: after construction every method may be called from several threads at once and must not change the object.
class MARGINALIA_API Dataset {
public:
    // sites D >= 1; categories 2 <= K <= 255.
    Dataset(std::int64_t sites, std::int64_t categories) : sites_(sites), categories_(categories) {
        check_domain("a dataset", sites, categories);
    }
    virtual ~Dataset() = default;
    Dataset(const Dataset&) = delete;
    Dataset& operator=(const Dataset&) = delete;

    std::int64_t sites() const { return sites_; }            // D
    std::int64_t categories() const { return categories_; }  // K

    // Rows in a split; 0 where the data has none.
    virtual std::size_t size(Split) const = 0;

    // Writes row `index` of a split as D symbols. The same index always gives the same row.
    virtual void row(Split, std::size_t index, std::span<std::uint8_t> out) const = 0;

    // Named quantities of a full row, such as a molecule's number of rings, and their values in the same order: what
    // evaluation compares between the model's rows and the test split's. NaN: a quantity that this row does not have.
    virtual std::vector<Observable> observables() const { return {}; }
    virtual void observe(State, std::span<double> /*values*/) const {}

    // How the sites lie; a plain sequence unless the dataset says otherwise.
    virtual Layout layout() const { return {{sites_}, false}; }

    // The text of each symbol, K entries, stored with the trial; empty: the numbers themselves.
    virtual std::vector<std::string> vocabulary() const { return {}; }

    // A full or partial row as one line of text (□ for unknown), and its inverse, which throws Error naming the
    // position of what is wrong. The default writes the vocabulary's words, else numbers. Override both or neither.
    virtual std::string text(State x) const { return state_text(x, categories_, vocabulary()); }
    virtual void parse(std::string_view line, std::span<std::uint8_t> out) const {
        parse_state(line, categories_, vocabulary(), out);
    }

    // Whether a full row that was completed from the line has all that the line says, where that is more than the
    // symbols of its known sites: bonds between atoms, which unknown sites can change. Completions that have not are
    // drawn again, which gives the model's distribution given that they have.
    virtual bool keeps(std::string_view /*line*/, State) const { return true; }

    // What a full row stands for, in a form that is the same for all that stand for the same thing: a molecule's
    // canonical SMILES for every string of tokens that spells it. "": it stands for nothing valid. Evaluation counts
    // distinct and valid ones by it.
    virtual std::string identity(State x) const { return text(x); }

    // A drawing of a full row, an SVG document of any size. "": not offered.
    virtual std::string picture(State) const { return {}; }

    // What a user should know of how the files were read, such as a line taken for a header, in one line; `run`, `plan`
    // and `show` put it behind the numbers of rows, sites and categories. "": nothing.
    virtual std::string report() const { return {}; }

private:
    const std::int64_t sites_;
    const std::int64_t categories_;
};

using DatasetFactory = Dataset* (*)(const Params&);

}  // namespace marginalia

// Exports class `type`, constructible from const Params&, as a dataset plugin; see MARGINALIA_ENERGY.
#define MARGINALIA_DATASET(type, name, summary, manual, list)                                          \
    static_assert(std::is_base_of_v<marginalia::Dataset, type>);                                       \
    static marginalia::Dataset* marginalia_create(const marginalia::Params& p) { return new type(p); } \
    MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "dataset", name, summary, manual, list, &marginalia_create, "")
