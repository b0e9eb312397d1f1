#include "kernel/spec/range.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "kernel/spec/nearest.h"

namespace marginalia::config {
namespace {

const std::vector<std::string> forms = {"lin", "log", "random", "random_log", "choice"};
constexpr std::int64_t most_values = 100000;
constexpr double most_exact = 0x1p53;

// 12 digits hide the rounding of powers, so that a range holds 0.001 and not 0.0010000000000000002.
double tidy(double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.12g", value);
    return std::strtod(digits, nullptr);
}

Node as_value(double value, ParameterType type, Place place) {
    // llround is undefined beyond 64 bits; what is clamped here is out of the parameter's range all the same.
    if (type == ParameterType::integer) value = std::clamp(value, -9e18, 9e18);
    if (type == ParameterType::integer)
        return {Node::Kind::integer, "", place, place, static_cast<std::int64_t>(std::llround(value)), {}};
    return {Node::Kind::number, "", place, place, tidy(value), {}};
}

// The form that a range table uses; null after a fault.
const Node* form_of(const Node& values, const std::string& key, Faults& faults) {
    const Node* form = nullptr;
    for (const Node& child : values.children) {
        const bool is_form = std::find(forms.begin(), forms.end(), child.key) != forms.end();
        if (is_form && form) {
            faults.add(child.key_place, "'" + key + "' has both " + form->key + " and " + child.key + "; keep one");
            return nullptr;
        }
        if (is_form) form = &child;
        if (is_form || child.key == "n" || child.key == "step") continue;
        auto allowed = forms;
        allowed.insert(allowed.end(), {"n", "step"});
        faults.add(child.key_place, "unknown key '" + child.key + "' in the range of '" + key + "'" +
                                        suggestion(child.key, allowed, "Allowed"));
        return nullptr;
    }
    if (!form)
        faults.add(values.place, "'" + key +
                                     "' does not say how to choose values; write for example { lin = [1, 3], n = 3 }" +
                                     " (forms: " + listed(forms) + ")");
    return form;
}

struct Bounds {
    double from = 0, to = 0;
    bool valid = false;
};

Bounds bounds_of(const Node& form, const std::string& key, ParameterType type, Faults& faults) {
    const auto fail = [&](const Node& at, const std::string& what) {
        faults.add(at.place, what);
        return Bounds{};
    };
    if (type != ParameterType::integer && type != ParameterType::number)
        return fail(form, "'" + key + "' is a " + type_name(type) + " and has no " + form.key +
                              " range; give a list of values");
    if (!form.is_list() || form.children.size() != 2)
        return fail(form, form.key + " of '" + key + "' takes two bounds, " + form.key + " = [from, to]");
    const bool logarithmic = form.key == "log" || form.key == "random_log";
    for (const Node& bound : form.children) {
        if (bound.kind != Node::Kind::integer && bound.kind != Node::Kind::number)
            return fail(bound, "a bound of '" + key + "' must be a number, not " + described(bound));
        if (!std::isfinite(bound.scalar.get<double>()))
            return fail(bound, "a bound of '" + key + "' must be a finite number, not " + described(bound));
        const double number = bound.scalar.get<double>();
        if (type == ParameterType::integer && std::abs(number) >= most_exact)
            return fail(bound, "a bound of '" + key +
                                   "' must be below 2^53, beyond which a range skips whole numbers, not " +
                                   described(bound));
        if (type == ParameterType::integer && form.key == "random" && number != std::floor(number))
            return fail(bound, "a bound of '" + key + "', of which whole numbers are drawn, must be one, not " +
                                   described(bound));
        if (logarithmic && number <= 0)
            return fail(bound, "a bound of the " + form.key + " range of '" + key + "' must be above 0, not " +
                                   described(bound));
    }
    const double from = form.children[0].scalar.get<double>(), to = form.children[1].scalar.get<double>();
    if (form.key.starts_with("random") && from > to)
        return fail(form,
                    "the bounds of '" + key + "' are the wrong way round; write " + form.key + " = [smaller, larger]");
    return {from, to, true};
}

std::int64_t count_of(const Node& values, const Node& form, const std::string& key, Faults& faults) {
    const Node* n = values.find("n");
    if (!n) {
        faults.add(values.place, "the range of '" + key + "' lacks its number of values; write { " + form.key +
                                     " = [from, to], n = 5 }");
        return 0;
    }
    if (n->kind == Node::Kind::integer && n->scalar >= 1 && n->scalar <= most_values) return n->scalar;
    faults.add(n->place, "n of '" + key + "' must be an integer from 1 to " + std::to_string(most_values) + ", not " +
                             described(*n));
    return 0;
}

// 0: none; nullopt after a fault.
std::optional<double> step_of(const Node& values, const Node& form, const std::string& key, ParameterType type,
                              Faults& faults) {
    const Node* step = values.find("step");
    if (!step) return 0;
    const bool number = step->kind == Node::Kind::integer || step->kind == Node::Kind::number;
    const bool whole = step->kind == Node::Kind::integer || type != ParameterType::integer;
    if (form.key != "random")
        faults.add(step->key_place, "'" + key + "' takes no step: only { random = [from, to], step = s } has one");
    else if (!number || !whole || !(step->scalar.get<double>() > 0) || !std::isfinite(step->scalar.get<double>()))
        faults.add(step->place, "step of '" + key + "' must be " + (whole ? "a number" : "an integer") +
                                    " above 0, not " + described(*step));
    else return step->scalar.get<double>();
    return std::nullopt;
}

std::vector<Node> from_range(const Node& values, const std::string& key, ParameterType type, Faults& faults) {
    const Node* form = form_of(values, key, faults);
    if (!form || !step_of(values, *form, key, type, faults)) return {};
    const Bounds bounds = bounds_of(*form, key, type, faults);
    const std::int64_t n = bounds.valid ? count_of(values, *form, key, faults) : 0;
    std::vector<Node> list;
    for (std::int64_t i = 0; i < n; ++i) {
        const double t = n == 1 ? 0 : static_cast<double>(i) / static_cast<double>(n - 1);
        double value = form->key == "log" ? bounds.from * std::pow(bounds.to / bounds.from, t)
                                          : bounds.from + (bounds.to - bounds.from) * t;
        if (i == n - 1 && n > 1) value = bounds.to;
        Node node = as_value(value, type, form->place);
        if (list.empty() || list.back().scalar != node.scalar) list.push_back(std::move(node));
    }
    return list;
}

}  // namespace

bool is_draw(const Node& values) { return values.find("random") || values.find("random_log") || values.find("choice"); }

std::vector<Node> extremes_of(const Node& values, ParameterType type) {
    if (values.is_list()) return values.children;
    std::vector<Node> extremes;
    for (const Node& child : values.children) {
        if (!child.is_list()) continue;
        for (const Node& bound : child.children) {
            const bool number = bound.kind == Node::Kind::integer || bound.kind == Node::Kind::number;
            const bool rounded = number && child.key != "choice" && std::isfinite(bound.scalar.get<double>());
            extremes.push_back(rounded ? as_value(bound.scalar.get<double>(), type, bound.place) : bound);
        }
    }
    return extremes;
}

std::vector<Node> values_of(const Node& values, const std::string& key, ParameterType type, Faults& faults) {
    if (values.is_table()) return from_range(values, key, type, faults);
    if (!values.is_list())
        faults.add(values.place, "'" + key + "' in [sweep] must be a list or a range, not " + described(values) +
                                     "; a single value belongs in its own table");
    else if (values.children.empty())
        faults.add(values.place, "the list of '" + key + "' is empty; give at least one value or remove the key");
    return values.is_list() ? values.children : std::vector<Node>{};
}

std::optional<Domain> domain_of(const Node& values, const std::string& key, ParameterType type, Faults& faults) {
    const auto one_of = [&](const Node& list) {
        Domain domain{.choices = values_of(list, key, type, faults)};
        return domain.choices.empty() ? std::nullopt : std::optional(std::move(domain));
    };
    if (!is_draw(values)) return one_of(values);
    const Node* form = form_of(values, key, faults);
    if (!form) return std::nullopt;
    if (const Node* n = values.find("n")) {
        faults.add(n->key_place,
                   "'" + key + "' is drawn at random and takes no n; the number of draws is 'samples' in [sweep]");
        return std::nullopt;
    }
    const auto step = step_of(values, *form, key, type, faults);
    if (!step) return std::nullopt;
    if (form->key == "choice") return one_of(*form);
    const auto [from, to, valid] = bounds_of(*form, key, type, faults);
    if (!valid) return std::nullopt;
    if (*step > 0 && (to - from) / *step >= most_exact) {
        faults.add(values.place, "step of '" + key + "' is too small for its range; give a larger one");
        return std::nullopt;
    }
    return Domain{.place = form->place, .low = from, .high = to, .log = form->key == "random_log", .step = *step};
}

Node value_at(const Domain& domain, double u, ParameterType type) {
    if (!domain.choices.empty())
        return domain.choices[static_cast<std::size_t>(u * static_cast<double>(domain.choices.size()))];
    const double from = domain.low, to = domain.high;
    double value = domain.log ? from * std::pow(to / from, u) : from + (to - from) * u;
    // Each integer of the range is as likely as any other, the first and the last too.
    if (!domain.log && type == ParameterType::integer) value = std::floor(from + u * (to - from + 1));
    if (domain.step > 0) value = from + domain.step * std::floor(u * static_cast<double>(domain.steps() + 1));
    return as_value(value, type, domain.place);
}

}  // namespace marginalia::config
