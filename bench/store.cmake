# Figures of the store against raw SQLite in the same run: store_bench [FOLDER]
add_executable(store_bench store_bench.cpp)
target_link_libraries(store_bench PRIVATE marginalia_store fmt::fmt)
target_compile_definitions(store_bench PRIVATE MARGINALIA_PROGRAM="$<TARGET_FILE:marginalia>")
add_dependencies(store_bench marginalia)

# A store of 10,000 trials of 1,000 points, or of others: scale_bench FOLDER [TRIALS POINTS]
add_executable(scale_bench scale_bench.cpp)
target_link_libraries(scale_bench PRIVATE marginalia_run fmt::fmt)
target_compile_definitions(scale_bench PRIVATE MARGINALIA_PROGRAM="$<TARGET_FILE:marginalia>"
                           MARGINALIA_PLUGIN_DIR="${MARGINALIA_PLUGIN_DIR}")
add_dependencies(scale_bench marginalia marginalia-worker plugin_ising plugin_mlp plugin_mam-energy plugin_ancestral)
