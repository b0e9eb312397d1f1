# The Python package, by pytest, with the Python that owns this LibTorch (torchscript.cmake). Without pytest they are
# skipped, aloud.
if(MARGINALIA_TORCH_PYTHON)
  foreach(part package notebooks)
    add_test(NAME python_${part} COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/package_test.py
             ${PROJECT_SOURCE_DIR} $<TARGET_FILE:marginalia> ${part})
    set_tests_properties(python_${part} PROPERTIES LABELS unit TIMEOUT 600 SKIP_RETURN_CODE 77)
  endforeach()
  # What bench/tables compares models of tables with; skipped, aloud, without scikit-learn.
  add_test(NAME tables COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/tables_test.py ${PROJECT_SOURCE_DIR})
  set_tests_properties(tables PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)
  # Programs of docs/optimisers.md, and the schema of experiment files by jsonschema; skipped, aloud, without these packages.
  add_test(NAME optimisers COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/optimisers_test.py ${PROJECT_SOURCE_DIR}
           $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR})
  add_test(NAME schema COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/golden/schema_test.py ${PROJECT_SOURCE_DIR}
           $<TARGET_FILE:marginalia>)
  set_tests_properties(optimisers schema PROPERTIES LABELS unit TIMEOUT 600 SKIP_RETURN_CODE 77)
endif()
