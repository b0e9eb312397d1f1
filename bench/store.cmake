# Figures of the store against raw SQLite in the same run: store_bench [FOLDER]
add_executable(store_bench store_bench.cpp)
target_link_libraries(store_bench PRIVATE marginalia_store fmt::fmt)
target_compile_definitions(store_bench PRIVATE MARGINALIA_PROGRAM="$<TARGET_FILE:marginalia>")
add_dependencies(store_bench marginalia)
