#include "kernel/host/results/table_layout.h"

#include <algorithm>

namespace marginalia {
namespace {

constexpr std::size_t apart = 2;

using Indices = std::vector<std::size_t>;

std::size_t least_of(const ColumnSize& column) {
    return std::max({column.header_piece, column.unbroken, column.least});
}

class LayoutMaker {
public:
    LayoutMaker(const std::vector<ColumnSize>& columns, std::size_t limit) : columns_(columns), limit_(limit) {}

    TableLayout make() {
        Indices shown(columns_.size());
        for (std::size_t c = 0; c < shown.size(); ++c) shown[c] = c;
        TableLayout layout;
        if (limit_ > 0) layout.left_out = leave_out(shown);
        for (Indices& columns : divided(shown)) {
            std::vector<std::size_t> widths = widths_of(columns);
            layout.blocks.push_back({std::move(columns), std::move(widths)});
        }
        return layout;
    }

private:
    std::size_t readable(std::size_t c) const {
        return std::max({columns_[c].header_piece, columns_[c].unbroken, columns_[c].readable});
    }
    std::size_t least(std::size_t c) const { return least_of(columns_[c]); }

    template <class Width>
    std::size_t total(const Indices& columns, Width&& width) const {
        std::size_t sum = 0;
        for (const std::size_t c : columns) sum += width(c) + apart;
        return sum - std::min(sum, apart);
    }

    // Those with the highest number, the last of them first.
    Indices leave_out(Indices& shown) const {
        Indices left_out;
        while (total(shown, [this](std::size_t c) { return readable(c); }) > limit_) {
            const auto first = std::max_element(shown.rbegin(), shown.rend(), [this](std::size_t a, std::size_t b) {
                return columns_[a].drop < columns_[b].drop;
            });
            if (first == shown.rend() || columns_[*first].drop == 0) break;
            left_out.push_back(*first);
            shown.erase(std::next(first).base());
        }
        std::ranges::sort(left_out);
        return left_out;
    }

    // As many columns a block as fit, one at least besides the keys.
    std::vector<Indices> divided(const Indices& shown) const {
        Indices keys;
        for (const std::size_t c : shown)
            if (columns_[c].key) keys.push_back(c);
        std::vector<Indices> blocks = {keys};
        for (const std::size_t c : shown) {
            if (columns_[c].key) continue;
            Indices& last = blocks.back();
            const auto place = std::ranges::upper_bound(last, c);
            Indices with(last.begin(), place);
            with.push_back(c);
            with.insert(with.end(), place, last.end());
            const bool fits = limit_ == 0 || total(with, [this](std::size_t i) { return least(i); }) <= limit_;
            if (fits || last.size() == keys.size()) {
                last = std::move(with);
                continue;
            }
            blocks.push_back(keys);
            blocks.back().insert(std::ranges::upper_bound(blocks.back(), c), c);
        }
        return blocks;
    }

    std::vector<std::size_t> widths_of(const Indices& columns) const {
        std::vector<std::size_t> widths;
        for (const std::size_t c : columns) widths.push_back(std::max(columns_[c].header, columns_[c].cells));
        if (limit_ == 0) return widths;
        narrow(columns, widths,
               [this](std::size_t c) { return std::max(columns_[c].header_piece, columns_[c].cells); });
        narrow(columns, widths, [this](std::size_t c) { return least(c); });
        return widths;
    }

    // The widest of those that are wider than they need to be, again and again.
    template <class Floor>
    void narrow(const Indices& columns, std::vector<std::size_t>& widths, Floor&& floor) const {
        std::size_t sum = apart * columns.size() - std::min(columns.size(), std::size_t(1)) * apart;
        for (const std::size_t width : widths) sum += width;
        for (; sum > limit_; --sum) {
            std::size_t widest = columns.size();
            for (std::size_t i = 0; i < columns.size(); ++i)
                if (widths[i] > floor(columns[i]) && (widest == columns.size() || widths[i] > widths[widest]))
                    widest = i;
            if (widest == columns.size()) return;
            --widths[widest];
        }
    }

    const std::vector<ColumnSize>& columns_;
    const std::size_t limit_;
};

}  // namespace

bool keys_are_too_wide(const std::vector<ColumnSize>& columns, std::size_t limit) {
    std::size_t keys = 0, widest = 0;
    for (const ColumnSize& column : columns) {
        if (column.key) keys += least_of(column) + apart;
        else if (column.drop == 0) widest = std::max(widest, least_of(column));
    }
    return limit > 0 && keys + widest > limit;
}

TableLayout lay_out(const std::vector<ColumnSize>& columns, std::size_t limit) {
    return LayoutMaker(columns, limit).make();
}

}  // namespace marginalia
