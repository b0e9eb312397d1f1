// A sum of numbers given by their logarithms.
#pragma once

#include <cmath>
#include <limits>

namespace ising {

class LogSum {
public:
    void add(double log_term) {
        if (log_term == -std::numeric_limits<double>::infinity()) return;
        if (log_term <= largest_) {
            sum_ += std::exp(log_term - largest_);
        } else {
            sum_ = sum_ * std::exp(largest_ - log_term) + 1;
            largest_ = log_term;
        }
    }
    double value() const { return largest_ + std::log(sum_); }

private:
    double largest_ = -std::numeric_limits<double>::infinity();
    double sum_ = 0;
};

}  // namespace ising
