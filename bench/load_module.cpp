// The least that a program with LibTorch does with an exported model: what start_bench.py measures an answer by.
//   load_module FILE
#include <torch/script.h>

#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const torch::jit::Module module = torch::jit::load(argv[1]);
    std::printf("%zu parameters\n", module.parameters().size());
}
