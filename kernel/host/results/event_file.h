// Event files, as TensorBoard reads them: frames of TFRecord, each with one Event message of protocol buffers
// (tensorflow/core/util/event.proto), of which four fields are written.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace marginalia {

// Writes one file, front to back. Values are float32 there, as in every reader's scalars.
class EventFile {
public:
    // `out` must outlive it. `time`: seconds since 1970, of when the file was begun.
    EventFile(std::ostream& out, double time);

    void add(std::string_view tag, std::int64_t step, double value, double time);

private:
    void write(std::string_view event);

    std::ostream& out_;
};

}  // namespace marginalia
