#include "kernel/train/state_source.h"

#include <marginalia/error.h>
#include <marginalia/npy.h>

#include <filesystem>
#include <fstream>
#include <iostream>

namespace marginalia {

StateSource::StateSource(std::string source, std::int64_t sites, std::int64_t categories, ParseState parse)
    : name_(source == "-" ? "standard input" : std::move(source)),
      width_(static_cast<std::size_t>(sites)),
      categories_(categories),
      parse_(std::move(parse)) {
    if (name_.ends_with(".npy")) {
        read_array();
    } else if (name_ != "standard input") {
        file_ = std::make_unique<std::ifstream>(name_);
        if (!*file_ || std::filesystem::is_directory(name_))
            throw Error("the states " + name_ +
                        " cannot be read; give a text file, a .npy file, or - for standard input");
    }
}

void StateSource::read_array() {
    const auto array = read_npy<std::int16_t>(name_);
    if (array.shape.size() < 2 || array.values.size() != static_cast<std::size_t>(array.shape[0]) * width_)
        throw Error(name_ + ": the array does not hold rows of " + std::to_string(width_) + " sites; give shape (N, " +
                    std::to_string(width_) + ")");
    array_.reserve(array.values.size());
    for (std::size_t i = 0; i < array.values.size(); ++i) {
        const std::int16_t value = array.values[i];
        if (value < -1 || value > categories_)
            throw Error(name_ + ": row " + std::to_string(i / width_) + ", site " + std::to_string(i % width_) +
                        " is " + std::to_string(value) + "; symbols are 0 to " + std::to_string(categories_ - 1) +
                        ", and " + std::to_string(categories_) + " or -1 for unknown");
        array_.push_back(static_cast<std::uint8_t>(value == -1 ? categories_ : value));
    }
    is_array_ = true;
}

std::vector<std::uint8_t> StateSource::next(std::size_t most) {
    if (!is_array_) return next_lines(most);
    const std::size_t end = std::min(array_.size(), taken_ + most * width_);
    std::vector<std::uint8_t> rows(array_.begin() + static_cast<std::ptrdiff_t>(taken_),
                                   array_.begin() + static_cast<std::ptrdiff_t>(end));
    taken_ = end;
    return rows;
}

std::vector<std::uint8_t> StateSource::next_lines(std::size_t most) {
    std::istream& file = file_ ? *file_ : std::cin;
    std::vector<std::uint8_t> rows;
    for (std::string line; rows.size() < most * width_ && std::getline(file, line);) {
        ++line_;
        if (line.ends_with('\r')) line.pop_back();
        if (line.find_first_not_of(" \t") == std::string::npos) continue;
        rows.resize(rows.size() + width_);
        try {
            parse_(line, std::span(rows).last(width_));
        } catch (const std::exception& error) {
            throw Error(name_ + ":" + std::to_string(line_) + ": " + error.what());
        }
    }
    return rows;
}

}  // namespace marginalia
