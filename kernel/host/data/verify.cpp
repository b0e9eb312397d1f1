#include "kernel/host/data/verify.h"

#include <fmt/format.h>

#include <fstream>
#include <vector>

#include "kernel/base/digest.h"

namespace marginalia::data {
namespace {

constexpr std::uint64_t most_graph_bytes = 1 << 20;

// "vertices edges", and then as often "vertex vertex weight", vertices from 1.
std::string difference_from_torus(const std::filesystem::path& path, std::int64_t vertices) {
    std::ifstream text(path);
    std::int64_t its_vertices = 0, edges = 0;
    if (!(text >> its_vertices >> edges) || its_vertices != vertices || edges != 2 * vertices)
        return fmt::format("it does not begin with '{} {}', the numbers of vertices and edges", vertices, 2 * vertices);
    std::vector<int> degrees(static_cast<std::size_t>(vertices) + 1, 0);
    for (std::int64_t edge = 1; edge <= edges; ++edge) {
        std::int64_t a = 0, b = 0, weight = 0;
        if (!(text >> a >> b >> weight))
            return fmt::format("it ends, or is not a number, at edge {} of {}", edge, edges);
        if (a < 1 || b < 1 || a > vertices || b > vertices || a == b || (weight != 1 && weight != -1))
            return fmt::format("edge {} is '{} {} {}', not two of {} vertices and 1 or -1", edge, a, b, weight,
                               vertices);
        ++degrees[static_cast<std::size_t>(a)];
        ++degrees[static_cast<std::size_t>(b)];
    }
    if (std::string more; text >> more) return fmt::format("it goes on behind its {} edges", edges);
    for (std::int64_t vertex = 1; vertex <= vertices; ++vertex)
        if (const int degree = degrees[static_cast<std::size_t>(vertex)]; degree != 4)
            return fmt::format("vertex {} has {} edges and not 4", vertex, degree);
    return {};
}

}  // namespace

std::string difference_from(const std::filesystem::path& path, const DataFile& file) {
    if (file.torus_vertices > 0) return difference_from_torus(path, file.torus_vertices);
    const std::uint64_t size = std::filesystem::file_size(path);
    if (file.size > 0 && size != file.size)
        return fmt::format("it has {} bytes and the published file {}", size, file.size);
    if (!file.sha256.empty())
        if (const std::string sum = sha256_of_file(path); sum != file.sha256)
            return fmt::format("its SHA-256 is {} and that of the published file {}", sum, file.sha256);
    if (!file.md5.empty())
        if (const std::string sum = md5_of_file(path); sum != file.md5)
            return fmt::format("its MD5 is {} and that of the published file {}", sum, file.md5);
    return {};
}

std::string known_by(const DataFile& file) {
    if (file.torus_vertices > 0)
        return fmt::format("a graph of {} vertices, each with four edges of weight 1 or -1", file.torus_vertices);
    return (file.size > 0 ? fmt::format("{} bytes, ", file.size) : "") +
           (file.sha256.empty() ? "MD5 " + file.md5 : "SHA-256 " + file.sha256);
}

const char* word_for_known_by(const DataFile& file) { return file.torus_vertices > 0 ? "shape" : "checksum"; }

std::uint64_t most_bytes_of(const DataFile& file) { return file.torus_vertices > 0 ? most_graph_bytes : file.size; }

}  // namespace marginalia::data
