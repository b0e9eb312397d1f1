#include "kernel/base/pictures.h"

#include <marginalia/error.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "kernel/base/child_process.h"
#include "kernel/base/printable.h"

namespace marginalia {
namespace {

constexpr std::size_t most_bytes = 64 << 20;  // of an answer
constexpr int largest_cell = 200;             // pixels that are believed of a terminal

std::string program() {
    std::error_code failed;
    const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe", failed);
    return (here.parent_path() / "marginalia-picture").string();
}

// What a program reads or writes in place of a file; nothing of it is left behind whatever happens.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view bytes = {}) : descriptor(::memfd_create("picture", MFD_CLOEXEC)) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
            if (written <= 0) throw Error("the picture cannot be drawn: there is no memory for it");
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        ::lseek(descriptor, 0, SEEK_SET);
    }
    ~MemoryFile() { ::close(descriptor); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    // Its last line, of as many bytes as a sentence has.
    std::string last_line() const {
        char bytes[2000];
        const ssize_t size = ::pread(descriptor, bytes, sizeof bytes, 0);
        std::string words(bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        words.erase(words.find_last_not_of('\n') + 1);
        return words.substr(words.rfind('\n') + 1);
    }

    const int descriptor;
};

std::string answer_for(std::string_view document, std::vector<std::string> words) {
    const MemoryFile input(document), errors;
    words.insert(words.begin(), program());
    ChildAnswer answer =
        answer_of({.command = std::move(words),
                   .descriptors = {{input.descriptor, STDIN_FILENO}, {errors.descriptor, STDERR_FILENO}}},
                  most_bytes, false);
    if (answer.code == not_started)
        throw Error("no picture can be drawn: " + program() + " is not there; install marginalia again");
    if (answer.words.size() == most_bytes) throw Error("the picture is larger than a terminal is shown");
    if (answer.code > 128) throw Error("the picture cannot be drawn: it takes more memory or time than drawings may");
    if (answer.code != 0) throw Error(printable(errors.last_line()));
    return std::move(answer.words);
}

std::string detected() {
    std::string found = output_of({program(), "detect"}).value_or("");
    found.erase(found.find_last_not_of('\n') + 1);
    return found == "none" ? "" : found;
}

}  // namespace

std::optional<PictureWish> picture_wish(std::string_view word) {
    if (word == "auto") return PictureWish::automatic;
    if (word == "always") return PictureWish::always;
    if (word == "never") return PictureWish::never;
    return std::nullopt;
}

TerminalPictures pictures_by(const std::string& codes) {
    TerminalPictures pictures{.codes = codes};
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return pictures;
    const int width = size.ws_xpixel / size.ws_col, height = size.ws_ypixel / size.ws_row;
    if (std::min(width, height) < 1 || std::max(width, height) > largest_cell) return pictures;
    pictures.cell_width = width;
    pictures.cell_height = height;
    return pictures;
}

TerminalPictures terminal_pictures(PictureWish wish) {
    if (wish == PictureWish::never || !::isatty(STDOUT_FILENO)) return {};
    const char *no_colour = std::getenv("NO_COLOR"), *kind = std::getenv("TERM");
    const bool dumb = !kind || !*kind || std::string_view(kind) == "dumb";
    if (wish == PictureWish::automatic && (dumb || (no_colour && *no_colour))) return {};
    const std::string codes = detected();
    return pictures_by(codes.empty() && wish == PictureWish::always ? "sixel" : codes);
}

std::string drawn_in_terminal(std::string_view document, const TerminalPictures& pictures, std::size_t columns,
                              std::size_t rows) {
    return answer_for(document, {pictures.codes, std::to_string(columns), std::to_string(rows),
                                 std::to_string(pictures.cell_width), std::to_string(pictures.cell_height)});
}

std::string png_of_drawing(std::string_view svg, int width, int height) {
    return answer_for(svg, {"png", std::to_string(width), std::to_string(height)});
}

}  // namespace marginalia
