# sample, complete, marginals: how states are written, what the model answers, and the verbs through the real programs.
find_package(PNG REQUIRED)
marginalia_add_test(output_states SOURCES unit/output_states.cpp LIBS marginalia_states PNG::PNG nlohmann_json::nlohmann_json)
marginalia_add_torch_test(train_inference SOURCES unit/train_inference.cpp)
add_dependencies(test_train_inference plugin_arm plugin_ancestral)
add_test(NAME inference_verbs COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/negative/inference_test.py
         $<TARGET_FILE_DIR:marginalia>)
set_tests_properties(inference_verbs PROPERTIES LABELS negative TIMEOUT 300)
add_test(NAME small_texts COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/negative/small_texts_test.py
         $<TARGET_FILE_DIR:marginalia>)
set_tests_properties(small_texts PROPERTIES LABELS negative TIMEOUT 600)
add_test(NAME readers COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/negative/readers_test.py
         $<TARGET_FILE_DIR:marginalia>)
set_tests_properties(readers PROPERTIES LABELS negative TIMEOUT 300)
