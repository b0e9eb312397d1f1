#include "kernel/spec/faults.h"

#include <marginalia/files.h>

#include <algorithm>

#include "kernel/base/printable.h"
#include "kernel/spec/experiment.h"

namespace marginalia::config {

namespace {

constexpr std::size_t most_said = 20'000;  // bytes of one sentence: it may list many keys

}  // namespace

void Faults::add(Place place, std::string sentence) {
    constexpr std::size_t any_length = std::size_t{1} << 20;
    std::pair fault{place, visible(sentence, any_length)};
    // A value that several plugins of a sweep refuse for the same reason is one fault.
    if (std::find(faults_.begin(), faults_.end(), fault) == faults_.end()) faults_.push_back(std::move(fault));
}

std::uint32_t Faults::add_file(std::string file) {
    files_.push_back(std::move(file));
    return static_cast<std::uint32_t>(files_.size() - 1);
}

void Faults::add_plugin(Place place, std::string sentence) {
    const std::size_t before = faults_.size();
    add(place, std::move(sentence));
    about_plugins_ += faults_.size() - before;
}

std::string Faults::where(Place place) const {
    constexpr std::size_t most = 1000;
    if (place.source > 0) return "override '" + visible(overrides_.at(place.source - 1), most) + "'";
    return visible(files_.at(place.file), most) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

void Faults::throw_if_any() const {
    if (faults_.empty()) return;
    auto sorted = faults_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string message;
    for (const auto& [place, sentence] : sorted) {
        if (!message.empty()) message += '\n';
        message += printable(where(place) + ": " + sentence, most_said);
    }
    if (about_plugins_ == faults_.size()) throw MissingPlugin(message);
    throw Error(message);
}

}  // namespace marginalia::config
