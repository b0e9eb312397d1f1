#include "kernel/worker/answer/completions.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

namespace marginalia {
namespace {

[[noreturn]] void give_up(const std::string& line, std::int64_t count) {
    throw Error(fmt::format(
        "none of {} completions in turn kept what '{}' gives: what the model draws between the known symbols changes "
        "what they mean; give a part that begins the line and is all of a piece, or fewer atoms",
        count, line));
}

}  // namespace

at::Tensor Completions::rows_of(const std::vector<Wanted>& wanted, std::int64_t times) {
    std::vector<std::int64_t> rows;
    for (const Wanted& each : wanted) rows.insert(rows.end(), static_cast<std::size_t>(times), each.row);
    return at::tensor(rows, at::kLong);
}

Generated Completions::draw(const at::Tensor& partial, const std::vector<std::string>& lines, const at::Tensor& place,
                            at::Generator& generator, const Tick& tick) {
    const at::Tensor rows = place.to(at::kCPU, at::kLong).contiguous();
    std::vector<Wanted> wanted;
    for (std::int64_t i = 0; i < rows.size(0); ++i) wanted.push_back({i, rows.const_data_ptr<std::int64_t>()[i]});
    Generated answer;
    // What is refused is drawn again several times at once, as the network takes many rows as quickly as few.
    for (std::int64_t times = 1; !wanted.empty();) {
        const at::Tensor x = partial.index_select(0, rows_of(wanted, times)).to(trained_.parts.device);
        Generated drawn = trained_.model->complete(x, generator, tick);
        drawn = {drawn.x.cpu(), drawn.log_p.cpu()};
        if (!answer.x.defined()) answer = {drawn.x.clone(), drawn.log_p.clone()};
        wanted = take(answer, drawn, lines, wanted, times);
        const auto left = static_cast<std::int64_t>(std::max<std::size_t>(1, wanted.size()));
        times = std::clamp<std::int64_t>(batch_ / left, 1, 2 * times);
    }
    return answer;
}

std::vector<Completions::Wanted> Completions::take(Generated& answer, const Generated& drawn,
                                                   const std::vector<std::string>& lines,
                                                   const std::vector<Wanted>& wanted, std::int64_t times) {
    const std::vector<std::uint8_t> bytes = to_bytes(drawn.x);
    const States states{bytes, static_cast<std::size_t>(drawn.x.size(1))};
    std::vector<Wanted> left;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        Wanted next = wanted[i];
        const std::int64_t begin = static_cast<std::int64_t>(i) * times;
        const std::string* line = lines.empty() ? nullptr : &lines[static_cast<std::size_t>(next.row)];
        std::int64_t tried = 0;
        while (tried < times && line &&
               !trained_.parts.variables().keeps(*line, states[static_cast<std::size_t>(begin + tried)]))
            ++tried;
        next.refused += tried;
        refused_ += tried;
        drawn_ += std::min(tried + 1, times);
        if (tried < times) {
            answer.x[next.place].copy_(drawn.x[begin + tried]);
            answer.log_p[next.place].copy_(drawn.log_p[begin + tried]);
        } else {
            if (next.refused >= most_refused) give_up(*line, next.refused);
            left.push_back(next);
        }
    }
    return left;
}

}  // namespace marginalia
