// What a host writes of its trials while they run, and what others read of it: how far they are, that their host lives,
// what their processes print.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "store/store.h"

namespace marginalia::store {

// A running trial as its host last wrote it.
struct TrialProgress {
    std::string phase;                 // "training"; empty: nothing heard yet
    std::int64_t done = 0, total = 0;  // steps or passes of this phase; total 0: nobody knows
    double rate = 0;                   // of them a second; 0: not known yet
    double heartbeat = 0;              // when this was written, seconds since the epoch
};

// Writes it, and with it that the host of these trials lives. Those that do not run are left as they are.
void write_progress(Store& store, const std::map<TrialId, TrialProgress>& trials);

// Of all running trials that have such a row.
std::map<TrialId, TrialProgress> progress_of_all(Store& store);

// Of what a trial's processes print, over all attempts, this much is kept: the beginning and the newest part.
inline constexpr std::int64_t most_log_bytes = 256 << 10, first_log_bytes = 64 << 10;

// Some of it that has come since the last piece.
struct LogPiece {
    std::string bytes;
    std::int64_t skipped = 0;  // bytes before these that have been let go
    std::int64_t attempt = 0;  // 0, or the attempt that begins with this piece: a line says so
};
void add_log(Store& store, TrialId trial, const LogPiece& piece);

// What is kept of a trial's log from a byte on, foreign bytes as they came. Where something was left out, a line says
// how much.
struct LogText {
    std::string text;
    std::int64_t end = 0;  // how many bytes there have been in all: where to read on
};
LogText read_log(Store& store, TrialId trial, std::int64_t from = 0);

// The last lines of a text, whose own last line may not be ended.
std::string last_lines(std::string_view text, std::size_t lines);

// Its last lines, however few bytes they are in: at most so many lines and `most_log_tail_bytes`.
inline constexpr std::int64_t most_log_tail_bytes = 16 << 10;
std::string log_tail(Store& store, TrialId trial, std::size_t lines);

}  // namespace marginalia::store
