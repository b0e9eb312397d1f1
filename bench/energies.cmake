# What exact values of energies cost.
add_executable(marginals_bench marginals_bench.cpp)
set_target_properties(marginals_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
target_include_directories(marginals_bench PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_definitions(marginals_bench PRIVATE MARGINALIA_BINARY_DIR="${PROJECT_BINARY_DIR}")
target_link_libraries(marginals_bench PRIVATE marginalia::sdk ${CMAKE_DL_LIBS})
add_dependencies(marginals_bench plugin_ising)
