// What a worker, its plugins and its children write to standard output and error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace marginalia {

// A pipe that is emptied before it fills, and the newest of what has come through it: however much a plugin prints, it
// costs no more than `most_kept` twice over. Poll descriptor() for reading (poll leaves out -1) and then take().
//
// Threads: one, that of the worker's owner.
class WorkerOutput {
public:
    static constexpr std::size_t most_kept = 256 << 10;

    WorkerOutput();  // throws Error where no pipe can be made
    ~WorkerOutput();
    WorkerOutput(const WorkerOutput&) = delete;
    WorkerOutput& operator=(const WorkerOutput&) = delete;

    int descriptor() const { return read_; }
    int write_end() const { return write_; }
    void close_write_end();  // once the worker has it

    // Takes some of what is there and never waits. false: there was nothing.
    bool take();
    // All that is there, but no more than a pipe holds: the worker may go on, or a child that it left behind.
    void take_rest();

    std::int64_t size() const { return size_; }  // bytes that have come so far
    // What came after a place, its last `most` bytes, as far as it is kept.
    std::string since(std::int64_t place, std::size_t most = most_kept) const;

private:
    int read_ = -1, write_ = -1;
    std::string kept_;
    std::int64_t size_ = 0;
};

}  // namespace marginalia
