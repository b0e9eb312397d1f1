#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <functional>

#include "kernel/worker/check/check.h"
#include "kernel/worker/check/chi_square.h"
#include "kernel/worker/check/crash_guard.h"
#include "kernel/worker/check/parameters.h"

using namespace marginalia;

namespace {

// Independent spins with one promise broken at a time.
struct Spins : Energy {
    Spins() : Energy(6, 2) {}
    double log_density(State x) const override {
        double up = 0;
        for (const std::uint8_t symbol : x) up += symbol;
        return 0.5 * up;
    }
    std::optional<double> log_z() const override { return 6 * std::log(1 + std::exp(0.5)); }
};

struct NanSpins final : Spins {
    double log_density(State) const override { return std::nan(""); }
};
struct InfiniteSpins final : Spins {
    double log_density(State) const override { return HUGE_VAL; }
};
struct ImpossibleSpins final : Spins {
    double log_density(State x) const override { return x[0] ? -HUGE_VAL : Spins::log_density(x); }
    std::optional<double> log_z() const override { return 5 * std::log(1 + std::exp(0.5)); }
};
struct ThrowingSpins final : Spins {
    double log_density(State) const override { throw Error("no energy today"); }
};
struct WrongShape final : Spins {
    Layout layout() const override { return {{2, 2}, false}; }
};
struct WrongBatch final : Spins {
    void log_densities(States rows, std::span<double> out) const override {
        for (std::size_t row = 0; row < rows.size(); ++row) out[row] = Spins::log_density(rows[row]) + (row == 3);
    }
};
struct Drifting final : Spins {
    double log_density(State x) const override { return Spins::log_density(x) + 1e-9 * ++calls; }
    void log_densities(States rows, std::span<double> out) const override {
        for (std::size_t row = 0; row < rows.size(); ++row) out[row] = Spins::log_density(rows[row]);
    }
    mutable std::atomic<int> calls = 0;
};
struct WrongPartial final : Spins {
    std::optional<double> partial_log_density(State) const override { return 1; }
};
struct WrongLogZ final : Spins {
    std::optional<double> log_z() const override { return 1; }
};
struct WrongEntropy final : Spins {
    std::optional<double> entropy() const override { return 1; }
};
struct WrongMarginals final : Spins {
    bool log_marginals(States, std::span<double> out) const override {
        std::fill(out.begin(), out.end(), -1.0);
        return true;
    }
};
struct WrongSamples final : Spins {
    std::optional<ReferenceSamples> reference_samples(std::size_t count, std::uint64_t) const override {
        return ReferenceSamples{std::vector<std::uint8_t>(count * 6, 2), true, "made up"};
    }
};
struct BiasedSamples final : Spins {
    std::optional<ReferenceSamples> reference_samples(std::size_t count, std::uint64_t) const override {
        return ReferenceSamples{std::vector<std::uint8_t>(count * 6, 1), true, "all up"};
    }
};
struct MissingObservable final : Spins {
    std::vector<Observable> observables() const override { return {{"colour", ""}}; }
};
struct TwoLines final : Spins {
    std::string text(State) const override { return "a\nb"; }
};

struct Scratch final : Spins {
    double log_density(State x) const override {
        for (std::size_t site = 0; site < x.size(); ++site) scratch[site] = x[site];
        double up = 0;
        for (int again = 0; again < 200; ++again) {
            up = 0;
            for (const std::uint8_t symbol : scratch) up += symbol;
        }
        return 0.5 * up;
    }
    mutable volatile std::uint8_t scratch[6] = {};
};
struct WrongText final : Spins {
    std::string text(State x) const override { return "s" + state_text(x, 2); }
};
struct Careless final : Spins {
    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        if (line.size() < 6) throw std::out_of_range("line");
        parse_state(line, 2, {}, out);
    }
};

std::string failures_of(const Checker& checker) {
    std::string all;
    for (const CheckResult& result : checker.results())
        if (result.failed()) all += result.name + ": " + result.detail + "\n";
    return all;
}

template <class E>
std::string failures() {
    Checker checker;
    check_energy([] { return std::make_unique<const E>(); }, checker);
    return failures_of(checker);
}

bool says(const std::string& text, const char* part) {
    INFO(text);
    const bool found = text.find(part) != std::string::npos;
    CHECK_MESSAGE(found, "'", text, "' should contain '", part, "'");
    return found;
}

struct Rows : Dataset {
    Rows() : Dataset(4, 3) {}
    std::size_t size(Split split) const override { return split == Split::train ? 10 : 2; }
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        for (std::size_t site = 0; site < out.size(); ++site)
            out[site] = (index + site * static_cast<std::size_t>(split)) % 3;
    }
};
struct WrongSymbol final : Rows {
    void row(Split, std::size_t, std::span<std::uint8_t> out) const override { std::fill(out.begin(), out.end(), 3); }
};
struct Changing final : Rows {
    void row(Split, std::size_t, std::span<std::uint8_t> out) const override {
        std::fill(out.begin(), out.end(), ++calls % 3);
    }
    mutable std::atomic<int> calls = 0;
};
struct WrongVocabulary final : Rows {
    std::vector<std::string> vocabulary() const override { return {"a", "b"}; }
};

