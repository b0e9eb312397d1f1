// Datasets: rows of symbols and real numbers to learn from.
#pragma once

#include <marginalia/variables.h>

#include <type_traits>

namespace marginalia {

enum class Split { train, validation, test };

// What a checkpoint keeps of the dataset that its model learnt from: enough to read and write states.
struct RowDescription {
    std::int64_t sites = 0, categories = 0;
    Layout layout;                        // its extents multiply to `sites`
    std::vector<std::string> vocabulary;  // K different words, or none
    std::vector<Site> site_list = {};     // D sites, or none
};

// Rows of D symbols 0..K-1, or of what site_list() says, in three disjoint splits.
//
// A class that can be made from (const Params&, const RowDescription&) as well spares its users the reading of its
// files where a trained model is asked about states (`sample`, `complete`, `score`, `marginals`, `checkpoint export`).
// An object made so has no rows, and row() and observe() are not called; all else of Variables is that of the dataset
// that was described. The description may come from a stranger's checkpoint: throw Error for one that your dataset
// cannot have given.
//
// Threads: after construction every method may be called from several threads at once and must not change the object.
class MARGINALIA_API Dataset : public Variables {
public:
    // sites D >= 1; categories 2 <= K <= 255.
    Dataset(std::int64_t sites, std::int64_t categories) : Variables("a dataset", sites, categories) {}

    // Rows in a split; 0 where the data has none.
    virtual std::size_t size(Split) const = 0;

    // Writes row `index` of a split as D symbols; a real site is 0 where it is known. The same index always gives the
    // same row.
    virtual void row(Split, std::size_t index, std::span<std::uint8_t> out) const = 0;

    // Writes the numbers of that row's real sites, finite ones, by site; leaves the other places as they are.
    virtual void reals(Split, std::size_t /*index*/, std::span<double> /*out*/) const {}

    // Whether rows may have sites that are not known, K in row(): missing cells. At least one of each row is known.
    virtual bool incomplete() const { return false; }
};

// Null where an object is to be made from a description and the class cannot be.
using DatasetFactory = Dataset* (*)(const Params&, const RowDescription*);

template <class Type>
Dataset* make_dataset(const Params& params, const RowDescription* described) {
    if (!described) return new Type(params);
    if constexpr (std::is_constructible_v<Type, const Params&, const RowDescription&>)
        return new Type(params, *described);
    else return nullptr;
}

}  // namespace marginalia

// Exports class `type`, constructible from const Params&, as a dataset plugin; see MARGINALIA_ENERGY.
#define MARGINALIA_DATASET(type, name, summary, manual, list)                                                         \
    static_assert(std::is_base_of_v<marginalia::Dataset, type>);                                                      \
    static marginalia::Dataset* marginalia_create(const marginalia::Params& p, const marginalia::RowDescription* d) { \
        return marginalia::make_dataset<type>(p, d);                                                                  \
    }                                                                                                                 \
    MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "dataset", name, summary, manual, list, &marginalia_create, "")
