#include "kernel/worker/states/state_source.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace marginalia {

bool is_array_file(const std::string& file) {
    char start[6] = {};
    FileReader reader(file);
    std::size_t have = 0;
    for (std::size_t got; have < sizeof start && (got = reader.read(start + have, sizeof start - have)) > 0;)
        have += got;
    const std::string_view bytes(start, have);
    if (bytes.starts_with("\x93NUMPY") || bytes.starts_with("PK\3\4") || bytes.starts_with("PK\5\6")) return true;
    for (const char* ending : {".npy", ".npz", ".npy.gz", ".npz.gz"})
        if (has_ending(file, ending)) return true;
    return false;
}

std::size_t read_standard_input(char* to, std::size_t most) {
    for (;;) {
        const ssize_t got = ::read(STDIN_FILENO, to, most);
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) throw Error("standard input cannot be read; give the name of a file with states");
    }
}

StateSource::StateSource(std::string source, std::int64_t sites, std::int64_t categories, ParseState parse)
    : name_(source), width_(static_cast<std::size_t>(sites)), parse_(std::move(parse)) {
    if (name_ == "-") {
        name_ = "standard input";
        text_ = std::make_unique<TextLines>(read_standard_input, name_);
        return;
    }
    try {
        if (is_array_file(name_)) array_ = std::make_unique<NpyRows>(name_, sites, categories);
        else text_ = std::make_unique<TextLines>(name_);
    } catch (const Error& error) {
        const std::string what = error.what(), unread = name_ + ": cannot be read: ";
        const std::size_t remedy = what.rfind("; give the path of a readable file");
        if (!what.starts_with(unread) || remedy == what.npos) throw;
        throw Error("the states " + name_ + " cannot be read: " + what.substr(unread.size(), remedy - unread.size()) +
                    "; give a text file, a .npy file, or - for standard input");
    }
}

StateSource StateSource::of_text(std::string text, std::int64_t sites, const ParseState& parse) {
    StateSource source(static_cast<std::size_t>(sites));
    source.one_.resize(source.width_);
    try {
        parse(text, source.one_);
    } catch (const std::exception& error) {
        throw Error("'" + text + "' is neither a file nor a state: " + error.what());
    }
    source.lines_ = {std::move(text)};
    return source;
}

std::vector<std::uint8_t> StateSource::first(std::size_t most) {
    std::vector<std::uint8_t> rows = next(most);
    if (rows.empty()) throw Error(name_ + " holds no states; give at least one");
    return rows;
}

std::vector<std::uint8_t> StateSource::next(std::size_t most) {
    if (array_) return array_->next(most);
    return text_ ? next_lines(most) : std::exchange(one_, {});
}

std::vector<std::uint8_t> StateSource::next_lines(std::size_t most) {
    std::vector<std::uint8_t> rows;
    lines_.clear();
    for (std::string line; rows.size() < most * width_ && text_->next(line);) {
        if (line.empty()) continue;
        rows.resize(rows.size() + width_);
        try {
            parse_(line, std::span(rows).last(width_));
        } catch (const std::exception& error) {
            throw Error(name_ + ":" + std::to_string(text_->number()) + ": " + error.what());
        }
        lines_.push_back(std::move(line));
    }
    return rows;
}

}  // namespace marginalia
