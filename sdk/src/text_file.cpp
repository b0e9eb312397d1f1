// Text: from bytes to lines, and to words that can be seen.
#include <marginalia/files.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace marginalia {
namespace {

constexpr std::string_view mark = "\xEF\xBB\xBF";

void refuse_utf16(std::string_view bytes, const std::string& path) {
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
        throw Error(path + ": this is text in UTF-16; save it as UTF-8");
}

// `line`: the number of the first one.
void refuse_zeros(std::string_view bytes, std::size_t line, const std::string& path) {
    const std::size_t zero = bytes.find('\0');
    if (zero == bytes.npos) return;
    for (const char c : bytes.substr(0, zero)) line += c == '\n';
    throw Error(path + ":" + std::to_string(line) +
                ": there is a zero byte, so this is not text; save it as text in UTF-8");
}

// \r\n and \r to \n, in place.
void unify_line_ends(std::string& text) {
    std::size_t to = text.find('\r');
    if (to == text.npos) return;
    for (std::size_t from = to; from < text.size(); ++from) {
        const char c = text[from];
        text[to++] = c == '\r' ? '\n' : c;
        if (c == '\r' && from + 1 < text.size() && text[from + 1] == '\n') ++from;
    }
    text.resize(to);
}

// The character of UTF-8 that begins a text, and its bytes; 0 bytes where it is none.
std::pair<char32_t, std::size_t> character_of(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || length > text.size()) return {0, 0};
    char32_t value = length == 1 ? first : first & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return {0, 0};
        value = value << 6 | (byte(i) & 0x3Fu);
    }
    constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    return value < least[length] || value > 0x10FFFF || surrogate ? std::pair{U'\0', std::size_t{0}}
                                                                  : std::pair{value, length};
}

bool cannot_be_seen(char32_t c) {
    constexpr std::pair<char32_t, char32_t> ranges[] = {
        {0, 0x1F},        {0x7F, 0xA0},     {0xAD, 0xAD},     {0x034F, 0x034F}, {0x061C, 0x061C},
        {0x115F, 0x1160}, {0x1680, 0x1680}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x2000, 0x200F},
        {0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000}, {0x3164, 0x3164}, {0xFE00, 0xFE0F},
        {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xE000, 0xF8FF}, {0xE0000, 0x10FFFF}};
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [c](const auto& range) { return c >= range.first && c <= range.second; });
}

}  // namespace

std::string visible(std::string_view text, std::size_t most) {
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
        const auto [character, length] = character_of(text.substr(at));
        if (at + std::max<std::size_t>(length, 1) > most) return shown + "...";
        char code[16];
        if (length == 0) std::snprintf(code, sizeof code, "byte 0x%02X", static_cast<unsigned char>(text[at]));
        else std::snprintf(code, sizeof code, "U+%04X", static_cast<unsigned>(character));
        if (length == 0 || cannot_be_seen(character)) shown += code;
        else shown += text.substr(at, length);
        at += std::max<std::size_t>(length, 1);
    }
    return shown;
}

std::string clean_text(std::string bytes, const std::string& path) {
    refuse_utf16(bytes, path);
    refuse_zeros(bytes, 1, path);
    if (bytes.starts_with(mark)) bytes.erase(0, mark.size());
    unify_line_ends(bytes);
    return bytes;
}

std::string text_file(const std::string& path, std::uint64_t most) {
    std::string bytes = file_contents(path, most < most_file_bytes ? most + 1 : most_file_bytes + 1);
    if (bytes.size() > most)
        throw unreadable(path, "it has more than " + std::to_string(most) + " bytes, too many for a file of this kind");
    return clean_text(std::move(bytes), path);
}

TextLines::TextLines(const std::string& path) : name_(path) {
    const auto file = std::make_shared<FileReader>(path);
    read_ = [file](char* to, std::size_t most) { return file->read(to, most); };
}

// Appends a piece to what is left.
void TextLines::fill() {
    text_.erase(0, std::exchange(at_, 0));
    std::string piece(std::size_t{1} << 16, '\0');
    std::size_t have = 0;
    // A mark of the order of bytes is looked for in the first ones together, which a pipe may give one by one.
    do {
        const std::size_t got = read_(piece.data() + have, piece.size() - have);
        ended_ = got == 0;
        have += got;
    } while (!ended_ && !begun_ && have < mark.size());
    piece.resize(have);
    if (!begun_) refuse_utf16(piece, name_);
    refuse_zeros(piece, number_ + 1, name_);
    if (!std::exchange(begun_, true) && piece.starts_with(mark)) piece.erase(0, mark.size());
    if (piece.empty()) return;
    if (std::exchange(after_return_, piece.ends_with('\r')) && piece.starts_with('\n')) piece.erase(0, 1);
    unify_line_ends(piece);
    text_ += piece;
    if (text_.size() > most_file_bytes)
        throw unreadable(name_, "line " + std::to_string(number_ + 1) + " does not end");
}

bool TextLines::next(std::string& line) {
    std::size_t seen = at_;
    for (;;) {
        const std::size_t end = text_.find('\n', seen);
        if (end != text_.npos || (ended_ && at_ < text_.size())) {
            const std::size_t stop = std::min(end, text_.size());
            line.assign(text_, at_, stop - at_);
            at_ = std::min(stop + 1, text_.size());
            ++number_;
            return true;
        }
        if (ended_) return false;
        seen = text_.size() - at_;
        fill();
    }
}

}  // namespace marginalia
