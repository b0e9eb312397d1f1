// The test rows are the first training rows.
// expect: the splits are disjoint | of the 100 rows of test are in train as well
#include "faulty_dataset.h"

struct Fault final : Rows {
    using Rows::Rows;
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        Rows::row(split == Split::test ? Split::train : split, index, out);
    }
};

MARGINALIA_DATASET(Fault, "dataset-test-in-train", "test rows that were trained on", "", no_parameters);
