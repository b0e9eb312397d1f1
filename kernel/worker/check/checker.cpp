#include "kernel/worker/check/checker.h"

#include <marginalia/error.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <thread>

#include "kernel/worker/check/crash_guard.h"

namespace marginalia {
namespace {

// What went wrong, out of a report of several lines: TorchScript puts it last, others first.
std::string one_line(const std::string& report) {
    constexpr std::string_view last = "\nRuntimeError: ";
    const auto found = report.rfind(last);
    const std::size_t begin = found == std::string::npos ? 0 : found + last.size();
    return report.substr(begin, report.find('\n', begin) - begin);
}

}  // namespace

bool Checker::run(const std::string& name, const std::function<std::string()>& check) {
    if (begin_) begin_(name);
    CheckResult result{name, Verdict::failed, ""};
    try {
        result.detail = check();
        result.verdict = Verdict::passed;
    } catch (const NotApplicable& nothing) {
        result.verdict = Verdict::not_applicable;
        result.detail = nothing.why;
    } catch (const std::exception& error) {
        result.detail = one_line(error.what());
    } catch (...) {
        result.detail = "threw something that is no std::exception; throw marginalia::Error";
    }
    add(std::move(result));
    return !results_.back().failed();
}

void Checker::leave_out(const std::string& name, const std::string& why) { add({name, Verdict::left_out, why}); }

void Checker::add(CheckResult result) {
    if (end_) end_(result);
    results_.push_back(std::move(result));
}

std::size_t Checker::count(Verdict verdict) const {
    return std::count_if(results_.begin(), results_.end(), [&](const CheckResult& r) { return r.verdict == verdict; });
}

void expect(bool right, const std::string& sentence) {
    if (!right) throw Error(sentence);
}

void in_threads(const std::function<void(std::size_t)>& work) {
    std::array<std::exception_ptr, thread_count> errors;
    std::barrier start(thread_count);
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < thread_count; ++thread) {
        threads.emplace_back([&, thread] {
            const SignalStack own_stack;
            start.arrive_and_wait();
            try {
                work(thread);
            } catch (...) {
                errors[thread] = std::current_exception();
            }
        });
    }
    threads.clear();
    for (const std::exception_ptr& error : errors)
        if (error) std::rethrow_exception(error);
}

std::string digits(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+infinity" : "-infinity";
    char text[40];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

std::string rounded(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
}

std::string shortened(const std::string& line) {
    if (line.size() <= 60) return line;
    std::size_t end = 60;
    while ((line[end] & 0xC0) == 0x80) --end;  // not within a character of UTF-8
    return line.substr(0, end) + "...";
}

double seconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    double seconds = 0;
    int runs = 0;
    while (seconds < 0.1) {
        work();
        ++runs;
        seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    return seconds / runs;
}

}  // namespace marginalia
