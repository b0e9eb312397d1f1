#include "kernel/worker/states/array_writer.h"

#include <bit>
#include <string>

namespace marginalia {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t header_bytes = 128;

// Written twice: first to keep its place, then with the number of rows. Always as long, whatever the shape.
void write_header(std::ostream& out, const std::string& type, const std::string& shape) {
    std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
    header.resize(header_bytes - 11, ' ');
    out.seekp(0);
    out << std::string("\x93NUMPY\x01\x00\x76\x00", 10) << header << '\n';
    out.seekp(0, std::ios::end);
}

}  // namespace

StateArray::StateArray(std::ostream& out) : out_(out) { write_header(out_, "|u1", "0, 0"); }

void StateArray::row(State x, double) {
    out_.write(reinterpret_cast<const char*>(x.data()), static_cast<std::streamsize>(x.size()));
    width_ = x.size();
    ++rows_;
}

void StateArray::finish() { write_header(out_, "|u1", std::to_string(rows_) + ", " + std::to_string(width_)); }

NumberArray::NumberArray(std::ostream& out, std::size_t columns) : out_(out), columns_(columns) {
    write_header(out_, "<f8", "0, " + std::to_string(columns));
}

void NumberArray::row(std::span<const double> numbers) {
    out_.write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(numbers.size_bytes()));
    ++rows_;
}

void NumberArray::finish() { write_header(out_, "<f8", std::to_string(rows_) + ", " + std::to_string(columns_)); }

FigureArray::FigureArray(std::ostream& out) : out_(out) { write_header(out_, "<f8", "0,"); }

void FigureArray::row(State, double figure) {
    out_.write(reinterpret_cast<const char*>(&figure), sizeof figure);
    ++rows_;
}

void FigureArray::finish() { write_header(out_, "<f8", std::to_string(rows_) + ","); }

ScoreArray::ScoreArray(std::size_t width, std::ostream& out) : width_(width), out_(out) {
    write_header(out_, "<f8", "0, 0");
}

void ScoreArray::row(State, std::span<const double> figures) {
    out_.write(reinterpret_cast<const char*>(figures.data()), static_cast<std::streamsize>(figures.size_bytes()));
    ++rows_;
}

void ScoreArray::finish() { write_header(out_, "<f8", std::to_string(rows_) + ", " + std::to_string(width_)); }

}  // namespace marginalia
