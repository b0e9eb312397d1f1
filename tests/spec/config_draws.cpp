// Draws of a sweep: random, Sobol, Latin hypercube.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

#include "kernel/spec/draws.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

namespace draws_testing {
namespace {

using config::DrawMethod;
using config::DrawPlan;
using Points = std::map<std::string, std::vector<double>>;

const std::vector<std::string> keys = {"train.a", "train.b", "train.c", "train.d", "train.e"};

Points draw(DrawMethod method, std::int64_t samples, std::int64_t seed = 0, std::int64_t strata = 1) {
    DrawPlan plan;
    plan.method = method;
    plan.samples = samples;
    plan.seed = seed;
    plan.strata = strata;
    return unit_draws(plan, keys);
}

// How many of the points [from, to) lie in each of so many strata of equal width.
std::vector<int> counts(const std::vector<double>& points, std::size_t from, std::size_t to, std::size_t strata) {
    std::vector<int> count(strata);
    for (std::size_t i = from; i < to; ++i) ++count[static_cast<std::size_t>(points[i] * static_cast<double>(strata))];
    return count;
}

bool all_one(const std::vector<int>& count) {
    return std::all_of(count.begin(), count.end(), [](int n) { return n == 1; });
}

// The largest difference between the share of points in a box at the origin and the box's area, over all boxes: the
// extremes are at coordinates of points and at 1, counted without and with the edges.
double star_discrepancy(const std::vector<double>& x, const std::vector<double>& y) {
    std::vector<double> xs = x, ys = y;
    xs.push_back(1);
    ys.push_back(1);
    const auto n = static_cast<double>(x.size());
    double worst = 0;
    for (const double a : xs)
        for (const double b : ys) {
            int inside = 0, within = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                inside += x[i] < a && y[i] < b;
                within += x[i] <= a && y[i] <= b;
            }
            worst = std::max({worst, a * b - inside / n, within / n - a * b});
        }
    return worst;
}

const std::string drawn_keys[] = {
    "\"train.learning_rate\" = { random_log = [1e-4, 1e-2] }\n", "\"network.layers\" = { random = [1, 100] }\n",
    "\"train.clip\" = { random = [0, 4] }\n",
    "\"train.schedule\" = { choice = [\"cosine\", \"constant\", \"hold-then-decay\"] }\n"};

std::vector<std::string> hashes(const std::string& method, int samples, const std::vector<int>& order = {0, 1, 2, 3},
                                const std::string& more = "") {
    std::string sweep = "[sweep]\ndraws = \"" + method + "\"\nsamples = " + std::to_string(samples) + "\n" + more;
    for (const int key : order) sweep += drawn_keys[key];
    std::vector<std::string> all;
    for (const TrialConfig& trial : parse(small_experiment(sweep), {"seeds=0"}).trials) all.push_back(trial.hash);
    return all;
}

}  // namespace

TEST_CASE("Sobol points are Joe and Kuo's, shifted digit by digit") {
    const Points points = draw(DrawMethod::sobol, 8);
    const auto bits = [](double u) { return static_cast<std::uint64_t>(u * 0x1p53); };
    // The first points of S. Joe and F. Y. Kuo's new-joe-kuo-6 in five dimensions, in eighths.
    const int expected[5][8] = {{0, 4, 6, 2, 3, 7, 5, 1},
                                {0, 4, 2, 6, 3, 7, 1, 5},
                                {0, 4, 2, 6, 5, 1, 7, 3},
                                {0, 4, 2, 6, 7, 3, 5, 1},
                                {0, 4, 6, 2, 3, 7, 5, 1}};
    for (std::size_t d = 0; d < 5; ++d) {
        const std::vector<double>& u = points.at(keys[d]);
        for (std::size_t i = 0; i < 8; ++i) {
            const double unshifted = static_cast<double>(bits(u[i]) ^ bits(u[0])) * 0x1p-53;
            CHECK(unshifted * 8 == expected[d][i]);
        }
    }
}

TEST_CASE("of every key, each aligned block of 2^m Sobol draws has one in each of 2^m intervals") {
    for (const std::int64_t seed : {0, 1, 77}) {
        const Points points = draw(DrawMethod::sobol, 2048, seed);
        for (const std::string& key : keys)
            for (std::size_t n = 1; n <= 2048; n *= 2)
                for (std::size_t from = 0; from < 2048; from += n)
                    REQUIRE(all_one(counts(points.at(key), from, from + n, n)));
    }
}

