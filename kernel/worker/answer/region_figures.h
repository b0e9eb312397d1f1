// Entropies and mutual informations of regions.
#pragma once

#include <map>
#include <vector>

#include "kernel/worker/answer/conditioned.h"
#include "kernel/worker/states/figure_writer.h"
#include "kernel/worker/states/regions.h"

namespace marginalia {

// Of regions A given x_S, in nats and by the marginals:
//   entropy             S(A) = -E log p(x_A | x_S)
//   mutual_information  I(A:B) = S(A) + S(B) - S(A and B)
// Where A (of I: both together) has at most `most_summed` states, each S is the sum over them, elsewhere the mean over
// states that the model draws, the same for all terms. p is divided by its sum where that is known. The gap, how much
// more the figure is than by the conditionals, is a mean over those drawn states, or over as many drawn from the states
// summed over. docs/inference.md has what each is worth.
//
// Ask, then add drawn states where they are wanted, then finish. One thread.
class RegionFigures {
public:
    static constexpr std::int64_t most_summed = 1 << 16;

    // Gaps over `count` states. `exact`: beside each sum that of the energy's own marginals. Both outlive the object.
    RegionFigures(Asked& asked, const Conditioned& conditioned) : asked_(asked), conditioned_(conditioned) {}

    // The sites of regions are unknown in the given state.
    void ask_entropy(const Region& region);
    // With the entropies that are not asked yet. The regions share no site.
    void ask_mutual_information(const Region& first, const Region& second);

    bool wants_drawn() const;
    void add_drawn(const at::Tensor& x);  // (M, D) on the CPU
    std::vector<Figure> finish();

private:
    struct Known {  // of a region
        Region region;
        at::Tensor sites;         // (n)
        std::int64_t states = 0;  // 0: too many to be summed over
        at::Tensor log_p = {};    // of all of them, normalised
        double log_sum = 0;       // of their p before that; 0 where there is none
        double entropy = not_known, exact = not_known;
    };
    struct Term {
        double factor;  // of log p
        std::size_t known;
    };
    struct Wanted {
        Figure figure;
        std::vector<Term> terms;
        std::size_t over;  // the region that holds all others
        std::vector<at::Tensor> values = {}, gaps = {};
    };
    struct Row {  // of each state of a batch
        at::Tensor value, gap;
    };
    using Rows = std::map<std::size_t, Row>;

    std::size_t know(const Region& region);
    void sum_up(Known& known) const;
    void add(Wanted& wanted, const at::Tensor& x, Rows& rows) const;
    void add_from_table(Wanted& wanted) const;
    bool is_summed(const Wanted& wanted) const { return known_[wanted.over].states > 0; }
    Figure finished(Wanted& wanted) const;

    Asked& asked_;
    const Conditioned& conditioned_;
    std::vector<Known> known_;
    std::vector<Wanted> wanted_;
};

}  // namespace marginalia
