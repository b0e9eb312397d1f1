#include "kernel/spec/draws.h"

#include <marginalia/random.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include <boost/random/sobol.hpp>

#include "kernel/base/digest.h"
#include "kernel/spec/nearest.h"
#include "kernel/spec/toml_text.h"

namespace marginalia::config {
namespace {

const std::vector<std::string> methods = {"random", "sobol", "latin-hypercube"};  // as DrawMethod numbers them
constexpr std::int64_t most_samples = 100000;

struct DrawKey {
    std::string_view name;
    const char* meaning;    // "'samples' in [sweep] ..."
    const char* of_method;  // the only method that it is for; null: all
};
constexpr std::array<DrawKey, 5> draw_keys = {{{"samples", "is the number of draws", nullptr},
                                               {"seed", "is that of the draws", nullptr},
                                               {"draws", "says how keys are drawn", nullptr},
                                               {"strata", "is about draws", "latin-hypercube"},
                                               {"dimensions", "is about draws", "sobol"}}};

class PlanReader {
public:
    PlanReader(const Node& sweep, Faults& faults) : sweep_(sweep), faults_(faults) {}

    DrawPlan read(const std::vector<std::string>& drawn, Place first, bool refused) {
        read_method();
        whole("samples", 1, most_samples, plan_.samples);
        whole("seed", 0, INT64_MAX, plan_.seed);
        whole("strata", 1, most_samples, plan_.strata);
        read_dimensions();
        if (drawn.empty()) {
            if (!refused) refuse_without_draws();
            return std::move(plan_);
        }
        if (!sweep_.find("samples"))
            faults_.add(first, "'" + drawn.front() +
                                   "' is drawn at random, but [sweep] does not say how often; add samples = 20 to it");
        if (plan_.method == DrawMethod::sobol && drawn.size() + plan_.dimensions.size() > most_dimensions)
            faults_.add(first, "Sobol points have at most " + std::to_string(most_dimensions) +
                                   " dimensions, one a key that is drawn; draw fewer keys, or take draws = \"random\"");
        return std::move(plan_);
    }

private:
    void read_method() {
        if (const Node* node = sweep_.find("draws"); node && !choose_method(*node)) return;
        const std::string& chosen = methods[static_cast<std::size_t>(plan_.method)];
        for (const auto& [name, meaning, method] : draw_keys)
            if (const Node* other = method && method != chosen ? sweep_.find(name) : nullptr)
                faults_.add(other->key_place, "'" + other->key + "' in [sweep] is for draws = \"" + method +
                                                  "\" alone, and these are \"" + chosen +
                                                  "\"; remove it, or write draws = \"" + method + "\"");
    }

    bool choose_method(const Node& node) {
        const bool text = node.kind == Node::Kind::text;
        const auto found = std::find(methods.begin(), methods.end(), text ? node.scalar.get<std::string>() : "");
        if (found != methods.end()) plan_.method = static_cast<DrawMethod>(found - methods.begin());
        else if (text)
            faults_.add(node.place, "'draws' in [sweep] cannot be " + toml_scalar(node.scalar) +
                                        suggestion(node.scalar.get<std::string>(), methods, "Allowed"));
        else
            faults_.add(node.place, "'draws' in [sweep] must be a text in quotes, not " + described(node) +
                                        ". Allowed: " + listed(methods));
        return found != methods.end();
    }

    void whole(const char* key, std::int64_t least, std::int64_t most, std::int64_t& value) {
        const Node* node = sweep_.find(key);
        if (!node) return;
        value = least;
        if (node->kind == Node::Kind::integer && node->scalar >= least && node->scalar <= most) value = node->scalar;
        else
            faults_.add(node->place, "'" + node->key + "' in [sweep] must be an integer of at least " +
                                         std::to_string(least) +
                                         (most < INT64_MAX ? " and at most " + std::to_string(most) : "") + ", not " +
                                         described(*node));
    }

    void read_dimensions() {
        const Node* list = sweep_.find("dimensions");
        if (!list) return;
        if (!list->is_list()) {
            faults_.add(list->place,
                        "'dimensions' in [sweep] must be a list of drawn keys, such as "
                        "[\"train.learning_rate\", \"train.clip\"], not " +
                            described(*list));
            return;
        }
        for (const Node& key : list->children) {
            if (key.kind != Node::Kind::text)
                faults_.add(key.place, "'dimensions' in [sweep] lists keys in quotes, not " + described(key));
            else if (contains(plan_.dimensions, key.scalar.get<std::string>()))
                faults_.add(key.place, toml_scalar(key.scalar) + " is in 'dimensions' twice; remove one");
            else plan_.dimensions.push_back(key.scalar);
        }
    }

