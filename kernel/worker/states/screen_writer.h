// States for a person at a terminal.
#pragma once

#include <optional>
#include <vector>

#include "kernel/worker/states/blocks.h"
#include "kernel/worker/states/state_writer.h"

namespace marginalia {

// Pictures of blocks, as many beside each other as the terminal is wide, or lines of text where there can be no
// pictures: sites without two dimensions, no UTF-8, a terminal narrower than a picture (then a sentence on stderr says
// so).
class ScreenWriter final : public StateWriter {
public:
    ScreenWriter(const StateLook& look, const Terminal& terminal, bool completes, std::ostream& out);
    void given(State x) override;
    void row(State x, double log_p) override;
    void finish() override;

private:
    struct Picture {
        std::vector<std::string> lines;
        std::string caption;
    };
    std::string shown(State x) const;
    void add(State x, std::string caption);
    void print_row();

    const StateLook look_;
    const bool completes_;
    std::ostream& out_;
    std::optional<Blocks> blocks_;
    std::size_t cell_ = 0, beside_ = 0;  // columns of a picture with its caption; pictures in a row
    std::vector<Picture> pictures_;      // of the row that is not full yet
    bool first_ = true;
};

}  // namespace marginalia
