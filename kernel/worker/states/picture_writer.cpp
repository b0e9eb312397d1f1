#include "kernel/worker/states/picture_writer.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include "kernel/worker/states/grid_writer.h"
#include "kernel/worker/states/screen_writer.h"
#include "kernel/worker/states/svg.h"

namespace marginalia {
namespace {

constexpr std::size_t most_states = 64, most_lines = 32;  // of a picture

}  // namespace

PictureWriter::PictureWriter(const StateLook& look, const Terminal& terminal, bool completes, std::ostream& out)
    : look_(look), terminal_(terminal), completes_(completes), out_(out) {}

void PictureWriter::begin() {
    if (states_ == most_states) show();
    if (picture_) return;
    const bool is_grid = is_picture(look_.layout);
    if (is_grid) picture_ = std::make_unique<GridWriter>(look_, 0, document_);
    else picture_ = std::make_unique<DrawingWriter>(look_, 0, document_);
    text_ = std::make_unique<ScreenWriter>(look_, Terminal{.columns = terminal_.columns}, completes_, words_);
}

void PictureWriter::given(State x) {
    show();
    begin();
    picture_->given(x);
    text_->given(x);
}

void PictureWriter::row(State x, double log_p) {
    begin();
    picture_->row(x, log_p);
    text_->row(x, log_p);
    ++states_;
    if (completes_) captions_ += fmt::format("{}{:.2f}", captions_.empty() ? "log p " : "  ", log_p);
}

void PictureWriter::finish() { show(); }

// Energies say by an empty drawing that they draw nothing.
std::string PictureWriter::shown() {
    try {
        picture_->finish();
    } catch (const Error&) {
        text_->finish();
        return words_.str();
    }
    const std::string codes = drawn_in_terminal(document_.str(), terminal_.pictures, terminal_.columns, most_lines);
    return codes + (captions_.empty() ? "" : captions_ + '\n');
}

void PictureWriter::show() {
    if (!picture_) return;
    out_ << shown();
    picture_.reset();
    text_.reset();
    document_.str("");
    words_.str("");
    captions_.clear();
    states_ = 0;
}

}  // namespace marginalia
