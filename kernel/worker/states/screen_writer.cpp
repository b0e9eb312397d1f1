#include "kernel/worker/states/screen_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

constexpr std::size_t caption_columns = 13, gap = 2;

std::string figure_text(double log_p) {
    return std::isfinite(log_p) ? fmt::format("log p {:.2f}", log_p)
           : std::isnan(log_p)  ? "log p NaN"
           : log_p > 0          ? "log p ∞"
                                : "log p -∞";
}

}  // namespace

ScreenWriter::ScreenWriter(const StateLook& look, const Terminal& terminal, bool completes, std::ostream& out)
    : look_(look), completes_(completes), out_(out) {
    if (terminal.blocks) blocks_ = Blocks::of(look.layout, look.categories, terminal.colour, completes);
    if (blocks_ && blocks_->columns() > terminal.columns) {
        std::cerr << fmt::format(
            "a picture takes {} columns and the terminal has {}; make it wider, or write "
            "pictures with --out FILE.png\n",
            blocks_->columns(), terminal.columns);
        blocks_.reset();
    }
    if (!blocks_) return;
    cell_ = std::max(blocks_->columns(), completes ? caption_columns : 0);
    beside_ = std::max<std::size_t>(1, (terminal.columns + gap) / (cell_ + gap));
}

void ScreenWriter::given(State x) {
    print_row();
    if (blocks_) add(x, "given");
    else out_ << fmt::format("{}{:>{}}  {}\n", first_ ? "" : "\n", "given", caption_columns, printable(look_.text(x)));
    first_ = false;
}

void ScreenWriter::row(State x, double log_p) {
    if (blocks_) add(x, completes_ ? figure_text(log_p) : "");
    else if (completes_) out_ << fmt::format("{:>{}}  {}\n", figure_text(log_p), caption_columns, shown(x));
    else out_ << shown(x) << '\n';
}

// For a person, what a state stands for says more than how it is spelled.
std::string ScreenWriter::shown(State x) const {
    const std::string meaning = look_.meaning(x);
    return printable(meaning.empty() ? look_.text(x) : meaning);
}

void ScreenWriter::add(State x, std::string caption) {
    pictures_.push_back({blocks_->draw(x), std::move(caption)});
    if (pictures_.size() == beside_) print_row();
}

void ScreenWriter::print_row() {
    if (pictures_.empty()) return;
    // Codes of colour have no width, so that only what is between pictures can be padded.
    const std::string between(cell_ - blocks_->columns() + gap, ' ');
    for (std::size_t line = 0; line < pictures_.front().lines.size(); ++line) {
        for (std::size_t i = 0; i < pictures_.size(); ++i) out_ << (i > 0 ? between : "") << pictures_[i].lines[line];
        out_ << '\n';
    }
    if (completes_) {
        std::string captions;
        for (const Picture& picture : pictures_) captions += fmt::format("{:<{}}", picture.caption, cell_ + gap);
        out_ << captions.substr(0, captions.find_last_not_of(' ') + 1) << '\n';
    }
    out_ << '\n';
    pictures_.clear();
}

void ScreenWriter::finish() { print_row(); }

}  // namespace marginalia
