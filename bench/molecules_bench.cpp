// The reward of molecules: log f of target lipophilicity over a batch, from an empty cache, and where its time goes.
//
//   molecules_bench FILE [LENGTH]     FILE: a SELFIES of the MOSES alphabet a line; LENGTH: tokens of a row, 55
//
// Prints "seconds THREADS S" for the batch (median of 5), and the microseconds a molecule of its parts on one thread.
// The script molecules_pools.py runs it beside pools of Python's RDKit.
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "bench/timing.h"
#include "molecule-properties/molecule_energy.h"
#include "molecule-properties/rdkit_molecule.h"
#include "plugins/molecules/smiles.h"

using namespace marginalia;
using namespace molecule_properties;

namespace {

constexpr int repeats = 5;

Params params(std::int64_t length) {
    return Params({{"tokens", std::string("selfies")},
                   {"alphabet", std::string("moses")},
                   {"length", length},
                   {"invalid", -1e4},
                   {"cache_megabytes", std::int64_t{256}}});
}

std::vector<std::uint8_t> rows_of(const char* file, std::int64_t length) {
    const TokenRows rows(Notation::selfies, "moses");
    std::vector<std::uint8_t> bytes;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        bytes.resize(bytes.size() + static_cast<std::size_t>(length));
        rows.parse(line, std::span(bytes).last(static_cast<std::size_t>(length)));
    }
    return bytes;
}

double whole_batch(States rows, int threads) {
    const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                            static_cast<std::size_t>(threads));
    std::vector<double> times, values(rows.size());
    for (int repeat = 0; repeat < repeats; ++repeat) {
        const MoleculeEnergy energy(params(static_cast<std::int64_t>(rows.width)), {{lipophilicity(), 4, 1}});
        times.push_back(seconds([&] {
            oneapi::tbb::parallel_for(oneapi::tbb::blocked_range<std::size_t>(0, rows.size(), 64),
                                      [&](const auto& piece) {
                                          for (std::size_t row = piece.begin(); row < piece.end(); ++row)
                                              values[row] = energy.log_density(rows[row]);
                                      });
        }));
    }
    return median(times);
}

// Median microseconds a row.
double part(std::size_t rows, const std::function<void()>& body) {
    std::vector<double> times;
    for (int repeat = 0; repeat < repeats; ++repeat) times.push_back(seconds(body));
    return 1e6 * median(times) / static_cast<double>(rows);
}

void print_parts(States rows) {
    const TokenRows tokens(Notation::selfies, "moses");
    const auto log_p = lipophilicity();
    std::vector<molecules::Molecule> decoded(rows.size());
    std::vector<std::unique_ptr<RDKit::RWMol>> read(rows.size());
    std::vector<std::string> keys(rows.size());
    double atoms = 0, sum = 0;
    const double decode = part(rows.size(), [&] {
        for (std::size_t i = 0; i < rows.size(); ++i) decoded[i] = tokens.molecule(rows[i]);
    });
    const double key = part(rows.size(), [&] {
        for (std::size_t i = 0; i < rows.size(); ++i) keys[i] = molecules::write_smiles(decoded[i]);
    });
    const double perceive = part(rows.size(), [&] {
        for (std::size_t i = 0; i < rows.size(); ++i) read[i] = rdkit_molecule(decoded[i]);
    });
    const double property = part(rows.size(), [&] {
        for (std::size_t i = 0; i < rows.size(); ++i) sum += log_p->value(*read[i]);
    });
    for (const auto& molecule : read) atoms += molecule->getNumHeavyAtoms();
    std::printf(
        "microseconds a molecule on one thread: decode %.1f, key of the cache %.1f, parse (RDKit's molecule, rings, "
        "aromaticity) %.1f, property %.1f; heavy atoms %.1f\n",
        decode, key, perceive, property, atoms / static_cast<double>(rows.size()));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: molecules_bench FILE [LENGTH]\n");
        return 2;
    }
    const std::int64_t length = argc > 2 ? std::stoll(argv[2]) : 55;
    const std::vector<std::uint8_t> bytes = rows_of(argv[1], length);
    const States rows{bytes, static_cast<std::size_t>(length)};
    std::printf("rows %zu\n", rows.size());
    for (const int threads : {1, static_cast<int>(std::thread::hardware_concurrency())})
        std::printf("seconds %d %.6f\n", threads, whole_batch(rows, threads));
    print_parts(rows);
}
