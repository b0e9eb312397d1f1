foreach(part schema trials owner records queries refusals damage writer docs)
  marginalia_add_test(store_${part} SOURCES unit/store_${part}.cpp LIBS marginalia_store SQLite::SQLite3 fmt::fmt Threads::Threads)
endforeach()

# Random damage to a store, then `recover`.
add_executable(recover_fuzz faults/recover_fuzz.cpp)
target_include_directories(recover_fuzz PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(recover_fuzz PRIVATE marginalia_store fmt::fmt)
set_target_properties(recover_fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
add_test(NAME recover_fuzz COMMAND recover_fuzz)
set_tests_properties(recover_fuzz PROPERTIES LABELS faults TIMEOUT 300)
add_dependencies(test_store_docs marginalia)
