#include "kernel/train/state_source.h"

#include <marginalia/error.h>

#include <filesystem>
#include <fstream>
#include <iostream>

namespace marginalia {

StateSource::StateSource(std::string source, std::int64_t sites, std::int64_t categories, ParseState parse)
    : name_(source),
      width_(static_cast<std::size_t>(sites)),
      parse_(std::move(parse)) {
    if (name_ == "-") {
        name_ = "standard input";
    } else if (name_.ends_with(".npy")) {
        array_ = std::make_unique<NpyRows>(name_, sites, categories);
    } else {
        file_ = std::make_unique<std::ifstream>(name_);
        if (!*file_ || std::filesystem::is_directory(name_))
            throw Error("the states " + name_ +
                        " cannot be read; give a text file, a .npy file, or - for standard input");
    }
}

std::vector<std::uint8_t> StateSource::first(std::size_t most) {
    std::vector<std::uint8_t> rows = next(most);
    if (rows.empty()) throw Error(name_ + " holds no states; give at least one");
    return rows;
}

std::vector<std::uint8_t> StateSource::next(std::size_t most) { return array_ ? array_->next(most) : next_lines(most); }

std::vector<std::uint8_t> StateSource::next_lines(std::size_t most) {
    std::istream& file = file_ ? *file_ : std::cin;
    std::vector<std::uint8_t> rows;
    lines_.clear();
    for (std::string line; rows.size() < most * width_ && std::getline(file, line);) {
        ++line_;
        if (line.ends_with('\r')) line.pop_back();
        if (line.empty()) continue;
        rows.resize(rows.size() + width_);
        try {
            parse_(line, std::span(rows).last(width_));
        } catch (const std::exception& error) {
            throw Error(name_ + ":" + std::to_string(line_) + ": " + error.what());
        }
        lines_.push_back(std::move(line));
    }
    return rows;
}

}  // namespace marginalia
