// Faults that checks of energies and datasets once let pass, and plugins without fault that they once blamed.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "kernel/worker/check/check.h"
#include "kernel/worker/check/dataset_checks.h"
#include "kernel/worker/check/energy_checks.h"
#include "kernel/worker/check/guarded.h"
#include "kernel/worker/check/parameters.h"

namespace conformance_promises {

using namespace marginalia;

namespace {

constexpr int spins_of_table = 4;

// A table of log f over four bits, with all that can be known of it.
struct Table : Energy {
    Table() : Energy(spins_of_table, 2) {}

    // log f of a state with so many spins up, by default so low that f itself is 0 in double precision for most.
    virtual double of(int up) const { return -200.0 * up; }

    double log_density(State x) const override { return of(std::accumulate(x.begin(), x.end(), 0)); }
    std::optional<double> log_z() const override { return log_sum(std::vector<std::uint8_t>(spins_of_table, 2)); }
    bool log_marginals(States rows, std::span<double> out) const override {
        for (std::size_t row = 0; row < rows.size(); ++row) out[row] = log_sum(rows[row]) - *log_z();
        return true;
    }

    // log sum of f over the unknown sites, the largest term taken out.
    double log_sum(State partial) const {
        int known = 0, free = 0;
        for (const std::uint8_t symbol : partial) (symbol == 2 ? free : known) += symbol == 2 ? 1 : symbol;
        double largest = -HUGE_VAL, sum = 0, ways = 1;
        for (int up = 0; up <= free; ++up) largest = std::max(largest, of(known + up));
        if (largest == -HUGE_VAL) return largest;
        for (int up = 0; up <= free; ways = ways * (free - up) / (up + 1), ++up)
            sum += ways * std::exp(of(known + up) - largest);
        return largest + std::log(sum);
    }
};

// All spins equal, or impossible.
struct AllEqual final : Table {
    double of(int up) const override { return up == 0 || up == spins_of_table ? 1.5 : -HUGE_VAL; }
};
struct MarginalsOfImpossible final : Table {
    double of(int up) const override { return up == 0 || up == spins_of_table ? 1.5 : -HUGE_VAL; }
    bool log_marginals(States rows, std::span<double> out) const override {
        Table::log_marginals(rows, out);
        for (double& value : out) value = std::max(value, -20.0);
        return true;
    }
};
struct NoMarginals final : Table {
    bool log_marginals(States, std::span<double> out) const override {
        std::fill(out.begin(), out.end(), -HUGE_VAL);
        return true;
    }
};
struct EndlessEntropy final : Table {
    std::optional<double> entropy() const override { return HUGE_VAL; }
};
struct LongBatch final : Table {
    void log_densities(States rows, std::span<double> out) const override {
        Table::log_densities(rows, out);
        out.data()[out.size()] = 0;
    }
};
struct LongMarginals final : Table {
    bool log_marginals(States rows, std::span<double> out) const override {
        out.data()[out.size()] = 0;
        return Table::log_marginals(rows, out);
    }
};
struct LongObservables final : Table {
    std::vector<Observable> observables() const override { return {{"one", ""}}; }
    void observe(State, std::span<double> out) const override { out[0] = out.data()[1] = 1; }
};
struct PartialAfterFull final : Table {  // offered for none but full states
    std::optional<double> partial_log_density(State x) const override {
        if (std::count(x.begin(), x.end(), 2) > 0) return std::nullopt;
        return log_density(x);
    }
};
struct PartialNotFirst final : Table {  // not offered for the first full state alone
    std::optional<double> partial_log_density(State x) const override {
        if (std::accumulate(x.begin(), x.end(), 0) == 0) return std::nullopt;
        return std::count(x.begin(), x.end(), 2) > 0 ? 0 : log_density(x);
    }
};

template <class E>
std::string energy_failures() {
    Checker checker;
    check_energy([] { return std::make_unique<const E>(); }, checker);
    std::string all;
    for (const CheckResult& result : checker.results())
        if (result.failed()) all += result.name + ": " + result.detail + "\n";
    return all;
}

void says(const std::string& text, const char* part) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, "'", text, "' should contain '", part, "'");
}

