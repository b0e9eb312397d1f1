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
