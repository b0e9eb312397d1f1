# What `make package` makes, by CPack, in BUILD/packages: two Debian packages, an archive that needs no root, and what
# makes a container of them. All hold what `make install` installs; what differs is chosen by component, in
# generator.cmake:
#   programs sdk torch   programs and plugins, the SDK's first and second tier
#   molecules            the plugins that need RDKit
#   here | packaged      lib/marginalia/libtorch with and without the folder of this machine
#   carried              the libraries of others that the programs need, for machines where nothing can be installed
set(CPACK_PACKAGE_NAME marginalia)
set(CPACK_PACKAGE_VENDOR marginalia)
set(CPACK_PACKAGE_CONTACT "marginalia maintainers <maintainers@marginalia.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "experiment workbench for generative marginalization models")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_GENERATOR DEB TXZ)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/packaging/generator.cmake)
set(CPACK_ARCHIVE_FILE_NAME marginalia-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)  # of xz: as many as there are cores
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
foreach(component PROGRAMS SDK TORCH PACKAGED)
  set(CPACK_COMPONENT_${component}_GROUP marginalia)
endforeach()
set(CPACK_COMPONENT_MOLECULES_GROUP molecules)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${Torch_LIBRARY_DIR})  # which no package of Debian's has
set(CPACK_DEBIAN_MARGINALIA_PACKAGE_NAME marginalia)
set(CPACK_COMPONENT_MARGINALIA_DESCRIPTION "Trains and asks neural networks that give the probability of any part of a \
state. LibTorch ${Torch_VERSION} is not in it: install it by pip (torch==${Torch_VERSION}) in an environment that you \
activate, or name its folder in MARGINALIA_TORCH.")
set(CPACK_DEBIAN_MARGINALIA_PACKAGE_RECOMMENDS "python3-venv, fonts-dejavu-core")
set(CPACK_DEBIAN_MARGINALIA_PACKAGE_SUGGESTS "marginalia-molecules, cmake, g++, zlib1g-dev")  # what plugins build with
set(CPACK_DEBIAN_MOLECULES_PACKAGE_NAME marginalia-molecules)
set(CPACK_COMPONENT_MOLECULES_DESCRIPTION
    "Energies of molecules for marginalia: lipophilicity, drug-likeness and others, by RDKit.")
set(CPACK_DEBIAN_MOLECULES_PACKAGE_DEPENDS "marginalia (= ${PROJECT_VERSION}), rdkit-data")

# For the two recipes and the hint after an installation: the one LibTorch that will do, and the system whose libraries
# were linked.
cmake_host_system_information(RESULT system QUERY DISTRIB_ID DISTRIB_VERSION_ID)
list(JOIN system : container_base)  # debian:12
set(package_dir ${CPACK_PACKAGE_DIRECTORY})
configure_file(${PROJECT_SOURCE_DIR}/packaging/Dockerfile.in ${package_dir}/Dockerfile @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/packaging/marginalia.def.in ${package_dir}/marginalia.def @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/packaging/postinst.in ${PROJECT_BINARY_DIR}/packaging/postinst @ONLY
               FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_MARGINALIA_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packaging/postinst)
set(CPACK_DEBIAN_MARGINALIA_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(carried_programs $<TARGET_FILE:marginalia> $<TARGET_FILE:marginalia-worker> $<TARGET_FILE:marginalia-picture>
    $<TARGET_FILE:marginalia-selfies>)
install(CODE "set(carried_programs ${carried_programs})
set(carried_libraries_dir \"${CMAKE_INSTALL_LIBDIR}\")
set(carried_licences_dir \"${document_dir}/carried\")" COMPONENT carried EXCLUDE_FROM_ALL)
install(SCRIPT ${PROJECT_SOURCE_DIR}/packaging/carried.cmake COMPONENT carried EXCLUDE_FROM_ALL)

include(CPack)
