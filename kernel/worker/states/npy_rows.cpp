#include "kernel/worker/states/npy_rows.h"

#include <algorithm>
#include <cmath>

namespace marginalia {

NpyRows::NpyRows(std::string file, std::int64_t sites, std::int64_t categories)
    : name_(std::move(file)), file_(name_), width_(static_cast<std::size_t>(sites)), categories_(categories) {
    if (file_.shape().size() < 2 || file_.width() != width_)
        throw Error(name_ + ": the array does not hold rows of " + std::to_string(width_) + " sites; give shape (N, " +
                    std::to_string(width_) + ")");
}

std::uint8_t NpyRows::symbol(double value, std::size_t element) const {
    const auto unknown = static_cast<double>(categories_);
    if (value == -1) return static_cast<std::uint8_t>(categories_);
    if (value >= 0 && value <= unknown && value == std::floor(value)) return static_cast<std::uint8_t>(value);
    throw Error(name_ + ": row " + std::to_string(element / width_) + ", site " + std::to_string(element % width_) +
                " is " + NpyFile::shown(value) + "; symbols are 0 to " + std::to_string(categories_ - 1) + ", and " +
                std::to_string(categories_) + " or -1 for unknown");
}

std::vector<std::uint8_t> NpyRows::next(std::size_t most) {
    const std::size_t count = std::min(file_.rows() - taken_, most);
    std::vector<double> values(count * width_);
    file_.read(taken_, count, values);
    std::vector<std::uint8_t> rows(values.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = symbol(values[i], taken_ * width_ + i);
    taken_ += count;
    return rows;
}

}  // namespace marginalia