    void refuse_without_draws() {
        for (const auto& [name, meaning, method] : draw_keys)
            if (const Node* node = name == "seed" ? nullptr : sweep_.find(name))
                faults_.add(node->key_place,
                            "'" + node->key + "' in [sweep] " + meaning +
                                ", but no key is drawn; write for example \"train.learning_rate\" = { random_log = "
                                "[1e-4, 1e-2] }, or remove it");
    }

    const Node& sweep_;
    Faults& faults_;
    DrawPlan plan_;
};

std::uint64_t bits_of(const std::string& text) { return std::stoull(sha256_hex(text).substr(0, 16), nullptr, 16); }

std::vector<double> random_draws(const std::string& seed_and_key, std::int64_t samples) {
    std::mt19937_64 random(bits_of(seed_and_key));
    std::vector<double> points;
    for (std::int64_t i = 0; i < samples; ++i) points.push_back(unit_interval(random()));
    return points;
}

// A stratum is chosen by whole numbers, and a point keeps 2^-33 of its stratum's width away from all edges that later
// halvings make, so that no rounding moves it into another one.
std::vector<double> hypercube_draws(const std::string& seed_and_key, const DrawPlan& plan) {
    FastRandom random(bits_of("latin-hypercube:" + seed_and_key));
    const auto samples = static_cast<std::size_t>(plan.samples);
    std::vector<double> points;
    for (auto strata = static_cast<std::size_t>(plan.strata); points.size() < samples; strata *= 2) {
        const auto width = static_cast<double>(strata);
        std::vector<bool> taken(strata);
        for (const double point : points) taken[static_cast<std::size_t>(point * width)] = true;
        std::vector<std::size_t> free;
        for (std::size_t stratum = 0; stratum < strata; ++stratum)
            if (!taken[stratum]) free.push_back(stratum);
        for (std::size_t left = free.size(); left > 1; --left) std::swap(free[left - 1], free[random.below(left)]);
        for (const std::size_t stratum : free) {
            const double within = (static_cast<double>(random.bits() >> 32) + 0.5) * 0x1p-32;
            points.push_back((static_cast<double>(stratum) + within) / width);
        }
    }
    points.resize(samples);
    return points;
}

// Boost's sequence leaves out the origin, which is the first point of the net. A shift by the bits of a hash, modulo 2,
// makes each point uniform by itself and leaves every net one.
std::map<std::string, std::vector<double>> sobol_draws(const DrawPlan& plan, const std::vector<std::string>& keys) {
    const std::vector<std::string> order = sobol_order(plan.dimensions, keys);
    std::vector<std::uint64_t> shifts, point(order.size());
    for (const std::string& key : order) shifts.push_back(bits_of("sobol:" + std::to_string(plan.seed) + ":" + key));
    std::map<std::string, std::vector<double>> draws;
    std::vector<std::vector<double>*> columns;  // null: of a name in `dimensions` that is not drawn
    for (const std::string& key : order) columns.push_back(contains(keys, key) ? &draws[key] : nullptr);
    boost::random::sobol sequence(order.size());
    for (std::int64_t i = 0; i < plan.samples; ++i) {
        if (i > 0) sequence.generate(point.begin(), point.end());
        for (std::size_t d = 0; d < order.size(); ++d)
            if (columns[d]) columns[d]->push_back(unit_interval(point[d] ^ shifts[d]));
    }
    return draws;
}

}  // namespace

const std::vector<std::string>& draw_methods() { return methods; }

bool is_about_draws(const std::string& key) {
    return std::any_of(draw_keys.begin(), draw_keys.end(), [&](const DrawKey& known) { return known.name == key; });
}

DrawPlan read_draw_plan(const Node& sweep, const std::vector<std::string>& drawn, Place first, bool refused,
                        Faults& faults) {
    return PlanReader(sweep, faults).read(drawn, first, refused);
}

std::vector<std::string> sobol_order(std::vector<std::string> dimensions, std::vector<std::string> keys) {
    std::sort(keys.begin(), keys.end());
    for (std::string& key : keys)
        if (!contains(dimensions, key)) dimensions.push_back(std::move(key));
    return dimensions;
}

std::map<std::string, std::vector<double>> unit_draws(const DrawPlan& plan, const std::vector<std::string>& keys) {
    if (keys.empty() || keys.size() + plan.dimensions.size() > most_dimensions) return {};
    if (plan.method == DrawMethod::sobol) return sobol_draws(plan, keys);
    std::map<std::string, std::vector<double>> draws;
    for (const std::string& key : keys) {
        const std::string seed_and_key = std::to_string(plan.seed) + ":" + key;
        draws[key] = plan.method == DrawMethod::random ? random_draws(seed_and_key, plan.samples)
                                                       : hypercube_draws(seed_and_key, plan);
    }
    return draws;
}

}  // namespace marginalia::config
