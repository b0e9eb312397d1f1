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

// So many digits, or all.
std::string csv_number(double value, int digits = 9) {
    if (!std::isfinite(value)) return not_finite_name(value);
    return digits > 0 ? fmt::format("{:.{}g}", value, digits) : fmt::format("{}", value);
}

std::string json_number(double value, int digits = 9) {
    return std::isfinite(value) ? csv_number(value, digits) : '"' + csv_number(value) + '"';
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

class ScoreCsv final : public ScoreWriter {
public:
    ScoreCsv(const std::vector<std::string>& names, int digits, std::ostream& out) : digits_(digits), out_(out) {
        out_ << "row";
        for (const std::string& name : names) out_ << ',' << csv_field(name);
        out_ << '\n';
    }
    void row(State, std::span<const double> figures) override {
        out_ << rows_++;
        for (const double figure : figures) out_ << ',' << csv_number(figure, digits_);
        out_ << '\n';
    }

private:
    const int digits_;
    std::ostream& out_;
    std::int64_t rows_ = 0;
};

class ScoreJson final : public ScoreWriter {
public:
    ScoreJson(const StateLook& look, const std::vector<std::string>& names, int digits, std::ostream& out)
        : look_(look), names_(names), digits_(digits), out_(out) {}
    void row(State x, std::span<const double> figures) override {
        out_ << fmt::format("{{\"row\": {}, \"text\": {}", rows_++, json_text(look_.text(x)));
        for (std::size_t i = 0; i < figures.size(); ++i)
            out_ << ", " << json_text(names_[i]) << ": " << json_number(figures[i], digits_);
        out_ << "}\n";
    }

private:
    const StateLook look_;
    const std::vector<std::string> names_;
    const int digits_;
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
    const bool pictured = is_picture(look.layout) || look.picture;
    if (output.terminal.pictures.any() && pictured)
        return std::make_unique<PictureWriter>(look, output.terminal, completes, out);
    return std::make_unique<ScreenWriter>(look, output.terminal, completes, out);
}

std::unique_ptr<StateWriter> make_marginal_writer(StateFormat format, const StateLook& look, std::ostream& out) {
    if (format == StateFormat::npy) return std::make_unique<FigureArray>(out);
    if (format == StateFormat::json) return std::make_unique<MarginalJson>(look, out);
    return std::make_unique<MarginalCsv>(look, out);
}

std::unique_ptr<ScoreWriter> make_score_writer(StateFormat format, const StateLook& look,
                                               const std::vector<std::string>& names, int digits, std::ostream& out) {
    if (format == StateFormat::npy) return std::make_unique<ScoreArray>(names.size(), out);
    if (format == StateFormat::json) return std::make_unique<ScoreJson>(look, names, digits, out);
    return std::make_unique<ScoreCsv>(names, digits, out);
}

}  // namespace marginalia
