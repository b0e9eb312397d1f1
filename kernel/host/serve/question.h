// The target of a request, taken apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia::serve {

// "/api/curves?metric=kl&trials=1,2" as its path and what follows it, decoded. All of it throws Error in one sentence.
class Question {
public:
    // `target` as it came. Throws for an escape that is wrong.
    explicit Question(std::string_view target);

    const std::string& path() const { return path_; }
    bool has(const std::string& name) const { return values_.contains(name); }
    std::string text(const std::string& name) const;         // empty where it is left out
    std::string needed_text(const std::string& name) const;  // throws where it is left out or empty

    // A list of whole numbers from 1 on, "1,2,3".
    std::vector<std::int64_t> numbers(const std::string& name, std::size_t most) const;
    std::optional<std::int64_t> number(const std::string& name, std::int64_t least, std::int64_t most) const;

private:
    std::string path_;
    std::map<std::string, std::string> values_;  // of a name that comes twice, the first
};

}  // namespace marginalia::serve