TEST_CASE("Sobol's first two dimensions are a (0, m, 2)-net, of the discrepancy that such nets have at most") {
    const Points points = draw(DrawMethod::sobol, 64, 5);
    const std::vector<double>&x = points.at(keys[0]), &y = points.at(keys[1]);
    for (std::size_t columns = 1; columns <= 64; columns *= 2) {
        const std::size_t rows = 64 / columns;
        std::vector<double> box;
        for (std::size_t i = 0; i < 64; ++i)
            box.push_back((std::floor(x[i] * static_cast<double>(columns)) * static_cast<double>(rows) +
                           std::floor(y[i] * static_cast<double>(rows))) /
                          64);
        CHECK(all_one(counts(box, 0, 64, 64)));
    }
    // Niederreiter's bound for such nets of 2^m points (Monatshefte für Mathematik 104, 1987): N D* <= m / 2 + 3 / 2.
    // Independent draws have about 0.6 / sqrt(N) and more.
    CHECK(star_discrepancy(x, y) <= (6 / 2. + 3 / 2.) / 64);
    const Points independent = draw(DrawMethod::random, 64, 5);
    CHECK(star_discrepancy(independent.at(keys[0]), independent.at(keys[1])) > (6 / 2. + 3 / 2.) / 64);
}

TEST_CASE("a Latin hypercube has one draw a stratum at its first size and every doubling of it") {
    for (const std::int64_t strata : {1, 3, 20, 49})
        for (std::int64_t n = strata; n <= 3200; n *= 2) {
            const Points points = draw(DrawMethod::latin_hypercube, n, 3, strata);
            const auto samples = static_cast<std::size_t>(n);
            for (const std::string& key : keys) REQUIRE(all_one(counts(points.at(key), 0, samples, samples)));
        }
}

TEST_CASE("between doublings a stratum of the last one has one draw or two") {
    const Points points = draw(DrawMethod::latin_hypercube, 50, 0, 20);
    const std::vector<int> coarse = counts(points.at(keys[0]), 0, 50, 40), fine = counts(points.at(keys[0]), 0, 50, 80);
    CHECK(std::count(coarse.begin(), coarse.end(), 1) == 30);
    CHECK(std::count(coarse.begin(), coarse.end(), 2) == 10);
    CHECK(*std::max_element(fine.begin(), fine.end()) == 1);
}

TEST_CASE("the keys of a Latin hypercube are drawn independently of each other") {
    const Points points = draw(DrawMethod::latin_hypercube, 4096, 9);
    for (std::size_t a = 0; a < keys.size(); ++a)
        for (std::size_t b = a + 1; b < keys.size(); ++b) {
            int boxes[4][4] = {};
            for (std::size_t i = 0; i < 4096; ++i)
                ++boxes[static_cast<int>(points.at(keys[a])[i] * 4)][static_cast<int>(points.at(keys[b])[i] * 4)];
            // 256 a box, hypergeometric: sigma sqrt(4096 / 16 * 9 / 16) = 12; four sigma.
            for (const auto& row : boxes)
                for (const int n : row) CHECK(std::abs(n - 256) < 48);
        }
}

TEST_CASE("more samples keep the draws that were there, whatever the numbers") {
    for (const DrawMethod method : {DrawMethod::random, DrawMethod::sobol, DrawMethod::latin_hypercube}) {
        const Points all = draw(method, 300, 2, 5);
        for (const std::int64_t n : {1, 5, 7, 64, 100, 299}) {
            const Points some = draw(method, n, 2, 5);
            for (const std::string& key : keys)
                CHECK(std::equal(some.at(key).begin(), some.at(key).end(), all.at(key).begin()));
            CHECK(some.at(keys[0]).size() == static_cast<std::size_t>(n));
        }
    }
}

TEST_CASE("a sweep of 64 extended to 128 keeps its first 64 trials") {
    for (const std::string method : {"random", "sobol", "latin-hypercube"}) {
        const auto some = hashes(method, 64), all = hashes(method, 128);
        REQUIRE(some.size() == 64);
        REQUIRE(all.size() == 128);
        CHECK(std::equal(some.begin(), some.end(), all.begin()));
        CHECK(std::set<std::string>(all.begin(), all.end()).size() == 128);
    }
}

