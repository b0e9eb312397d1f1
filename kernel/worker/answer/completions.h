// Completions of partial states that keep all that was given.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "kernel/worker/answer/trained_model.h"

namespace marginalia {

// What a line says of a partial state can be more than the symbols of its known sites (Energy::keeps): then the model's
// completions are refused and drawn again until one keeps it. That draws from the model's distribution given all of it,
// exactly; leaving out symbols while drawing would not. One thread.
class Completions {
public:
    // `trained` must outlive this; the network takes `batch` rows at a time.
    Completions(const TrainedModel& trained, std::int64_t batch) : trained_(trained), batch_(batch) {}

    // A completion of row place[i] of `partial` (N, D) for each i, at most `batch` of them; `lines`: of each row, or
    // none. Its log_p is log p(x_rest | x_S) of the known sites alone. Throws Error for a row of which `most_refused`
    // completions in turn were refused.
    Generated draw(const at::Tensor& partial, const std::vector<std::string>& lines, const at::Tensor& place,
                   at::Generator& generator, const Tick& tick);

    std::int64_t drawn() const { return drawn_; }      // all, those refused too
    std::int64_t refused() const { return refused_; }  // those that came before an accepted one

    static constexpr std::int64_t most_refused = 4096;

private:
    struct Wanted {
        std::int64_t place;        // in the answer
        std::int64_t row;          // of the given states
        std::int64_t refused = 0;  // so far
    };

    // Rows for the network: every wanted one `times` times, one after another.
    static at::Tensor rows_of(const std::vector<Wanted>& wanted, std::int64_t times);

    // Puts the first of the `times` completions of each that keeps its line into the answer; returns those that have
    // none yet.
    std::vector<Wanted> take(Generated& answer, const Generated& drawn, const std::vector<std::string>& lines,
                             const std::vector<Wanted>& wanted, std::int64_t times);

    const TrainedModel& trained_;
    const std::int64_t batch_;
    std::int64_t drawn_ = 0, refused_ = 0;
};

}  // namespace marginalia
