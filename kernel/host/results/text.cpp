#include "kernel/host/results/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <marginalia/lists.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <iterator>

#include "kernel/base/printable.h"

namespace marginalia {
namespace {

constexpr std::size_t most_wrapped = 1'000'000;  // bytes: a plugin's whole manual

struct Range {
    char32_t first, last;
};

// Enough of Unicode's East Asian Width and combining tables for names, units and mathematics; locale-independent.
constexpr Range wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},  {0xAC00, 0xD7A3},
                          {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
                          {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr Range combining[] = {
    {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};

template <std::size_t N>
bool within(const Range (&ranges)[N], char32_t point) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [point](const Range& range) { return point >= range.first && point <= range.last; });
}

// Reads one character at `at` and moves past it; a broken byte counts as one character.
char32_t next_character(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    char32_t point = more == 0 ? lead : lead & (0x3F >> more);
    for (int i = 0; i < more && at < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if ((byte & 0xC0) != 0x80) break;
        point = (point << 6) | (byte & 0x3F);
        ++at;
    }
    return point;
}

std::size_t width_of(char32_t point) {
    if (point < 0x20 || within(combining, point)) return 0;
    return within(wide, point) ? 2 : 1;
}

// How many bytes of the text take at most so many columns.
std::size_t bytes_within(std::string_view text, std::size_t width) {
    std::size_t used = 0, end = 0;
    for (std::size_t at = 0; at < text.size(); end = at) {
        used += width_of(next_character(text, at));
        if (used > width) break;
    }
    return end;
}

// Where to break a text that is to be broken within its first `most` bytes.
std::size_t break_in(std::string_view text, std::size_t most) {
    if (const std::size_t comma = text.rfind(", ", most - 1); comma != text.npos && comma > 0) return comma + 1;
    if (const std::size_t blank = text.rfind(' ', most); blank != text.npos && blank > 0) return blank;
    const std::size_t mark = text.substr(0, most).find_last_of(",/_.=:-");
    return mark == text.npos || mark < most / 2 ? most : mark + 1;
}

std::string plural_pair(std::int64_t big, const char* big_unit, std::int64_t small, const char* small_unit) {
    if (small == 0) return fmt::format("{} {}", big, big_unit);
    return fmt::format("{} {} {} {}", big, big_unit, small, small_unit);
}

// "1.5e-7", "1e9": no more digits than tell something.
std::string power_text(double value, int digits) {
    const std::string text = fmt::format("{:.{}e}", value, digits - 1);
    const std::size_t mark = text.find('e');
    std::string mantissa = text.substr(0, mark);
    if (mantissa.find('.') != std::string::npos) mantissa.erase(mantissa.find_last_not_of('0') + 1);
    if (mantissa.back() == '.') mantissa.pop_back();
    return mantissa + "e" + std::to_string(std::atoi(text.c_str() + mark + 1));
}

}  // namespace

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) width += width_of(next_character(text, at));
    return width;
}

std::string shorten(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return {};
    return std::string(text.substr(0, bytes_within(text, width - 1))) + "…";
}

std::vector<std::string> broken(std::string_view text, std::size_t width) {
    constexpr std::size_t most = 12;  // lines
    if (text.find_first_not_of(' ') == text.npos) return {""};
    const std::string margin(std::min(text.find_first_not_of(' '), width / 2), ' ');
    text.remove_prefix(std::min(margin.size(), text.size()));
    std::vector<std::string> lines;
    for (const std::size_t room = width - margin.size(); display_width(text) > room;) {
        if (lines.size() + 1 == most || room == 0) break;
        const std::size_t end = break_in(text, std::max<std::size_t>(bytes_within(text, room), 1));
        lines.push_back(margin + std::string(text.substr(0, end)));
        text.remove_prefix(end);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    }
    lines.push_back(margin + shorten(text, width - margin.size()));
    return lines;
}

std::string wrap(std::string_view foreign, std::size_t width, std::size_t indent) {
    const std::string safe = printable_lines(foreign, most_wrapped);
    std::string_view text = safe;
    const std::string margin(indent, ' ');
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        std::string current;
        while (!line.empty()) {
            const std::size_t space = std::min(line.find(' '), line.size());
            const std::string_view word = line.substr(0, space);
            line.remove_prefix(std::min(space + 1, line.size()));
            if (width > 0 && !current.empty() && indent + display_width(current) + 1 + display_width(word) > width) {
                out += margin + current + "\n";
                current.clear();
            }
            if (!current.empty()) current += ' ';
            current += word;
        }
        out += current.empty() ? "\n" : margin + current + "\n";
    }
    return out;
}

