// Arrays that numpy.load reads, written as their rows come.
#pragma once

#include "kernel/worker/states/state_writer.h"

namespace marginalia {

// Symbols, uint8 (n, D).
class StateArray final : public StateWriter {
public:
    explicit StateArray(std::ostream& out);
    void row(State x, double) override;
    void finish() override;

private:
    std::ostream& out_;
    std::size_t rows_ = 0, width_ = 0;
};

// Rows of numbers, float64 (n, columns).
class NumberArray {
public:
    NumberArray(std::ostream& out, std::size_t columns);
    void row(std::span<const double> numbers);
    void finish();

private:
    std::ostream& out_;
    const std::size_t columns_;
    std::size_t rows_ = 0;
};

// Figures, float64 (n).
class FigureArray final : public StateWriter {
public:
    explicit FigureArray(std::ostream& out);
    void row(State, double figure) override;
    void finish() override;

private:
    std::ostream& out_;
    std::size_t rows_ = 0;
};

// Several figures a row, float64 (n, width).
class ScoreArray final : public ScoreWriter {
public:
    ScoreArray(std::size_t width, std::ostream& out);
    void row(State, std::span<const double> figures) override;
    void finish() override;

private:
    const std::size_t width_;
    std::ostream& out_;
    std::size_t rows_ = 0;
};

}  // namespace marginalia
