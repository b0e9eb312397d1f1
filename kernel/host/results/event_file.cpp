#include "kernel/host/results/event_file.h"

#include <bit>
#include <boost/crc.hpp>

namespace marginalia {
namespace {

// CRC-32C, masked as TFRecord does it so that a checksum of checksums differs from both.
std::uint32_t masked_checksum(std::string_view bytes) {
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> checksum;
    checksum.process_bytes(bytes.data(), bytes.size());
    return std::rotr(static_cast<std::uint32_t>(checksum.checksum()), 15) + 0xa282ead8U;
}

// The lowest byte first, whatever this machine's order.
template <class Unsigned>
std::string little_endian(Unsigned value) {
    std::string bytes;
    for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
}

std::string varint(std::uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    return bytes + static_cast<char>(value);
}

enum WireType { of_varint = 0, of_8_bytes = 1, of_bytes = 2, of_4_bytes = 5 };

std::string key(int field, WireType type) { return varint(static_cast<std::uint64_t>(field << 3 | type)); }

std::string bytes_field(int field, std::string_view bytes) {
    return key(field, of_bytes) + varint(bytes.size()) + std::string(bytes);
}

std::string double_field(int field, double value) {
    return key(field, of_8_bytes) + little_endian(std::bit_cast<std::uint64_t>(value));
}

std::string float_field(int field, float value) {
    return key(field, of_4_bytes) + little_endian(std::bit_cast<std::uint32_t>(value));
}

// Fields of Event: 1 wall_time, 2 step, 3 file_version, 5 summary.
std::string time_field(double time) { return double_field(1, time); }

}  // namespace

EventFile::EventFile(std::ostream& out, double time) : out_(out) {
    write(time_field(time) + bytes_field(3, "brain.Event:2"));
}

void EventFile::add(std::string_view tag, std::int64_t step, double value, double time) {
    const std::string scalar = bytes_field(1, tag) + float_field(2, static_cast<float>(value));  // of Summary.Value
    write(time_field(time) + key(2, of_varint) + varint(static_cast<std::uint64_t>(step)) +
          bytes_field(5, bytes_field(1, scalar)));
}

void EventFile::write(std::string_view event) {
    const std::string length = little_endian(std::uint64_t{event.size()});
    out_ << length << little_endian(masked_checksum(length)) << event << little_endian(masked_checksum(event));
}

}  // namespace marginalia
