# A store for trying the reading verbs.
add_executable(make_sample_store golden/make_sample_store.cpp)
target_include_directories(make_sample_store PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(make_sample_store PRIVATE marginalia_store nlohmann_json::nlohmann_json fmt::fmt)
set_target_properties(make_sample_store PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

# Standard output that fails, files that may not be written, text that attacks: every verb of the real programs.
foreach(name output hostile_text)
  add_test(NAME ${name} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/faults/${name}_test.py
           $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR})
  set_tests_properties(${name} PROPERTIES LABELS faults TIMEOUT 600)
endforeach()
# Every reading verb on damaged stores, and what `recover` makes of those.
add_test(NAME store_faults COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/faults/store_faults_test.py
         --host $<TARGET_FILE:marginalia> --sample $<TARGET_FILE:make_sample_store> --worker $<TARGET_FILE:fake_worker>
         --plugins ${PROJECT_BINARY_DIR}/tests/fake-plugins)
set_tests_properties(store_faults PROPERTIES LABELS faults TIMEOUT 600)
# The page over HTTP: what is refused, slow and hostile clients, stores that break while they are served.
add_test(NAME serve COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/faults/serve_test.py --program $<TARGET_FILE:marginalia>
         --sample $<TARGET_FILE:make_sample_store>)
set_tests_properties(serve PROPERTIES LABELS faults TIMEOUT 300)
# Completion in bash, zsh and fish, and the manual page.
add_test(NAME shells COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/golden/shells_test.py ${PROJECT_SOURCE_DIR}
         $<TARGET_FILE_DIR:marginalia> $<TARGET_FILE:make_sample_store>)
set_tests_properties(shells PROPERTIES LABELS golden TIMEOUT 300)
# What terminals and files are given of curves and samples, decoded.
add_test(NAME pictures COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/golden/pictures_test.py
         $<TARGET_FILE_DIR:marginalia> $<TARGET_FILE:make_sample_store>)
set_tests_properties(pictures PROPERTIES LABELS golden TIMEOUT 300)
# Trials whose parameters another program chooses.
add_test(NAME tell COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/faults/tell_test.py $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR})
set_tests_properties(tell PROPERTIES LABELS faults TIMEOUT 300 PROCESSORS 2)
# Trials whose host was killed, as all verbs show them; Ctrl-C for `query`.
add_test(NAME dead COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/faults/dead_test.py --host $<TARGET_FILE:marginalia>
         --worker $<TARGET_FILE:fake_worker> --plugins ${PROJECT_BINARY_DIR}/tests/fake-plugins)
set_tests_properties(dead PROPERTIES LABELS faults TIMEOUT 300)
# kill -9 of rm, restore and gc.
add_test(NAME trash COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/faults/trash_test.py --host $<TARGET_FILE:marginalia>
         --sample $<TARGET_FILE:make_sample_store> --worker $<TARGET_FILE:fake_worker> --plugins ${PROJECT_BINARY_DIR}/tests/fake-plugins)
set_tests_properties(trash PROPERTIES LABELS faults TIMEOUT 300)
# Names that users' scripts hold on to, and the version wherever it stands.
add_test(NAME stable COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/golden/stable_test.py ${PROJECT_SOURCE_DIR}
         $<TARGET_FILE:marginalia> $<TARGET_FILE:make_sample_store>)
set_tests_properties(stable PROPERTIES LABELS golden TIMEOUT 60)
