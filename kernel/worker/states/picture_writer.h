// States for a person at a terminal that is shown pictures.
#pragma once

#include <cstddef>
#include <memory>
#include <sstream>
#include <string>

#include "kernel/worker/states/state_writer.h"

namespace marginalia {

// Pictures as of .png, or as of .svg where sites have not two dimensions and states are drawn, a screen of them at a
// time, so that memory holds no more; log p of completions stands below their picture. What is not drawn is shown as
// text.
class PictureWriter final : public StateWriter {
public:
    PictureWriter(const StateLook& look, const Terminal& terminal, bool completes, std::ostream& out);
    void given(State x) override;
    void row(State x, double log_p) override;
    void finish() override;

private:
    void begin();
    void show();
    std::string shown();

    const StateLook look_;
    const Terminal terminal_;
    const bool completes_;
    std::ostream& out_;
    std::ostringstream document_, words_;
    std::unique_ptr<StateWriter> picture_, text_;  // of what is not shown yet; null: nothing
    std::string captions_;
    std::size_t states_ = 0;
};

}  // namespace marginalia
