#include "kernel/worker/model/table_states.h"

#include <ATen/ATen.h>
#include <marginalia/real_sites.h>

#include <cmath>

namespace marginalia {

at::Tensor TableStates::states(std::span<const double> cells) const {
    const auto width = static_cast<std::int64_t>(sites_.size());
    const at::Tensor x = at::empty({static_cast<std::int64_t>(cells.size()) / width, width}, at::kLong);
    auto* out = x.mutable_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const Site& site = sites_[i % sites_.size()];
        out[i] = std::isnan(cells[i]) ? unknown_
                 : site.is_real()     ? real_state((cells[i] - site.centre) / site.scale)
                                      : static_cast<std::int64_t>(cells[i]);
    }
    return x;
}

std::vector<double> TableStates::cells(const at::Tensor& x) const {
    const at::Tensor rows = x.cpu().contiguous();
    const auto* from = rows.const_data_ptr<std::int64_t>();
    std::vector<double> cells(static_cast<std::size_t>(rows.numel()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const Site& site = sites_[i % sites_.size()];
        cells[i] = from[i] == unknown_ ? std::nan("")
                   : site.is_real()    ? site.centre + site.scale * real_value(from[i])
                                       : static_cast<double>(from[i]);
    }
    return cells;
}

at::Tensor TableStates::scaled(double number, std::size_t column) const {
    return at::tensor({(number - sites_[column].centre) / sites_[column].scale}, at::kDouble);
}

at::Tensor TableStates::log_units(const at::Tensor& x) const {
    std::vector<double> logs;
    for (const Site& site : sites_) logs.push_back(site.is_real() ? std::log(site.scale) : 0);
    return ((x.cpu() != unknown_).to(at::kDouble) * at::tensor(logs, at::kDouble)).sum(1);
}

}  // namespace marginalia