// Rows that hold numbers, as SplitRows of train and test.
struct Numbers final : Dataset {
    Numbers(std::vector<int> train, std::vector<int> test, std::int64_t sites)
        : Dataset(sites, 16), train_(std::move(train)), test_(std::move(test)) {}

    std::size_t size(Split split) const override { return rows(split).size(); }
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        std::fill(out.begin(), out.end(), 0);
        out[0] = static_cast<std::uint8_t>(rows(split)[index] % 16);
        out[1] = static_cast<std::uint8_t>(rows(split)[index] / 16);
    }

private:
    const std::vector<int>& rows(Split split) const {
        return split == Split::train ? train_ : split == Split::test ? test_ : none_;
    }
    const std::vector<int> train_, test_, none_;
};

std::string disjoint(const std::vector<int>& train, const std::vector<int>& test, std::size_t limit = 1000,
                     std::int64_t sites = 2) {
    const Numbers data(train, test, sites);
    std::vector<SplitRows> splits;
    for (const Split split : all_splits) splits.push_back(read_split(data, split, limit));
    return check_disjoint(splits);
}

std::vector<int> counting(int first, int last) {
    std::vector<int> numbers(last - first);
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

struct LongRow final : Dataset {
    LongRow() : Dataset(4, 3) {}
    std::size_t size(Split) const override { return 4; }
    void row(Split, std::size_t, std::span<std::uint8_t> out) const override { std::fill_n(out.data(), 5, 1); }
};

PluginManifest spins() {
    constexpr Parameter length = {
        .name = "length", .type = ParameterType::integer, .fallback = "4", .minimum = 3, .maximum = 9, .help = "spins"};
    return {"energy", "spins", "spins", "", {describe(length)}, "", "", "", {}};
}

std::string written(const char* name, const char* text) {
    const auto file = std::filesystem::temp_directory_path() / name;
    std::ofstream(file) << text;
    return file.string();
}

}  // namespace

TEST_CASE("an infinity equals itself alone") {
    CHECK(nearly_equal(-HUGE_VAL, -HUGE_VAL, 1e-9));
    CHECK(!nearly_equal(-HUGE_VAL, HUGE_VAL, 1e-9));
    CHECK(!nearly_equal(-HUGE_VAL, 3, 1e-9));
    CHECK(!nearly_equal(3, HUGE_VAL, 1e-9));
    CHECK(!nearly_equal(std::nan(""), std::nan(""), 1e-9));
    CHECK(nearly_equal(1e6, 1e6 + 1e-4, 1e-9));
    says(energy_failures<EndlessEntropy>(), "the entropy is given as +infinity where enumeration finds");
    says(energy_failures<NoMarginals>(), "is given as -infinity where enumeration finds");
    says(energy_failures<NoMarginals>(), "the log-marginal of all □ is -infinity, not 0");
}

TEST_CASE("probabilities below any double, and impossible states, are no fault") {
    CHECK(energy_failures<Table>() == "");
    CHECK(energy_failures<AllEqual>() == "");
    says(energy_failures<MarginalsOfImpossible>(), "is given as -20 where enumeration finds -infinity");
}

TEST_CASE("what an energy writes outside its output is found") {
    says(energy_failures<LongBatch>(), "log_densities of 1 rows writes outside its output");
    says(energy_failures<LongMarginals>(), "log_marginals of 48 rows writes outside its output");
    says(energy_failures<LongObservables>(), "observe writes outside its output; write to out[0] to out[0] only");
}

TEST_CASE("a partial density is for all states or for none") {
    says(energy_failures<PartialAfterFull>(), "offer it for all or for none");
    says(energy_failures<PartialNotFirst>(), "offer it for all or for none");
}

