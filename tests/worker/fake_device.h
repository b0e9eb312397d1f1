// A device that is not the CPU, for machines that have no other: its memory is the host's, its operators are the CPU's,
// and copies to the host that nobody is to wait for are made when somebody does.
#pragma once

#include <cstdint>

#include <c10/core/Device.h>

namespace fake_device {

// LibTorch has it from now on, under the name of one of which nothing is in its own builds ("hpu").
at::Device open();

// Since `open` was first called.
struct Counts {
    std::int64_t waits = 0;          // of the host for an event or for a copy
    std::int64_t bytes_to_host = 0;  // copied
    std::int64_t bytes_to_device = 0;
    std::int64_t pinned = 0;  // pieces of the host's memory that it copies by itself
};
Counts counts();

// Copies to the host that have been asked for and not been made.
std::int64_t open_copies();

}  // namespace fake_device
