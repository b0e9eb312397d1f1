foreach(part schema trials records queries refusals writer docs)
  marginalia_add_test(store_${part} SOURCES unit/store_${part}.cpp LIBS marginalia_store fmt::fmt Threads::Threads)
endforeach()
