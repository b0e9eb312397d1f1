# Read by CPack once for each kind of package, which is CPACK_GENERATOR.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_COMPONENTS_ALL programs sdk torch packaged molecules)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
else()
  # RDKit is left out: it would bring forty libraries and a folder of data that lies at a fixed path.
  set(CPACK_COMPONENTS_ALL programs sdk torch packaged carried)
  set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
  set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
  set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
  set(CPACK_PACKAGE_FILE_NAME ${CPACK_ARCHIVE_FILE_NAME})  # the folder in it, too
endif()
