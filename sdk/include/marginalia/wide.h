// How the loops that do all the arithmetic are compiled.
#pragma once

// For wider vectors too, chosen at load time, so that a portable build is a fast one. Sanitizers do not go with that
// mechanism.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define MARGINALIA_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MARGINALIA_WIDE
#endif
// What such a loop calls has to be a part of it, or it would be compiled for the oldest processors.
#define MARGINALIA_PART_OF_WIDE inline __attribute__((always_inline))
