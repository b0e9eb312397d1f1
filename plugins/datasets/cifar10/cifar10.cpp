// Small colour pictures of ten kinds of things.
#include <marginalia/dataset.h>

#include <algorithm>
#include <utility>

#include "../data_files.h"
#include "batches.h"

namespace {

using marginalia::CifarPictures;
using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Split;

constexpr Parameter parameters[] = {
    {.name = "levels",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 2,
     .maximum = 255,
     .unit = "levels",
     .help = "of each channel, evenly spaced; of the files' 256 there can be 255 at most, as □ takes one"},
    {.name = "grey",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help = "one channel, 0.299 red + 0.587 green + 0.114 blue"},
    {.name = "folder",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "where the batches are; empty: the cache that `marginalia data get` fills"},
    {.name = "validation",
     .type = ParameterType::integer,
     .fallback = "5000",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "rows",
     .help = "the last so many training pictures are kept for validation"},
};

constexpr const char* manual = R"(CIFAR-10's 60,000 colour pictures of 32 x 32 pixels: K = `levels`, D = 3,072, layout
32 x 32 x 3, red, green and blue of a pixel side by side; with `grey` D = 1,024, layout 32 x 32. Classes are not read.

Level floor(v levels / 256) stands for the bytes v that round down to it. Fewer levels than 256 make another data set:
`nll_bits` is bits a channel of that one, and no bits per dimension of the 8-bit pictures. A code of the levels and,
evenly, of what they leave open would pay `nll_bits` + log2(256 / levels) for those: an upper bound of bits per
dimension where 256 is a multiple of `levels`.

The batches `data_batch_1` to `data_batch_5` have 10,000 rows each for training, of which the last are kept for
validation, and `test_batch` has 10,000 for the test. Each is read from the binary version's NAME.bin, records of 3,073
bytes, or else from NAME.png, 10,000 lines of 1,024 pixels, a picture each, without loss (`marginalia data get
cifar10`). Damaged and other files are refused. Rows keep the order of their files. A channel takes a byte in memory:
184 MB, and 61 MB of grey pictures.

References: A. Krizhevsky, Learning multiple layers of features from tiny images, technical report, University of
Toronto, 2009.)";

constexpr std::size_t train_batches = 5, batch_rows = 10000;

class Cifar10 final : public marginalia::Dataset {
public:
    explicit Cifar10(const marginalia::Params& p) : Cifar10(p, sites_of(p), p.integer("levels")) {
        const std::string folder = marginalia::data_folder(p.text("folder"), "cifar10");
        for (std::size_t batch = 1; batch <= train_batches; ++batch)
            read(folder, "data_batch_" + std::to_string(batch), train_);
        read(folder, "test_batch", test_);
        const std::size_t rows = train_.size() / width(), kept = static_cast<std::size_t>(p.integer("validation"));
        if (kept >= rows)
            throw Error("validation = " + std::to_string(kept) + " leaves no picture of the " + std::to_string(rows) +
                        " for training; lower it");
        validation_rows_ = kept;
    }

    Cifar10(const marginalia::Params& p, const marginalia::RowDescription& described)
        : Cifar10(p, described.sites, described.categories) {
        if (described.layout.shape != layout().shape)
            throw Error("the checkpoint's states are no such pictures of 32 x 32; its dataset was another one");
    }

    std::size_t size(Split split) const override {
        if (split == Split::test) return test_.size() / width();
        if (split == Split::validation) return validation_rows_;
        return train_.size() / width() - validation_rows_;
    }

    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        if (index >= size(split))
            throw Error("there is no row " + std::to_string(index) + "; the split has " + std::to_string(size(split)));
        const std::size_t first = split == Split::validation ? size(Split::train) : 0;
        const CifarPictures& rows = split == Split::test ? test_ : train_;
        std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>((first + index) * width()), width(), out.begin());
    }

    marginalia::Layout layout() const override {
        const std::int64_t side = marginalia::cifar_side;
        return grey_ ? marginalia::Layout{{side, side}, false} : marginalia::Layout{{side, side, 3}, false};
    }

private:
    Cifar10(const marginalia::Params& p, std::int64_t sites, std::int64_t levels)
        : Dataset(sites, levels), grey_(p.boolean("grey")) {}

    static std::int64_t sites_of(const marginalia::Params& p) {
        return p.boolean("grey") ? marginalia::cifar_pixels : marginalia::cifar_bytes;
    }

    std::size_t width() const { return static_cast<std::size_t>(sites()); }
    std::uint8_t level_of(int byte) const {
        return static_cast<std::uint8_t>(byte * static_cast<int>(categories()) / 256);
    }

    void read(const std::string& folder, const std::string& name, CifarPictures& to) const {
        const CifarPictures pictures = marginalia::read_cifar_batch(folder, name);
        to.reserve((name.starts_with("test") ? 1 : train_batches) * batch_rows * width());
        for (std::size_t at = 0; at < pictures.size(); at += grey_ ? 3 : 1)
            to.push_back(
                level_of(grey_ ? (299 * pictures[at] + 587 * pictures[at + 1] + 114 * pictures[at + 2] + 500) / 1000
                               : pictures[at]));
    }

    const bool grey_;
    CifarPictures train_, test_;  // levels; the last rows of train_ are for validation
    std::size_t validation_rows_ = 0;
};

}  // namespace

MARGINALIA_DATASET(Cifar10, "cifar10", "colour pictures of 32 x 32 pixels", manual, parameters);
