#include "kernel/host/run/claimer.h"

#include <marginalia/error.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kernel/spec/metrics.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

// Of "EXPERIMENT@HASH" the finished trial of that config and seed; of "EXPERIMENT" the one of the same seed, else the
// one of the lowest KL, else of the lowest negative log-likelihood.
store::StoredCheckpoint network_of(store::Store& store, const std::string& start_from, std::int64_t seed) {
    const std::size_t at = start_from.find('@');
    const std::string experiment = start_from.substr(0, at),
                      hash = at == start_from.npos ? "" : start_from.substr(at + 1);
    std::vector<store::TrialId> candidates = store::done_trials(store, experiment, hash, seed);
    for (const std::string& metric : ranking_metrics())
        if (hash.empty())
            for (const auto& ranked :
                 store::best_trials(store, {.metric = metric, .experiment = experiment, .limit = 1}))
                candidates.push_back(ranked.trial.id);
    for (const store::TrialId candidate : candidates)
        if (const auto found = store.find_checkpoint(candidate)) return *found;
    throw Error("train.start_from: the store holds no finished trial with a checkpoint of experiment '" + experiment +
                (hash.empty() ? "' with seed " + std::to_string(seed) + " or a figure 'kl' or 'nll_bits'"
                              : "' with the config " + hash + " and seed " + std::to_string(seed)) +
                "; run that experiment first");
}

template <class Item>
std::optional<Item> take_first(std::deque<Item>& items) {
    if (items.empty()) return std::nullopt;
    std::optional<Item> first = std::move(items.front());
    items.pop_front();
    return first;
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

void Claimer::ask(std::size_t slot, const Job& job, const Slot& where, const store::Hardware& hardware) {
    const std::string start_from = train_of(job.config->config).start_from;
    std::lock_guard lock(mutex_);
    requests_.push_back({slot, job.trial, job.config->seed, where.device, start_from, where.threads, hardware,
                         job.trained ? job.evaluations.front().id : 0});
    asked_.notify_one();
}

void Claimer::ask_piece(std::size_t slot, std::uint64_t ticket, const store::StoredCheckpoint& of,
                        std::int64_t number) {
    std::lock_guard lock(mutex_);
    piece_requests_.push_back({slot, ticket, of, number});
    asked_.notify_one();
}

void Claimer::heard() {
    std::uint64_t count;
    [[maybe_unused]] const auto cleared = ::read(event_, &count, sizeof count);
}

std::optional<Claim> Claimer::take() {
    std::lock_guard lock(mutex_);
    return take_first(claims_);
}

std::optional<ClaimedPiece> Claimer::take_piece() {
    std::lock_guard lock(mutex_);
    return take_first(pieces_);
}

void Claimer::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        asked_.wait(lock, [&] { return end_ || !requests_.empty() || !piece_requests_.empty(); });
        const auto request = take_first(requests_);
        const auto piece_request = request ? std::nullopt : take_first(piece_requests_);
        if (!request && !piece_request) return;
        lock.unlock();
        std::optional<Claim> answer;
        std::optional<ClaimedPiece> piece;
        if (request) answer = claim(*request);
        else piece = read_piece(*piece_request);
        lock.lock();
        if (answer) claims_.push_back(std::move(*answer));
        if (piece) pieces_.push_back(std::move(*piece));
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
    }
}

Claim Claimer::claim(const ClaimRequest& request) {
    Claim answer;
    answer.slot = request.slot;
    try {
        // One transaction: whoever sees the claim also sees that points after the checkpoint are gone.
        writer_.run_and_wait([&](store::Store& store) {
            if (request.evaluation != 0) store.show_evaluation(request.trial, request.evaluation);
            answer.ours =
                store.claim(request.trial, store.this_run(), request.device, request.threads, request.hardware);
            const auto trial = store.find(request.trial);
            if (trial) answer.status = trial->status;
            if (!answer.ours) return;
            answer.at = Clock::now();
            if (trial) answer.seconds_before = trial->seconds;
            if (trial) answer.attempt = trial->attempts;
            answer.checkpoint = store.find_checkpoint(request.trial);
            if (request.evaluation != 0) answer.start_from = store.find_evaluation_state(request.trial);
            else store.forget_after(request.trial, answer.checkpoint ? answer.checkpoint->step : -1);
        });
        if (answer.ours && !answer.checkpoint && request.evaluation != 0)
            throw Error("the store has no checkpoint of it to evaluate; run its file with --again to train it anew");
        if (answer.ours && !answer.checkpoint && !request.start_from.empty())
            writer_.run_and_wait(
                [&](store::Store& store) { answer.start_from = network_of(store, request.start_from, request.seed); });
    } catch (const store::StoreError& error) {
        answer.error = error.what();
        answer.store_failed = error.kind() != store::StoreError::Kind::no_match;
    } catch (const std::exception& error) {
        answer.error = error.what();
    }
    return answer;
}

// By way of the writer, whose connection knows the file whatever has become of its path.
ClaimedPiece Claimer::read_piece(const PieceRequest& request) {
    ClaimedPiece piece{request.slot, request.ticket, {}, {}};
    try {
        writer_.run_and_wait(
            [&](store::Store& store) { piece.bytes = store.checkpoint_piece(request.of, request.number); });
    } catch (const std::exception& error) {
        piece.error = error.what();
    }
    return piece;
}

}  // namespace marginalia
