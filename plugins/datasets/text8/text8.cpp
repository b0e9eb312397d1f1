// Chunks of a text of small letters and blanks.
#include <marginalia/dataset.h>

#include <algorithm>
#include <mutex>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "../data_files.h"

namespace {

using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Split;

constexpr std::int64_t symbols = 27;  // the blank is 0, a to z are 1 to 26
constexpr std::size_t whole_bytes = 100'000'000;
constexpr std::size_t prefix_bytes = 74'000'000;  // of the beginning of text8 that `data get text8-74m` knows

constexpr Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "a text of a to z and blanks; empty: text8 in the cache that `marginalia data get` fills"},
    {.name = "length",
     .type = ParameterType::integer,
     .fallback = "250",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "characters",
     .help = "D, the characters of a row"},
    {.name = "bytes",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e12,
     .help = "only so many bytes from the beginning of the file are used; 0: all"},
    {.name = "overlap",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "training rows begin at every character; false: one after another, as those of validation and test do"},
};

constexpr const char* manual = R"(Chunks of `length` characters of text8, the first 100,000,000 characters of the
English Wikipedia of March 2006 as small letters and single blanks: K = 27 (the blank is symbol 0, a to z are 1 to 26),
D = `length`.

A text of n characters is split in order: the last n / 20 are for the test, the n / 20 before them for validation and
the rest for training. For text8 itself that is the standard split of 90, 5 and 5 million. The first 74,000,000
characters are split 66.6, 3.7 and 3.7 million. The published test range is not among them, so say so beside any figure
that you compare with published ones.

Validation and test rows follow one another; a remainder shorter than a row is not used. Training rows begin at every
character (`overlap = true`), so that a network sees every alignment of the text and not one of 250: 90 million rows.
They follow one another too if `overlap = false`: 360,000 rows.

Without `file` the text is `text8/text8` in the cache (`marginalia data get text8`). With `bytes` up to 74000000,
`text8_first74000000` there will do (`marginalia data get text8-74m`): the bytes are the same, and so is the trial.
`marginalia data normalise FILE` makes any other text readable; other characters are refused with their byte offset,
except one line end at the end of the file. The text is kept in memory, one byte a character.

Samples are compared with the test rows by two quantities of a row: `known_words`, the fraction of its words that occur
in the training text, and `word_length`, their mean length in characters. A word has a blank before and after it.

References: Mahoney, About the test data, 2006 (text8). Al-Rfou, Choe, Constant, Guo, Jones, Character-level language
modeling with deeper self-attention, AAAI 2019 (the split).)";

bool is_there(const std::string& path) {
    struct stat facts;
    return ::stat(path.c_str(), &facts) == 0;
}

const std::string& published(const std::string& path, std::size_t bytes, const std::string& set) {
    struct stat facts;
    if (::stat(path.c_str(), &facts) == 0)
        marginalia::check_length(path, static_cast<std::size_t>(facts.st_size), bytes, "bytes", set);
    return path;
}

// text8 in the cache, or its beginning where that is enough.
std::string cached_file(std::size_t bytes) {
    const std::string folder = marginalia::data_folder("", "text8") + "/", whole = folder + "text8",
                      prefix = folder + "text8_first" + std::to_string(prefix_bytes);
    if (is_there(whole) || !is_there(prefix)) return published(whole, whole_bytes, "text8");
    if (bytes == 0 || bytes > prefix_bytes)
        throw Error(whole + ": there is no such file, only the first " + std::to_string(prefix_bytes) +
                    " bytes of it; fetch it with: marginalia data get text8, or use those with bytes = " +
                    std::to_string(prefix_bytes));
    return published(prefix, prefix_bytes, "text8-74m");
}

std::string shown(std::uint8_t byte) {
    if (byte == '\n') return "a line end";
    if (byte > ' ' && byte < 0x7F) return std::string("'") + static_cast<char>(byte) + "'";
    return "the byte " + std::to_string(byte);
}

std::uint8_t symbol_of(std::uint8_t byte) { return byte == ' ' ? 0 : static_cast<std::uint8_t>(byte - 'a' + 1); }
bool is_in_alphabet(std::uint8_t byte) { return byte == ' ' || (byte >= 'a' && byte <= 'z'); }

// In place: bytes to symbols.
void to_symbols(std::string& text, const std::string& path) {
    auto* const first = reinterpret_cast<std::uint8_t*>(text.data());
    std::uint8_t* const end = first + text.size();
    bool good = true;
    for (const std::uint8_t* at = first; at != end; ++at) good &= is_in_alphabet(*at);
    if (!good) {
        const std::uint8_t* wrong = std::find_if_not(first, end, is_in_alphabet);
        throw Error(path + ": byte " + std::to_string(wrong - first) + " is " + shown(*wrong) +
                    "; the alphabet is a to z and the blank: make such a text with marginalia data normalise");
    }
    std::transform(first, end, first, symbol_of);
}

