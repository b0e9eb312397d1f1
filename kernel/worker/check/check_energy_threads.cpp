// An energy asked from many threads at once. The usual mistakes keep something in the object: scratch space, a sum, the
// last state, a table of all values so far. The last two go wrong only while states are new to the object.
#include <marginalia/error.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <random>
#include <thread>

#include "kernel/worker/check/crash_guard.h"
#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/guarded.h"

namespace marginalia {
namespace {

constexpr std::size_t fewest_states = 64;  // of a round, every second one having more
constexpr std::size_t most_doublings = 4;
constexpr std::size_t rows_a_batch = 8;
constexpr auto least_time = std::chrono::milliseconds(300);

// What an energy says of some states.
struct Answers {
    std::vector<double> values, again;             // log_density, asked twice running
    std::vector<std::optional<double>> estimates;  // partial_log_density
    std::vector<double> batches;                   // log_densities of rows_a_batch rows each
    std::vector<double> site_values;               // site_log_densities of one site of each row
    std::vector<double> differences;               // at that site
};

// Batches are cut at the same rows in every order, since an energy that computes whole batches may round by its batch.
Answers ask(const Energy& energy, const StateTable& full, const StateTable& partial,
            const std::vector<std::size_t>& order) {
    const std::size_t rows = full.size();
    Answers answers{
        std::vector<double>(rows), std::vector<double>(rows), std::vector<std::optional<double>>(rows), {}, {}, {}};
    const auto categories = static_cast<std::size_t>(energy.categories());
    answers.differences.resize(rows * categories);
    Guarded<double> batches(rows, 0), site_values(rows * categories, 0), of_all_sites(full.width * categories, 0);
    for (const std::size_t row : order) {
        answers.values[row] = energy.log_density(full[row]);
        answers.again[row] = energy.log_density(full[row]);
        answers.estimates[row] = energy.partial_log_density(partial[row]);
        const std::size_t site = row % full.width, first = row * categories;
        energy.site_log_densities(full[row], static_cast<std::int64_t>(site),
                                  site_values.span().subspan(first, categories));
        if (answers.values[row] > -HUGE_VAL && energy.differences(full[row], of_all_sites.span()))
            std::copy_n(of_all_sites.span().begin() + static_cast<std::ptrdiff_t>(site * categories), categories,
                        answers.differences.begin() + static_cast<std::ptrdiff_t>(first));
        if (row % rows_a_batch != 0) continue;
        const std::size_t count = std::min(rows_a_batch, rows - row);
        energy.log_densities(full.view().slice(row, count), batches.span().subspan(row, count));
    }
    answers.batches = batches.values();
    answers.site_values = site_values.values();
    return answers;
}

void expect_same(const char* method, std::optional<double> among, std::optional<double> alone) {
    const bool both_nan = among && alone && std::isnan(*among) && std::isnan(*alone);
    if (among == alone || both_nan) return;
    const auto text = [](std::optional<double> value) { return value ? digits(*value) : std::string("nothing"); };
    throw Error(std::string(method) + " gave " + text(among) + " while other threads called it, and " + text(alone) +
                " alone; it must not change the object: keep caches and scratch space local, or behind a lock");
}

void expect_same(const Answers& among, const Answers& alone) {
    for (std::size_t row = 0; row < alone.values.size(); ++row) {
        expect_same("log_density", among.values[row], alone.values[row]);
        expect_same("log_density", among.again[row], alone.values[row]);
        expect_same("partial_log_density", among.estimates[row], alone.estimates[row]);
        expect_same("log_densities", among.batches[row], alone.batches[row]);
    }
    for (std::size_t i = 0; i < alone.site_values.size(); ++i) {
        expect_same("site_log_densities", among.site_values[i], alone.site_values[i]);
        expect_same("differences", among.differences[i], alone.differences[i]);
    }
}

std::vector<std::size_t> shuffled(std::size_t rows, std::uint64_t seed) {
    std::vector<std::size_t> order(rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
    return order;
}

// Short rounds ask many fresh objects, long rounds keep the threads busy together.
std::size_t states_of(std::uint64_t round) {
    return round % 2 == 0 ? fewest_states : fewest_states << std::min<std::uint64_t>(round / 2, most_doublings);
}

// Half of the threads go the same way, half each its own: some meet at a state, others do not.
void one_round(const Energy& fresh, const Energy& alone, std::uint64_t round) {
    const StateTable full = full_states(fresh.sites(), fresh.categories(), states_of(round), 1000 + round);
    const StateTable partial = partial_states(full, fresh.categories(), 2000 + round);
    std::vector<Answers> answers(thread_count);
    std::atomic<std::size_t> ready = 0;
    in_threads([&](std::size_t thread) {
        const std::uint64_t seed = thread_count * round + (thread % 2 == 0 ? 0 : thread);
        const auto order = shuffled(full.size(), seed);
        // Threads that a barrier wakes begin microseconds apart, which is long beside a cheap energy.
        for (++ready; ready < thread_count;) std::this_thread::yield();
        answers[thread] = ask(fresh, full, partial, order);
    });
    const Answers right = ask(alone, full, partial, shuffled(full.size(), round));
    for (const Answers& among : answers) expect_same(among, right);
}

// Tables that threads write to together may loop for ever. Far above what an energy without that mistake takes.
unsigned most_seconds(const Energy& alone) {
    const auto start = std::chrono::steady_clock::now();
    const StateTable full = full_states(alone.sites(), alone.categories(), fewest_states, 999);
    ask(alone, full, partial_states(full, alone.categories(), 999), shuffled(full.size(), 999));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    return static_cast<unsigned>(std::min(20 + 1000 * seconds.count(), 1e6));
}

}  // namespace

std::string check_energy_threads(const EnergyMaker& make) {
    const auto start = std::chrono::steady_clock::now();
    const auto alone = make();
    shorten_guard(most_seconds(*alone));
    std::uint64_t rounds = 0;
    do {
        one_round(*make(), *alone, rounds++);
    } while (std::chrono::steady_clock::now() - start < least_time);
    return std::to_string(thread_count) + " at once on " + std::to_string(rounds) +
           " fresh energies, every value the same to the last bit";
}

}  // namespace marginalia
