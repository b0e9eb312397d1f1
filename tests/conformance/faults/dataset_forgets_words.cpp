// Made from a description, it has lost the words of its symbols.
// expect: a description is enough for questions | has another vocabulary
#include "faulty_dataset.h"

struct Fault final : Rows {
    explicit Fault(const Params& p) : Rows(p), words_{"A", "C", "G", "T"} {}
    Fault(const Params& p, const RowDescription&) : Rows(p) {}
    std::size_t size(Split split) const override { return words_.empty() ? 0 : Rows::size(split); }
    std::vector<std::string> vocabulary() const override { return words_; }

private:
    const std::vector<std::string> words_;
};

MARGINALIA_DATASET(Fault, "dataset-forgets-words", "symbols without words where no file is read", "", no_parameters);