std::string read_text(const marginalia::Params& p) {
    const auto bytes = static_cast<std::size_t>(p.integer("bytes")),
               length = static_cast<std::size_t>(p.integer("length"));
    const std::string name = p.text("file").empty() ? cached_file(bytes) : p.text("file");
    auto [path, text] = bytes == 0 ? marginalia::file_bytes(name, "file", "text8")
                                   : marginalia::file_bytes(name, "file", "text8", bytes);
    if (text.size() < bytes)
        throw Error("bytes = " + std::to_string(bytes) + ", but " + path + " has " + std::to_string(text.size()) +
                    "; give no more, or 0 for all");
    text = marginalia::clean_text(std::move(text), path);
    if (text.ends_with('\n')) text.pop_back();
    to_symbols(text, path);
    if (text.size() / 20 < length)
        throw Error(path + ": the text has " + std::to_string(text.size()) + " characters, and rows of " +
                    std::to_string(length) + " need at least " + std::to_string(20 * length) +
                    ", as a twentieth is the test; give a longer text or a smaller length");
    return std::move(text);
}

class Text8 final : public marginalia::Dataset {
public:
    explicit Text8(const marginalia::Params& p)
        : Dataset(p.integer("length"), symbols), text_(read_text(p)), overlap_(p.boolean("overlap")) {}
    Text8(const marginalia::Params& p, const marginalia::RowDescription&)
        : Dataset(p.integer("length"), symbols), overlap_(false) {}

    std::size_t size(Split split) const override {
        const std::size_t length = static_cast<std::size_t>(sites()), characters = part(split).size();
        return is_dense(split) ? characters - length + 1 : characters / length;
    }

    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        if (index >= size(split))
            throw Error("there is no row " + std::to_string(index) + "; the split has " + std::to_string(size(split)));
        const auto from = part(split).subspan(is_dense(split) ? index : index * out.size(), out.size());
        std::copy(from.begin(), from.end(), out.begin());
    }

    std::vector<std::string> vocabulary() const override {
        std::vector<std::string> words = {" "};
        for (char letter = 'a'; letter <= 'z'; ++letter) words.emplace_back(1, letter);
        return words;
    }

    // Of the words between two blanks of the row: those at its ends may be parts.
    std::vector<marginalia::Observable> observables() const override {
        return {{"known_words", ""}, {"word_length", "characters"}};
    }

    void observe(marginalia::State x, std::span<double> values) const override {
        std::call_once(words_read_, [this] { read_words(); });
        double known = 0, letters = 0, words = 0;
        for_each_word(x, [&](std::span<const std::uint8_t> word) {
            known += static_cast<double>(words_.count(view_of(word)));
            letters += static_cast<double>(word.size());
            ++words;
        });
        values[0] = known / words;  // NaN of none
        values[1] = letters / words;
    }

private:
    static std::string_view view_of(std::span<const std::uint8_t> word) {
        return {reinterpret_cast<const char*>(word.data()), word.size()};
    }

    template <class Visit>
    static void for_each_word(std::span<const std::uint8_t> text, const Visit& visit) {
        auto blank = std::find(text.begin(), text.end(), 0);
        while (blank != text.end()) {
            const auto next = std::find(blank + 1, text.end(), 0);
            if (next != text.end() && next != blank + 1) visit(std::span(blank + 1, next));
            blank = next;
        }
    }

    void read_words() const {
        for_each_word(part(Split::train), [this](std::span<const std::uint8_t> word) { words_.insert(view_of(word)); });
    }

    bool is_dense(Split split) const { return overlap_ && split == Split::train; }

    std::span<const std::uint8_t> part(Split split) const {
        const std::span all(reinterpret_cast<const std::uint8_t*>(text_.data()), text_.size());
        const std::size_t held = all.size() / 20;
        if (split == Split::train) return all.first(all.size() - 2 * held);
        return all.subspan(all.size() - (split == Split::validation ? 2 : 1) * held, held);
    }

    const std::string text_;  // as symbols
    const bool overlap_;
    mutable std::once_flag words_read_;
    mutable std::unordered_set<std::string_view> words_;  // of the training text
};

}  // namespace

MARGINALIA_DATASET(Text8, "text8", "chunks of 250 characters of the English Wikipedia", manual, parameters);
