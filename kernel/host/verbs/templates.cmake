# The files that `marginalia new-plugin` writes, sdk/template/<kind>/*, as bytes in the program's read-only data: the
# assembler reads them, and a list of (path, first byte, end) names them.
set(template_folder ${PROJECT_SOURCE_DIR}/sdk/template)
file(GLOB_RECURSE template_files CONFIGURE_DEPENDS RELATIVE ${template_folder} ${template_folder}/*)
set(bytes ".section .note.GNU-stack,\"\",%progbits\n.section .rodata\n")
set(list ".section .data.rel.ro,\"aw\"\n.balign 8\n.global marginalia_templates\nmarginalia_templates:\n")
set(template_number 0)
foreach(file ${template_files})
  string(APPEND bytes "path_${template_number}:\n.string \"${file}\"\n"
                      "first_${template_number}:\n.incbin \"${template_folder}/${file}\"\nend_${template_number}:\n")
  string(APPEND list ".8byte path_${template_number}, first_${template_number}, end_${template_number}\n")
  math(EXPR template_number "${template_number} + 1")
endforeach()
string(APPEND list ".global marginalia_templates_end\nmarginalia_templates_end:\n")
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/templates.S CONTENT "${bytes}${list}" @ONLY)
list(TRANSFORM template_files PREPEND ${template_folder}/)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/templates.o
                   COMMAND ${CMAKE_CXX_COMPILER} -x assembler -c ${CMAKE_CURRENT_BINARY_DIR}/templates.S
                           -o ${CMAKE_CURRENT_BINARY_DIR}/templates.o
                   DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/templates.S ${template_files} VERBATIM)
set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/templates.o PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
target_sources(marginalia_verbs PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/templates.o)
