#include "kernel/worker/states/regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace marginalia {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)); }

// What a place along each axis is called.
std::vector<std::string> place_names(std::size_t axes) {
    if (axes == 1) return {"site"};
    if (axes == 2) return {"row", "column"};
    if (axes == 3) return {"layer", "row", "column"};
    std::vector<std::string> names;
    for (std::size_t axis = 0; axis < axes; ++axis) names.push_back(fmt::format("axis-{} place", axis));
    return names;
}

class RegionReader {
public:
    RegionReader(const std::string& name, std::string_view text, const Layout& layout)
        : name_(name), text_(text), shape_(layout.shape), names_(place_names(shape_.size())) {
        std::int64_t sites = 1;
        for (const std::int64_t extent : shape_) sites *= extent;
        taken_.resize(static_cast<std::size_t>(sites));
    }

    std::vector<std::int64_t> read() {
        do read_part();
        while (take(';'));
        if (next() != '\0')
            refuse(fmt::format("{} is not understood; separate its parts by ';'", quoted_character(text_.substr(at_))));
        std::vector<std::int64_t> sites;
        for (std::size_t site = 0; site < taken_.size(); ++site)
            if (taken_[site]) sites.push_back(static_cast<std::int64_t>(site));
        return sites;
    }

private:
    using Places = std::vector<bool>;  // along an axis

    [[noreturn]] void refuse(const std::string& what) const {
        throw Error(fmt::format("region '{}': {}", name_, what));
    }

    // The next character but blanks; '\0' at the end.
    char next() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
        return at_ < text_.size() ? text_[at_] : '\0';
    }

    bool take(char wanted) {
        const bool found = next() == wanted;
        if (found) ++at_;
        return found;
    }

    // A number of 0 to `most`. `extent`: what there is of `what`, for the message.
    std::int64_t read_number(const std::string& what, std::int64_t extent, std::int64_t most) {
        const std::string there = fmt::format("there are {}s 0 to {}", what, extent - 1);
        if (!is_digit(next()))
            refuse(fmt::format("{} stands where a {} should; {}", quoted_character(text_.substr(at_)), what, there));
        const std::string_view rest = text_.substr(at_);
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        const auto length = static_cast<std::size_t>(end - rest.data());
        if (error != std::errc() || number > most)
            refuse(fmt::format("there is no {} {}; {}", what, rest.substr(0, length), there));
        at_ += length;
        return number;
    }

    // "5" or "5-9"
    void read_range(const std::string& what, Places& places) {
        const auto extent = static_cast<std::int64_t>(places.size());
        const std::int64_t first = read_number(what, extent, extent - 1);
        const std::int64_t last = take('-') ? read_number(what, extent, extent - 1) : first;
        if (last < first) refuse(fmt::format("{}s {}-{} run backwards; write {}-{}", what, first, last, last, first));
        std::fill(places.begin() + first, places.begin() + last + 1, true);
    }

    // "5", "0:4", ":", "1:8:2"
    void read_slice(std::size_t axis, Places& places) {
        const std::string& what = names_[axis];
        const std::int64_t extent = shape_[axis];
        std::int64_t first = 0, end = extent, step = 1;
        if (next() != ':') first = read_number(what, extent, extent - 1), end = first + 1;
        if (take(':')) {
            end = is_digit(next()) || next() == '-' ? read_number(what, extent, extent) : extent;
            if (take(':')) step = read_number(what, extent, extent);
        }
        if (step == 0) refuse("a slice's step is 1 or more");
        if (first >= end) refuse(fmt::format("the slice {}:{} has no {}; its end is left out", first, end, what));
        for (std::int64_t place = first; place < end; place += step) places[static_cast<std::size_t>(place)] = true;
    }

    void read_part() {
        if (take('[')) return read_slices();
        if (is_letter(next())) return read_words();
        do read_range("site", taken_);
        while (take(','));
    }

    void read_slices() {
        std::vector<Places> chosen = none_chosen();
        std::size_t axis = 0;
        do {
            if (axis == shape_.size()) refuse(fmt::format("it has more slices than the layout's {} axes", axis));
            read_slice(axis, chosen[axis]);
            ++axis;
        } while (take(','));
        if (!take(']')) refuse("']' is missing behind its slices");
        add(chosen);
    }

    std::string read_word() {
        std::string word;
        for (next(); at_ < text_.size() && is_letter(text_[at_]); ++at_) word += text_[at_];
        return word;
    }

    std::size_t axis_named(const std::string& word) const {
        std::string known;
        for (std::size_t axis = 0; axis < names_.size() && names_.size() <= 3; ++axis) {
            if (word == names_[axis] || word == names_[axis] + "s") return axis;
            known += names_[axis] + "s, ";
        }
        refuse(fmt::format("'{}' is not a part of this layout; there are {}all and half", word, known));
    }

    // "half", "rows 0-3, columns 0-7"
    void read_words() {
        std::vector<Places> chosen = none_chosen();
        std::string word = read_word();
        if (word == "all") return add(chosen);
        if (word == "half") return add_half();
        for (bool another = true; another; word = another ? read_word() : "") {
            const std::size_t axis = axis_named(word);
            bool comma = false;
            do read_range(names_[axis], chosen[axis]), comma = take(',');
            while (comma && !is_letter(next()));
            another = is_letter(next());
        }
        add(chosen);
    }

    void add_half() {
        std::vector<Places> chosen = none_chosen();
        const auto axis = std::ranges::find_if(shape_, [](std::int64_t extent) { return extent > 1; });
        if (axis == shape_.end()) refuse("a single site has no half");
        Places& places = chosen[static_cast<std::size_t>(axis - shape_.begin())];
        std::fill(places.begin(), places.begin() + *axis / 2, true);
        add(chosen);
    }

    std::vector<Places> none_chosen() const {
        std::vector<Places> chosen;
        for (const std::int64_t extent : shape_) chosen.emplace_back(static_cast<std::size_t>(extent));
        return chosen;
    }

    // The sites whose place along every axis is chosen; an axis of which none is counts whole.
    void add(const std::vector<Places>& chosen) {
        Places whole(taken_.size(), true);
        std::size_t below = taken_.size();  // sites that share their place along this and earlier axes
        for (const Places& places : chosen) {
            below /= places.size();
            if (std::ranges::find(places, true) == places.end()) continue;
            for (std::size_t site = 0; site < whole.size(); ++site)
                whole[site] = whole[site] && places[site / below % places.size()];
        }
        for (std::size_t site = 0; site < whole.size(); ++site) taken_[site] = taken_[site] || whole[site];
    }

    const std::string name_;
    const std::string_view text_;
    const std::vector<std::int64_t> shape_;
    const std::vector<std::string> names_;
    Places taken_;  // of all sites
    std::size_t at_ = 0;
};

}  // namespace

Region read_region(const std::string& name, std::string_view text, const Layout& layout) {
    return {name, RegionReader(name, text, layout).read()};
}

}  // namespace marginalia
