// Runs checks one after another, keeps what they said and tells a listener.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace marginalia {

enum class Verdict { passed, failed, left_out, not_applicable };

// Thrown by a check that finds nothing to judge, such as what the plugin does not offer.
struct NotApplicable {
    std::string why;
};

struct CheckResult {
    std::string name;
    Verdict verdict = Verdict::failed;
    std::string detail;  // what was found, the sentence that says what is wrong, or why nothing was judged

    bool failed() const { return verdict == Verdict::failed; }
};

// One thread.
class Checker {
public:
    using Begin = std::function<void(const std::string& name)>;
    using End = std::function<void(const CheckResult&)>;

    Checker() = default;
    Checker(Begin begin, End end) : begin_(std::move(begin)), end_(std::move(end)) {}

    // A check returns what it found, throws NotApplicable where there is nothing to judge and anything else where
    // something is wrong; the other checks go on. Returns false where something is wrong.
    bool run(const std::string& name, const std::function<std::string()>& check);

    // A check that cannot be made.
    void leave_out(const std::string& name, const std::string& why);

    const std::vector<CheckResult>& results() const { return results_; }
    std::size_t count(Verdict verdict) const;
    bool all_passed() const { return count(Verdict::failed) == 0; }

private:
    void add(CheckResult result);

    Begin begin_;
    End end_;
    std::vector<CheckResult> results_;
};

// Throws Error(sentence) unless `right`.
void expect(bool right, const std::string& sentence);

// Runs work(0) to work(7), each in a thread of its own with a signal stack of its own, all beginning together. Rethrows
// what the first of them threw.
constexpr std::size_t thread_count = 8;
void in_threads(const std::function<void(std::size_t thread)>& work);

// A number with enough digits to tell what differs.
std::string digits(double value);

// A number with three digits, for figures of speed: "0.0213", "1.25e+07".
std::string rounded(double value);

// At most 60 characters of a line, the rest as "...".
std::string shortened(const std::string& line);

// Runs `work` until 0.1 s have passed, at least once; seconds of one run.
double seconds_of(const std::function<void()>& work);

}  // namespace marginalia
