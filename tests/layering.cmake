# The arrows between the rooms, and what headers and plugins promise.
add_test(NAME layering_includes COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/includes ${PROJECT_SOURCE_DIR})
add_test(NAME layering_arrows COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/layering/arrows ${PROJECT_SOURCE_DIR})
add_test(NAME layering_format COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/format ${PROJECT_SOURCE_DIR})
set_tests_properties(layering_format PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME layering_headers COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/headers ${CMAKE_CXX_COMPILER}
         ${PROJECT_SOURCE_DIR} ${Torch_INCLUDE_DIRS})
add_test(NAME layering_exports COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/exports ${MARGINALIA_PLUGIN_DIR})
set_tests_properties(layering_arrows layering_format layering_includes layering_headers layering_exports PROPERTIES LABELS unit TIMEOUT 300)
