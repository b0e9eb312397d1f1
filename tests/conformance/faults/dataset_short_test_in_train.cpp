// As dataset_test_in_train, with so few different rows that chance alone puts every test row into train.
// expect: the splits are disjoint | rows 0 to 63 of test are rows 100 and on of train
#include "faulty_dataset.h"

struct Fault final : Rows {
    using Rows::Rows;
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        Rows::row(split == Split::test ? Split::train : split, split == Split::test ? index + 100 : index, out);
        for (std::size_t site = 2; site < out.size(); ++site) out[site] = 0;
    }
};

MARGINALIA_DATASET(Fault, "dataset-short-test-in-train", "short test rows that were trained on", "", no_parameters);
