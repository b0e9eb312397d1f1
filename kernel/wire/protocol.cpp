#include "kernel/wire/protocol.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace marginalia {

std::string frame_header(std::uint8_t type, std::size_t payload_bytes) {
    if (payload_bytes > UINT32_MAX)
        throw Error("a record of " + std::to_string(payload_bytes >> 20) +
                    " MB is over the limit of 4 GB; make the "
                    "network smaller");
    std::string header;
    put(header, static_cast<std::uint32_t>(payload_bytes));
    put(header, type);
    return header;
}

long FrameReader::read_from(int descriptor) {
    constexpr std::size_t piece = 1 << 18;
    buffer_.erase(0, begin_);
    begin_ = 0;
    const std::size_t held = buffer_.size();
    buffer_.resize(held + piece);
    long got;
    do got = ::read(descriptor, buffer_.data() + held, piece);
    while (got < 0 && errno == EINTR);
    buffer_.resize(held + static_cast<std::size_t>(std::max(got, 0L)));
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return 0;
    return got;
}

bool FrameReader::next(Frame& frame) {
    std::string_view rest = std::string_view(buffer_).substr(begin_);
    if (rest.size() < frame_header_bytes) return false;
    const auto bytes = take<std::uint32_t>(rest);
    const auto type = take<std::uint8_t>(rest);
    if (limit_ && bytes > limit_(type))
        throw Error("a record of type " + std::to_string(type) + " with " + std::to_string(bytes) +
                    " bytes, where at most " + std::to_string(limit_(type)) + " may be");
    if (rest.size() < bytes) return false;
    frame = {type, rest.substr(0, bytes)};
    begin_ += frame_header_bytes + bytes;
    return true;
}

std::size_t most_record_bytes(std::uint8_t type) {
    constexpr std::size_t kilobyte = 1 << 10, megabyte = 1 << 20;
    switch (static_cast<RecordType>(type)) {
        case RecordType::loading:
        case RecordType::name:
        case RecordType::final_metric:
        case RecordType::progress: return 64 * kilobyte;
        case RecordType::failed: return megabyte;
        case RecordType::catalogue: return 64 * megabyte;
        case RecordType::metrics: return most_points_together * sizeof(MetricEntry);
        case RecordType::sample: return 256 * megabyte;
        case RecordType::checkpoint_piece: return sizeof(std::uint32_t) + checkpoint_piece_bytes;
        case RecordType::checkpoint: return sizeof(std::int64_t) + sizeof(std::uint64_t);
        case RecordType::done:
        case RecordType::stopped:
        case RecordType::reached: return kilobyte;
    }
    return 0;
}

void take_bytes(std::string_view& bytes, void* out, std::size_t count) {
    if (bytes.size() < count)
        throw Error("a message with " + std::to_string(bytes.size()) + " bytes where " + std::to_string(count) +
                    " more are due");
    std::memcpy(out, bytes.data(), count);
    bytes.remove_prefix(count);
}

void put_text(std::string& bytes, std::string_view text) {
    put(bytes, static_cast<std::uint32_t>(text.size()));
    bytes += text;
}

std::string_view take_text(std::string_view& bytes, const char* what) {
    const auto size = take<std::uint32_t>(bytes);
    if (size > bytes.size()) throw Error(std::string(what) + " whose head is cut off");
    const std::string_view text = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return text;
}

std::string sentence_of(const std::exception& error) {
    std::string_view text = error.what();
    if (dynamic_cast<const nlohmann::json::exception*>(&error) != nullptr) {
        text = text.substr(std::min(text.size(), text.find("] ") + 2));  // behind the exception's name
        return "the trial's settings are not what this version expects: " + std::string(text) + "; run its file again";
    }
    for (const std::string_view start : {"\nException raised from", "\nframe #"})
        text = text.substr(0, text.find(start));
    return std::string(text);
}

bool says_out_of_memory(std::string_view text) {
    for (const std::string_view words :
         {"out of memory", "not enough memory", "allocate memory", "bad_alloc", "failed to map segment"})
        if (text.find(words) != std::string_view::npos) return true;
    return false;
}

// [u32 bytes of JSON][JSON]
std::string encode_trial_head(const TrialRequest& request, const ArchiveSizes& sizes) {
    nlohmann::json message = request;
    message["archives"] = sizes;
    std::string payload;
    put_text(payload, encoded(message));
    return payload;
}

TrialReceiver::TrialReceiver(std::string_view head) {
    const auto json = nlohmann::json::parse(take_text(head, "a trial"));
    json.get_to(request_);
    json.at("archives").get_to(sizes_);
    request_.checkpoint.reserve(sizes_.checkpoint);
    request_.start_from.reserve(sizes_.start_from);
    add(head);
}

void TrialReceiver::add(std::string_view piece) {
    const auto of_checkpoint = std::min<std::uint64_t>(piece.size(), sizes_.checkpoint - request_.checkpoint.size());
    request_.checkpoint += piece.substr(0, of_checkpoint);
    piece.remove_prefix(of_checkpoint);
    if (piece.size() > sizes_.start_from - request_.start_from.size())
        throw Error("a trial's archives have more bytes than were announced");
    request_.start_from += piece;
}

bool TrialReceiver::is_whole() const {
    return request_.checkpoint.size() == sizes_.checkpoint && request_.start_from.size() == sizes_.start_from;
}

std::string encode_files(const std::vector<std::string>& files) {
    const std::vector<std::uint8_t> bytes = nlohmann::json::to_cbor(files);
    return {bytes.begin(), bytes.end()};
}

std::vector<std::string> decode_files(std::string_view payload) { return nlohmann::json::from_cbor(payload); }

std::string encoded(const nlohmann::json& message) {
    return message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace marginalia