TEST_CASE("the order of the keys in the file changes no draw; the seed and the method do") {
    std::set<std::string> seen;
    for (const std::string method : {"random", "sobol", "latin-hypercube"}) {
        const auto trials = hashes(method, 50);
        CHECK(trials == hashes(method, 50, {3, 1, 0, 2}));
        CHECK(trials == hashes(method, 50, {2, 3, 1, 0}));
        const auto others = hashes(method, 50, {0, 1, 2, 3}, "seed = 1\n");
        seen.insert(trials.begin(), trials.end());
        seen.insert(others.begin(), others.end());
    }
    CHECK(seen.size() == 300);
}

TEST_CASE("another drawn key changes Sobol draws alone, and those only without their dimensions") {
    const auto rates = [](const std::string& method, const std::string& more) {
        nlohmann::json list;
        const std::string sweep = "[sweep]\nsamples = 16\ndraws = \"" + method + "\"\n" + drawn_keys[0] + more;
        for (const TrialConfig& trial : parse(small_experiment(sweep), {"seeds=0"}).trials)
            list.push_back(trial.config["train"]["learning_rate"]);
        return list;
    };
    CHECK(rates("latin-hypercube", "") == rates("latin-hypercube", drawn_keys[2]));
    CHECK(rates("random", "") == rates("random", drawn_keys[2]));
    CHECK(rates("sobol", "") != rates("sobol", drawn_keys[2]));  // train.clip comes first by name
    CHECK(rates("sobol", "") == rates("sobol", drawn_keys[2] + "dimensions = [\"train.learning_rate\"]\n"));
    // A name that is drawn no more keeps its dimension.
    const std::string both = "dimensions = [\"train.clip\", \"train.learning_rate\"]\n";
    CHECK(rates("sobol", drawn_keys[2]) == rates("sobol", both));
}

TEST_CASE("Sobol and Latin hypercube draws spread evenly over ranges, logarithms, whole numbers and choices") {
    for (const std::string method : {"sobol", "latin-hypercube"}) {
        const Experiment e = parse(small_experiment("[sweep]\nsamples = 64\ndraws = \"" + method +
                                                    "\"\n"
                                                    "\"train.learning_rate\" = { random_log = [1e-4, 1e0] }\n"
                                                    "\"network.layers\" = { random = [1, 8] }\n"
                                                    "\"network.hidden\" = { random = [32, 250], step = 32 }\n"
                                                    "\"train.clip\" = { random = [0, 1], step = 0.1 }\n"
                                                    "\"energy.torus\" = { choice = [true, false] }\n"),
                                   {"seeds=0"});
        std::map<std::string, int> seen;
        for (const TrialConfig& trial : e.trials) {
            const auto& c = trial.config;
            ++seen["decade " +
                   std::to_string(static_cast<int>(std::floor(std::log10(c["train"]["learning_rate"].get<double>()))))];
            ++seen["layers " + c["network"]["layers"].dump()];
            ++seen["hidden " + c["network"]["hidden"].dump()];
            ++seen["torus " + c["energy"]["torus"].dump()];
            ++seen["clip " + c["train"]["clip"].dump()];
        }
        for (const char* decade : {"-4", "-3", "-2", "-1"}) CHECK(seen[std::string("decade ") + decade] == 16);
        for (const char* layers : {"1", "2", "3", "4", "5", "6", "7", "8"})
            CHECK(seen[std::string("layers ") + layers] == 8);
        for (const char* hidden : {"32", "64", "96", "128", "160", "192", "224"})  // 64 / 7
            CHECK(std::abs(seen[std::string("hidden ") + hidden] - 9.14) < 2);
        for (const char* clip :
             {"0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"})  // 64 / 11
            CHECK(std::abs(seen[std::string("clip ") + clip] - 5.82) < 2);
        CHECK(seen["torus true"] == 32);
    }
}

TEST_CASE("more dimensions than there are direction numbers are refused") {
    std::string names;
    for (int i = 0; i < 3667; ++i) names += (i > 0 ? ", \"train.k" : "\"train.k") + std::to_string(i) + "\"";
    const auto read = [&](const std::string& dimensions) {
        return parse(small_experiment("[sweep]\nsamples = 2\ndraws = \"sobol\"\ndimensions = [" + dimensions + "]\n" +
                                      drawn_keys[0]));
    };
    CHECK_THROWS_WITH_AS(read(names), doctest::Contains("Sobol points have at most 3667 dimensions"), Error);
    CHECK(read(names.substr(names.find(',') + 2)).trials.size() == 4);
}

}  // namespace draws_testing
