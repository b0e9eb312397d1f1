# The page of `serve` and of reports, in headless Chromium. Skipped, aloud, without Playwright or Chromium.
if(MARGINALIA_TORCH_PYTHON)
  foreach(name page page_charts)
    add_test(NAME ${name} COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/page/${name}_test.py
             --host $<TARGET_FILE:marginalia> --sample $<TARGET_FILE:make_sample_store> --worker $<TARGET_FILE:fake_worker>
             --plugins ${PROJECT_BINARY_DIR}/tests/fake-plugins)
    set_tests_properties(${name} PROPERTIES LABELS golden TIMEOUT 300 PROCESSORS 2 SKIP_RETURN_CODE 77)
  endforeach()
endif()