struct SharedRows final : Dataset {  // no row of train has an equal there, and ten are in test too
    SharedRows() : Dataset(8, 4) {}
    std::size_t size(Split split) const override {
        return split == Split::train ? 200 : split == Split::test ? 100 : 0;
    }
    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        std::size_t rest = split == Split::test && index >= 10 ? index + 1000 : index;
        for (std::size_t site = 0; site < out.size(); ++site, rest /= 4) out[site] = rest % 4;
    }
};

template <class D>
std::string dataset_failures() {
    Checker checker;
    check_dataset([] { return std::make_unique<const D>(); }, checker);
    return failures_of(checker);
}

PluginManifest manifest(std::vector<ParameterSpec> parameters) {
    return {"energy", "spins", "spins", "", std::move(parameters), "", "", "", {}};
}

constexpr Parameter length = {
    .name = "length", .type = ParameterType::integer, .fallback = "4", .minimum = 3, .maximum = 9, .help = "spins"};

// What a guarded child process prints while it does `deed`; its exit code must be 1.
std::string told_by_guard(const std::function<void()>& deed) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        guard_check("a check", 1);
        deed();
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char part[256];
    for (ssize_t count; (count = read(ends[0], part, sizeof part)) > 0;) text.append(part, count);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 1);
    return text;
}

// Runs out of stack.
std::size_t endless(std::size_t depth) {
    volatile std::size_t here[64] = {depth};
    return depth == SIZE_MAX ? 0 : endless(depth + 1) + here[depth % 64];
}

}  // namespace

TEST_CASE("a crash or a hang becomes a sentence") {
    const std::string rest = "the checks after this one were not run\n";
    CHECK(told_by_guard([] { std::raise(SIGSEGV); }) ==
          "FAILED  a check  the plugin crashed (segmentation fault)\n" + rest);
    CHECK(told_by_guard([] { std::abort(); }) == "FAILED  a check  the plugin ended the process (abort)\n" + rest);
    CHECK(told_by_guard([] {
              while (true) pause();
          }) == "FAILED  a check  the plugin did not come back in time\n" + rest);
}

TEST_CASE("an exit becomes a sentence, a stack that runs out in a thread too") {
    const std::string rest = "\nthe checks after this one were not run\n";
    const std::string told =
        "FAILED  a check  the plugin ended the process (exit); throw marginalia::Error instead" + rest;
    CHECK(told_by_guard([] { std::exit(0); }) == told);
    CHECK(told_by_guard([] { std::quick_exit(0); }) == told);
    CHECK(told_by_guard([] { in_threads([](std::size_t thread) { endless(thread); }); }) ==
          "FAILED  a check  the plugin crashed (segmentation fault)" + rest);
}

TEST_CASE("an energy that keeps its promises passes") {
    CHECK(failures<Spins>() == "");
    CHECK(failures<ImpossibleSpins>() == "");
}

TEST_CASE("each broken promise of an energy gets a sentence") {
    says(failures<NanSpins>(), "is NaN; return a number or -infinity");
    says(failures<InfiniteSpins>(), "is +infinity");
    says(failures<ThrowingSpins>(), "log f is a number or -infinity: no energy today");
    says(failures<WrongShape>(), "the layout's extents multiply to 4, not to the 6 sites");
    says(failures<WrongBatch>(), "for row 3 and log_density");
    says(failures<Drifting>(), "it must not change the object");
    says(failures<WrongPartial>(), "is 1 where log_density is 0.5; make them equal on full states");
    says(failures<WrongLogZ>(), "log Z is given as 1 where enumeration finds 5.84446");
    says(failures<WrongEntropy>(), "the entropy is given as 1 where enumeration finds");
    says(failures<WrongMarginals>(), "is given as -1 where enumeration finds");
    says(failures<WrongMarginals>(), "the log-marginal of all □ is -1, not 0");
    says(failures<WrongSamples>(), "a sample holds the symbol 2; there are only 2 categories");
    says(failures<BiasedSamples>(), "are said to be exact, but are not distributed as p*");
    says(failures<MissingObservable>(), "observable 'colour' of");
    says(failures<TwoLines>(), "has a line break");
    says(failures<WrongText>(), "override both text() and parse(), or neither");
    says(failures<Careless>(), "parse() of an empty line throws something other than marginalia::Error");
    says(failures<Scratch>(), "while other threads called it");
}

TEST_CASE("datasets: one that keeps its promises passes, broken ones are found") {
    CHECK(dataset_failures<Rows>() == "");
    says(dataset_failures<WrongSymbol>(), "holds the symbol 3; there are 3 categories");
    says(dataset_failures<Changing>(), "changed when it was read again");
    says(dataset_failures<WrongVocabulary>(), "the vocabulary has 2 entries for 3 categories");
    says(dataset_failures<SharedRows>(), "10 of the 100 rows of test are in train as well");
}

