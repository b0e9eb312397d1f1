# Figures of the engine: engine_bench. Its trials run in the tests' fake worker, which costs nothing itself.
if(TARGET fake_worker)
  add_executable(engine_bench engine_bench.cpp)
  target_link_libraries(engine_bench PRIVATE marginalia_run marginalia_worker_process marginalia_plugins
                        SQLite::SQLite3)
  target_compile_definitions(engine_bench PRIVATE FAKE_WORKER="$<TARGET_FILE:fake_worker>"
                             FAKE_PLUGINS="${PROJECT_BINARY_DIR}/tests/fake-plugins")
  add_dependencies(engine_bench fake_worker fake_energy fake_network fake_objective)
endif()
