// In the place of a library of LibTorch or CUDA: it loads and does nothing.
