#include "kernel/schedule/claimer.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <marginalia/error.h>

#include "store/queries.h"

namespace marginalia {
namespace {

// Of "EXPERIMENT@HASH" the finished trial of that config and seed; of "EXPERIMENT" the one of the same seed, else the one of
// the lowest KL, else of the lowest negative log-likelihood.
std::string network_of(store::Store& store, const std::string& start_from, std::int64_t seed) {
    const std::size_t at = start_from.find('@');
    const std::string experiment = start_from.substr(0, at), hash = at == start_from.npos ? "" : start_from.substr(at + 1);
    std::vector<store::TrialId> candidates = store::done_trials(store, experiment, hash, seed);
    for (const char* metric : {"kl", "nll_bits"})
        if (hash.empty())
            for (const auto& ranked : store::best_trials(store, {.metric = metric, .experiment = experiment, .limit = 1}))
                candidates.push_back(ranked.trial.id);
    for (const store::TrialId candidate : candidates)
        if (auto bytes = store.newest_checkpoint(candidate)) return std::move(*bytes);
    throw Error("train.start_from: the store holds no finished trial with a checkpoint of experiment '" + experiment +
                (hash.empty() ? "' with seed " + std::to_string(seed) + " or a figure 'kl' or 'nll_bits'"
                              : "' with the config " + hash + " and seed " + std::to_string(seed)) +
                "; run that experiment first");
}

}  // namespace

Claimer::Claimer(store::Writer& writer)
    : writer_(writer), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), thread_([this] { serve(); }) {}

Claimer::~Claimer() {
    {
        std::lock_guard lock(mutex_);
        end_ = true;
        asked_.notify_one();
    }
    thread_.join();
    ::close(event_);
}

void Claimer::ask(std::size_t slot, const Job& job, const Slot& where) {
    std::string start_from;
    if (const auto train = job.config->config.find("train"); train != job.config->config.end())
        start_from = train->value("start_from", "");
    std::lock_guard lock(mutex_);
    requests_.push_back({slot, job.trial, job.config->seed, where.device, start_from, where.threads});
    asked_.notify_one();
}

std::optional<Claim> Claimer::take() {
    std::lock_guard lock(mutex_);
    if (claims_.empty()) {
        std::uint64_t count;
        [[maybe_unused]] const auto cleared = ::read(event_, &count, sizeof count);
        return std::nullopt;
    }
    Claim claim = std::move(claims_.front());
    claims_.pop_front();
    return claim;
}

void Claimer::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        asked_.wait(lock, [&] { return end_ || !requests_.empty(); });
        if (requests_.empty()) return;
        const Request request = std::move(requests_.front());
        requests_.pop_front();
        lock.unlock();
        Claim answer = claim(request);
        lock.lock();
        claims_.push_back(std::move(answer));
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
    }
}

// One transaction: whoever sees the claim also sees that points after the checkpoint are gone.
Claim Claimer::claim(const Request& request) {
    Claim answer;
    answer.slot = request.slot;
    try {
        writer_.run_and_wait([&](store::Store& store) {
            answer.ours = store.claim(request.trial, store.this_run(), request.device, request.threads);
            if (!answer.ours) return;
            answer.at = Clock::now();
            if (const auto trial = store.find(request.trial)) answer.seconds_before = trial->seconds;
            answer.checkpoint = store.newest_checkpoint(request.trial, &answer.step).value_or("");
            if (answer.checkpoint.empty()) answer.step = -1;
            store.forget_after(request.trial, answer.step);
        });
        if (answer.ours && answer.checkpoint.empty() && !request.start_from.empty())
            writer_.run_and_wait([&](store::Store& store) {
                answer.start_network = network_of(store, request.start_from, request.seed);
            });
    } catch (const std::exception& error) {
        answer.error = error.what();
    }
    return answer;
}

}  // namespace marginalia
