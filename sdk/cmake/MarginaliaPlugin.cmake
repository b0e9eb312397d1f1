# marginalia_add_plugin(NAME SOURCE... [TORCH])
#
# Builds one plugin, target plugin_NAME: NAME.so, hidden symbols but its descriptor, unresolved symbols refused at link
# time, optimised where no build type says otherwise. TORCH links LibTorch and the SDK's second tier. Inside the project
# it goes to the build tree's plugin folder, elsewhere to the caller's binary folder. A conformance.toml beside the
# caller's CMakeLists.txt (parameters of a small instance) becomes the test conformance_NAME, which runs
# `marginalia check-plugin` on it.
function(marginalia_add_plugin name)
  cmake_parse_arguments(PLUGIN "TORCH" "" "" ${ARGN})
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
    if(PLUGIN_TORCH)
      target_precompile_headers(plugin_${name} REUSE_FROM marginalia_torch)
      set_target_properties(plugin_${name} PROPERTIES INSTALL_RPATH "$ORIGIN/../..")
    endif()
    install(TARGETS plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/marginalia/plugins)
    set(check $<TARGET_FILE:marginalia-worker> --check)
  else()
    set(check ${MARGINALIA_PROGRAM} check-plugin)
  endif()
  set(parameters ${CMAKE_CURRENT_SOURCE_DIR}/conformance.toml)
  if(EXISTS ${parameters} AND (MARGINALIA_PLUGIN_DIR OR MARGINALIA_PROGRAM))
    add_test(NAME conformance_${name} COMMAND ${check} $<TARGET_FILE:plugin_${name}> ${parameters})
    set_tests_properties(conformance_${name} PROPERTIES LABELS conformance TIMEOUT 300)
  endif()
endfunction()
