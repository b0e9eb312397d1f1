// How long to wait for a store that another program holds locked.
#pragma once

#include <chrono>
#include <functional>

namespace marginalia::store {

// Asked again and again, at least every 100 ms, while the lock is held; says whether to wait on. Called on the thread
// that uses the store. An empty one waits for 10 s.
using Patience = std::function<bool(std::chrono::milliseconds waited)>;

}  // namespace marginalia::store
