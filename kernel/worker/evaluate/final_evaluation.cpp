// The figures of a finished training, as [evaluation] asks for them.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <cmath>

#include "kernel/spec/metrics.h"
#include "kernel/worker/evaluate/annealed_importance.h"
#include "kernel/worker/evaluate/dataset_evaluation.h"
#include "kernel/worker/evaluate/enumeration.h"
#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/evaluate/family_figures.h"
#include "kernel/worker/evaluate/reference.h"
#include "kernel/worker/evaluate/stages.h"
#include "kernel/worker/machine/cuda_arithmetic.h"
#include "kernel/worker/model/as_trained.h"
#include "kernel/worker/states/svg.h"

namespace marginalia {

namespace {

// Streams of the trial's seed, apart from those of training. Every stage that draws has its own, so that one which is
// done by another process than those before it finds the same: the first is that of the model and of its states.
constexpr std::uint64_t final_stream = 2, reference_stream = 4, timing_stream = 8, likelihood_stream = 9,
                        enumeration_stream = 10;

// Seconds from the wish to stop to the end of the process, where a stage is in code that does not ask.
constexpr double patience_in_stages = 1;

void record_figures(const Figures& figures, const std::string& label, std::int64_t step, Recorder& recorder) {
    for (const auto& [name, value] : figures) {
        const std::string called = member_metric(name, label);
        recorder.final_metric(called, value);
        if (metric_info(called).drawn) recorder.metric(called, step, value);
    }
}

class FinalEvaluation {
public:
    // Of the member at hand. `step`: at which the training ended.
    FinalEvaluation(const TrialRequest& request, const PluginHost& plugins, const TrialParts& parts, std::int64_t step,
                    bool bfloat16, Stages& stages, Recorder& recorder)
        : request_(request), plugins_(plugins), parts_(parts), recorder_(recorder),
          wanted_(request.settings.evaluation), steps_(step), label_(parts.members.label(parts.members.at_hand())),
          generator_(generator_of(parts.device, final_stream)), stages_(stages),
          model_(in_precision(parts.objective->model(*parts.network, generator_, tick_of(normalising_)), *parts.network,
                              parts.device, bfloat16)) {}

    void run() {
        // Exact values cost seconds on wide lattices: only beside the figures they are to be compared with.
        if (parts_.energy && (wanted_.samples > 0 || wanted_.nll_samples > 0)) find_log_z();
        const at::Tensor drawn = drawn_states();
        const bool mixed = !parts_.domain.site_categories.empty();
        if (drawn.defined()) stages_.once("pictures", [&] { mixed ? record_rows(drawn) : record_pictures(drawn); });
        if (drawn.defined() && wanted_.marginal_time)
            stages_.once("timing", [&] {
                at::Generator own = generator_of(parts_.device, timing_stream);
                record(time_marginals(parts_, *model_, drawn, own, tick_of(timing_)));
            });
        if (parts_.energy && wanted_.enumeration > 0) stages_.once("enumeration", [&] { enumerate(); });
        if (parts_.energy) compare_with_reference(drawn);
        else compare_with_data(drawn);
    }

private:
    at::Generator generator_of(const at::Device& device, std::uint64_t stream) const {
        return make_generator(device, request_.seed, member_stream(stream, parts_.members.at_hand()));
    }

    // For what an energy draws by itself.
    std::uint64_t seed() const {
        return member_stream(static_cast<std::uint64_t>(request_.seed), parts_.members.at_hand());
    }

    KeepGoing reporting(std::string phase) {
        if (!label_.empty()) phase = label_ + ": " + phase;
        return [this, phase = std::move(phase)](std::int64_t done, std::int64_t total) {
            recorder_.progress(phase, done, total);
            return !recorder_.stop_requested();
        };
    }

    Draws draws(std::int64_t most) const { return {most, wanted_.batch, wanted_.precision}; }

    // Words for what cannot say itself how far it is.
    void begin(const char* phase) {
        if (!reporting(phase)(0, 0)) throw Interrupted{};
    }

    void find_log_z() {
        stages_.once("exact log Z", [&] {
            begin("exact log Z");
            const std::optional<double> value = parts_.energy->log_z();
            if (!value) return;
            record({{"log_z_exact", *value}});
            stages_.keep_numbers("log_z", {*value, 0, 1});
        });
        if (wanted_.ais_chains > 0) stages_.once("annealing", [&] { anneal(); });
        if (const std::vector<double> known = stages_.numbers("log_z"); known.size() == 3)
            log_z_ = {known[0], known[1], known[2] != 0};
    }

    void anneal() {
        const std::int64_t chains = wanted_.ais_chains, temperatures = wanted_.ais_temperatures;
        std::int64_t done = 0;
        const KeepGoing keep_going = reporting("annealing");
        const Tick tick = [&] {
            if (!keep_going(++done, temperatures)) throw Interrupted{};
        };
        const AnnealedLogZ estimate = annealed_log_z(*parts_.energy, {chains, temperatures, seed()}, tick);
        record({{"log_z_ais", estimate.log_z},
                {"log_z_ais_stderr", estimate.standard_error},
                {"log_z_ais_lower", estimate.mean_log_weight},
                {"log_z_ais_effective", estimate.effective}});
        if (stages_.numbers("log_z").empty() && std::isfinite(estimate.log_z))
            stages_.keep_numbers("log_z", {estimate.log_z, estimate.standard_error, 0});
    }

