#include "kernel/worker/answer/table_answers.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/real_sites.h>

#include <algorithm>
#include <cmath>

#include "kernel/base/printable.h"
#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/model/sampling.h"
#include "kernel/worker/model/table_states.h"
#include "kernel/worker/states/array_writer.h"
#include "kernel/worker/states/table_rows.h"

namespace marginalia {
namespace {

using Verb = InferenceRequest::Verb;

std::string number(double value) {
    return std::isfinite(value) ? fmt::format("{:.9g}", value) : not_finite_name(value);
}

class TableAnswer {
public:
    explicit TableAnswer(Asked& asked)
        : asked_(asked), request_(asked.request), cells_(asked.trained.parts.variables().site_list()),
          states_(asked.trained.parts.variables().site_list(), asked.trained.parts.domain.categories) {}

    void sample() {
        const auto writer = make_table_writer(request_.output, cells_, false, asked_.out);
        for (std::int64_t first = 0; first < request_.count; first += request_.batch) {
            const std::int64_t rows = std::min(request_.batch, request_.count - first);
            const Generated drawn = asked_.trained.model->generate(rows, asked_.generator, asked_.tick);
            write(drawn.x, drawn.log_p.cpu() - states_.log_units(drawn.x), *writer);
        }
        writer->finish();
    }

    void complete() {
        std::unique_ptr<TableWriter> writer;
        const auto begin = [&] { writer = make_table_writer(request_.output, cells_, true, asked_.out); };
        for_given(begin, [&](const at::Tensor& given, const Sets&) {
            for (std::int64_t row = 0; row < given.size(0); ++row) {
                writer->given(states_.cells(given[row]));
                complete(given.slice(0, row, row + 1), *writer);
            }
        });
        writer->finish();
    }

    void marginals() {
        const bool is_array = request_.output.format == StateFormat::npy,
                   json = request_.output.format == StateFormat::json;
        std::optional<FigureArray> array;
        const auto begin = [&] {
            if (is_array) array.emplace(asked_.out);
            else if (!json) asked_.out << "row,log_marginal," << cells_.header() << '\n';
        };
        std::int64_t row = 0;
        for_given(begin, [&](const at::Tensor& given, const Sets& sets) {
            const at::Tensor log_p = log_marginals_of(given);
            const std::vector<double> cells = states_.cells(given);
            for (std::int64_t i = 0; i < given.size(0); ++i, ++row) {
                const std::optional<CellSet>& set = sets[static_cast<std::size_t>(i)];
                const double value = log_p[i].item<double>() + (set ? log_probability_of(*set, given[i]) : 0);
                const CellRow of_row = row_of(cells, i);
                if (array) array->row({}, value);
                else if (json)
                    asked_.out << fmt::format("{{\"row\": {}, \"given\": {}, \"log_marginal\": {}}}\n", row,
                                              cells_.json(of_row, set),
                                              std::isfinite(value) ? number(value) : '"' + number(value) + '"');
                else asked_.out << fmt::format("{},{},{}\n", row, number(value), cells_.line(of_row, set));
            }
        });
        if (array) array->finish();
    }

    void score() {
        const bool marginals = asked_.trained.parts.objective->trains_marginals();
        const auto always = [](std::int64_t, std::int64_t) { return true; };
        const auto begin = [&] { asked_.out << (marginals ? "row,log_marginal,log_density\n" : "row,log_density\n"); };
        std::int64_t row = 0;
        for_given(begin, [&](const at::Tensor& given, const Sets&) {
            const at::Tensor marginal = marginals ? log_marginals_of(given) : at::Tensor();
            const at::Tensor density =
                log_densities(*asked_.trained.model, given, request_.batch, asked_.generator, always) -
                states_.log_units(given);
            for (std::int64_t i = 0; i < given.size(0); ++i, ++row)
                asked_.out << row << (marginals ? "," + number(marginal[i].item<double>()) : "") << ','
                           << number(density[i].item<double>()) << '\n';
        });
    }

private:
    using Sets = std::vector<std::optional<CellSet>>;

    // Calls body(rows (M, D), their sets) for the given ones, a piece at a time, and begin() before, so that what is
    // wrong with the first is said before anything is written.
    template <class Begin, class Body>
    void for_given(const Begin& begin, const Body& body) {
        TableSource source(request_.states, request_.states_are_text, cells_, request_.verb == Verb::marginals);
        const auto piece = static_cast<std::size_t>(request_.batch);
        auto cells = source.first(piece);
        begin();
        for (; !cells.empty(); cells = source.next(piece)) {
            body(states_.states(cells), source.sets());
            asked_.out.flush();
        }
    }

