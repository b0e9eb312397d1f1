// The live view without a terminal: texts, columns, keys and whole screens. Curves: top_chart.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernel/host/top/choices.h"
#include "kernel/host/top/filter.h"
#include "kernel/host/top/log_text.h"
#include "kernel/host/top/pages.h"

namespace marginalia::top::top_view {

using store::LiveTrial;
using store::Status;
using store::TrialId;

constexpr double infinity = std::numeric_limits<double>::infinity();
const std::string hostile = "a\x1b[31m\n\u202e\xff" + std::string(5000, 'w') + "模型";

Row running_row(TrialId id = 13) {
    Row row;
    row.trial.id = id;
    row.trial.experiment = "lattice";
    row.trial.status = Status::running;
    row.trial.device = "cpu";
    row.trial.seconds = 200;
    row.trial.phase = "training";
    row.trial.done = 450, row.trial.total = 1000;
    row.trial.rate = 50;
    row.trial.has_value = true;
    row.trial.value = 0.0412, row.trial.last = 0.05;
    row.settings = "channels=32 learning_rate=0.001";
    row.curve = {8, 7, 6, 5, 4, 3, 2, 1};
    return row;
}

Row row_of(TrialId id, Status status) {
    Row row = running_row(id);
    row.trial.status = status;
    return row;
}

Row hostile_row(TrialId id) {
    Row row = running_row(id);
    for (std::string* text :
         {&row.trial.experiment, &row.trial.device, &row.trial.phase, &row.trial.error, &row.settings})
        *text = hostile;
    row.trial.seed = std::numeric_limits<std::int64_t>::min();
    row.trial.total = std::numeric_limits<std::int64_t>::max(), row.trial.done = -5;
    row.trial.rate = infinity, row.trial.seconds = 1e300, row.trial.value = -infinity;
    row.curve = {infinity, std::nan(""), 1e308, -1e308};
    return row;
}

Table table_of(std::vector<Row> rows) {
    Table table;
    table.rows = std::move(rows);
    table.order.metric = {"kl", store::LiveMetric::Of::lowest};
    table.curve = "kl";
    return table;
}

TablePage page_of(std::vector<Row> rows) {
    TablePage page;
    page.store = "store.db";
    page.fitting = rows.size();
    page.counts = {
        {"lattice", Status::running, 2, 0}, {"lattice", Status::queued, 4, 0}, {"lattice", Status::done, 3, 60}};
    page.table = table_of(std::move(rows));
    page.now = 1772366400;
    return page;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

std::string text_of_all(const Picture& picture) {
    std::string text;
    for (const Line& line : picture) text += text_of(line) + "\n";
    return text;
}

// Within the size, and nothing that a terminal obeys.
void check_fits(const Picture& picture, Size size) {
    CHECK(picture.size() <= size.height);
    for (const Line& line : picture) {
        const std::string text = text_of(line);
        CHECK_MESSAGE(display_width(text) <= size.width, text);
        for (const char c : text) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        std::size_t end = 0;
        for (const Span& span : line.spans) {
            CHECK_MESSAGE(span.column >= end, text);  // none covers the one before
            end = span.column + display_width(span.text);
        }
    }
}

TEST_CASE("a trial's progress, rate and time left are in the units that people read") {
    const LiveTrial trial = running_row().trial;
    CHECK(progress_text(trial, 6) == "███░░░  45%");
    CHECK(rate_text(trial) == "50/s");
    CHECK(seconds_left(trial) == 11);
    CHECK(left_text(trial) == "11 s");
    CHECK(steps_text(trial) == "450/1000");
    CHECK(sentence_about(trial, 0) == "running on cpu for 3 min 20 s: training 450 of 1000, 50 steps/s, 11 s left");
    CHECK(brief_duration(0.4) == "0 s");
    CHECK(brief_duration(119) == "119 s");
    CHECK(brief_duration(120) == "2 min");
    CHECK(brief_duration(2.5 * 3600) == "2.5 h");
    CHECK(brief_duration(40 * 3600) == "40 h");
    CHECK(brief_duration(3 * 86400) == "3.0 d");
    CHECK(brief_duration(1e300) == "9999 d");
    CHECK(brief_duration(std::nan("")).empty());
    CHECK(brief_duration(-1).empty());
}

TEST_CASE("a trial that does not run has no rate and no time left, and says how far it came") {
    LiveTrial trial = row_of(7, Status::failed).trial;
    trial.error = "energy 'ising': log_density returned NaN";
    CHECK(rate_text(trial).empty());
    CHECK(left_text(trial).empty());
    CHECK(sentence_about(trial, 0) ==
          "failed on cpu after 3 min 20 s, 450 of 1000 steps: energy 'ising': log_density returned NaN");
    trial.status = Status::done;
    trial.total = trial.done = 0;
    CHECK(progress_text(trial, 4) == "████ 100%");
    trial.status = Status::queued;
    CHECK(progress_text(trial, 4).empty());
}

TEST_CASE("the status says what a trial is at and what was asked of it") {
    LiveTrial trial = running_row().trial;
    CHECK(status_text(trial) == "running");
    trial.phase = "reference chains";
    CHECK(status_text(trial) == "evaluating");
    trial.asked = "pause";
    CHECK(status_text(trial) == "pausing");
    trial.asked = "cancel";
    CHECK(status_text(trial) == "cancelling");
    trial.status = Status::lost;
    CHECK(status_text(trial) == "lost");
    trial = {};
    trial.status = Status::running;
    CHECK(status_text(trial) == "starting");
}

TEST_CASE("a host that is silent is mentioned with the time since its last word") {
    LiveTrial trial = running_row().trial;
    trial.heartbeat = 1000;
    CHECK_FALSE(contains(sentence_about(trial, 1010), "heard"));
    CHECK(contains(sentence_about(trial, 1040), ", last heard of 40 s ago"));
}

TEST_CASE("a filter is words that must all fit") {
    const store::TrialWords trial{"running", "Ising-6x6",
                                  R"({"network":{"channels":32,"plugin":"lattice-conv"},"train":{"rate":0.001}})",
                                  "good,mine", 7};
    for (const char* fitting :
         {"", "running", "ising", "6X6 running", "lattice-conv", "channels=32", "train.rate=0.001", "seed=7", "good",
          "-done", "-channels=16", "network.channels=32  good"})
        CHECK_MESSAGE(fits(fitting, trial), fitting);
    for (const char* other : {"done", "running done", "channels=3", "channels=320", "seed=8", "-running", "-ising",
                              "lattice", "plugin=mlp", "rate="})
        CHECK_FALSE_MESSAGE(fits(other, trial), other);
}

TEST_CASE("on 80 columns the main columns are there, on 200 the others too; numbers are never cut") {
    Table table = table_of({running_row(), row_of(7, Status::done)});
    const Picture narrow = table_lines(table, 13, 80), wide = table_lines(table, 13, 200);
    for (const char* heading : {"trial", "status", "progress", "rate", "left", "best kl", "curve"}) {
        CHECK_MESSAGE(contains(text_of(narrow[0]), heading), text_of(narrow[0]));
        CHECK_MESSAGE(contains(text_of(wide[0]), heading), text_of(wide[0]));
    }
    for (const char* heading : {"experiment", "settings", "seed", "stage", "steps", "time", "last", "device", "[nats]"})
        CHECK_MESSAGE(contains(text_of(wide[0]), heading), text_of(wide[0]));
    CHECK(text_of(narrow[1]).starts_with(">    13"));
    CHECK(narrow[1].inverse);
    CHECK_FALSE(narrow[2].inverse);
    for (const char* part : {"running", "███░░░  45%", "50/s", "11 s", "0.0412", "█▇▆▅▄▃▂▁"})
        CHECK_MESSAGE(contains(text_of(narrow[1]), part), text_of(narrow[1]));
    CHECK(contains(text_of(wide[1]), "channels=32 learning_rate=0.001"));
}

TEST_CASE("numbers stand under the ends of their headings") {
    Row small = running_row(1), large = running_row(123456);
    small.trial.value = 7, large.trial.value = -1234.5;
    const Picture picture = table_lines(table_of({small, large}), 0, 80);
    const auto end_of = [](const Line& line, std::size_t span) {
        return line.spans[span].column + display_width(line.spans[span].text);
    };
    CHECK(end_of(picture[1], 1) == end_of(picture[0], 0));
    CHECK(end_of(picture[2], 1) == end_of(picture[0], 0));
    CHECK(contains(text_of(picture[2]), " 123456  "));
    CHECK(contains(text_of(picture[2]), "-1234"));
}

TEST_CASE("a curve with more points than its column keeps its end") {
    Row row = running_row();
    row.curve.assign(100, 1.0);
    row.curve.back() = 2;
    const std::string line = text_of(table_lines(table_of({row}), 0, 80)[1]);
    CHECK(line.ends_with("▁▁▁█"));
}

TEST_CASE("every screen keeps to its size and is harmless, whatever the store holds") {
    TrialPage trial;
    trial.row = hostile_row(3);
    trial.metric = hostile;
    trial.summary = store::MetricSummary{hostile, 3, 1, infinity, 5, std::nan(""), 0, 1e308, 2};
    trial.points = {{0, 1e308, 0}, {10, -1e308, 0}, {20, std::nan(""), 0}, {30, 3, 0}};
    trial.figures = {{hostile, -infinity}, {"kl", 0.1}};
    trial.log.assign(300, std::string(500, 'x'));
    for (const Size size : {least_size, Size{80, 24}, Size{81, 25}, Size{200, 50}})
        for (const Asking asking : {Asking::nothing, Asking::filter, Asking::cancel}) {
            TablePage page = page_of({running_row(1), hostile_row(2), row_of(3, Status::lost)});
            page.table.order.metric.name = page.table.curve = page.store = hostile;
            Choices choices;
            choices.asking = asking;
            choices.filter = choices.order.experiment = choices.message = hostile;
            check_fits(table_picture(page, choices, size), size);
            check_fits(trial_picture(trial, choices, size), size);
            check_fits(log_picture(trial, choices, size), size);
            check_fits(help_picture(size), size);
        }
}

TEST_CASE("the table's screen says how many run and wait, and how long the rest will take") {
    const Choices choices;
    // Two at a time: two half done and four to come of 60 s each.
    CHECK(counts_text(page_of({}).counts) == "2 running, 4 queued, about 2 min left; 3 done");
    CHECK(counts_text({{"a", Status::done, 1, 5}, {"a", Status::failed, 2, 1}}) == "1 done, 2 failed");
    CHECK(counts_text({{"a", Status::done, 1, 5}, {"b", Status::queued, 1, 0}, {"a", Status::running, 1, 0}}) ==
          "1 running, 1 queued; 1 done");  // nobody knows how long those of b take
    const std::string text = text_of_all(table_picture(page_of({running_row()}), choices, {80, 24}));
    CHECK(contains(text, "store.db · by activity"));
    CHECK(contains(text, "trial 13 of lattice: channels=32 learning_rate=0.001 seed=0"));
    CHECK(contains(text, "? help  q quit"));
    CHECK(contains(text_of_all(table_picture(page_of({}), choices, {80, 24})), "no trials yet"));
}

TEST_CASE("without UTF-8 every glyph has one character that stands for it") {
    const std::string text = text_of_all(table_picture(page_of({running_row()}), {}, {80, 24}));
    for (const char c : to_ascii(text)) CHECK(static_cast<unsigned char>(c) < 0x80);
    CHECK(to_ascii("▁█░… a⠑│") == "_#.~ a*|");
    CHECK(display_width(to_ascii("▁█×⣿")) == 4);
}

TEST_CASE("a log is harmless lines, long ones in pieces, progress bars as they ended") {
    using Lines = std::vector<std::string>;
    CHECK(log_lines("one\ntwo\tthree\n\nfour", 20) == Lines{"one", "two three", "", "four"});
    CHECK(log_lines("0%\r50%\r100%\r\ndone\r\n", 20) == Lines{"100%", "done"});
    CHECK(log_lines("abcdefgh\n模型模", 5) == Lines{"abcde", "fgh", "模型", "模"});
    CHECK(log_lines("\x1b[2J\x07", 20) == Lines{"\\x1b[2J\\x07"});
    CHECK(log_lines("", 20).empty());
    std::size_t back = 1;
    CHECK(window_of({"1", "2", "3", "4"}, 2, back) == Lines{"2", "3"});
    back = static_cast<std::size_t>(-1);
    CHECK(window_of({"1", "2", "3", "4"}, 3, back) == Lines{"1", "2", "3"});
    CHECK(back == 1);
    CHECK(window_of({}, 3, back).empty());
    CHECK(back == 0);
}

Shown shown_of(std::vector<TrialId> order) {
    Shown shown;
    shown.order = std::move(order);
    shown.lines = 3;
    shown.metrics = {"kl", "loss"};
    return shown;
}

TEST_CASE("the first line stays chosen as a place, any other as a trial") {
    Choices choices;
    Shown shown = shown_of({5, 4, 3, 2, 1});
    settle(choices, shown.order, shown.lines);
    CHECK(choices.chosen == 0);
    press(choices, {Key::Kind::down}, shown);
    CHECK(choices.chosen == 4);
    shown.order = {9, 8, 5, 7, 4, 3};  // it went down
    settle(choices, shown.order, shown.lines);
    CHECK(choices.at == 4);
    CHECK(choices.first == 2);
    shown.order = {9, 8, 5, 7, 3};  // it is gone
    settle(choices, shown.order, shown.lines);
    CHECK(choices.chosen == 3);
    press(choices, {Key::Kind::home}, shown);
    CHECK(choices.chosen == 0);
    press(choices, {Key::Kind::end}, shown);
    settle(choices, shown.order, shown.lines);
    CHECK(choices.chosen == 3);
    CHECK(choices.first == 2);
    press(choices, {Key::Kind::text, "k"}, shown);
    CHECK(choices.chosen == 7);
    settle(choices, {}, shown.lines);
    CHECK(choices.at == 0);
    press(choices, {Key::Kind::down}, shown_of({}));
    CHECK(press(choices, {Key::Kind::text, "q"}, shown) == Action::quit);
}

TEST_CASE("nothing is cancelled without a yes, and then the trial that was named") {
    Choices choices;
    const Shown shown = shown_of({5, 4});
    CHECK(press(choices, {Key::Kind::text, "c"}, shown) == Action::nothing);
    CHECK(choices.asking == Asking::cancel);
    CHECK(contains(text_of_all(table_picture(page_of({running_row(5)}), choices, {80, 24})),
                   "cancel trial 5? y: yes, any other key: no"));
    CHECK(press(choices, {Key::Kind::enter}, shown) == Action::nothing);
    CHECK(choices.message == "nothing was cancelled");
    press(choices, {Key::Kind::text, "c"}, shown);
    CHECK(press(choices, {Key::Kind::text, "y"}, shown_of({7, 5, 4})) == Action::cancel);
    CHECK(choices.chosen == 5);
    CHECK(press(choices, {Key::Kind::text, "p"}, shown) == Action::pause);
    CHECK(press(choices, {Key::Kind::text, "r"}, shown) == Action::retry);
    Choices empty;
    CHECK(press(empty, {Key::Kind::text, "p"}, shown_of({})) == Action::nothing);
    press(empty, {Key::Kind::text, "c"}, shown_of({}));
    CHECK(empty.asking == Asking::nothing);
}

TEST_CASE("a filter is typed, corrected, kept or taken back") {
    Choices choices;
    const Shown shown = shown_of({5, 4});
    const auto type = [&](const std::string& text) {
        for (const char c : text) press(choices, {Key::Kind::text, std::string(1, c)}, shown);
    };
    type("/qc");
    press(choices, {Key::Kind::text, "é"}, shown);
    press(choices, {Key::Kind::backspace}, shown);
    CHECK(choices.filter == "qc");
    press(choices, {Key::Kind::enter}, shown);
    CHECK(choices.asking == Asking::nothing);
    type("/x");
    press(choices, {Key::Kind::escape}, shown);
    CHECK(choices.filter == "qc");
    press(choices, {Key::Kind::escape}, shown);
    CHECK(choices.filter.empty());
    type("/" + std::string(1000, 'x'));
    CHECK(choices.filter.size() == 200);
}

TEST_CASE("keys sort, choose the metric, open a trial, its log and the help, and go back") {
    Choices choices;
    const Shown shown = shown_of({5, 4});
    const auto key = [&](const char* text) { press(choices, {Key::Kind::text, text}, shown); };
    key("s");
    CHECK(choices.order.order == store::TrialOrder::trial);
    key("S");
    CHECK(choices.order.reversed);
    for (int i = 0; i < 5; ++i) key("s");
    CHECK(choices.order.order == store::TrialOrder::activity);
    CHECK_FALSE(choices.order.reversed);
    choices.order.metric.name = "kl";
    key("m");
    CHECK(choices.order.metric.name == "loss");
    CHECK(choices.own_metric);
    key("m");
    key("M");
    CHECK(choices.order.metric.name == "loss");
    press(choices, {Key::Kind::enter}, shown);
    CHECK(choices.page == Page::trial);
    CHECK(choices.chosen == 5);
    key("y");
    CHECK(choices.logarithmic == true);
    key("j");
    CHECK(choices.chosen == 4);
    key("l");
    CHECK(choices.page == Page::log);
    press(choices, {Key::Kind::page_up}, shown);
    CHECK(choices.back == 3);
    press(choices, {Key::Kind::down}, shown);
    CHECK(choices.back == 2);
    press(choices, {Key::Kind::end}, shown);
    CHECK(choices.back == 0);
    key("?");
    CHECK(choices.page == Page::help);
    key("x");
    CHECK(choices.page == Page::log);
    press(choices, {Key::Kind::escape}, shown);
    press(choices, {Key::Kind::escape}, shown);
    CHECK(choices.page == Page::table);
}

}  // namespace marginalia::top::top_view