    // Undefined where none are wanted.
    at::Tensor drawn_states() {
        if (wanted_.samples > 0)
            stages_.once("sampling", [&] {
                at::Tensor drawn;
                record(evaluate_samples(parts_, *model_, log_z_, draws(wanted_.samples), generator_,
                                        reporting("sampling"), drawn));
                stages_.keep_states("drawn", drawn);
            });
        return stages_.states("drawn");
    }

    void enumerate() {
        at::Generator own = generator_of(parts_.device, enumeration_stream);
        record(
            evaluate_enumeration(parts_, *model_, wanted_.enumeration, wanted_.batch, own, reporting("enumeration")));
    }

    void compare_with_data(const at::Tensor& drawn) {
        if (drawn.defined() && parts_.domain.site_categories.empty())
            stages_.once("drawn rows", [&] {
                begin("drawn rows beside the data's");
                record(evaluate_drawn_rows(parts_, drawn));
            });
        stages_.once("likelihood", [&] { record(evaluate_likelihood(row_evaluation("likelihood"))); });
        if (wanted_.marginal_rows > 0 && parts_.domain.site_categories.empty())
            stages_.once("row marginals", [&] { record(evaluate_row_marginals(row_evaluation("marginals"))); });
        // Where log p has one value there is nothing to compare.
        const bool one_log_p = !parts_.objective->trains_marginals() || parts_.network->consistent();
        if (wanted_.ranking_groups > 0 && !one_log_p)
            stages_.once("ranking", [&] { record(evaluate_ranking(row_evaluation("ranking"))); });
    }

    RowEvaluation row_evaluation(const char* phase) { return {parts_, *model_, wanted_, reporting(phase)}; }

    void compare_with_reference(const at::Tensor& drawn) {
        const std::int64_t nll_samples = wanted_.nll_samples, marginal_states = wanted_.marginal_states;
        if (nll_samples > 0) stages_.once("entropy", [&] { record_entropy(); });
        const std::int64_t count = std::max(nll_samples, marginal_states);
        if (count == 0) return;
        stages_.once("reference", [&] { draw_reference(count); });
        Reference reference;
        reference.x = stages_.states("reference");
        if (!reference.x.defined()) return;
        reference.chains = stages_.count("reference_chains", wanted_.reference_chains);
        if (marginal_states > 0 && parts_.objective->trains_marginals())
            stages_.once("marginals", [&] { compare_marginals(reference.x, marginal_states); });
        if (nll_samples == 0) return;
        reference.x = reference.x.slice(0, 0, nll_samples);
        stages_.once("likelihood", [&] {
            at::Generator own = generator_of(parts_.device, likelihood_stream);
            record(evaluate_reference(parts_, *model_, log_z_, reference, draws(nll_samples), own,
                                      reporting("likelihood")));
        });
        if (drawn.defined()) stages_.once("quality", [&] { compare_states(drawn, reference); });
    }

    void record_entropy() {
        begin("exact entropy");
        if (const auto entropy = parts_.energy->entropy())
            record({{"entropy_bits_exact", *entropy / std::log(2.0) / static_cast<double>(parts_.domain.sites)}});
    }

    void compare_states(const at::Tensor& drawn, const Reference& reference) {
        const KeepGoing comparing = reporting("drawn states beside reference states");
        Curves curves;
        record(evaluate_quality(parts_, drawn, reference, curves, tick_of(comparing)));
        record(curves);
    }

    void draw_reference(std::int64_t count) {
        const Reference reference = reference_states(count);
        if (!reference.x.defined()) return;
        record_sample("reference_samples", "text", (reference.exact ? "exact: " : "chain: ") + reference.how);
        record(reference.figures);
        stages_.keep_states("reference", reference.x);
        stages_.keep_numbers("reference_chains", {static_cast<double>(reference.chains)});
    }

    Reference reference_states(std::int64_t count) {
        at::Generator own = generator_of(parts_.device, reference_stream);
        const std::int64_t chains = wanted_.reference_chains;
        const auto sampler = build_reference_sampler(request_, plugins_, parts_, chains, own);
        if (!sampler) begin("reference states");
        if (!sampler) return energy_reference(*parts_.energy, static_cast<std::size_t>(count), seed());
        return chain_reference(parts_, *sampler, chains, count, own, reporting("reference"));
    }

