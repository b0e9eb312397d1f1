# What a plugin author meets: the installed SDK, `new-plugin`, the templates and the example.
add_test(NAME sdk_out_of_tree COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/conformance/out_of_tree ${CMAKE_COMMAND}
         ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
set_tests_properties(sdk_out_of_tree PROPERTIES LABELS conformance TIMEOUT 600)
