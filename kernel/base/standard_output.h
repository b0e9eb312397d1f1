// Standard output that is checked: what was not written is never taken for written.
#pragma once

#include <ostream>
#include <string_view>

#include "kernel/base/descriptor_buffer.h"

namespace marginalia {

// Made first in main, one a process. From then on std::cout writes through it, and its first write that fails throws
// WriteError through the verb; a reader that has gone (`| head`) ends the process quietly, as SIGPIPE does. Descriptors
// 0 to 2 that were closed are occupied, so that no file of ours gets their numbers and with them foreign text. A file
// that grows beyond `ulimit -f` is a failed write and no longer a signal.
class StandardOutput {
public:
    StandardOutput();
    ~StandardOutput();
    StandardOutput(const StandardOutput&) = delete;
    StandardOutput& operator=(const StandardOutput&) = delete;

    bool failed() const { return buffer_.failed(); }

    // The end of main: writes what is left. Returns `code`, or exit_unwritten and a sentence on stderr, begun with
    // `program`, where something of the output was lost.
    int finish(int code, std::string_view program) noexcept;

private:
    DescriptorBuffer buffer_;
    std::ostream quiet_{&buffer_};  // what std::cerr flushes first: words to people never throw
    std::streambuf* const before_;
};

// Throws Error where standard output is a terminal: bytes that are no text ("a checkpoint") garble it.
void refuse_terminal(std::string_view what);

}  // namespace marginalia
