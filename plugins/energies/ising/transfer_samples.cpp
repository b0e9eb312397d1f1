// Exact samples: the first line from its distribution, then line by line against messages from the far end.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "line_symmetry.h"
#include "transfer_matrix.h"

namespace ising {
namespace {

constexpr std::size_t most_message_entries = std::size_t{1} << 27;  // 1 GiB of doubles
constexpr int block_bits = 8;  // a line's states are drawn in two stages: a block of 2^8, then a state in it

double dot(const double* a, const double* b, std::size_t size) {
    double lanes[4] = {};  // independent sums, as one after another would wait for each addition
    std::size_t i = 0;
    for (; i + 4 <= size; i += 4)
        for (std::size_t lane = 0; lane < 4; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    for (; i < size; ++i) lanes[0] += a[i] * b[i];
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

// The first index at which the running sum of the weights passes `target`, which becomes the rest of it.
std::size_t reach(const std::vector<double>& weights, double& target) {
    std::size_t index = 0;
    for (; index + 1 < weights.size(); ++index) {
        if (target < weights[index]) break;
        target -= weights[index];
    }
    return index;
}

}  // namespace

// Message i (2^W numbers each) is, up to a factor, the weight of line i's spins times the sum over all lines after it
// and, on a torus, the bonds to the first line.
std::vector<double> TransferMatrix::messages(std::uint32_t start) const {
    const Line all{static_cast<std::uint32_t>(table_.size() - 1), 0};
    LineTensor tensor(width_, width_, 1);
    if (cyclic_) {
        tensor.set_units(all.unknown, std::span(&start, 1));
        tensor.cross(all, all, lattice_.coupling);
    } else {
        tensor.set_ones(all.unknown);
    }
    std::vector<double> messages(static_cast<std::size_t>(lines_) * table_.size());
    for (std::int64_t line = lines_ - 1;; --line) {
        std::transform(tensor.values().begin(), tensor.values().end(), table_.begin(),
                       messages.begin() + line * table_.size(), std::multiplies<>());
        if (line == 0) return messages;
        tensor.weigh(all, table_);
        tensor.cross(all, all, lattice_.coupling);
    }
}

// The index of an orbit, drawn with the probability of its states as first line of a torus.
std::uint32_t TransferMatrix::draw_start(double uniform) const {
    double rest = uniform;
    std::uint32_t index = 0;
    for (; index + 1 < orbits_.size(); ++index) {
        rest -= orbits_[index].multiplicity * std::exp(orbits_[index].log_weight - log_z_);
        if (rest < 0) break;
    }
    return index;
}

// Fills lines[1..] given lines[0] on a torus, all of them on an open lattice.
void TransferMatrix::draw_lines(std::span<const double> messages, std::span<std::uint32_t> lines,
                                Random& random) const {
    const std::size_t block = std::min(table_.size(), std::size_t{1} << block_bits), blocks = table_.size() / block;
    std::vector<double> within(block), of_block(blocks), candidates(block);
    // Bonds of some sites to the line before, as a factor: exp(-2 coupling) for each unlike pair.
    const auto bonds = [&](std::vector<double>& factors, std::uint32_t before) {
        for (std::uint32_t spins = 0; spins < factors.size(); ++spins)
            factors[spins] = std::exp(-2 * lattice_.coupling * std::popcount(spins ^ before));
    };
    for (std::size_t line = cyclic_ ? 1 : 0; line < lines.size(); ++line) {
        const double* message = messages.data() + line * table_.size();
        std::fill(within.begin(), within.end(), 1.0);
        std::fill(of_block.begin(), of_block.end(), 1.0);
        if (line > 0) {
            bonds(within, lines[line - 1] & (block - 1));
            bonds(of_block, lines[line - 1] / block);
        }
        double sum = 0;
        for (std::size_t i = 0; i < blocks; ++i) sum += of_block[i] *= dot(message + i * block, within.data(), block);
        double target = random.uniform() * sum;
        const std::size_t chosen = reach(of_block, target);
        double in_block = 0;
        for (std::size_t i = 0; i < block; ++i) in_block += candidates[i] = message[chosen * block + i] * within[i];
        target = target / of_block[chosen] * in_block;
        lines[line] = static_cast<std::uint32_t>(chosen * block + reach(candidates, target));
    }
}

std::optional<std::vector<std::uint8_t>> TransferMatrix::samples(std::size_t count, std::uint64_t seed) const {
    if (static_cast<std::size_t>(lines_) * table_.size() > most_message_entries) return std::nullopt;
    prepare();
    Random random(seed);
    // On a torus the messages depend on the first line: samples that share it, up to symmetry, are drawn together.
    std::map<std::uint32_t, std::vector<std::size_t>> samples_of_start;
    for (std::size_t sample = 0; sample < count; ++sample)
        samples_of_start[cyclic_ ? orbits_[draw_start(random.uniform())].start : 0].push_back(sample);

    std::vector<std::uint8_t> rows(count * lattice_.sites());
    std::vector<std::uint32_t> lines(lines_);
    for (const auto& [start, samples] : samples_of_start) {
        const std::vector<double> from_far_end = messages(start);
        for (const std::size_t sample : samples) {
            lines[0] = start;
            draw_lines(from_far_end, lines, random);
            const int image = cyclic_ ? static_cast<int>(random.below(2 * width_)) : 0;
            std::uint8_t* row = rows.data() + sample * lattice_.sites();
            for (std::int64_t line = 0; line < lines_; ++line)
                for (int place = 0; place < width_; ++place)
                    row[site(line, place)] = (lines[line] >> source_place(place, width_, image)) & 1u;
        }
    }
    return rows;
}

}  // namespace ising
