// How the answers of inference are written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <marginalia/states.h>

#include "kernel/wire/state_format.h"

namespace marginalia {

// What the states are: their energy or dataset says.
struct StateLook {
    std::int64_t categories = 2;  // K; in a partial state K is unknown
    Layout layout;
    std::function<std::string(State)> text;      // a full or partial state as one line
    std::function<std::string(State)> identity;  // what a full state stands for; "": nothing valid. None: its text
    std::function<std::string(State)> picture;   // of a full state, SVG; "" or none: not drawn

    // What a full state stands for, where that is not its text; else "".
    std::string meaning(State x) const {
        const std::string found = identity ? identity(x) : "";
        return found == text(x) ? "" : found;
    }
};

// Takes states one after another. One thread.
class StateWriter {
public:
    virtual ~StateWriter() = default;

    // A partial state; the rows up to the next one are its completions.
    virtual void given(State) {}

    // log f in nats of the next row's state, where its energy was asked.
    virtual void energy(double) {}

    // A state and its figure in nats: log p of a drawn state, log p(x_rest | x_S) of a completion, log p of a state
    // asked about.
    virtual void row(State x, double figure) = 0;

    // Nothing follows: writes what was held back.
    virtual void finish() {}
};

// For states drawn, or completed where `completes`:
//
//   text    a state a line as the energy or dataset prints it, and, behind a tab, what it stands for where that reads
//           otherwise
//   csv     a state a line, its symbols 0 to K - 1 divided by commas
//   json    an object a line: {"text": ..., "states": [symbols], "log_p": nats}, for completions also "given": text;
//           "identity" as in text; "log_f": nats where it is known
//   npy     uint8 (n, D); `out` must be a file, as its head is written last
//   png     a grid of pictures, a given state before its completions, which begin a row of the grid
//   svg     a grid of the drawings that the energy or dataset makes
//   screen  for the terminal, see Terminal; a given state before its completions, these with log p(x_rest | x_S)
//
// `expected`: how many states will come, 0 where that is not known.
//
// Throws Error where states without two dimensions, or more of them than a picture holds, are to be a picture. `out`
// must outlive the writer.
std::unique_ptr<StateWriter> make_state_writer(const OutputRequest& output, const StateLook& look, bool completes,
                                               std::int64_t expected, std::ostream& out);

// For log-marginals of states:
//   csv   row,log_marginal,state
//   json  an object a line: {"row": n, "text": ..., "log_marginal": nats}
//   npy   float64 (n)
std::unique_ptr<StateWriter> make_marginal_writer(StateFormat format, const StateLook& look, std::ostream& out);

// Takes states with several figures each. One thread.
class ScoreWriter {
public:
    virtual ~ScoreWriter() = default;
    virtual void row(State x, std::span<const double> figures) = 0;
    virtual void finish() {}  // nothing follows
};

// For figures of these names, of which so many digits count (0: all):
//   csv   row,NAME,NAME,...
//   json  an object a line: {"row": n, "text": ..., NAME: figure, ...}
//   npy   float64 (n, figures)
std::unique_ptr<ScoreWriter> make_score_writer(StateFormat format, const StateLook& look,
                                               const std::vector<std::string>& names, int digits, std::ostream& out);

}  // namespace marginalia
