#include "kernel/host/top/columns.h"

#include <algorithm>
#include <functional>

#include "kernel/base/printable.h"
#include "kernel/host/results/results.h"
#include "kernel/host/top/chart.h"
#include "kernel/spec/metrics.h"

namespace marginalia::top {
namespace {

using store::TrialOrder;
using CellText = std::function<std::string(const Row&, std::size_t width)>;

constexpr std::size_t gap = 2, marker = 2, unlimited = 1000;
constexpr std::size_t longest_heading = 12, wide_screen = 140;
constexpr int main_ranks = 6;

// One column as it would like to be and, once it is fitted, as it is on this screen.
struct Column {
    std::string heading;
    int rank = 0;  // those of the lowest ranks are shown, the main ones also where all their cells are blank
    bool numeric = false;
    std::size_t least = unlimited;  // columns to which its texts may be cut; unlimited: they may not
    CellText cell;
    bool is_status = false;
    std::size_t natural = 0, width = 0;  // width 0: not shown

    void measure(const std::vector<Row>& rows) {
        for (const Row& row : rows) natural = std::max(natural, display_width(cell(row, unlimited)));
        if (natural > 0 || rank <= main_ranks) natural = std::max(natural, display_width(heading));
    }
    std::string fitted(const std::string& text) const { return numeric ? to_right(text, width) : to_left(text, width); }
};

CellText plain(std::string (*cell)(const store::LiveTrial&)) {
    return [cell](const Row& row, std::size_t) { return cell(row.trial); };
}

CellText value_cell(double store::LiveTrial::* value) {
    return [value](const Row& row, std::size_t) {
        return row.trial.has_value ? number_text(row.trial.*value) : std::string();
    };
}

std::string metric_heading(const store::LiveMetric& metric, std::size_t width) {
    if (metric.name.empty()) return "metric";
    const std::string best = metric.of == store::LiveMetric::Of::last ? "" : "best ";
    const std::string title = best + printable(metric_title(metric.name));
    if (width >= wide_screen || display_width(title) <= longest_heading) return title;
    return shorten(best + printable(metric.name), longest_heading);
}

// As many of the points as there is room for, the last among them.
std::string curve_cell(const Row& row, std::size_t width) {
    const std::vector<double>& points = row.curve;
    if (points.size() <= width) return sparkline(points);
    std::vector<double> some;
    for (std::size_t i = 1; i <= width; ++i) some.push_back(points[i * points.size() / width - 1]);
    return sparkline(some);
}

// In the order in which they stand.
std::vector<Column> all_columns(const Table& table, std::size_t width) {
    const store::LiveMetric& metric = table.order.metric;
    const auto marked = [&table](std::string heading, TrialOrder order) {
        return table.order.order == order ? heading + (is_descending(table.order) ? " ↓" : " ↑") : heading;
    };
    const auto progress = [bar = width >= wide_screen ? 12 : 6](const Row& row, std::size_t) {
        return progress_text(row.trial, static_cast<std::size_t>(bar));
    };
    const auto experiment = [](const Row& row, std::size_t) { return printable(row.trial.experiment); };
    const auto settings = [](const Row& row, std::size_t) { return printable(row.settings); };
    std::vector<Column> columns = {
        {marked("trial", TrialOrder::trial), 0, true, unlimited,
         plain([](const store::LiveTrial& trial) { return std::to_string(trial.id); })},
        {"experiment", table.one_experiment ? 99 : 8, false, 12, experiment},
        {"settings", 7, false, 24, settings},
        {"seed", 9, true, unlimited, plain([](const store::LiveTrial& trial) { return std::to_string(trial.seed); })},
        {marked("status", TrialOrder::activity), 1, false, unlimited, plain(status_text), true},
        {"stage", 11, false, 10, plain(stage_text)},
        {marked("progress", TrialOrder::progress), 2, false, unlimited, progress},
        {"steps", 12, true, unlimited, plain(steps_text)},
        {"rate", 5, true, unlimited, plain(rate_text)},
        {marked("left", TrialOrder::left), 4, true, unlimited, plain(left_text)},
        {marked("time", TrialOrder::seconds), 10, true, unlimited, plain(spent_text)},
        {marked(metric_heading(metric, width), TrialOrder::metric), 3, true, unlimited,
         value_cell(&store::LiveTrial::value)},
        {"last", metric.of == store::LiveMetric::Of::last ? 99 : 13, true, unlimited,
         value_cell(&store::LiveTrial::last)},
        {table.curve == metric.name ? "curve" : "curve of " + printable(table.curve), 6, false, 8, curve_cell},
        {"device", 14, false, 6, plain([](const store::LiveTrial& trial) { return printable(trial.device); })}};
    std::erase_if(columns, [](const Column& column) { return column.rank == 99; });
    return columns;
}

// What fits, by rank, texts cut as far as they may be; then what is left goes to those that were cut.
void fit(std::vector<Column>& columns, std::size_t width) {
    std::vector<Column*> by_rank;
    for (Column& column : columns) by_rank.push_back(&column);
    std::ranges::sort(by_rank, {}, &Column::rank);
    std::size_t used = marker - gap;
    for (Column* column : by_rank) {
        const std::size_t wanted = std::min(column->natural, column->least);
        if (wanted == 0 || used + gap + wanted > width) continue;
        column->width = wanted;
        used += gap + wanted;
    }
    for (Column* column : by_rank) {
        const std::size_t more = column->width == 0 ? 0 : std::min(column->natural - column->width, width - used);
        column->width += more;
        used += more;
    }
}

}  // namespace

std::size_t curve_width(std::size_t width) { return width < wide_screen ? 16 : 24; }

Picture table_lines(const Table& table, store::TrialId chosen, std::size_t width) {
    std::vector<Column> columns = all_columns(table, width);
    for (Column& column : columns) column.measure(table.rows);
    fit(columns, width);
    std::erase_if(columns, [](const Column& column) { return column.width == 0; });
    Picture picture(1);
    picture[0].inverse = true;
    for (const Row& row : table.rows) {
        Line& line = picture.emplace_back(row.trial.id == chosen ? ">" : " ");
        line.inverse = row.trial.id == chosen;
    }
    std::size_t place = marker;
    for (const Column& column : columns) {
        picture[0].spans.push_back({place, column.fitted(column.heading)});
        for (std::size_t r = 0; r < table.rows.size(); ++r) {
            const Row& row = table.rows[r];
            const Tone tone = column.is_status ? tone_of(row.trial.status) : Tone::plain;
            picture[r + 1].spans.push_back({place, column.fitted(column.cell(row, column.width)), tone});
        }
        place += column.width + gap;
    }
    return picture;
}

}  // namespace marginalia::top
