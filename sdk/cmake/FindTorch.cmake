# Finds LibTorch by its files, with neither a CUDA toolkit nor nvcc: the CPU wheel, the CUDA wheel and the archives all have
# the same layout. (The TorchConfig.cmake that comes with a CUDA build asks for a whole toolkit, of which we use nothing: the
# worker opens libtorch_cuda.so by itself where there is a driver.)
#
# Asked for by Torch_DIR: share/cmake/Torch of a LibTorch, or the folder that has its lib/ and include/; else searched
# for in CMAKE_PREFIX_PATH and in the HINTS that marginalia_torch_hints lists.
#
#   Torch::Torch        headers, libtorch_cpu and libc10
#   Torch_VERSION       2.13.0
#   Torch_LIBRARY_DIR   where libtorch_cpu.so lies
#   Torch_INCLUDE_DIRS
#   Torch_BUILD         CPU or CUDA: whether libtorch_cuda.so lies beside
#
# Without REQUIRED, Torch_NOT_FOUND_MESSAGE is a sentence that says what is wrong and what to do.
set(marginalia_torch_oldest 2.7)
set(marginalia_torch_newest 2.13)  # the newest that the tests have seen; later ones get a warning

find_path(Torch_DIR TorchConfig.cmake HINTS $ENV{Torch_DIR} ${marginalia_torch_hints} PATH_SUFFIXES Torch share/cmake/Torch
          DOC "share/cmake/Torch of a LibTorch ${marginalia_torch_oldest} or later")

set(Torch_FOUND FALSE)
set(Torch_NOT_FOUND_MESSAGE)
block(SCOPE_FOR VARIABLES PROPAGATE Torch_NOT_FOUND_MESSAGE Torch_VERSION Torch_LIBRARY_DIR Torch_INCLUDE_DIRS Torch_BUILD)
  set(remedy "set Torch_DIR to share/cmake/Torch of a LibTorch ${marginalia_torch_oldest} to ${marginalia_torch_newest}")
  set(prefix "${Torch_DIR}")
  if(prefix MATCHES "/share/cmake/Torch/?$")
    cmake_path(SET prefix NORMALIZE "${prefix}/../../..")
  endif()
  string(REGEX REPLACE "/+$" "" prefix "${prefix}")
  # Where the version stands: since 2.8, and before.
  foreach(header include/torch/csrc/api/include/torch/version.h include/torch/headeronly/version.h)
    if(EXISTS "${prefix}/${header}")
      file(STRINGS "${prefix}/${header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      if(lines MATCHES "MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+)")
        set(Torch_VERSION ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${prefix}/${header}")  # another may be put in its place
      endif()
    endif()
  endforeach()
  set(library "${prefix}/lib/libtorch_cpu.so")
  if(NOT Torch_DIR)
    set(Torch_NOT_FOUND_MESSAGE "there is no LibTorch here; ${remedy}")
  elseif(NOT EXISTS "${library}" OR NOT EXISTS "${prefix}/lib/libc10.so" OR NOT EXISTS "${prefix}/include/ATen/ATen.h")
    set(Torch_NOT_FOUND_MESSAGE "Torch_DIR is ${Torch_DIR}, but ${prefix} has no lib/libtorch_cpu.so, lib/libc10.so and include/ATen/ATen.h; ${remedy}")
  elseif(prefix MATCHES "^/usr(/lib(/[^/]*)?)?$")
    set(Torch_NOT_FOUND_MESSAGE "${library} is the distribution's LibTorch, which is too old; ${remedy}")
  elseif(NOT Torch_VERSION)
    set(Torch_NOT_FOUND_MESSAGE "the headers of LibTorch in ${prefix} do not say their version; ${remedy}")
  elseif(Torch_VERSION VERSION_LESS marginalia_torch_oldest)
    set(Torch_NOT_FOUND_MESSAGE "LibTorch in ${prefix} is ${Torch_VERSION}, which is too old; ${remedy}")
  else()
    # The constructor of c10::Error that takes the std::string of before C++11.
    file(STRINGS "${prefix}/lib/libc10.so" old_abi REGEX "^_ZN3c105ErrorC[12]ENS_14SourceLocationESs" LIMIT_COUNT 1)
    if(old_abi)
      set(Torch_NOT_FOUND_MESSAGE "LibTorch in ${prefix} was built with the C++ ABI of before C++11 (_GLIBCXX_USE_CXX11_ABI=0), whose strings are not this compiler's; ${remedy} with the C++11 ABI")
    endif()
  endif()
  set(Torch_LIBRARY_DIR "${prefix}/lib")
  set(Torch_INCLUDE_DIRS "${prefix}/include" "${prefix}/include/torch/csrc/api/include")
  set(Torch_BUILD CPU)
  if(EXISTS "${prefix}/lib/libtorch_cuda.so")
    set(Torch_BUILD CUDA)
  endif()
endblock()

if(Torch_NOT_FOUND_MESSAGE)
  if(Torch_FIND_REQUIRED)
    message(FATAL_ERROR "marginalia: ${Torch_NOT_FOUND_MESSAGE}")
  endif()
  return()
endif()
set(Torch_FOUND TRUE)
if(NOT TARGET Torch::Torch)
  message(STATUS "LibTorch ${Torch_VERSION}, ${Torch_BUILD} build: ${Torch_LIBRARY_DIR}")
  if(Torch_VERSION VERSION_GREATER_EQUAL "${marginalia_torch_newest}.99")
    message(WARNING "marginalia was tested with LibTorch ${marginalia_torch_oldest} to ${marginalia_torch_newest}; this is ${Torch_VERSION}")
  endif()
  foreach(name c10 torch_cpu)
    add_library(Torch::${name} SHARED IMPORTED)
    set_target_properties(Torch::${name} PROPERTIES IMPORTED_LOCATION "${Torch_LIBRARY_DIR}/lib${name}.so"
                          IMPORTED_SONAME lib${name}.so)
  endforeach()
  add_library(Torch::Torch INTERFACE IMPORTED)
  set_target_properties(Torch::Torch PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${Torch_INCLUDE_DIRS}"
                        INTERFACE_LINK_LIBRARIES "Torch::torch_cpu;Torch::c10")
  # A CUDA build's libtorch_cpu needs libraries of CUDA, which the linker need not see.
  set_target_properties(Torch::Torch PROPERTIES INTERFACE_LINK_OPTIONS "LINKER:--allow-shlib-undefined")
endif()
