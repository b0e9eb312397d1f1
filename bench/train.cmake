# What training costs beyond its limits; these need LibTorch.
foreach(part step network energy chains)
  add_executable(${part}_bench ${part}_bench.cpp)
  target_include_directories(${part}_bench PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${part}_bench PRIVATE MARGINALIA_PLUGIN_DIR="${MARGINALIA_PLUGIN_DIR}" MARGINALIA_TEST_THREADS=0)
  set_target_properties(${part}_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${part}_bench PRIVATE -fPIC)
  target_precompile_headers(${part}_bench REUSE_FROM marginalia_torch)
  target_link_libraries(${part}_bench PRIVATE marginalia_train TBB::tbb)
endforeach()
target_compile_definitions(chains_bench PRIVATE MARGINALIA_BINARY_DIR="${PROJECT_BINARY_DIR}")
target_link_libraries(chains_bench PRIVATE marginalia_check_torch ${CMAKE_DL_LIBS})
foreach(plugin ising edwards-anderson potts parallel-tempering)
  add_dependencies(chains_bench plugin_${plugin})
endforeach()
add_dependencies(network_bench plugin_unet plugin_transformer plugin_lattice-conv plugin_mlp plugin_einet plugin_mps plugin_table
                 plugin_ao-arm plugin_circuit-mle)

# One start of LibTorch with a model's module, for start_bench.py.
add_executable(load_module load_module.cpp)
set_target_properties(load_module PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
target_link_libraries(load_module PRIVATE Torch::Torch)
