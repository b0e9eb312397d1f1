# Training steps against their bare matrix products; needs LibTorch.
add_executable(step_bench step_bench.cpp)
target_include_directories(step_bench PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(step_bench PRIVATE MARGINALIA_PLUGIN_DIR="${MARGINALIA_PLUGIN_DIR}" MARGINALIA_TEST_THREADS=0)
set_target_properties(step_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench POSITION_INDEPENDENT_CODE OFF)
target_compile_options(step_bench PRIVATE -fPIC)
target_precompile_headers(step_bench REUSE_FROM marginalia_torch)
target_link_libraries(step_bench PRIVATE marginalia_train)
