# Networks, training and evaluation: need LibTorch and the built plugins.
function(marginalia_add_torch_test name)
  marginalia_add_test(${name} ${ARGN} LIBS marginalia_train)
  # The precompiled header is made for libraries: position-independent, not position-independent executable.
  set_target_properties(test_${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(test_${name} PRIVATE -fPIC)
  target_precompile_headers(test_${name} REUSE_FROM marginalia_torch)
  target_compile_definitions(test_${name} PRIVATE MARGINALIA_PLUGIN_DIR="${MARGINALIA_PLUGIN_DIR}"
                             MARGINALIA_TEST_THREADS=1)
  foreach(plugin ising mlp lattice-conv block-gibbs mam-energy)
    add_dependencies(test_${name} plugin_${plugin})
  endforeach()
  set_tests_properties(${name} PROPERTIES PROCESSORS 2)
endfunction()

marginalia_add_torch_test(train_networks SOURCES unit/train_networks.cpp)
marginalia_add_torch_test(train_orders SOURCES unit/train_orders.cpp)
marginalia_add_torch_test(train_trial SOURCES unit/train_trial.cpp)
marginalia_add_torch_test(train_optimizer SOURCES unit/train_optimizer.cpp)

# The Python that owns this LibTorch, if there is one, opens checkpoints.
add_executable(export_checkpoint python/export_checkpoint.cpp)
target_include_directories(export_checkpoint PRIVATE ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(export_checkpoint PRIVATE marginalia_train)
target_compile_definitions(export_checkpoint PRIVATE MARGINALIA_PLUGIN_DIR="${MARGINALIA_PLUGIN_DIR}" MARGINALIA_TEST_THREADS=1)
set_target_properties(export_checkpoint PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests POSITION_INDEPENDENT_CODE OFF)
target_compile_options(export_checkpoint PRIVATE -fPIC)
target_precompile_headers(export_checkpoint REUSE_FROM marginalia_torch)
find_program(MARGINALIA_TORCH_PYTHON python3 PATHS ${PROJECT_SOURCE_DIR}/.venv/bin NO_DEFAULT_PATH)
if(MARGINALIA_TORCH_PYTHON)
  add_test(NAME open_checkpoint_in_python
           COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/open_checkpoint.py $<TARGET_FILE:export_checkpoint>)
  set_tests_properties(open_checkpoint_in_python PROPERTIES LABELS unit TIMEOUT 300)
else()
  message(STATUS "marginalia: no .venv here, so the test that opens checkpoints in Python is left out")
endif()
