// Files as the readers of this SDK take them: whole or a piece at a time, unpacked where they are gzip's. A help for
// plugins that read files; no part of the boundary between plugin and host.
//
// One rule for all: a plain file and no folder, pipe or device; at most most_file_bytes, unpacked; a refusal names the
// file and gives the system's reason. Text is without its byte-order mark, its lines end in \n whatever they ended in
// (\r\n, \r), and UTF-16 and bytes of 0 are refused.
#pragma once

#include <marginalia/error.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace marginalia {

inline constexpr std::uint64_t most_file_bytes = std::uint64_t{1} << 32;

// "PATH: cannot be read: REASON; give the path of a readable file".
Error unreadable(const std::string& path, const std::string& reason);

// A text for messages: what cannot be seen (controls, blanks but the blank, marks of direction, bytes that are no
// UTF-8) is written as U+FEFF or byte 0xFF, and of more than `most` bytes there are three dots.
std::string visible(std::string_view text, std::size_t most = 40);

// Whether a file's name ends so; ".PNG" ends in ".png". `ending` in small letters.
bool has_ending(std::string_view path, std::string_view ending);

// A file from its beginning. One thread.
class FileReader {
public:
    // Throws Error where there is no such file, it is no plain one, or it cannot be read.
    explicit FileReader(std::string path);
    ~FileReader();
    FileReader(const FileReader&) = delete;
    FileReader& operator=(const FileReader&) = delete;

    bool packed() const;         // by gzip; read() unpacks
    std::uint64_t size() const;  // bytes of the file as it lies there

    // Up to `most` further bytes; 0 at the end. Throws Error where the disk, or what gzip packed, is damaged or cut
    // short.
    std::size_t read(char* to, std::size_t most);

    // `count` bytes of a file that is not packed, from `offset` on.
    void read_at(std::uint64_t offset, char* to, std::size_t count);

private:
    struct Open;
    const std::string path_;
    std::unique_ptr<Open> open_;
};

// All bytes of a file, or its first `most`. Throws Error where there are more than most_file_bytes, unless fewer are
// asked for.
std::string file_contents(const std::string& path, std::uint64_t most = most_file_bytes + 1);

// The text of a file, whole. `most`: the most bytes that it may have.
std::string text_file(const std::string& path, std::uint64_t most = most_file_bytes);

// The same of bytes that were read already: what `path` holds, for messages.
std::string clean_text(std::string bytes, const std::string& path);

// Lines of a text, one after another. One thread.
class TextLines {
public:
    explicit TextLines(const std::string& path);

    // Of something that is no file: read(to, most) gives up to `most` bytes, 0 at the end.
    using Read = std::function<std::size_t(char* to, std::size_t most)>;
    TextLines(Read read, std::string name) : read_(std::move(read)), name_(std::move(name)) {}

    // The next line without its end; false where there is none.
    bool next(std::string& line);
    std::size_t number() const { return number_; }  // of the line read last, from 1

private:
    void fill();

    Read read_;
    std::string name_;
    std::string text_;  // clean, from at_ on not given yet
    std::size_t at_ = 0, number_ = 0;
    bool begun_ = false, ended_ = false;
    bool after_return_ = false;  // the last piece ended in \r
};

}  // namespace marginalia
