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
    switch (static_cast<Record>(type)) {
        case Record::loading:
        case Record::name:
        case Record::final_metric:
        case Record::progress: return 64 * kilobyte;
        case Record::failed: return megabyte;
        case Record::catalogue: return 64 * megabyte;
        case Record::metrics: return most_points_together * sizeof(MetricEntry);
        case Record::sample: return 256 * megabyte;
        case Record::checkpoint_piece: return sizeof(std::uint32_t) + checkpoint_piece_bytes;
        case Record::checkpoint: return sizeof(std::int64_t) + sizeof(std::uint64_t);
        case Record::done:
        case Record::stopped: return kilobyte;
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
    const std::string head = nlohmann::json{
        {"settings", request.settings},
        {"seed", request.seed},
        {"ticket", request.ticket},
        {"device", request.device},
        {"threads", request.threads},
        {"checkpoint_seconds", request.checkpoint_seconds},
        {"exact_seconds", request.exact_seconds},
        {"checkpoint_bytes", sizes.checkpoint},
        {"start_network_bytes",
         sizes.start_network}}.dump();
    std::string payload;
    put(payload, static_cast<std::uint32_t>(head.size()));
    return payload += head;
}

std::string encode_trial(const TrialRequest& request) {
    return encode_trial_head(request, {request.checkpoint.size(), request.start_network.size()}) + request.checkpoint +
           request.start_network;
}

TrialReceiver::TrialReceiver(std::string_view head) {
    const auto head_bytes = take<std::uint32_t>(head);
    const auto json = nlohmann::json::parse(head.substr(0, head_bytes));
    head.remove_prefix(std::min<std::size_t>(head_bytes, head.size()));
    request_.settings = json.at("settings");
    request_.seed = json.at("seed");
    request_.ticket = json.at("ticket");
    request_.device = json.at("device");
    request_.threads = json.at("threads");
    request_.checkpoint_seconds = json.at("checkpoint_seconds");
    request_.exact_seconds = json.at("exact_seconds");
    sizes_.checkpoint = json.at("checkpoint_bytes");
    sizes_.start_network = json.at("start_network_bytes");
    request_.checkpoint.reserve(sizes_.checkpoint);
    request_.start_network.reserve(sizes_.start_network);
    add(head);
}

void TrialReceiver::add(std::string_view piece) {
    const auto of_checkpoint = std::min<std::uint64_t>(piece.size(), sizes_.checkpoint - request_.checkpoint.size());
    request_.checkpoint += piece.substr(0, of_checkpoint);
    piece.remove_prefix(of_checkpoint);
    if (piece.size() > sizes_.start_network - request_.start_network.size())
        throw Error("a trial's archives have more bytes than were announced");
    request_.start_network += piece;
}

bool TrialReceiver::is_whole() const {
    return request_.checkpoint.size() == sizes_.checkpoint && request_.start_network.size() == sizes_.start_network;
}

TrialRequest decode_trial(std::string_view payload) {
    TrialReceiver receiver(payload);
    if (!receiver.is_whole()) throw Error("a trial's archives are cut off");
    return receiver.release();
}

std::string encode_catalogue_command(const CatalogueCommand& command) {
    nlohmann::json skip = nlohmann::json::array();
    for (const PluginFailure& failure : command.skip)
        skip.push_back({{"path", failure.path}, {"reason", failure.reason}});
    return nlohmann::json{{"folders", command.folders}, {"skip", skip}}.dump();
}

CatalogueCommand decode_catalogue_command(std::string_view payload) {
    const auto json = nlohmann::json::parse(payload);
    CatalogueCommand command;
    command.folders = json.at("folders");
    for (const auto& failure : json.at("skip")) command.skip.push_back({failure.at("path"), failure.at("reason")});
    return command;
}

}  // namespace marginalia
