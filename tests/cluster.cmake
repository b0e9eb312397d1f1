# submit, status and merge on a real Slurm of four nodes, where its packages are installed and we are root.
add_test(NAME slurm COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/slurm/slurm_test.py --host $<TARGET_FILE:marginalia>
         --worker $<TARGET_FILE:fake_worker> --plugins ${fake_plugins})
set_tests_properties(slurm PROPERTIES LABELS faults TIMEOUT 300)
# A sweep in parts, by GNU parallel and ssh where they are installed, and merge under faults.
add_test(NAME shards COMMAND Python3::Interpreter ${faults}/shards_test.py --host $<TARGET_FILE:marginalia>
         --worker $<TARGET_FILE:fake_worker> --plugins ${fake_plugins})
set_tests_properties(shards PROPERTIES LABELS faults TIMEOUT 600)