TEST_CASE("what is not offered is neither passed nor failed") {
    Checker checker;
    CHECK(checker.run("a", []() -> std::string { throw NotApplicable{"not offered"}; }));
    CHECK(checker.count(Verdict::passed) == 0);
    CHECK(checker.count(Verdict::not_applicable) == 1);
    CHECK(checker.all_passed());
    CHECK(checker.results()[0].detail == "not offered");
}

TEST_CASE("splits: where the rows of train differ, shared ones are told unless the space of states is small") {
    CHECK(disjoint(counting(0, 100), counting(100, 120)) == "0 rows of test in train");
    CHECK(disjoint(counting(0, 100), {150, 3, 160}) == "1 rows of test in train");  // of 256 states
    CHECK_THROWS_WITH_AS(disjoint(counting(0, 100), {1, 3, 7}), doctest::Contains("3 of the 3 rows of test"), Error);
    CHECK_THROWS_WITH_AS(disjoint(counting(0, 100), {150, 3, 160}, 1000, 40),
                         doctest::Contains("1 of the 3 rows of test"), Error);
}

TEST_CASE("splits: a small one that is in train whole is reported, unless chance puts it there") {
    std::vector<int> train = counting(0, 100);
    train.push_back(5);  // one row twice
    CHECK_THROWS_WITH_AS(disjoint(train, {17, 90, 40}), doctest::Contains("3 of the 3 rows of test"), Error);
    std::vector<int> few;
    for (int row = 0; row < 100; ++row) few.push_back(row * row % 7 % 3);
    CHECK(disjoint(few, {1, 2, 1}) == "3 rows of test in train");
    std::vector<int> run;  // in order, of rows that all occur often
    for (int row = 0; row < 240; ++row) run.push_back(row * row * row % 241 % 16);
    CHECK_THROWS_WITH_AS(disjoint(run, {run.begin() + 50, run.begin() + 62}), doctest::Contains("are rows 50 and on"),
                         Error);
}

TEST_CASE("splits: rows beyond the limit are told of") {
    CHECK(disjoint(counting(0, 100), counting(100, 120), 50) ==
          "0 rows of test in train; only the first 50 of 100 rows of train were compared");
}

TEST_CASE("a row that is written past its end is found") {
    const LongRow data;
    CHECK_THROWS_WITH_AS(row_of(data, Split::train, 2), doctest::Contains("row() of row 2 of train writes outside"),
                         Error);
}

TEST_CASE("an experiment file gives the parameters of its own table") {
    const std::string file = written("conformance_experiment.toml",
                                     "name = \"x\"\n[energy]\nplugin = \"spins\"\nlength = 7\n[energy.other]\na = 1\n"
                                     "[network]\nplugin = \"mlp\"\nhidden = 3\n[train]\nsteps = 5\n");
    CHECK(plugin_parameters(spins(), {file}).integer("length") == 7);
    CHECK(plugin_parameters(spins(), {file, "length=8"}).integer("length") == 8);
    const std::string other = written("conformance_other.toml", "[energy]\nplugin = \"ising\"\nrows = 7\n");
    CHECK_THROWS_WITH_AS(plugin_parameters(spins(), {other}), doctest::Contains("not for the plugin 'spins'"), Error);
    const std::string plain = written("conformance_plain.toml", "length = 10\n");
    CHECK_THROWS_WITH_AS(plugin_parameters(spins(), {plain}), doctest::Contains("conformance_plain.toml:1:"), Error);
    CHECK(plugin_parameters(spins(), {file, written("conformance_later.toml", "length = 5\n")}).integer("length") == 5);
}

TEST_CASE("without a file, messages name no place in one") {
    constexpr Parameter rows = {.name = "rows", .type = ParameterType::integer, .help = "number"};
    PluginManifest plugin = spins();
    plugin.parameters.push_back(describe(rows));
    try {
        plugin_parameters(plugin, {});
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).starts_with("[energy] lacks 'rows'"));
    }
}

}  // namespace conformance_promises
