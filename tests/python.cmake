# The Python package, by pytest, with the Python that has this LibTorch where it can import it; without pytest they are skipped, aloud.
find_program(MARGINALIA_PACKAGE_PYTHON python3 PATHS ${PROJECT_SOURCE_DIR}/.venv/bin NO_DEFAULT_PATH)
if(MARGINALIA_PACKAGE_PYTHON)
  foreach(part package notebooks)
    add_test(NAME python_${part} COMMAND ${MARGINALIA_PACKAGE_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/package_test.py
             ${PROJECT_SOURCE_DIR} $<TARGET_FILE:marginalia> ${part})
    set_tests_properties(python_${part} PROPERTIES LABELS unit TIMEOUT 600 SKIP_RETURN_CODE 77)
  endforeach()
else()
  message(STATUS "marginalia: no .venv here, so the tests of the Python package are left out")
endif()
