# Copies the shared libraries that the programs need into the archive, each with its licence: all but LibTorch, glibc
# and the compiler's own, which must be those of the machine.
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${carried_programs} RESOLVED_DEPENDENCIES_VAR libraries
     PRE_EXCLUDE_REGEXES "^lib(torch|c10|marginalia)[._]" "^ld-linux" "^lib(c|m|dl|rt|pthread|stdc\\+\\+|gcc_s)\\.so")
foreach(library IN LISTS libraries)
  file(INSTALL ${library} DESTINATION ${CMAKE_INSTALL_PREFIX}/${carried_libraries_dir} TYPE SHARED_LIBRARY
       FOLLOW_SYMLINK_CHAIN)
  file(REAL_PATH ${library} file)
  set(package)
  foreach(path ${library} ${file})  # a package's list may have it where /lib was before it became a link
    string(REGEX REPLACE "^/usr" "" without_usr ${path})
    execute_process(COMMAND dpkg-query --search ${path} ${without_usr} OUTPUT_VARIABLE owners ERROR_QUIET)
    if(owners MATCHES "^([^:,\n]+)")
      set(package ${CMAKE_MATCH_1})
    endif()
  endforeach()
  if(NOT EXISTS /usr/share/doc/${package}/copyright)
    message(FATAL_ERROR "${library} has no licence in /usr/share/doc/${package}/copyright, so it cannot be given away")
  endif()
  file(INSTALL /usr/share/doc/${package}/copyright DESTINATION ${CMAKE_INSTALL_PREFIX}/${carried_licences_dir}
       RENAME ${package})
endforeach()
