// Where the time of LibTorch's operators goes, by what they do.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace marginalia {

struct OperatorTimes {
    double products = 0, copies = 0, fills = 0, element_wise = 0;  // seconds, each operator without those it calls
    std::vector<std::pair<std::string, double>> slowest;           // operators, slowest first

    double total() const { return products + copies + fills + element_wise; }
};

// Watches the operators that `body` runs on any thread, with one at a time running.
OperatorTimes operator_times(const std::function<void()>& body);

}  // namespace marginalia
