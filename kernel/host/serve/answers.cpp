#include "kernel/host/serve/answers.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "kernel/base/printable.h"
#include "kernel/host/page/html.h"
#include "kernel/host/results/where.h"
#include "store/error.h"

namespace marginalia::serve {
namespace {

using page::Json;

constexpr std::size_t most_sampled = 50;  // trials of one question

bool is_as_it_was(const store::ExperimentInfo& now, const store::ExperimentInfo& before) {
    return now.trials == before.trials && now.configs == before.configs && now.by_status == before.by_status &&
           now.created == before.created && now.last_active == before.last_active;
}

Json experiment_answer(store::Store& store, const Question& question, std::int64_t revision) {
    const std::string name = page::experiment_named(store, question.needed_text("name"));
    const std::string where = question.text("where");
    const ExperimentResults results = load_results(store, {.experiment = name, .only = chosen_by(store, where)});
    return page::experiment_document(store, results, where, revision);
}

Json curves_answer(store::Store& store, const Question& question) {
    constexpr std::int64_t first = 0, last = std::numeric_limits<std::int64_t>::max();
    const auto points = question.number("points", page::least_points, page::most_points);
    const page::CurveView view = {.points = static_cast<std::size_t>(points.value_or(page::usual_points)),
                                  .from = question.number("from", first, last),
                                  .to = question.number("to", first, last),
                                  .seconds = question.text("seconds") == "1"};
    return page::curves_document(store, question.needed_text("metric"), question.numbers("trials", page::most_trials),
                                 view);
}

int status_of(store::StoreError::Kind kind) {
    if (kind == store::StoreError::Kind::no_match) return 404;
    return kind == store::StoreError::Kind::bad_query ? 400 : 503;
}

}  // namespace

Answer refusal(int status, const std::string& sentence) {
    return {.status = status, .body = page::json_text({{"error", sentence}})};
}

std::string event_of(std::int64_t revision) { return fmt::format("data: {{\"revision\": {}}}\n\n", revision); }

Answers::Answers(std::filesystem::path store) : file_(std::move(store)), page_(page::served_page()) {}

Answer Answers::to(const Request& request, std::int64_t revision) noexcept {
    try {
        const Question question(request.target);
        if (question.path() == "/") return {.body = page_, .type = "text/html; charset=utf-8"};
        if (question.path() == "/api/events")
            return {.body = event_of(revision), .type = "text/event-stream", .is_stream = true};
        return {.body = page::json_text(document(question, revision))};
    } catch (const store::StoreError& error) {
        return refusal(status_of(error.kind()), error.what());
    } catch (const Error& error) {
        return refusal(400, error.what());
    } catch (const std::bad_alloc&) {
        return refusal(503, "there is not enough memory for this answer");
    } catch (const std::exception&) {  // rows that are not what the program writes
        return refusal(503, store::damaged_store(file_, "its rows do not fit together").what());
    }
}

Json Answers::document(const Question& question, std::int64_t revision) {
    const std::string& path = question.path();
    store::Store store = store::Store::open_to_read(file_);
    if (path == "/api/store") return page::store_document(store, true);
    if (path == "/api/experiments") return experiments(store, revision);
    if (path == "/api/experiment") return experiment_answer(store, question, revision);
    if (path == "/api/curves") return curves_answer(store, question);
    if (path == "/api/trial") return page::trial_document(store, question.numbers("id", 1).front());
    if (path == "/api/samples") return page::samples_document(store, question.numbers("trials", most_sampled));
    if (path == "/api/running") return page::running_document(store, revision);
    throw store::StoreError(store::StoreError::Kind::no_match,
                            fmt::format("there is nothing at {}; the page is at /", printable(path, 200)));
}

Json Answers::experiments(store::Store& store, std::int64_t revision) {
    page::ExperimentRows rows;
    std::map<std::string, Known> known;
    {
        const std::lock_guard lock(mutex_);
        known = known_;
    }
    for (store::ExperimentInfo& info : store::list_experiments(store)) {
        const auto [found, is_new] = known.try_emplace(info.name);
        if (is_new || !is_as_it_was(info, found->second.info))
            found->second = {info, page::headline_of(load_results(store, {.experiment = info.name}))};
        rows.emplace_back(std::move(info), found->second.headline);
    }
    std::erase_if(known, [&](const auto& entry) {
        return std::ranges::none_of(rows, [&](const auto& row) { return row.first.name == entry.first; });
    });
    const std::lock_guard lock(mutex_);
    known_ = std::move(known);
    return page::experiments_document(rows, revision);
}

}  // namespace marginalia::serve
