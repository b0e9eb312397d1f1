#include "lattice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace ising {
namespace {

std::uint64_t word_at(const std::uint8_t* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// Sums eight bytes 0 or 1 at a time in the lanes of a word; a lane holds up to 31 of them so that the sum over the
// lanes, taken by one multiplication, fits a byte too.
template <class Word, class Byte>
std::int64_t count_ones(std::size_t size, Word word, Byte byte) {
    constexpr std::size_t batch = 31 * 8;
    std::int64_t total = 0;
    std::size_t i = 0;
    while (i + 8 <= size) {
        const std::size_t end = std::min(size, i + batch);
        std::uint64_t lanes = 0;
        for (; i + 8 <= end; i += 8) lanes += word(i);
        total += static_cast<std::int64_t>((lanes * 0x0101010101010101u) >> 56);
    }
    for (; i < size; ++i) total += byte(i);
    return total;
}

std::int64_t ones(const std::uint8_t* a, std::size_t size) {
    return count_ones(size, [=](std::size_t i) { return word_at(a + i); }, [=](std::size_t i) { return a[i]; });
}

std::int64_t differing(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
    return count_ones(
        size, [=](std::size_t i) { return word_at(a + i) ^ word_at(b + i); },
        [=](std::size_t i) { return a[i] ^ b[i]; });
}

}  // namespace

std::int64_t Lattice::edges() const {
    const std::int64_t across = rows * (columns - 1 + wraps_columns());
    const std::int64_t down = columns * (rows - 1 + wraps_rows());
    return across + down;
}

std::int64_t Lattice::edge_sum(marginalia::State state) const {
    const std::uint8_t* x = state.data();
    const std::size_t width = columns, size = state.size();
    // Neighbours within rows: all consecutive sites, less those where one row ends and the next begins.
    std::int64_t unlike = differing(x, x + 1, size - 1) + differing(x, x + width, size - width);
    for (std::size_t next = width; next < size; next += width) unlike -= x[next - 1] ^ x[next];
    if (wraps_columns())
        for (std::size_t first = 0; first < size; first += width) unlike += x[first] ^ x[first + width - 1];
    if (wraps_rows()) unlike += differing(x, x + size - width, width);
    return edges() - 2 * unlike;
}

std::int64_t Lattice::spin_sum(marginalia::State x) const { return 2 * ones(x.data(), x.size()) - sites(); }

double Lattice::log_density(marginalia::State x) const {
    return coupling * static_cast<double>(edge_sum(x)) + field * static_cast<double>(spin_sum(x));
}

double Lattice::partial_log_density(marginalia::State x) const {
    const auto spin = [&](std::int64_t site) { return x[site] == 2 ? 0 : 2 * x[site] - 1; };
    std::int64_t twice_pairs = 0, spins = 0;
    std::array<std::int64_t, 9> unknown{};  // unknown sites by the sum of their known neighbours, from -4
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t column = 0; column < columns; ++column) {
            const int here = spin(row * columns + column), sum = around(row, column, spin);
            spins += here;
            twice_pairs += here * sum;
            if (here == 0) ++unknown[sum + 4];
        }
    }
    double value = coupling * static_cast<double>(twice_pairs / 2) + field * static_cast<double>(spins);
    for (int sum = -4; sum <= 4; ++sum) {
        const double local = std::abs(coupling * sum + field);
        if (unknown[sum + 4] > 0)
            value += static_cast<double>(unknown[sum + 4]) * (local + std::log1p(std::exp(-2 * local)));
    }
    return value;
}

marginalia::EnergyForm Lattice::form() const {
    marginalia::EnergyForm form;
    form.partial = true;
    form.tables = {{coupling, -coupling, -coupling, coupling}};
    for (std::int64_t site = 0; site < sites(); ++site) {
        form.fields.insert(form.fields.end(), {-field, field});
        const auto join = [&](std::int64_t other) {
            form.pairs.push_back({static_cast<std::uint32_t>(site), static_cast<std::uint32_t>(other), 0});
        };
        const std::int64_t row = site / columns, column = site % columns;
        if (column + 1 < columns) join(site + 1);
        else if (wraps_columns()) join(site - column);
        if (row + 1 < rows) join(site + columns);
        else if (wraps_rows()) join(column);
    }
    return form;
}

}  // namespace ising
