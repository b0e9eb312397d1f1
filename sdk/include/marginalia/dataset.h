// Datasets: rows of discrete symbols to learn from.
#pragma once

#include <marginalia/variables.h>

namespace marginalia {

enum class Split { train, validation, test };

// Rows of D symbols 0..K-1 in three disjoint splits.
//
// Threads: after construction every method may be called from several threads at once and must not change the object.
class MARGINALIA_API Dataset : public Variables {
public:
    // sites D >= 1; categories 2 <= K <= 255.
    Dataset(std::int64_t sites, std::int64_t categories) : Variables("a dataset", sites, categories) {}

    // Rows in a split; 0 where the data has none.
    virtual std::size_t size(Split) const = 0;

    // Writes row `index` of a split as D symbols. The same index always gives the same row.
    virtual void row(Split, std::size_t index, std::span<std::uint8_t> out) const = 0;
};

using DatasetFactory = Dataset* (*)(const Params&);

}  // namespace marginalia

// Exports class `type`, constructible from const Params&, as a dataset plugin; see MARGINALIA_ENERGY.
#define MARGINALIA_DATASET(type, name, summary, manual, list)                                          \
    static_assert(std::is_base_of_v<marginalia::Dataset, type>);                                       \
    static marginalia::Dataset* marginalia_create(const marginalia::Params& p) { return new type(p); } \
    MARGINALIA_PLUGIN(MARGINALIA_BUILD_TAG, "dataset", name, summary, manual, list, &marginalia_create, "")
