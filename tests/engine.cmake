# Plugin host, workers, scheduler: with a fake worker whose trials take milliseconds and misbehave on request.
set(faults ${CMAKE_CURRENT_SOURCE_DIR}/faults)
set(fake_plugins ${PROJECT_BINARY_DIR}/tests/fake-plugins)

add_executable(fake_worker ${faults}/fake_worker.cpp)
target_link_libraries(fake_worker PRIVATE marginalia_worker_process)
add_executable(fake_host ${faults}/fake_host.cpp)
target_link_libraries(fake_host PRIVATE marginalia_run marginalia_plugins)
# In a tree of its own: beside the real plugins, every worker would load those as well.
set_target_properties(fake_worker fake_host PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/engine/bin)

# engine_plugin(NAME FOLDER SOURCE): a plugin for tests, not installed.
function(engine_plugin name folder source)
  add_library(${name} MODULE ${source})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/sdk/torch/include ${Torch_INCLUDE_DIRS})
  target_link_libraries(${name} PRIVATE marginalia_sdk)
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${folder})
endfunction()
foreach(kind energy network objective)
  engine_plugin(fake_${kind} ${fake_plugins} ${faults}/plugins/fake_${kind}.cpp)
endforeach()
set(guilty_plugins ${PROJECT_BINARY_DIR}/tests/guilty-plugins)
engine_plugin(guilty_energy ${guilty_plugins} ${faults}/plugins/guilty_energy.cpp)
engine_plugin(slow_to_load ${guilty_plugins} ${faults}/plugins/slow_to_load.cpp)

# engine_faults_test(NAME SCRIPT ARGUMENTS...)
function(engine_faults_test name script)
  add_test(NAME ${name} COMMAND Python3::Interpreter ${script} --host $<TARGET_FILE:fake_host>
           --worker $<TARGET_FILE:fake_worker> --plugins ${fake_plugins} ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS faults TIMEOUT 300)
endfunction()
engine_faults_test(scheduler ${faults}/scheduler_test.py)
engine_faults_test(devices ${faults}/devices_test.py)
engine_faults_test(processes ${faults}/process_test.py --guilty ${guilty_plugins})
engine_faults_test(plugin_loading ${faults}/plugin_loading_test.py --guilty ${guilty_plugins})
engine_faults_test(store_file ${faults}/store_file_test.py)
engine_faults_test(store_lock ${faults}/store_lock_test.py)
engine_faults_test(hooks ${faults}/hooks_test.py --program $<TARGET_FILE:marginalia>)
engine_faults_test(kill ${faults}/kill_test.py --experiment ${faults}/kill.toml --kills 20)
engine_faults_test(kill_asha ${faults}/kill_test.py --experiment ${faults}/kill_asha.toml --kills 20)
engine_faults_test(stopping ${faults}/stopping_test.py)
engine_faults_test(open_trials ${faults}/open_trials_test.py)
# The same with the real programs, training on a small lattice.
add_test(NAME kill_training COMMAND Python3::Interpreter ${faults}/kill_test.py --host $<TARGET_FILE:marginalia>
         --worker $<TARGET_FILE:marginalia-worker> --plugins ${MARGINALIA_PLUGIN_DIR} --experiment ${faults}/kill_training.toml
         --kills 20 --longest 1.6)
set_tests_properties(kill_training PROPERTIES LABELS faults TIMEOUT 600)

# People and other runs act on trials while a sweep runs, by the real program's verbs.
add_test(NAME control COMMAND Python3::Interpreter ${faults}/control_test.py --host $<TARGET_FILE:marginalia>
         --worker $<TARGET_FILE:fake_worker> --plugins ${fake_plugins})
set_tests_properties(control PROPERTIES LABELS faults TIMEOUT 300)
# The live view in a terminal, which tmux is.
add_test(NAME top COMMAND Python3::Interpreter ${faults}/top_test.py --host $<TARGET_FILE:marginalia>
         --worker $<TARGET_FILE:fake_worker> --plugins ${fake_plugins} --sample $<TARGET_FILE:make_sample_store>)
set_tests_properties(top PROPERTIES LABELS faults TIMEOUT 300 SKIP_RETURN_CODE 77)

# Plugins and input files that change between runs, and what `score` refuses.
add_test(NAME changed COMMAND Python3::Interpreter ${faults}/changed_test.py $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR})
set_tests_properties(changed PROPERTIES LABELS faults TIMEOUT 300)

