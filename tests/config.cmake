# Tests of kernel/spec.
foreach(part experiment extends optional paper_table stage1 sweep overrides schema sha256 mutations docs)
  marginalia_add_test(config_${part} SOURCES unit/config_${part}.cpp LIBS marginalia_spec)
endforeach()
marginalia_add_test(config_messages SOURCES negative/toml_messages.cpp LIBS marginalia_spec LABEL negative)
