# Every command of the documents and every experiment file, cut short. The longest tests, so begun first.
foreach(part experiments pages)
  add_test(NAME docs_${part} COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/docs/run_docs.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${part})
  set_tests_properties(docs_${part} PROPERTIES LABELS golden TIMEOUT 1200 COST 1000)
endforeach()
# The pages of the plugins are what the plugins declare.
add_test(NAME plugin_pages COMMAND python3 ${PROJECT_SOURCE_DIR}/scripts/plugin-pages ${PROJECT_BINARY_DIR} --check)
set_tests_properties(plugin_pages PROPERTIES LABELS golden TIMEOUT 120)
# The exponents of docs/performance.md: their fit, and the experiments that they are measured by.
add_test(NAME growth COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/python/growth_test.py ${PROJECT_SOURCE_DIR} $<TARGET_FILE_DIR:marginalia>)
set_tests_properties(growth PROPERTIES LABELS unit TIMEOUT 120)
# The documents as a site. Skipped, aloud, without MkDocs, Playwright or Chromium.
if(MARGINALIA_TORCH_PYTHON)
  add_test(NAME site COMMAND ${MARGINALIA_TORCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/docs/site_test.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  set_tests_properties(site PROPERTIES LABELS golden TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
# Their spelling and grammar. Skipped, aloud, without node or harper.js.
add_test(NAME english COMMAND ${PROJECT_SOURCE_DIR}/scripts/english)
set_tests_properties(english PROPERTIES LABELS golden TIMEOUT 600 SKIP_RETURN_CODE 77)
