# Data sets: `data get` and `data normalise`, and the datasets that read what they make.
find_package(LibArchive REQUIRED)
foreach(part mnist moses text8 normalise get fetch)
  marginalia_add_test(datasets_${part} SOURCES unit/datasets_${part}.cpp LIBS marginalia_data marginalia_sdk LibArchive::LibArchive ${CMAKE_DL_LIBS})
  add_dependencies(test_datasets_${part} plugin_mnist plugin_moses plugin_text8)
endforeach()
marginalia_add_test(datasets_verbs SOURCES unit/datasets_verbs.cpp LIBS marginalia_verbs marginalia_data nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS})
target_include_directories(test_datasets_verbs SYSTEM PRIVATE ${CLI11_INCLUDE_DIR})

# SMILES and SELFIES.
foreach(part smiles tokens vectors fuzz)
  marginalia_add_test(selfies_${part} SOURCES unit/selfies_${part}.cpp LIBS marginalia_molecules LibArchive::LibArchive)
endforeach()
marginalia_add_test(selfies_command SOURCES unit/selfies_command.cpp LIBS marginalia_sdk ${CMAKE_DL_LIBS})
add_dependencies(test_selfies_command marginalia-selfies)