TEST_CASE("parameters come from defaults, files and words, and are judged as in an experiment") {
    const PluginManifest spins = manifest({describe(length)});
    CHECK(plugin_parameters(spins, {}).integer("length") == 4);
    CHECK(plugin_parameters(spins, {"length=5"}).integer("length") == 5);
    CHECK_THROWS_WITH_AS(plugin_parameters(spins, {"lenght=5"}), doctest::Contains("length"), Error);
    CHECK_THROWS_WITH_AS(plugin_parameters(spins, {"length=2"}), doctest::Contains("length"), Error);
    CHECK_THROWS_WITH_AS(plugin_parameters(spins, {"length=10"}), doctest::Contains("length"), Error);
    CHECK_THROWS_WITH_AS(plugin_parameters(spins, {"length"}), doctest::Contains("neither key=value nor"), Error);
    CHECK_THROWS_WITH_AS(plugin_parameters(spins, {"absent.toml"}), doctest::Contains("cannot read the parameter file"),
                         Error);
}

TEST_CASE("badly declared parameters are found") {
    const auto told = [](const Parameter& parameter) {
        Checker checker;
        check_declarations(manifest({describe(parameter)}), checker);
        return failures_of(checker);
    };
    CHECK(told(length) == "");
    says(told({.name = "a", .type = ParameterType::integer, .fallback = "1"}), "parameter 'a' has no help");
    says(told({.name = "a", .type = ParameterType::integer, .fallback = "1", .minimum = 2, .help = "b"}), "a");
    says(told({.name = "a", .type = ParameterType::integer, .fallback = "\"x\"", .help = "b"}), "a");
}

TEST_CASE("a constructor has to name the key that it refuses, with an Error") {
    const auto told = [](const std::function<void()>& refuse) {
        Checker checker;
        check_corners(
            manifest({describe(length)}), {},
            [&](const Params& p) {
                if (p.integer("length") == 3) refuse();
            },
            checker);
        return failures_of(checker);
    };
    CHECK(told([] { throw Error("length is 3; give 4 or more"); }) == "");
    says(told([] { throw Error("too few spins"); }), "the constructor refuses length=3 with \"too few spins\"");
    says(told([] { throw Error("bad wavelength"); }), "which names no parameter");
    CHECK(told([] { throw Error("give 4 or more as 'length'"); }) == "");
    says(told([] { throw std::bad_alloc(); }), "which is not a marginalia::Error");
}

TEST_CASE("the chi-square tail, against tabulated quantiles") {
    CHECK(chi_square_tail(3.841459, 1) == doctest::Approx(0.05).epsilon(1e-6));
    CHECK(chi_square_tail(18.30704, 10) == doctest::Approx(0.05).epsilon(1e-6));
    CHECK(chi_square_tail(124.3421, 100) == doctest::Approx(0.05).epsilon(1e-5));
    CHECK(chi_square_tail(2, 2) == doctest::Approx(std::exp(-1.0)).epsilon(1e-12));
    CHECK(chi_square_tail(0, 5) == 1);
    const std::vector<double> p = {0.5, 0.49, 0.01, 0};
    const std::vector<std::int64_t> fair = {50, 49, 1, 0}, biased = {90, 9, 1, 0}, impossible = {50, 49, 0, 1};
    CHECK(chi_square(p, fair).freedom == 1);  // the third cell is pooled with its larger neighbour
    CHECK(chi_square(p, fair).p == doctest::Approx(1));
    CHECK(!chi_square(p, biased).plausible());
    CHECK(!chi_square(p, impossible).plausible());
}

TEST_CASE("a domain is read from words and from a table") {
    std::vector<std::string> words = {"hidden=3", "domain.shape=4x5", "domain.categories=3", "domain.periodic=true"};
    const auto domain = take_domain(words);
    REQUIRE(domain);
    CHECK(words == std::vector<std::string>{"hidden=3"});
    CHECK(domain_text(domain->layout, domain->categories) == "4x5 torus of 3 categories");
    CHECK(!take_domain(words));
    const auto refuse = [](std::string word) {
        std::vector<std::string> alone = {std::move(word)};
        take_domain(alone);
    };
    CHECK_THROWS_WITH_AS(refuse("domain.shape=4x"), doctest::Contains("domain.shape"), Error);
    CHECK_THROWS_WITH_AS(refuse("domain.shape=2000x2000"), doctest::Contains("sites; give fewer"), Error);
    CHECK_THROWS_WITH_AS(refuse("domain.categories=1"), doctest::Contains("must be 2 to 255"), Error);
    CHECK_THROWS_WITH_AS(refuse("domain.periodic=yes"), doctest::Contains("must be true or false"), Error);
    CHECK_THROWS_WITH_AS(refuse("domain.sites=3"), doctest::Contains("there is no domain.sites"), Error);
}
