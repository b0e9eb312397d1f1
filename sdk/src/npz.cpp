#include "npz.h"

#include <marginalia/files.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace marginalia {
namespace {

// Offsets and signatures of PKWARE's APPNOTE.TXT, 4.3: what numpy's zipfile writes, up to 4 GiB.
constexpr std::string_view local_mark("PK\3\4", 4), central_mark("PK\1\2", 4), end_mark("PK\5\6", 4);
constexpr std::size_t local_bytes = 30, central_bytes = 46, end_bytes = 22, most_comment = 65535;
constexpr unsigned stored = 0, deflated = 8;

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
    throw Error(path + ": the archive is damaged: " + what + "; save the array again with numpy.savez");
}

struct Member {
    std::string name;
    unsigned method = 0;
    std::uint32_t checksum = 0, packed = 0, unpacked = 0, begin = 0;
    bool encrypted = false;
};

class Archive {
public:
    Archive(const std::string& zip, const std::string& path) : zip_(zip), path_(path) {}

    std::string only() const {
        const std::vector<Member> members = arrays();
        if (members.empty()) throw Error(path_ + ": this archive holds no array; save one with numpy.savez");
        if (members.size() > 1) {
            std::string names;
            for (const Member& member : members) names += (names.empty() ? "" : ", ") + visible(member.name);
            throw Error(path_ + ": it holds " + std::to_string(members.size()) + " arrays, " + visible(names, 200) +
                        "; save the one that is meant by itself, as numpy.save(\"file.npy\", array)");
        }
        return unpacked(members[0]);
    }

private:
    std::uint32_t number(std::size_t at, std::size_t bytes) const {
        if (at > zip_.size() || bytes > zip_.size() - at) damaged(path_, "it is cut short");
        std::uint32_t value = 0;
        for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(zip_[at + i]);
        return value;
    }
    bool has_mark(std::size_t at, std::string_view mark) const {
        return at <= zip_.size() && zip_.compare(at, 4, mark) == 0;
    }

    std::size_t end_record() const {
        const std::size_t size = zip_.size();
        for (std::size_t back = end_bytes; back <= std::min(size, end_bytes + most_comment); ++back)
            if (has_mark(size - back, end_mark)) return size - back;
        damaged(path_, "its end is missing");
    }

    std::vector<Member> arrays() const {
        const std::size_t end = end_record(), count = number(end + 10, 2);
        std::vector<Member> members;
        std::size_t at = number(end + 16, 4);
        for (std::size_t i = 0; i < count; ++i) {
            if (!has_mark(at, central_mark)) damaged(path_, "its list of files is broken");
            const std::size_t name = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
            number(at + central_bytes, name);
            Member member{zip_.substr(at + central_bytes, name),
                          number(at + 10, 2),
                          number(at + 16, 4),
                          number(at + 20, 4),
                          number(at + 24, 4),
                          number(at + 42, 4),
                          (number(at + 8, 2) & 1) != 0};
            if (member.name.ends_with(".npy")) members.push_back(std::move(member));
            at += central_bytes + name + extra + comment;
        }
        return members;
    }

    std::string unpacked(const Member& member) const {
        if (member.encrypted || (member.method != stored && member.method != deflated))
            throw Error(path_ + ": " + visible(member.name) + " in it is " +
                        (member.encrypted ? "encrypted" : "packed in a way that numpy does not use") +
                        "; save the array again with numpy.savez");
        if (!has_mark(member.begin, local_mark)) damaged(path_, visible(member.name) + " is not where its list says");
        const std::size_t at = member.begin + local_bytes + number(member.begin + 26, 2) + number(member.begin + 28, 2);
        if (at > zip_.size() || member.packed > zip_.size() - at)
            damaged(path_, visible(member.name) + " is cut short");
        std::string bytes =
            member.method == stored ? zip_.substr(at, member.packed) : inflated(zip_.data() + at, member);
        if (bytes.size() != member.unpacked || crc(bytes) != member.checksum)
            damaged(path_, visible(member.name) + " is not what its checksum says");
        return bytes;
    }

    static std::uint32_t crc(std::string_view bytes) {
        return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    }

    // Never more than its list says, which is below 4 GiB.
    std::string inflated(const char* from, const Member& member) const {
        // deflate packs 1032 to 1 at best: what claims more is not worth the memory.
        if (member.unpacked / 1032 > std::uint64_t{member.packed} + 1)
            damaged(path_, visible(member.name) + " is too small for its size");
        z_stream stream{};
        if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw unreadable(path_, "there is no memory to unpack it");
        std::string bytes(member.unpacked, '\0');
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from));
        stream.avail_in = member.packed;
        stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
        stream.avail_out = member.unpacked;
        const int result = ::inflate(&stream, Z_FINISH);
        const bool whole = result == Z_STREAM_END && stream.avail_out == 0;
        ::inflateEnd(&stream);
        if (!whole) damaged(path_, visible(member.name) + " cannot be unpacked");
        return bytes;
    }

    const std::string& zip_;
    const std::string& path_;
};

}  // namespace

std::string only_array(const std::string& zip, const std::string& path) { return Archive(zip, path).only(); }

}  // namespace marginalia