    void complete(const at::Tensor& given, TableWriter& writer) {
        for (std::int64_t first = 0; first < request_.count; first += request_.batch) {
            const std::int64_t rows = std::min(request_.batch, request_.count - first);
            const at::Tensor x = given.expand({rows, -1}).contiguous().to(asked_.trained.parts.device);
            const Generated drawn = asked_.trained.model->complete(x, asked_.generator, asked_.tick);
            write(drawn.x, drawn.log_p.cpu() - (states_.log_units(drawn.x) - states_.log_units(x)), writer);
        }
    }

    void write(const at::Tensor& x, const at::Tensor& log_p, TableWriter& writer) {
        const std::vector<double> cells = states_.cells(x);
        asked_.waiting.drawn(x.size(0));
        for (std::int64_t i = 0; i < x.size(0); ++i) writer.row(row_of(cells, i), log_p[i].item<double>());
        asked_.out.flush();
    }

    at::Tensor log_marginals_of(const at::Tensor& x) const {
        return log_marginals(*asked_.trained.model, x, request_.batch, asked_.trained.parts.device) -
               states_.log_units(x);
    }

    // log P(x_d is in the set | x (D)), by the conditionals.
    double log_probability_of(const CellSet& set, const at::Tensor& x) const {
        const at::Device device = asked_.trained.parts.device;
        const auto column = static_cast<std::int64_t>(set.column);
        const at::Tensor site = at::full({1}, column, at::TensorOptions(at::kLong).device(device));
        const at::Tensor numbers =
            asked_.trained.parts.network->conditional_at(x.unsqueeze(0).to(device), site).to(at::kDouble).cpu();
        if (!set.symbols.empty())
            return numbers.log_softmax(1)
                .index_select(1, at::tensor(set.symbols, at::kLong))
                .logsumexp({1})
                .item<double>();
        return log_probability_between(numbers, states_.scaled(set.low, set.column),
                                       states_.scaled(set.high, set.column))
            .item<double>();
    }

    CellRow row_of(const std::vector<double>& cells, std::int64_t row) const {
        return CellRow(cells).subspan(static_cast<std::size_t>(row) * cells_.size(), cells_.size());
    }

    Asked& asked_;
    const InferenceRequest& request_;
    const TableCells cells_;
    const TableStates states_;
};

}  // namespace

bool has_table(const TrialParts& parts) { return !parts.domain.site_categories.empty(); }

void answer_of_table(Asked& asked) {
    TableAnswer answer(asked);
    const InferenceRequest& request = asked.request;
    if (request.metropolis || !request.holding.empty())
        throw Error("--metropolis and --holding are for states of symbols, not for rows of a table; leave them out");
    switch (request.verb) {
        case Verb::sample: return answer.sample();
        case Verb::complete: return answer.complete();
        case Verb::marginals: return answer.marginals();
        case Verb::score:
        case Verb::figures:
        case Verb::export_model: break;
    }
    throw Error("figures of regions and pairs are for states of symbols, not for rows of a table");
}

void score_table(Asked& asked) { TableAnswer(asked).score(); }

void score_table(const TrialParts& parts, const InferenceRequest& request, std::ostream& out) {
    const TableCells cells(parts.energy->site_list());
    const TableStates states(parts.energy->site_list(), parts.domain.categories);
    TableSource source(request.states, request.states_are_text, cells);
    const auto piece = static_cast<std::size_t>(request.batch);
    auto rows = source.first(piece);
    out << "row,log_f";
    for (const Observable& observable : parts.energy->observables()) out << ',' << observable.name;
    out << '\n';
    for (std::int64_t first = 0; !rows.empty(); rows = source.next(piece)) {
        const at::Tensor x = states.states(rows);
        if ((x == parts.domain.categories).any().item<bool>())
            throw Error("an energy takes full states, and one of these has unknown cells (a trained model takes them)");
        const at::Tensor log_f = parts.batch_energy->evaluate(x) - states.log_units(x);
        const at::Tensor observed = observed_values(parts, x);
        for (std::int64_t row = 0; row < x.size(0); ++row) {
            out << first + row << ',' << number(log_f[row].item<double>());
            for (std::int64_t i = 0; i < observed.size(1); ++i) out << ',' << number(observed[row][i].item<double>());
            out << '\n';
        }
        first += x.size(0);
    }
}

}  // namespace marginalia
