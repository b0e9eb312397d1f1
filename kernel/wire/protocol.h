// What host and worker say to each other over two pipes.
//
// A frame is [u32 payload bytes][u8 type][payload], in the byte order of the machine: both ends are on it. Control
// payloads are JSON of the structs below, metrics packed binary, checkpoints raw bytes in pieces, so that neither end
// holds a second copy.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/spec/schema.h"
#include "kernel/wire/recorder.h"
#include "kernel/wire/torch_report.h"

namespace marginalia {

// Host to worker. Closing the pipe ends the worker.
enum class Command : std::uint8_t {
    catalogue = 1,  // encode_files() of plugins: open those that are not open yet, answer with `catalogue`
    trial,  // encode_trial_head(): run it once its archives are here, end with `done`, `stopped`, `reached` or `failed`
    stop,   // the running trial is to checkpoint and stop
    piece,  // [bytes] of the archives that the trial's head announced, in order
};

// Worker to host. The records of a trial keep the order in which the trial made them.
enum class RecordType : std::uint8_t {
    loading = 1,       // path of the plugin file that is about to be opened: to be blamed if nothing follows
    catalogue,         // CatalogueAnswer: all open plugins, and which of the files failed now
    name,              // [u32 id][text]: a metric's name, once before its first use by this worker
    metrics,           // MetricEntry after MetricEntry
    final_metric,      // [f64 value][name]
    sample,            // [u32 bytes of head][SampleHead][data]
    checkpoint,        // [i64 step][u64 bytes]: the pieces since number 0 are one, of so many bytes in all
    progress,          // [i64 done][i64 total][phase]
    done,              // [u64 ticket of the trial][what the trial left changed in its process, in words; mostly empty]
    stopped,           // the same
    failed,            // TrialFailure
    checkpoint_piece,  // [u32 number, from 0][bytes]
    reached,           // as `stopped`: the trial has reached TrialRequest::stop_at
};

constexpr std::size_t checkpoint_piece_bytes = 4 << 20;  // of a whole piece; the last is shorter
constexpr std::size_t most_points_together = 1 << 15;    // in one `metrics` record

// The most bytes that a record of this type may have; 0 also for what is no type. A worker that sends more is ended:
// bytes in its pipe may come from any plugin.
std::size_t most_record_bytes(std::uint8_t type);

// One metric point as it travels.
struct MetricEntry {
    std::uint64_t name;  // id given by a `name` record
    std::int64_t step;
    double value;
    double time;  // seconds since the epoch
};

// A frame's five leading bytes.
constexpr std::size_t frame_header_bytes = 5;
std::string frame_header(std::uint8_t type, std::size_t payload_bytes);

// Cuts a stream of bytes into frames. Not thread-safe.
class FrameReader {
public:
    using Limit = std::size_t (*)(std::uint8_t type);
    // `limit`: the most bytes of a frame by its type; null: any.
    explicit FrameReader(Limit limit = nullptr) : limit_(limit) {}

    struct Frame {
        std::uint8_t type;
        std::string_view payload;  // valid until the next call of a method
    };
    // Reads once from the descriptor. 0: the other end closed it; -1: nothing there now (non-blocking descriptors).
    long read_from(int descriptor);
    // Takes the next complete frame. false: more must be read first. Throws Error where a frame is over its limit, as
    // soon as its head has been read.
    bool next(Frame& frame);
    // Whether a frame has begun and not ended.
    bool within_frame() const { return begin_ < buffer_.size(); }

private:
    const Limit limit_;
    std::string buffer_;
    std::size_t begin_ = 0;  // first byte not taken yet
};

// Packs values in front of text, and takes them off again (throws Error if there are too few bytes).
template <class T>
void put(std::string& bytes, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void take_bytes(std::string_view& bytes, void* out, std::size_t count);
template <class T>
T take(std::string_view& bytes) {
    T value;
    take_bytes(bytes, &value, sizeof value);
    return value;
}

// The same of a text behind its length; `what` is what it is the head of, for the error.
void put_text(std::string& bytes, std::string_view text);
std::string_view take_text(std::string_view& bytes, const char* what);

// What an error says, without the stack that LibTorch appends; of JSON that lacks something, which settings of a stored
// trial may, in words.
std::string sentence_of(const std::exception& error);

// Whether an error's text speaks of memory that there was not: LibTorch's, the standard library's, the system's words.
bool says_out_of_memory(std::string_view text);

struct ArchiveSizes {
    std::uint64_t checkpoint = 0, start_from = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ArchiveSizes, checkpoint, start_from)
// Everything but the archives, which follow: the checkpoint, then start_from.
std::string encode_trial_head(const TrialRequest&, const ArchiveSizes&);

// Puts a request together whose archives come piece by piece.
class TrialReceiver {
public:
    explicit TrialReceiver(
        std::string_view head);        // throws Error where it is cut off; takes what follows it as a piece
    void add(std::string_view piece);  // throws Error where more comes than was announced
    bool is_whole() const;
    TrialRequest release() { return std::move(request_); }

private:
    ArchiveSizes sizes_;
    TrialRequest request_;
};

// In CBOR, as names of files need not be UTF-8.
std::string encode_files(const std::vector<std::string>& files);
std::vector<std::string> decode_files(std::string_view payload);

struct CatalogueAnswer {
    PluginCatalogue catalogue;
    TorchReport torch;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CatalogueAnswer, catalogue, torch)

struct SampleHead {
    std::string name, kind;
    std::int64_t step = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SampleHead, name, kind, step)

struct TrialFailure {
    std::uint64_t ticket = 0;
    std::string message;
    bool out_of_memory = false;
    bool not_finite = false;  // it was a NotFinite
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrialFailure, ticket, message, out_of_memory, not_finite)

// A message as text, and back (throws where it is none). Text from plugins may be anything: what is not UTF-8 is
// replaced.
std::string encoded(const nlohmann::json& message);
template <class Message>
Message decoded(std::string_view text) {
    return nlohmann::json::parse(text).get<Message>();
}

}  // namespace marginalia
