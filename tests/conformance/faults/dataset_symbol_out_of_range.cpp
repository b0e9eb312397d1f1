// Counts symbols from 1.
// expect: every symbol is a category | holds the symbol 4; there are 4 categories
#include "faulty_dataset.h"

struct Fault final : Rows {
    using Rows::Rows;
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        Rows::row(split, index, out);
        for (std::uint8_t& symbol : out) ++symbol;
    }
};

MARGINALIA_DATASET(Fault, "dataset-symbol-out-of-range", "symbols 1 to K", "", no_parameters);
