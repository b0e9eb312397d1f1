// A store with known content, for the golden tests of the verbs: the same numbers, names and times at every run.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "store/connection.h"
#include "store/live.h"
#include "store/store.h"

namespace marginalia::testing {

// 2026-03-01 12:00:00 UTC: when the sample store's trials were planned.
inline constexpr std::int64_t sample_time = 1772366400;

// A repeatable number in -1..1 for a trial, a step and a purpose.
inline double noise(std::int64_t trial, std::int64_t step, std::int64_t purpose) {
    std::uint64_t x = static_cast<std::uint64_t>(trial * 7919 + step * 104729 + purpose * 1299709 + 12345);
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    x ^= x >> 31;
    return static_cast<double>(x >> 11) / 4503599627370496.0 - 1;
}

inline std::string provenance(const std::string& torch) {
    return nlohmann::json{
        {"host", "node1"},
        {"cpu", "Sample CPU"},
        {"cores", 2},
        {"system", "Linux 6.1"},
        {"versions", {{"marginalia", "0.1.0"}, {"torch", torch}, {"sqlite", "3.40.1"}}},
        {"git", {{"commit", "0123456789abcdef0123456789abcdef01234567"}, {"dirty", false}, {"diff", ""}}},
        {"command_line", {"marginalia", "run", "sample.toml"}},
        {"plugins",
         {{{"kind", "energy"},
           {"name", "ising"},
           {"path", "/p/ising.so"},
           {"sha256", std::string(64, 'a')},
           {"build_tag", "abi 1"}}}}}
        .dump();
}

inline store::PlannedTrial planned(double rate, int channels, std::int64_t seed) {
    const nlohmann::json config = {{"energy", {{"plugin", "ising"}, {"rows", 6}, {"columns", 6}, {"coupling", 0.2}}},
                                   {"network", {{"plugin", "lattice-conv"}, {"channels", channels}}},
                                   {"objective", {{"plugin", "mam-energy"}}},
                                   {"train", {{"steps", 2000}, {"learning_rate", rate}}}};
    return {config.dump(), fmt::format("{:04x}{:060x}", channels, static_cast<int>(rate * 1e5)), seed};
}

inline std::string states(std::int64_t trial, int rows, int columns) {
    nlohmann::json sample = {{"shape", {rows, columns}},
                             {"categories", 2},
                             {"states", nlohmann::json::array()},
                             {"texts", nlohmann::json::array()}};
    for (int state = 0; state < 12; ++state) {
        nlohmann::json sites = nlohmann::json::array();
        std::string text;
        for (int site = 0; site < rows * columns; ++site) {
            const int spin = noise(trial, site / 3 + 97 * (site % columns / 3), state) > -0.2;
            sites.push_back(spin);
            text += spin ? '1' : '0';
        }
        sample["states"].push_back(sites);
        sample["texts"].push_back(text);
    }
    return sample.dump();
}

// What a trial of the sample records: curves that fall to a floor set by its learning rate and width.
inline void record(store::Store& store, const store::Trial& trial, std::int64_t every) {
    const nlohmann::json config = nlohmann::json::parse(trial.config);
    const double rate = config["train"]["learning_rate"], channels = config["network"]["channels"];
    const double floor = 0.02 + 0.4 * std::abs(std::log10(rate / 1e-3)) / channels * 8 + 0.3 / channels;
    std::vector<store::MetricPoint> points;
    for (std::int64_t step = 0; step <= 2000; step += every) {
        const double time = static_cast<double>(sample_time + 60 + step / 20);
        const double kl =
            floor + 40 * std::exp(-static_cast<double>(step) * rate * 4) * (1 + 0.1 * noise(trial.id, step, 1));
        points.push_back({"loss", step, -78.69 + 1.3 * kl + 0.2 * noise(trial.id, step, 2), time});
        points.push_back({"theta_gap_mean", step, 0.4 * std::sqrt(kl) * (1 + 0.15 * noise(trial.id, step, 3)), time});
        if (step % 200 == 0) points.push_back({"kl", step, kl * (1 + 0.05 * noise(trial.id, step, 4)), time});
        if (step % 200 == 0) points.push_back({"nll_bits", step, 0.783323 + kl / 36 / std::log(2), time});
    }
    for (std::int64_t size = 1; size < 36; ++size) {
        const double error =
            floor * 0.5 * std::sin(3.14159 * static_cast<double>(size) / 36) * (1 + 0.2 * noise(trial.id, size, 5));
        points.push_back({"marginal_rmse_by_size", size, error, static_cast<double>(sample_time + 200)});
        points.push_back({"marginal_bias_by_size", size, 0.3 * error * noise(trial.id, size, 6),
                          static_cast<double>(sample_time + 200)});
    }
    store.add_metrics(trial.id, points);
    store.add_checkpoint(trial.id, 2000, fmt::format("bytes of trial {}", trial.id), {});
    store.add_sample(trial.id, "model", 2000, "states", states(trial.id, 6, 6));
    store.add_sample(trial.id, "reference_samples", 2000, "text", "exact: row by row");
    const double seed = 0.1 * noise(trial.id, 0, 7);
    store.set_final_metric(trial.id, "kl", floor * (1 + seed));
    store.set_final_metric(trial.id, "kl_stderr", 0.002);
    store.set_final_metric(trial.id, "free_energy", -28.35 + floor * (1 + seed));
    store.set_final_metric(trial.id, "nll_bits", 0.783323 + floor * (1 + seed) / 36 / std::log(2));
    store.set_final_metric(trial.id, "marginal_rmse", 0.3 * floor * (1 - seed));
    store.set_final_metric(trial.id, "spearman", 1 - 0.05 * floor * (1 + seed));
    store.set_final_metric(trial.id, "marginal_seconds", 0.00042);
    store.set_final_metric(trial.id, "step_seconds", 0.0011 * channels);
    store.set_final_metric(trial.id, "log_z_exact", 28.349012);
    store.set_final_metric(trial.id, "entropy_bits_exact", 0.783323);
}

// Experiment "lattice": 2 learning rates x 2 widths x 3 seeds; trial 10 failed, 11 diverged, 12 is queued. Experiment
// "single": one trial, of another LibTorch. `every` is the distance of recorded steps.
inline void fill_sample_store(const std::filesystem::path& file, std::int64_t every = 100) {
    store::Store store = store::Store::open(file);
    store::PlannedSweep lattice{"lattice",
                                "Widths and learning rates on the 6x6 Ising model",
                                "/home/user/lattice.toml",
                                "name = \"lattice\"\n",
                                provenance("2.13.0"),
                                {}};
    for (const double rate : {1e-3, 5e-4})
        for (const int channels : {16, 32})
            for (const std::int64_t seed : {0, 1, 2}) lattice.trials.push_back(planned(rate, channels, seed));
    store::PlannedSweep single{
        "single", "", "/home/user/single.toml", "name = \"single\"\n", provenance("2.12.0"), {planned(1e-3, 8, 7)}};
    std::vector<store::Trial> trials = store.enqueue(lattice);
    trials.push_back(store.enqueue(single).front());
    // A metric's time is kept from its trial's creation on.
    store.connection().execute(fmt::format("UPDATE trial SET created = {}000", sample_time));
    store::Owner owner = store::this_process();
    owner.host = "node1";
    for (const store::Trial& trial : trials) {
        if (trial.id == 12) continue;
        store.claim(trial.id, owner, "cpu", 2);
        if (trial.id == 10) {
            store::add_log(store, trial.id, {"a lattice of 6 x 6 sites\nstep 140: log f is \x1b[31mnan\x1b[0m\n"});
            store.set_status(trial.id, store::Status::failed,
                             "energy 'ising': log_density returned NaN; check its parameters");
            continue;
        }
        record(store, trial, every);
        if (trial.id == 11) store.set_final_metric(trial.id, "kl", std::numeric_limits<double>::quiet_NaN());
        store.set_status(trial.id, store::Status::done);
    }
    store.connection().execute(fmt::format(
        "UPDATE trial SET ran = 125000 + 1000 * id;"
        "UPDATE trial SET started = {0}000 + 60000, finished = {0}000 + 185000 + 1000 * id WHERE started IS NOT NULL;"
        "UPDATE sweep SET created = {0}000; UPDATE checkpoint SET created = {0}000 + 190000",
        sample_time));
}

}  // namespace marginalia::testing
