// Two symbols with one text.
// expect: the vocabulary names each category | the vocabulary has 'C' twice
#include "faulty_dataset.h"

struct Fault final : Rows {
    using Rows::Rows;
    std::vector<std::string> vocabulary() const override { return {"C", "N", "O", "C"}; }
};

MARGINALIA_DATASET(Fault, "dataset-wrong-vocabulary", "a word for two symbols", "", no_parameters);
