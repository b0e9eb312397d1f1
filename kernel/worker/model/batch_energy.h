// A trial's energy over batches of states, in parallel over rows.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include <marginalia/energy.h>
#include <marginalia/energy_states.h>
#include <marginalia/objective.h>

namespace marginalia {

// Evaluates rows with oneTBB. Where the network runs on another device than the CPU, evaluation goes on beside it from
// `start` to `finish`, which begins as soon as the states have come as bytes; on the CPU both would share the cores, so
// it is done in `finish`.
//
// Errors: whatever the energy throws comes back as Error with the energy's name; so does a NaN or +infinity.
class ParallelEnergy final : public BatchEnergy {
public:
    ParallelEnergy(const Energy& energy, std::string name);
    ~ParallelEnergy() override;

    void start(const at::Tensor& x) override;
    at::Tensor finish() override;
    std::optional<std::int64_t> impossible() const override { return impossible_; }

    // log f of rows of bytes into out, of an energy without real sites; and of x (B, D) int64 on the CPU of any: (B)
    // float64.
    void evaluate(States rows, std::span<double> out) const;
    at::Tensor evaluate(const at::Tensor& x) const;

    // Called after a row that took `seconds`, with the rows done so far, by one thread at a time; returns false to
    // begin none any more.
    using AfterRow = std::function<bool(std::int64_t done, double seconds)>;

    // Exact log-marginals of partial states x (B, D) int64 on the CPU, in parallel, a row at a time and in their order:
    // a row may take minutes. `out` (B) is NaN where a row was not begun. False where the energy offers none.
    bool log_marginals(const at::Tensor& x, std::span<double> out, const AfterRow& after_row) const;

private:
    void evaluate_into(const at::Tensor& x, std::span<double> out) const;
    void evaluate_piece(States rows, std::span<const double> reals, std::span<double> out) const;
    void in_pieces(std::size_t rows, const std::function<void(std::size_t, std::size_t)>& piece) const;

    struct Running;
    const Energy& energy_;
    const std::string name_;
    const bool mixed_;  // sites differ: states are int64 wherever they are
    std::unique_ptr<Running> running_;
    std::int64_t impossible_ = 0;
};

}  // namespace marginalia
