// Handwritten digits in black and white.
#include <marginalia/dataset.h>

#include <utility>

#include "../data_files.h"
#include "pictures.h"

namespace {

using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Pictures;
using marginalia::Split;

constexpr Parameter parameters[] = {
    {.name = "binarisation",
     .type = ParameterType::text,
     .fallback = "\"static\"",
     .choices = "static|threshold|sampled",
     .help = "static: the published .amat files; of the grey pictures, threshold: 1 from 128 on, sampled: one draw a "
             "pixel"},
    {.name = "folder",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "where the files are; empty: the cache that `marginalia data get` fills"},
    {.name = "validation",
     .type = ParameterType::integer,
     .fallback = "10000",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "rows",
     .help = "the last so many training pictures are kept for validation; static has a file of its own for them"},
};

constexpr const char* manual = R"(MNIST's 70,000 handwritten digits of 28 x 28 pixels in black and white: K = 2, D =
784, layout 28 x 28. Labels are not read.

- `static`: the statically binarised MNIST, to which published likelihoods of binary MNIST refer. It has 50,000 rows for
  training, 10,000 for validation and 10,000 for the test, in `binarized_mnist_train.amat`, `..._valid.amat` and
  `..._test.amat` (`marginalia data get mnist-static`).
- `threshold`: the grey pictures (`train-images-idx3-ubyte`, `t10k-images-idx3-ubyte`; `marginalia data get mnist`); a
  pixel is 1 from the grey value 128 on. These pictures are smoother, so their likelihoods do not compare with the other
  two.
- `sampled`: the same grey pictures; each pixel is 1 with probability grey / 255, drawn once from a fixed seed, so that
  a row is always the same. The usual dynamic binarisation draws every pixel anew in every epoch, which acts as a
  regulariser. With one draw, as in `static`, a large network overfits. The draws are not those of the static files, and
  the 10,000 pictures for validation are the last of the training file.

A file that is missing is also looked for with `.gz` after its name. Truncated files, other magic numbers and lines of
another width are refused, with the byte offset or the line and column. Other idx files of pictures under the same
names, such as Fashion-MNIST, are read too, at any size.

Rows keep the order of their files. The static test file is sorted by class: shuffle the indices before you take a part
of it. All pictures are kept in memory, one bit a pixel: 7 MB.

References: LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86
(1998). Larochelle, Murray, The neural autoregressive distribution estimator, AISTATS 2011 (the static files).
Salakhutdinov, Murray, On the quantitative analysis of deep belief networks, ICML 2008 (sampling by grey value).)";

struct Contents {
    Pictures train, validation, test;
};

Pictures taken_off(Pictures& train, std::size_t count, const std::string& file) {
    if (count >= train.count)
        throw Error("validation = " + std::to_string(count) + " leaves no picture of the " +
                    std::to_string(train.count) + " in " + file + " for training; lower it");
    train.count -= count;
    const auto first = train.bits.begin() + static_cast<std::ptrdiff_t>(train.count * train.bytes_each());
    Pictures last{train.rows, train.columns, count, {first, train.bits.end()}};
    train.bits.erase(first, train.bits.end());
    return last;
}

// `published`: the files are those of the cache.
Contents read_static(const std::string& folder, bool published) {
    const std::string train = folder + "binarized_mnist_train.amat", validation = folder + "binarized_mnist_valid.amat",
                      test = folder + "binarized_mnist_test.amat";
    Contents contents{marginalia::read_amat(train), marginalia::read_amat(validation), marginalia::read_amat(test)};
    const auto check = [published](const std::string& path, std::size_t rows, std::size_t right) {
        if (published) marginalia::check_length(path, rows, right, "rows", "mnist-static");
    };
    check(train, contents.train.count, 50000);
    check(validation, contents.validation.count, 10000);
    check(test, contents.test.count, 10000);
    return contents;
}

Contents read_contents(const marginalia::Params& p) {
    const std::string folder = marginalia::data_folder(p.text("folder"), "mnist") + "/";
    if (p.text("binarisation") == "static") return read_static(folder, p.text("folder").empty());
    const auto how =
        p.text("binarisation") == "sampled" ? marginalia::Binarisation::sampled : marginalia::Binarisation::threshold;
    const std::string train_file = folder + "train-images-idx3-ubyte", test_file = folder + "t10k-images-idx3-ubyte";
    Contents contents{marginalia::read_idx(train_file, how, 0), {}, marginalia::read_idx(test_file, how, 1)};
    if (contents.test.rows != contents.train.rows || contents.test.columns != contents.train.columns)
        throw Error(test_file + ": its pictures are of " + std::to_string(contents.test.rows) + " x " +
                    std::to_string(contents.test.columns) + " pixels, those of the training file of " +
                    std::to_string(contents.train.rows) + " x " + std::to_string(contents.train.columns) +
                    "; give two files of one set");
    contents.validation = taken_off(contents.train, static_cast<std::size_t>(p.integer("validation")), train_file);
    return contents;
}

Contents no_pictures(const marginalia::RowDescription& described) {
    if (described.layout.shape.size() != 2 || described.categories != 2)
        throw Error("the checkpoint's states are not black-and-white pictures; its dataset was another one");
    return {{described.layout.shape[0], described.layout.shape[1], 0, {}}, {}, {}};
}

class Mnist final : public marginalia::Dataset {
public:
    explicit Mnist(const marginalia::Params& p) : Mnist(read_contents(p)) {}
    Mnist(const marginalia::Params&, const marginalia::RowDescription& described) : Mnist(no_pictures(described)) {}

    std::size_t size(Split split) const override { return part(split).count; }

    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        if (index >= size(split))
            throw Error("there is no row " + std::to_string(index) + "; the split has " + std::to_string(size(split)));
        part(split).picture(index, out);
    }

    marginalia::Layout layout() const override { return {{contents_.train.rows, contents_.train.columns}, false}; }

private:
    explicit Mnist(Contents contents)
        : Dataset(static_cast<std::int64_t>(contents.train.pixels()), 2), contents_(std::move(contents)) {}

    const Pictures& part(Split split) const {
        return split == Split::train        ? contents_.train
               : split == Split::validation ? contents_.validation
                                            : contents_.test;
    }

    const Contents contents_;
};

}  // namespace

MARGINALIA_DATASET(Mnist, "mnist", "handwritten digits of 28 x 28 black and white pixels", manual, parameters);
