#include "kernel/conformance/checker.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <thread>

#include <marginalia/error.h>

namespace marginalia {

void Checker::run(const std::string& name, const std::function<std::string()>& check) {
    if (begin_) begin_(name);
    CheckResult result{name, false, ""};
    try {
        result.detail = check();
        result.passed = true;
    } catch (const std::exception& error) {
        result.detail = error.what();
    } catch (...) {
        result.detail = "threw something that is no std::exception; throw marginalia::Error";
    }
    if (end_) end_(result);
    results_.push_back(std::move(result));
}

bool Checker::all_passed() const {
    return std::all_of(results_.begin(), results_.end(), [](const CheckResult& result) { return result.passed; });
}

void expect(bool right, const std::string& sentence) {
    if (!right) throw Error(sentence);
}

void in_threads(const std::function<void()>& work) {
    std::array<std::exception_ptr, 4> errors;
    std::vector<std::jthread> threads;
    for (std::exception_ptr& error : errors) {
        threads.emplace_back([&work, &error] {
            try {
                work();
            } catch (...) {
                error = std::current_exception();
            }
        });
    }
    threads.clear();
    for (const std::exception_ptr& error : errors)
        if (error) std::rethrow_exception(error);
}

std::string digits(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

}  // namespace marginalia