# Sweeps that grow and leave combinations out.
add_test(NAME search COMMAND Python3::Interpreter ${faults}/search_test.py $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR})
set_tests_properties(search PROPERTIES LABELS faults TIMEOUT 300)

# Trials under other names, of more steps, of plugins whose parameters come and go.
foreach(version 1 2 3)
  engine_plugin(growing_energy_${version} ${PROJECT_BINARY_DIR}/tests/growing-plugins/${version} ${faults}/plugins/growing_energy.cpp)
  target_compile_definitions(growing_energy_${version} PRIVATE GROWING_VERSION=${version})
  set_target_properties(growing_energy_${version} PROPERTIES OUTPUT_NAME growing_energy)
endforeach()
add_test(NAME reuse COMMAND Python3::Interpreter ${faults}/reuse_test.py $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR}
         ${PROJECT_BINARY_DIR}/tests/growing-plugins)
set_tests_properties(reuse PROPERTIES LABELS faults TIMEOUT 300)

# Evaluation that is stopped while a plugin is busy.
set(faulty_plugins ${PROJECT_BINARY_DIR}/tests/faulty-plugins)
engine_plugin(blocking_energy ${faulty_plugins} ${faults}/plugins/blocking_energy.cpp)
add_test(NAME stop_evaluation COMMAND Python3::Interpreter ${faults}/stop_evaluation_test.py $<TARGET_FILE_DIR:marginalia>
         ${MARGINALIA_PLUGIN_DIR} ${faulty_plugins})
set_tests_properties(stop_evaluation PROPERTIES LABELS faults TIMEOUT 300)
# Evaluation apart from training, and stores of before it was.
add_test(NAME evaluation COMMAND Python3::Interpreter ${faults}/evaluation_test.py $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR}
         ${CMAKE_CURRENT_SOURCE_DIR}/store/before_3)
set_tests_properties(evaluation PROPERTIES LABELS faults TIMEOUT 600)
# Stores of others, which choose no code that runs.
add_test(NAME stranger_store COMMAND Python3::Interpreter ${faults}/stranger_store_test.py $<TARGET_FILE_DIR:marginalia> ${MARGINALIA_PLUGIN_DIR})
set_tests_properties(stranger_store PROPERTIES LABELS faults TIMEOUT 300 PROCESSORS 2)

# Broken plugins: refused or blamed with the sentences in negative/plugins/*.expected.
set(negative ${CMAKE_CURRENT_SOURCE_DIR}/negative/plugins)
set(broken_plugins ${PROJECT_BINARY_DIR}/tests/broken-plugins)
file(GLOB broken_sources CONFIGURE_DEPENDS ${negative}/*.cpp)
foreach(source ${broken_sources})
  get_filename_component(name ${source} NAME_WE)
  engine_plugin(broken_${name} ${broken_plugins} ${source})
  set_target_properties(broken_${name} PROPERTIES OUTPUT_NAME ${name})
endforeach()
# Built against the headers of the ABI before this one.
add_library(broken_previous_abi MODULE ${negative}/abi-1/ring.cpp)
target_include_directories(broken_previous_abi PRIVATE ${negative}/abi-1)
set_target_properties(broken_previous_abi PROPERTIES PREFIX "" OUTPUT_NAME previous_abi LIBRARY_OUTPUT_DIRECTORY ${broken_plugins})
configure_file(${negative}/not_a_library.txt ${broken_plugins}/not_a_library.so COPYONLY)
add_test(NAME broken_plugins COMMAND Python3::Interpreter ${negative}/broken_plugins_test.py --host $<TARGET_FILE:marginalia>
         --lister $<TARGET_FILE:fake_host> --worker $<TARGET_FILE:marginalia-worker> --plugins ${broken_plugins}
         --good-plugins ${MARGINALIA_PLUGIN_DIR})
set_tests_properties(broken_plugins PROPERTIES LABELS negative TIMEOUT 300)
add_test(NAME storm COMMAND Python3::Interpreter ${faults}/storm_test.py --host $<TARGET_FILE:marginalia>
         --worker $<TARGET_FILE:fake_worker> --plugins ${fake_plugins})
set_tests_properties(storm PROPERTIES LABELS faults TIMEOUT 3600)