    void compare_marginals(const at::Tensor& reference, std::int64_t states) {
        at::Generator choice = generator_of(at::kCPU, final_stream);
        Curves curves;
        const MarginalChoice choice_of_states{states, wanted_.batch, request_.exact_seconds};
        const Figures figures = evaluate_marginals(
            parts_, *model_, reference, choice_of_states, choice,
            reporting(fmt::format("exact log-marginals (at most {:g} s)", request_.exact_seconds)), curves);
        record(figures);
        if (const auto left = figures.find("marginal_states"); left != figures.end())
            recorder_.note(
                steps_, fmt::format("{}exact log-marginals: {:.0f} of {} states, those with the most known sites; "
                                    "the others do not fit into run.exact_seconds = {}",
                                    label_.empty() ? "" : label_ + ": ", left->second, states, request_.exact_seconds));
        record(curves);
    }

    void record(const Figures& figures) {
        if (!label_.empty()) stages_.keep_figures(figures);
        record_figures(figures, label_, steps_, recorder_);
    }

    void record(const Curves& curves) {
        for (const auto& [name, points] : curves)
            for (const auto& [place, value] : points) recorder_.metric(member_metric(name, label_), place, value);
    }

    void record_sample(const std::string& name, const char* kind, std::string data) {
        recorder_.sample(member_metric(name, label_), steps_, kind, std::move(data));
    }

    void record_pictures(const at::Tensor& drawn) {
        begin("pictures");
        const std::int64_t count = std::min(wanted_.pictures, drawn.size(0));
        if (count == 0) return;
        const std::vector<std::uint8_t> bytes = to_bytes(drawn.slice(0, 0, count));
        const States rows{bytes, static_cast<std::size_t>(parts_.domain.sites)};
        nlohmann::json picture = {{"shape", parts_.domain.layout.shape}, {"categories", parts_.domain.categories}};
        for (std::size_t row = 0; row < rows.size(); ++row) {
            picture["states"].push_back(std::vector<int>(rows[row].begin(), rows[row].end()));
            picture["texts"].push_back(text_of(rows[row]));
        }
        if (!record_drawings(rows)) record_sample("samples", "states", picture.dump());
        record_histograms(drawn);
    }

    void record_rows(const at::Tensor& drawn) {
        if (wanted_.pictures > 0)
            record_sample("samples", "text", rows_text(parts_, drawn.slice(0, 0, wanted_.pictures)));
    }

    // What a state spells, or its text where that is nothing valid.
    std::string text_of(State x) const {
        const std::string identity = parts_.variables().identity(x);
        return identity.empty() ? parts_.variables().text(x) : identity;
    }

    // False where states are not drawn.
    bool record_drawings(States rows) {
        std::vector<Drawing> drawings;
        bool any = false;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            drawings.push_back({parts_.variables().picture(rows[row]), text_of(rows[row])});
            any = any || !drawings.back().svg.empty();
        }
        if (any) record_sample("samples", "svg", svg_grid(drawings, 4));
        return any;
    }

    // Of observables with a target.
    void record_histograms(const at::Tensor& drawn) {
        if (!parts_.energy) return;
        std::map<std::string, at::Tensor> observed;
        for (const Observable& observable : parts_.energy->observables()) {
            if (std::isnan(observable.target_mean)) continue;
            if (observed.empty()) observed = observe_rows(parts_, drawn);
            const at::Tensor all = observed.at(observable.name), values = all.index({all.isfinite()}).contiguous();
            if (values.numel() < 2) continue;
            const Distribution distribution{
                observable.name, observable.unit,
                std::vector(values.data_ptr<double>(), values.data_ptr<double>() + values.numel()),
                observable.target_mean, observable.target_deviation};
            record_sample("histogram." + observable.name, "svg", histogram_svg(distribution));
        }
    }

    const TrialRequest& request_;
    const PluginHost& plugins_;
    const TrialParts& parts_;
    Recorder& recorder_;
    const EvaluationSettings& wanted_;
    const std::int64_t steps_;
    const std::string label_;
    at::Generator generator_;
    const at::NoGradGuard no_grad_;
    const KeepGoing normalising_ = reporting("normalising"), timing_ = reporting("timing marginals");
    Stages& stages_;
    const std::unique_ptr<Model> model_;
    LogZ log_z_;
};

}  // namespace

TrialOutcome evaluate_trial(TrialRequest request, const PluginHost& plugins, Recorder& recorder) {
    recorder.may_be_ended(patience_in_stages);
    CheckpointState state;
    TrialParts parts = load_trained(request, plugins, DataRows::needed, state);
    const CudaArithmetic arithmetic(request.settings.train, parts.device);
    std::string().swap(request.checkpoint);
    const bool bfloat16 = draws_in_bfloat16("auto", state, parts.device);
    try {
        Stages stages(request, parts.domain, recorder, state.step);
        std::vector<Figures> learnt;
        for (std::size_t member = 0; member < parts.members.count(); ++member) {
            parts.go_to(member);
            stages.begin_member(parts.members.label(member));
            FinalEvaluation(request, plugins, parts, state.step, bfloat16, stages, recorder).run();
            if (member < parts.members.learnt()) learnt.push_back(stages.figures());
        }
        if (!parts.members.label(0).empty()) record_figures(means_of(learnt), "", state.step, recorder);
    } catch (const Interrupted&) {
        return TrialOutcome::stopped;
    }
    return TrialOutcome::done;
}

}  // namespace marginalia
