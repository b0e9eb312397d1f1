# sample, complete, marginals through the real programs.
add_test(NAME inference_verbs COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/negative/inference_test.py
         $<TARGET_FILE_DIR:marginalia>)
set_tests_properties(inference_verbs PROPERTIES LABELS negative TIMEOUT 300)
add_test(NAME small_texts COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/negative/small_texts_test.py
         $<TARGET_FILE_DIR:marginalia>)
set_tests_properties(small_texts PROPERTIES LABELS negative TIMEOUT 600)
add_test(NAME readers COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/negative/readers_test.py
         $<TARGET_FILE_DIR:marginalia>)
set_tests_properties(readers PROPERTIES LABELS negative TIMEOUT 300)
