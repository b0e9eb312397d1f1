// What a trial may change in its process for those that come after it.
#pragma once

#include <sys/types.h>

#include <cfenv>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace marginalia {

// Rounding mode, flushing of denormals and exception masks of the calling thread, without the flags that arithmetic
// sets.
inline std::uint64_t floating_point_control() {
    std::fenv_t state;
    std::fegetenv(&state);
#if defined(__x86_64__)
    constexpr std::uint32_t mxcsr_flags = 0x3f;
    return (std::uint64_t{state.__control_word} << 32) | (state.__mxcsr & ~mxcsr_flags);
#elif defined(__aarch64__)
    return state.__fpcr;
#else
    return static_cast<std::uint64_t>(std::fegetround());
#endif
}

// A snapshot, taken on the trial's own thread while no trial runs. Costs a tenth of a millisecond. Memory that a plugin
// has overwritten it does not see, nor what a plugin keeps to itself.
class ProcessState {
public:
    using Facts = std::vector<std::pair<std::string, std::string>>;  // name, value

    explicit ProcessState(Facts more = {});

    // What is otherwise in `later`, in words: "the rounding mode, environment variables"; empty: nothing. More memory
    // and more open files are no change, unless files come near the limit.
    std::string changes(const ProcessState& later) const;

private:
    struct File {
        dev_t device;
        ino_t inode;
        bool operator==(const File&) const = default;
    };

    Facts facts_;
    std::map<int, File> files_;  // by descriptor
    std::set<int> threads_;
    bool children_ = false;
    std::size_t most_files_ = 0;
};

}  // namespace marginalia
