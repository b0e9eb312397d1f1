# The SDK as a CMake package: find_package(marginalia) gives marginalia::sdk and marginalia_add_plugin,
# find_package(marginalia COMPONENTS torch) also LibTorch and marginalia::torch.
# `cmake --install BUILD --component sdk` needs the target marginalia_sdk built; component `torch` holds the second tier.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/marginalia)

set_target_properties(marginalia_sdk PROPERTIES EXPORT_NAME sdk)
install(TARGETS marginalia_sdk EXPORT marginalia_sdk_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk)
install(EXPORT marginalia_sdk_targets NAMESPACE marginalia:: FILE marginaliaSdk.cmake DESTINATION ${package_dir}
        COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/include/marginalia DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/example DESTINATION ${CMAKE_INSTALL_DATADIR}/marginalia COMPONENT sdk
        PATTERN build EXCLUDE PATTERN *.db* EXCLUDE)

configure_package_config_file(${PROJECT_SOURCE_DIR}/sdk/cmake/marginaliaConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/sdk/marginaliaConfig.cmake INSTALL_DESTINATION ${package_dir}
                              PATH_VARS CMAKE_INSTALL_BINDIR)
# Plugins match their host exactly: another minor version may be another ABI.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sdk/marginaliaConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sdk/marginaliaConfig.cmake ${PROJECT_BINARY_DIR}/sdk/marginaliaConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/sdk/cmake/MarginaliaPlugin.cmake ${PROJECT_SOURCE_DIR}/sdk/cmake/FindTorch.cmake
        DESTINATION ${package_dir} COMPONENT sdk)

if(TARGET marginalia_torch)
  set_target_properties(marginalia_torch PROPERTIES EXPORT_NAME torch)
  marginalia_installed(marginalia_torch .)
  install(TARGETS marginalia_torch EXPORT marginalia_torch_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          COMPONENT torch)
  install(EXPORT marginalia_torch_targets NAMESPACE marginalia:: FILE marginaliaTorch.cmake DESTINATION ${package_dir}
          COMPONENT torch)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/torch/include/marginalia DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          COMPONENT torch)
endif()

# The build tree is an SDK as well: what a project written by its program configures against, nothing being installed.
set(build_package_dir ${PROJECT_BINARY_DIR}/lib/cmake/marginalia)
export(EXPORT marginalia_sdk_targets NAMESPACE marginalia:: FILE ${build_package_dir}/marginaliaSdk.cmake)
if(TARGET marginalia_torch)
  export(EXPORT marginalia_torch_targets NAMESPACE marginalia:: FILE ${build_package_dir}/marginaliaTorch.cmake)
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/sdk/cmake/marginaliaConfig.cmake.in
                              ${build_package_dir}/marginaliaConfig.cmake INSTALL_PREFIX ${PROJECT_BINARY_DIR}
                              INSTALL_DESTINATION lib/cmake/marginalia PATH_VARS CMAKE_INSTALL_BINDIR)
configure_file(${PROJECT_BINARY_DIR}/sdk/marginaliaConfigVersion.cmake ${build_package_dir} COPYONLY)
foreach(module MarginaliaPlugin FindTorch)
  configure_file(${PROJECT_SOURCE_DIR}/sdk/cmake/${module}.cmake ${build_package_dir} COPYONLY)
endforeach()
