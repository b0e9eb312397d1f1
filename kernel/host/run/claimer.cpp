#include "kernel/host/run/claimer.h"

#include <marginalia/error.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kernel/host/run/start_from.h"
#include "kernel/host/run/work_list.h"
#include "store/error.h"

namespace marginalia {
namespace {

template <class Item>
std::optional<Item> take_first(std::deque<Item>& items) {
    if (items.empty()) return std::nullopt;
    std::optional<Item> first = std::move(items.front());
    items.pop_front();
    return first;
}

}  // namespace

store::StoredCheckpoint network_of(store::Store& store, const std::string& start_from, std::int64_t seed,
                                   const std::string& target) {
    if (const auto found = find_network(store, start_from, seed, target)) return *found;
    const std::size_t at = start_from.find('@');
    throw Error("train.start_from: the store holds no finished trial with a checkpoint of experiment '" +
                start_from.substr(0, at) +
                (at == start_from.npos
                     ? "' with seed " + std::to_string(seed) +
                           " or a figure 'kl' or 'nll_bits' (of the same energy or data set, where it has several)"
                     : "' with the config " + start_from.substr(at + 1) + " and seed " + std::to_string(seed)) +
                "; run that experiment first");
}

Claimer::Claimer(store::Writer& writer, std::string watched)
    : writer_(writer), watched_(std::move(watched)), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this] { serve(); }) {}

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
    requests_.push_back({slot, job.trial, job.config->seed, where.device, start_from, target_of(job.config->config),
                         where.threads, hardware, job.trained ? job.evaluations.front().id : 0});
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
            answer.removed = !store.find(request.trial);
            if (answer.removed) return;
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
            else read_training(store, request.trial, answer);
        });
        if (answer.ours && !answer.checkpoint && request.evaluation != 0)
            throw Error("the store has no checkpoint of it to evaluate; run its file with --again to train it again");
        if (answer.ours && !answer.checkpoint && !request.start_from.empty())
            writer_.run_and_wait([&](store::Store& store) {
                answer.start_from = network_of(store, request.start_from, request.seed, request.target);
            });
    } catch (const store::StoreError& error) {
        answer.error = error.what();
        answer.store_failed = error.kind() != store::StoreError::Kind::no_match;
    } catch (const std::exception& error) {
        answer.error = error.what();
    }
    return answer;
}

void Claimer::read_training(store::Store& store, store::TrialId trial, Claim& answer) const {
    store.forget_after(trial, answer.checkpoint ? answer.checkpoint->step : -1);
    answer.standing = std::move(store::standings(store, std::span(&trial, 1)).at(0));
    answer.setback = store::setback_of(store, trial);
    if (!watched_.empty()) answer.curve = store::metric_curve(store, trial, watched_);
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
