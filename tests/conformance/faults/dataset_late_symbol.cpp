// One wrong symbol, far into the training split.
// expect: every symbol is a category | row 5003 of train holds the symbol 9
#include "faulty_dataset.h"

struct Fault final : Rows {
    explicit Fault(const Params& p) : Rows(p) {}
    std::size_t size(Split split) const override { return split == Split::train ? 20000 : 0; }
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        Rows::row(split, index, out);
        if (index == 5003) out[3] = 9;
    }
};

MARGINALIA_DATASET(Fault, "dataset-late-symbol", "one symbol out of range", "", no_parameters);
