// Runs checks one after another, keeps what they said and tells a listener.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace marginalia {

struct CheckResult {
    std::string name;
    bool passed = false;
    std::string detail;  // what was found, or the sentence that says what is wrong
};

// One thread.
class Checker {
public:
    using Begin = std::function<void(const std::string& name)>;
    using End = std::function<void(const CheckResult&)>;

    Checker() = default;
    Checker(Begin begin, End end) : begin_(std::move(begin)), end_(std::move(end)) {}

    // A check returns what it found and throws where something is wrong; the other checks go on.
    void run(const std::string& name, const std::function<std::string()>& check);

    const std::vector<CheckResult>& results() const { return results_; }
    bool all_passed() const;

private:
    Begin begin_;
    End end_;
    std::vector<CheckResult> results_;
};

// Throws Error(sentence) unless `right`.
void expect(bool right, const std::string& sentence);

// Runs `work` once in each of four threads at a time. Rethrows what the first of them threw.
void in_threads(const std::function<void()>& work);

// A number with enough digits to tell what differs.
std::string digits(double value);

}  // namespace marginalia
