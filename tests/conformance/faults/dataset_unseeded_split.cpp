// Which rows are for training depends on the day.
// expect: two datasets made alike agree | draw splits and noise from a seed parameter
#include "faulty_dataset.h"

struct Fault final : Rows {
    using Rows::Rows;
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        Rows::row(split, index + first, out);
    }
    std::random_device device;
    const std::size_t first = device();
};

MARGINALIA_DATASET(Fault, "dataset-unseeded-split", "splits without a seed", "", no_parameters);
