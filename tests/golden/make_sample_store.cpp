// Writes the sample store: make_sample_store FILE [STEPS_BETWEEN_POINTS]. For a look at the report, and for trying
// verbs.
#include <cstdio>
#include <cstdlib>

#include "tests/golden/sample_store.h"

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: make_sample_store FILE [STEPS_BETWEEN_POINTS]\n");
        return 2;
    }
    marginalia::testing::fill_sample_store(argv[1], argc > 2 ? std::atoll(argv[2]) : 100);
}
