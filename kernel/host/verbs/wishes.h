// What the verbs `cancel`, `pause` and `retry` share.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "kernel/host/verbs/verbs.h"
#include "store/requests.h"

namespace marginalia {

struct WishOptions {
    std::vector<std::string> trials;
    std::string experiment;  // all of its trials that can be meant; empty: those that are named
    std::int64_t wait = 10;  // seconds for what a running host is to do
};

// Asks for it, waits until it has happened and says a line on each trial. 0: all of it has happened, or nobody was to
// wait for it; 1: some of it has not yet; 5: nothing could be done about a trial that was named.
int wish_verb(const Common& common, const WishOptions& options, store::Wish wish, std::ostream& out);

void add_wish_options(CLI::App* verb, WishOptions& options);

}  // namespace marginalia
