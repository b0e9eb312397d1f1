# Energies and networks scripted in Python: need the Python that owns this LibTorch.
find_program(MARGINALIA_TORCH_PYTHON python3 PATHS ${PROJECT_SOURCE_DIR}/.venv/bin NO_DEFAULT_PATH)
if(MARGINALIA_TORCH_PYTHON)
  add_test(NAME torchscript COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/torchscript_test.py ${PROJECT_SOURCE_DIR}
           $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR})
  set_tests_properties(torchscript PROPERTIES LABELS unit TIMEOUT 300 PROCESSORS 2 SKIP_RETURN_CODE 77)
  add_test(NAME open_checkpoint_in_python
           COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/open_checkpoint.py $<TARGET_FILE:test_train>)
  set_tests_properties(open_checkpoint_in_python PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)
  # What the workbench is compared with (bench/peers).
  add_test(NAME peers COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/peers_test.py ${PROJECT_SOURCE_DIR}
           $<TARGET_FILE:marginalia>)
  set_tests_properties(peers PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)
  add_test(NAME tracking COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/tracking_test.py
           ${PROJECT_SOURCE_DIR} $<TARGET_FILE:marginalia> ${PROJECT_BINARY_DIR}/bin/scale_bench)
  set_tests_properties(tracking PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)
  # The check of a machine with a GPU (scripts/gpu-check), on the CPU.
  add_test(NAME gpu_check COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/gpu_check_test.py ${PROJECT_SOURCE_DIR}
           $<TARGET_FILE_DIR:marginalia> $<TARGET_FILE:fake_nvml>)
  set_tests_properties(gpu_check PROPERTIES LABELS unit TIMEOUT 300 PROCESSORS 2)
else()
  message(STATUS "marginalia: no .venv here, so the tests of plugins scripted in Python and of checkpoints opened there are left out")
endif()
