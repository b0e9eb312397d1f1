#include "kernel/worker/states/state_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "kernel/base/printable.h"
#include "kernel/worker/states/array_writer.h"
#include "kernel/worker/states/grid_writer.h"
#include "kernel/worker/states/picture_writer.h"
#include "kernel/worker/states/screen_writer.h"
#include "kernel/worker/states/svg.h"

namespace marginalia {
namespace {

std::string json_text(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string csv_number(double value) {
    return std::isfinite(value) ? fmt::format("{:.9g}", value) : not_finite_name(value);
}

std::string json_number(double value) {
    return std::isfinite(value) ? csv_number(value) : '"' + csv_number(value) + '"';
}

std::string joined(State x) { return fmt::format("{}", fmt::join(x, ",")); }

class TextWriter final : public StateWriter {
public:
    TextWriter(const StateLook& look, bool for_terminal, std::ostream& out)
        : look_(look), for_terminal_(for_terminal), out_(out) {}
    void row(State x, double) override {
        const std::string meaning = look_.meaning(x), line = look_.text(x) + (meaning.empty() ? "" : "\t") + meaning;
        out_ << (for_terminal_ ? printable_lines(line) : line) << '\n';
    }

private:
    const StateLook look_;
    const bool for_terminal_;
    std::ostream& out_;
};

class CsvWriter final : public StateWriter {
public:
    explicit CsvWriter(std::ostream& out) : out_(out) {}
    void row(State x, double) override { out_ << joined(x) << '\n'; }

private:
    std::ostream& out_;
};

class JsonWriter final : public StateWriter {
public:
    JsonWriter(const StateLook& look, std::ostream& out) : look_(look), out_(out) {}
    void given(State x) override { given_ = fmt::format("\"given\": {}, ", json_text(look_.text(x))); }
    void energy(double log_f) override { energy_ = fmt::format(", \"log_f\": {}", json_number(log_f)); }
    void row(State x, double log_p) override {
        const std::string meaning = look_.meaning(x);
        out_ << fmt::format("{{{}\"text\": {}, {}\"states\": [{}], \"log_p\": {}{}}}\n", given_,
                            json_text(look_.text(x)),
                            meaning.empty() ? "" : fmt::format("\"identity\": {}, ", json_text(meaning)), joined(x),
                            json_number(log_p), energy_);
    }

private:
    const StateLook look_;
    std::ostream& out_;
    std::string given_, energy_;  // of the rows to come
};

class MarginalCsv final : public StateWriter {
public:
    MarginalCsv(const StateLook& look, std::ostream& out) : look_(look), out_(out) {
        out_ << "row,log_marginal,state\n";
    }
    void row(State x, double value) override {
        out_ << fmt::format("{},{},{}\n", rows_++, csv_number(value), csv_field(look_.text(x)));
    }

private:
    const StateLook look_;
    std::ostream& out_;
    std::int64_t rows_ = 0;
};

class MarginalJson final : public StateWriter {
public:
    MarginalJson(const StateLook& look, std::ostream& out) : look_(look), out_(out) {}
    void row(State x, double value) override {
        out_ << fmt::format("{{\"row\": {}, \"text\": {}, \"log_marginal\": {}}}\n", rows_++, json_text(look_.text(x)),
                            json_number(value));
    }

private:
    const StateLook look_;
    std::ostream& out_;
    std::int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<StateWriter> make_state_writer(const OutputRequest& output, const StateLook& look, bool completes,
                                               std::int64_t expected, std::ostream& out) {
    switch (output.format) {
        case StateFormat::text: return std::make_unique<TextWriter>(look, output.terminal.shown, out);
        case StateFormat::csv: return std::make_unique<CsvWriter>(out);
        case StateFormat::json: return std::make_unique<JsonWriter>(look, out);
        case StateFormat::npy: return std::make_unique<StateArray>(out);
        case StateFormat::png: return std::make_unique<GridWriter>(look, expected, out);
        case StateFormat::svg: return std::make_unique<DrawingWriter>(look, expected, out);
        case StateFormat::screen: break;
    }
    const bool pictured = look.layout.shape.size() == 2 || look.picture;
    if (output.terminal.pictures.any() && pictured)
        return std::make_unique<PictureWriter>(look, output.terminal, completes, out);
    return std::make_unique<ScreenWriter>(look, output.terminal, completes, out);
}

std::unique_ptr<StateWriter> make_marginal_writer(StateFormat format, const StateLook& look, std::ostream& out) {
    if (format == StateFormat::npy) return std::make_unique<FigureArray>(out);
    if (format == StateFormat::json) return std::make_unique<MarginalJson>(look, out);
    return std::make_unique<MarginalCsv>(look, out);
}

}  // namespace marginalia
