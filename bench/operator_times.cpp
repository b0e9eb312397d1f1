#include "bench/operator_times.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string_view>

namespace marginalia {
namespace {

using Clock = std::chrono::steady_clock;

struct Call {
    Clock::time_point start;
    double inner = 0;  // seconds in the operators it called
};

std::map<std::string, double> seconds_of;  // each operator without those it calls
std::vector<Call> calls;                   // under way, the outermost first

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction&) {
    calls.push_back({Clock::now(), 0});
    return nullptr;
}

void end(const at::RecordFunction& operation, at::ObserverContext*) {
    const double taken = std::chrono::duration<double>(Clock::now() - calls.back().start).count();
    seconds_of[operation.name()] += taken - calls.back().inner;
    calls.pop_back();
    if (!calls.empty()) calls.back().inner += taken;
}

const std::set<std::string_view> copying = {"copy_",
                                            "_to_copy",
                                            "clone",
                                            "contiguous",
                                            "cat",
                                            "index_select",
                                            "index",
                                            "gather",
                                            "stack",
                                            "constant_pad_nd",
                                            "repeat",
                                            "embedding",
                                            "scatter",
                                            "scatter_",
                                            "_pad_circular",
                                            "index_add_",
                                            "roll",
                                            "embedding_dense_backward",
                                            "_reshape_copy",
                                            "pixel_shuffle",
                                            "pixel_unshuffle",
                                            "upsample_nearest2d",
                                            "index_put_",
                                            "_index_put_impl_",
                                            "_unsafe_index_put",
                                            "select_backward",
                                            "slice_backward"};
const std::set<std::string_view> filling = {"fill_", "zero_", "zeros", "ones", "full", "zeros_like", "ones_like"};
const std::string_view multiplying[] = {"mm",   "bmm",    "addmm",     "baddbmm", "linear", "matmul",
                                        "conv", "mkldnn", "attention", "gru",     "einsum"};

double OperatorTimes::* kind_of(std::string_view name) {
    name.remove_prefix(std::min(name.size(), name.find("::") == name.npos ? 0 : name.find("::") + 2));
    if (copying.contains(name)) return &OperatorTimes::copies;
    if (filling.contains(name)) return &OperatorTimes::fills;
    for (const std::string_view part : multiplying)
        if (name.find(part) != name.npos) return &OperatorTimes::products;
    return &OperatorTimes::element_wise;
}

}  // namespace

OperatorTimes operator_times(const std::function<void()>& body) {
    seconds_of.clear();
    const auto handle =
        at::addGlobalCallback(at::RecordFunctionCallback(begin, end).scopes({at::RecordScope::FUNCTION}));
    body();
    at::removeCallback(handle);
    OperatorTimes times;
    for (const auto& [name, seconds] : seconds_of) {
        times.*kind_of(name) += seconds;
        times.slowest.emplace_back(name, seconds);
    }
    std::sort(times.slowest.begin(), times.slowest.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
    return times;
}

}  // namespace marginalia
