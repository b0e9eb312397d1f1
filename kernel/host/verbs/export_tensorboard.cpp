#include "kernel/host/verbs/export_tensorboard.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <system_error>

#include "kernel/base/output_file.h"
#include "kernel/base/printable.h"
#include "kernel/host/results/event_file.h"
#include "store/queries.h"

namespace marginalia {
namespace {

void make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw Error(fmt::format("--out: the folder {} cannot be made: {}", folder.string(), error.message()));
}

// The last step of training: other curves than those over a subset's size end there.
std::int64_t last_step(const store::TrialDetails& details) {
    std::int64_t last = 0;
    for (const store::MetricSummary& metric : details.metrics) last = std::max(last, metric.last_step);
    return last;
}

void write_events(store::Store& store, const store::TrialDetails& details, std::ostream& out) {
    const store::Trial& trial = details.trial;
    EventFile events(out, trial.created.value_or(0));
    for (const store::MetricSummary& metric : details.metrics)
        for (const store::CurvePoint& point : store::metric_curve(store, trial.id, metric.name))
            events.add(metric.name, point.step, point.value, point.time);
    const std::int64_t step = last_step(details);
    for (const store::FinalMetric& figure : details.final_metrics)
        events.add("final/" + figure.name, step, figure.value, trial.finished.value_or(trial.created.value_or(0)));
}

}  // namespace

std::size_t export_tensorboard(store::Store& store, std::span<const store::TrialId> trials,
                               const std::filesystem::path& folder) {
    make_folder(folder);
    std::size_t written = 0;
    for (const store::TrialId id : trials) {
        const store::TrialDetails details = store::trial_details(store, id);
        if (details.metrics.empty() && details.final_metrics.empty()) continue;
        const std::filesystem::path run = folder / file_name_of(details.trial.experiment) / std::to_string(id);
        make_folder(run);
        OutputFile file(run / fmt::format("events.out.tfevents.{}.marginalia", id));
        write_events(store, details, file.stream());
        file.commit();
        ++written;
    }
    return written;
}

}  // namespace marginalia
