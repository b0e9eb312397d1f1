# The ising energy, conformance of plugins, and the arrows between the rooms.
set(ising ${PROJECT_SOURCE_DIR}/plugins/energies/ising)
set(ising_sources ${ising}/heat_bath.cpp ${ising}/lattice.cpp ${ising}/line_tensor.cpp
    ${ising}/path_plan.cpp ${ising}/path_sum.cpp ${ising}/transfer_matrix.cpp
    ${ising}/transfer_samples.cpp)
marginalia_add_test(ising_exact SOURCES unit/ising_exact.cpp ${ising_sources} LIBS marginalia_sdk)
marginalia_add_test(ising_samples SOURCES unit/ising_samples.cpp ${ising_sources} LIBS marginalia_sdk)
marginalia_add_test(heat_bath SOURCES unit/heat_bath.cpp LIBS marginalia_sdk)
marginalia_add_test(conformance_checks SOURCES unit/conformance_checks.cpp LIBS marginalia_check)

add_test(NAME layering_includes COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/includes ${PROJECT_SOURCE_DIR})
add_test(NAME layering_arrows COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/layering/arrows ${PROJECT_SOURCE_DIR})
add_test(NAME layering_format COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/format ${PROJECT_SOURCE_DIR})
set_tests_properties(layering_format PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME layering_headers COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/headers ${CMAKE_CXX_COMPILER}
         ${PROJECT_SOURCE_DIR} ${Torch_INCLUDE_DIRS})
add_test(NAME layering_exports COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/layering/exports ${MARGINALIA_PLUGIN_DIR})
set_tests_properties(layering_arrows layering_format layering_includes layering_headers layering_exports PROPERTIES LABELS unit TIMEOUT 300)
