# marginalia_add_plugin(NAME SOURCE... [TORCH] [UNCHECKED])
#
# Builds one plugin, target plugin_NAME: NAME.so, hidden symbols but its descriptor, unresolved symbols refused at link
# time, optimised where no build type says otherwise. TORCH links LibTorch and the SDK's second tier. Inside the project
# it goes to the build tree's plugin folder, elsewhere to the caller's binary folder. A conformance.toml in the
# folder of the first source, or else beside the caller's CMakeLists.txt, has the parameters of a small instance and
# becomes the test conformance_NAME, which runs `marginalia check-plugin` with it. Inside the project every plugin has
# this test, without such a file with its defaults, unless it is UNCHECKED.
function(marginalia_add_plugin name)
  cmake_parse_arguments(PLUGIN "TORCH;UNCHECKED" "" "" ${ARGN})
  add_library(plugin_${name} MODULE ${PLUGIN_UNPARSED_ARGUMENTS})
  target_compile_features(plugin_${name} PRIVATE cxx_std_20)
  target_compile_options(plugin_${name} PRIVATE $<$<CONFIG:>:-O2>)
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" SUFFIX ".so" OUTPUT_NAME ${name}
                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")  # whose symbols come with the program
    target_link_options(plugin_${name} PRIVATE -Wl,--no-undefined)
  endif()
  if(PLUGIN_TORCH)
    target_link_libraries(plugin_${name} PRIVATE marginalia::torch)
  else()
    target_link_libraries(plugin_${name} PRIVATE marginalia::sdk)
  endif()
  if(MARGINALIA_PLUGIN_DIR)  # the project's own build
    set_target_properties(plugin_${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${MARGINALIA_PLUGIN_DIR})
    marginalia_installed(plugin_${name} ../..)
    if(PLUGIN_TORCH)
      target_precompile_headers(plugin_${name} REUSE_FROM marginalia_torch)
    endif()
    install(TARGETS plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/marginalia/plugins
            COMPONENT ${MARGINALIA_PLUGIN_COMPONENT})
    set(check $<TARGET_FILE:marginalia> check-plugin)
  else()
    set(check ${MARGINALIA_PROGRAM} check-plugin)
  endif()
  if(PLUGIN_UNCHECKED)
    return()
  endif()
  list(GET PLUGIN_UNPARSED_ARGUMENTS 0 source)
  cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  cmake_path(GET source PARENT_PATH folder)
  set(parameters ${folder}/conformance.toml)
  if(NOT EXISTS ${parameters})
    set(parameters ${CMAKE_CURRENT_SOURCE_DIR}/conformance.toml)
  endif()
  if(NOT EXISTS ${parameters})
    set(parameters)
  endif()
  if(MARGINALIA_PLUGIN_DIR OR (parameters AND MARGINALIA_PROGRAM))
    add_test(NAME conformance_${name} COMMAND ${check} $<TARGET_FILE:plugin_${name}> ${parameters})
    set_tests_properties(conformance_${name} PROPERTIES LABELS conformance TIMEOUT 300)
  endif()
endfunction()
