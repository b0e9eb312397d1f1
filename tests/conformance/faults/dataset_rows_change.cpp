// Augments at random whenever a row is read.
// expect: the same row is the same bytes | changed when it was read again
#include "faulty_dataset.h"

struct Fault final : Rows {
    using Rows::Rows;
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        Rows::row(split, index, out);
        if (split == Split::train) out[0] = static_cast<std::uint8_t>(++calls % 3);
    }
    mutable std::atomic<unsigned> calls = 0;
};

MARGINALIA_DATASET(Fault, "dataset-rows-change", "rows that are never twice the same", "", no_parameters);