Screen screen() {
    Screen found;
    const char* no_colour = std::getenv("NO_COLOR");
    found.colour = isatty(STDOUT_FILENO) && (no_colour == nullptr || *no_colour == '\0');
    if (const char* columns = std::getenv("COLUMNS")) {
        // Set by shells, so that what is no width is passed over.
        if (const auto width = whole_numbers(columns, 1, 100'000); width && width->size() == 1) {
            found.width = static_cast<std::size_t>(width->front());
            return found;
        }
    }
    winsize size{};
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) found.width = size.ws_col;
    return found;
}

std::string toned(std::string text, Tone tone, bool colour) {
    if (!colour || tone == Tone::plain) return text;
    const char* code = tone == Tone::good ? "32" : tone == Tone::bad ? "31" : tone == Tone::warn ? "33" : "2";
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string number_text(std::optional<double> value, int digits) {
    if (!value) return {};
    if (std::isnan(*value)) return "NaN";
    if (std::isinf(*value)) return *value > 0 ? "∞" : "-∞";
    if (*value == 0) return "0";
    const double size = std::abs(*value);
    if (*value == std::floor(*value) && size < 1e9) return fmt::format("{:.0f}", *value);
    if (size >= 1e7 || size < 1e-4) return power_text(*value, digits);
    const int decimals = digits - 1 - static_cast<int>(std::floor(std::log10(size)));
    std::string text = fmt::format("{:.{}f}", *value, std::max(decimals, 0));
    if (text.find('.') != std::string::npos) text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

std::string exact_text(double value) {
    return std::isfinite(value) ? fmt::format("{:.6f}", value) : number_text(value);
}

std::string estimate_text(double mean, std::optional<double> standard_error) {
    if (!standard_error || !std::isfinite(*standard_error) || !std::isfinite(mean)) return number_text(mean);
    const double error = *standard_error;
    constexpr double rounding = 1e-13;  // what equal values may differ by after a sum
    if (error <= rounding * std::abs(mean)) return number_text(mean) + " ± 0";
    const int exponent = static_cast<int>(std::floor(std::log10(error)));
    const bool readable = std::abs(mean) >= 1e-4 || exponent >= -6;
    if (!readable || exponent > 6) return power_text(mean, 4) + " ± " + power_text(error, 2);
    const int decimals = std::max(1 - exponent, 0);
    return fmt::format("{:.{}f} ± {:.{}f}", mean, decimals, error, decimals);
}

std::string duration_text(double seconds) {
    constexpr double longest = 1e12;  // beyond what any clock counts
    seconds = seconds > 0 ? std::min(seconds, longest) : 0;
    if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    const auto whole = static_cast<std::int64_t>(seconds + 0.5);
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return plural_pair(whole / 60, "min", whole % 60, "s");
    if (whole < 86400) return plural_pair(whole / 3600, "h", whole % 3600 / 60, "min");
    return plural_pair(whole / 86400, "d", whole % 86400 / 3600, "h");
}

std::string age_text(double seconds) {
    if (seconds < 2) return "now";
    if (seconds < 60) return fmt::format("{:.0f} s", seconds);
    if (seconds < 3600) return fmt::format("{:.0f} min", std::floor(seconds / 60));
    if (seconds < 86400) return fmt::format("{:.0f} h", std::floor(seconds / 3600));
    return fmt::format("{:.0f} d", std::floor(seconds / 86400));
}

std::string bytes_text(std::uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    double size = static_cast<double>(bytes);
    const char* units[] = {"kB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    for (size /= 1000; size >= 999.5 && unit + 1 < std::size(units); ++unit) size /= 1000;
    return fmt::format("{:.{}f} {}", size, size < 9.95 ? 1 : 0, units[unit]);
}

std::string time_text(double seconds_since_1970) {
    constexpr double furthest = 1e12;
    std::tm local{};
    if (!(std::abs(seconds_since_1970) < furthest)) return "—";
    const auto time = static_cast<std::time_t>(seconds_since_1970);
    localtime_r(&time, &local);
    char text[32];
    return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local));
}

std::string trials_text(const std::vector<std::int64_t>& trials) {
    constexpr std::size_t most = 10;
    if (trials.size() == 1) return fmt::format("trial {}", trials[0]);
    const std::size_t named = trials.size() > most ? 3 : trials.size() - 1;
    const std::string first = fmt::format("trials {}", fmt::join(trials.begin(), trials.begin() + named, ", "));
    return trials.size() > most ? fmt::format("{} and {} more", first, trials.size() - named)
                                : fmt::format("{} and {}", first, trials.back());
}

std::string count_text(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace marginalia
