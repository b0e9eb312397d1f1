// Buffers for a plugin to write to, whose surroundings are looked at afterwards.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "kernel/worker/check/checker.h"

namespace marginalia {

// `size` values with 16 more on either side that must stay as they are.
template <class T>
class Guarded {
public:
    Guarded(std::size_t size, T fill) : values_(size + 2 * margin), size_(size) {
        std::memset(values_.data(), guard_byte, values_.size() * sizeof(T));
        std::fill(span().begin(), span().end(), fill);
    }

    std::span<T> span() { return std::span(values_).subspan(margin, size_); }
    std::vector<T> values() { return {span().begin(), span().end()}; }

    // Throws Error("METHOD writes outside its output; ...").
    void expect_intact(const std::string& method) const {
        for (std::size_t i = 0; i < margin; ++i)
            expect(
                is_guard(values_[i]) && is_guard(values_[margin + size_ + i]),
                method + " writes outside its output; write to out[0] to out[" + std::to_string(size_ - 1) + "] only");
    }

private:
    static constexpr std::size_t margin = 16;
    static constexpr unsigned char guard_byte = 0xAB;

    static bool is_guard(const T& value) {
        unsigned char bytes[sizeof(T)];
        std::memcpy(bytes, &value, sizeof(T));
        return std::all_of(bytes, bytes + sizeof(T), [](unsigned char byte) { return byte == guard_byte; });
    }

    std::vector<T> values_;
    std::size_t size_;
};

}  // namespace marginalia
