#include "kernel/worker/plugins/exported_symbols.h"

#include <elf.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string_view>

namespace marginalia {
namespace {

constexpr std::uint64_t most_bytes = 256 << 20;  // of a table; LibTorch's largest has 60 MB
constexpr std::size_t longest_name = 256;        // of one that is looked for

// Of this program's own word size and byte order: others cannot be loaded anyhow.
class ElfFile {
public:
    explicit ElfFile(const std::filesystem::path& file) : in_(file, std::ios::binary) {
        in_.seekg(0, std::ios::end);
        size_ = in_ ? static_cast<std::uint64_t>(in_.tellg()) : 0;
        header_ = read<Elf64_Ehdr>(0, sizeof(Elf64_Ehdr)).front();
        const unsigned char wanted[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB};
        if (std::memcmp(header_.e_ident, wanted, sizeof(wanted)) != 0 || header_.e_type != ET_DYN ||
            header_.e_shentsize != sizeof(Elf64_Shdr))
            refuse();
    }

    std::vector<Elf64_Shdr> sections() {
        return read<Elf64_Shdr>(header_.e_shoff, std::uint64_t{header_.e_shnum} * sizeof(Elf64_Shdr));
    }

    template <class T>
    std::vector<T> read(std::uint64_t offset, std::uint64_t bytes) {
        if (offset > size_ || bytes > size_ - offset || bytes > most_bytes) refuse();
        std::vector<T> values(bytes / sizeof(T));
        in_.seekg(static_cast<std::streamoff>(offset));
        in_.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
        if (!in_) refuse();
        return values;
    }

    [[noreturn]] static void refuse() { throw Error("not a shared library"); }

private:
    std::ifstream in_;
    std::uint64_t size_ = 0;
    Elf64_Ehdr header_;
};

bool is_exported(const Elf64_Sym& symbol) {
    return symbol.st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol.st_info) != STB_LOCAL &&
           ELF64_ST_VISIBILITY(symbol.st_other) == STV_DEFAULT;
}

}  // namespace

std::vector<std::string> exported_symbols(const std::filesystem::path& file, std::string_view stem) {
    ElfFile elf(file);
    const std::vector<Elf64_Shdr> sections = elf.sections();
    std::vector<std::string> names;
    const auto table =
        std::ranges::find_if(sections, [](const Elf64_Shdr& section) { return section.sh_type == SHT_DYNSYM; });
    if (table == sections.end() || table->sh_link >= sections.size()) return names;
    const Elf64_Shdr& strings = sections[table->sh_link];
    const std::vector<char> text = elf.read<char>(strings.sh_offset, strings.sh_size);
    for (const Elf64_Sym& symbol : elf.read<Elf64_Sym>(table->sh_offset, table->sh_size)) {
        if (!is_exported(symbol) || symbol.st_name >= text.size()) continue;
        const std::string_view rest(text.data() + symbol.st_name, std::min(text.size() - symbol.st_name, longest_name));
        const auto end = rest.find('\0');
        if (end != rest.npos && rest.starts_with(stem)) names.emplace_back(rest.substr(0, end));
    }
    return names;
}

}  // namespace marginalia
