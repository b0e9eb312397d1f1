"""Fake devices with memory that is short, and that fail: what becomes of trials, and what each worker sees of them."""

import json
import os
import random
import re
import sys
import unittest

from scheduling import HostTest, rest

GB = 10**9


class Devices(HostTest):
    def setUp(self):
        super().setUp()
        self.devices = os.path.join(self.folder.name, "devices")
        self.environment["MARGINALIA_FAKE_DEVICES"] = self.devices
        os.mkdir(self.devices)
        self.give_memory(16 * GB)

    def give_memory(self, memory):
        with open(os.path.join(self.devices, "memory"), "w") as out:
            out.write(str(memory))

    def most_taken(self):
        most = {}
        for name in os.listdir(self.devices):
            path = os.path.join(self.devices, name, "most")
            if os.path.exists(path):
                with open(path) as read:
                    most[name] = int(read.read())
        return most

    def zipped(self, **columns):
        return "[[sweep.zip]]\n" + "\n".join(
            f'"{key.replace("__", ".")}" = {json.dumps(values)}' for key, values in columns.items()
        )

    # --- what a worker sees

    def test_a_worker_sees_the_device_of_its_slot_and_the_store_knows_what_it_is(self):
        self.act("run", self.write(seeds="[0, 1, 2, 3]", energy="step_milliseconds = 10.0"), "run.device=fake:0,fake:3")
        seen = self.rows(
            "SELECT device, data FROM trials JOIN samples USING (trial_id) WHERE name = 'visible' GROUP BY 1, 2"
        )
        self.assertEqual(seen, [("fake:0", "fake:0"), ("fake:3", "fake:3")])
        self.assertEqual(self.rows("SELECT DISTINCT device_memory FROM trials"), [(16 * GB,)])

    def test_workers_are_kept_on_cores_of_their_own_where_there_are_enough(self):
        cores = len(os.sched_getaffinity(0))
        if cores < 2:
            self.skipTest("one core")
        words = ("run.device=cpu", "run.slots=2", "run.cores=1")
        self.environment["XDG_RUNTIME_DIR"] = self.environment["XDG_CACHE_HOME"]  # where other runs show that they live
        os.makedirs(self.environment["XDG_CACHE_HOME"], mode=0o700)
        file = self.write(seeds="[0, 1, 2, 3]", energy="step_milliseconds = 20.0")
        self.assertEqual(self.act("run", file, *words, "run.pin=false"), 0, self.words)
        found = "SELECT DISTINCT value FROM final_metrics WHERE name = '%s' ORDER BY 1"
        self.assertEqual(self.rows(found % "processors"), [(cores,)])
        os.remove(self.store)
        self.assertEqual(self.act("run", file, *words), 0, self.words)
        self.assertEqual(self.rows(found % "processors"), [(1,)])
        self.assertEqual(len(self.rows(found % "processor")), 2)

    def test_the_first_worker_has_the_threads_of_its_slot_and_is_used(self):
        log = os.path.join(self.folder.name, "starts")
        program = os.path.join(self.folder.name, "counted")
        with open(program, "w") as out:
            out.write(f'#!/bin/sh\necho "$@" >> {log}\nexec {self.environment["MARGINALIA_WORKER"]} "$@"\n')
        os.chmod(program, 0o755)
        self.environment["MARGINALIA_WORKER"] = program
        file = self.write(seeds="[0, 1]", energy="step_milliseconds = 20.0")
        words = ("run.device=cpu", "run.slots=2", "run.cores=1")
        self.assertEqual(self.act("run", file, *words), 0, self.words)
        with open(log) as starts:
            self.assertEqual(len(starts.read().splitlines()), 3)  # one of them to look at the plugins

    # --- slots and what trials ask for

    def test_slots_are_those_of_each_device(self):
        self.act("run", self.write(seeds="[0, 1, 2]"), "run.device=fake:0,fake:1", "run.slots=2")
        self.assertIn("3 to run in 4 slots (fake:0, fake:1, 1 thread each)", self.words)

    def test_small_trials_share_a_device_and_a_large_one_has_it_alone(self):
        sizes = ["4GB"] * 8 + ["16 GB"]
        file = self.write(
            energy="step_milliseconds = 5.0",
            rest=self.zipped(
                resources__memory=sizes,
                energy__device_megabytes=[4000.0] * 8 + [15000.0],
                energy__variant=list(range(9)),
            ),
        )
        self.assertEqual(self.act("run", file, "run.slots=4"), 0, self.words)
        self.assertEqual(self.trials(), [("done", None)] * 9)
        self.assertLessEqual(self.most_taken()["fake:0"], 16 * GB)
        self.assertGreater(self.most_taken()["fake:0"], 8 * GB)

    def test_what_trials_ask_for_is_no_part_of_them(self):
        file = self.write(seeds="[0, 1]")
        self.act("run", file)
        self.assertEqual(self.act("run", file, "resources.memory=3GB", "resources.cores=1"), 0)
        self.assertIn("2 already done, nothing to run", self.words)

    def test_a_trial_that_no_device_can_hold_ends_with_that_reason_and_the_others_go_on(self):
        file = self.write(rest=self.zipped(resources__memory=["20GB", "2GB"], energy__variant=[0, 1]))
        self.assertEqual(self.act("run", file), 1)
        (status, error), other = self.trials()
        self.assertEqual((status, other[0]), ("failed", "done"))
        self.assertEqual(
            error,
            "[resources] memory asks for 20 GB, and no device of this run has more than 16 GB; "
            "ask for less, or name larger devices in run.device",
        )

    def test_memory_that_is_none_is_refused(self):
        self.assertEqual(self.act("run", self.write(rest='[resources]\nmemory = "much"')), 2)
        self.assertIn(
            "'resources.memory' cannot be \"much\"; give a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB", self.words
        )

    def test_memory_that_other_programs_have_is_waited_for(self):
        os.mkdir(os.path.join(self.devices, "fake:0"))
        others = os.path.join(self.devices, "fake:0", str(os.getpid()))
        with open(others, "w") as out:
            out.write(str(10 * GB))
        file = self.write(rest='[resources]\nmemory = "8GB"')
        host = self.start("run", file)
        said = ""
        while "waiting for memory: other programs have what 1 trial needs of the devices" not in said:
            line = host.stderr.readline()
            self.assertTrue(line, said)
            said += line
        self.assertEqual(self.trials(), [("queued", None)])
        os.remove(others)
        self.out, words = host.communicate(timeout=60)
        self.assertEqual(host.returncode, 0, words)
        self.assertEqual(self.trials(), [("done", None)])

    # --- out of memory

    def test_out_of_memory_says_what_was_asked_and_free_and_is_tried_with_more(self):
        file = self.write(energy="device_megabytes = 7000.0", rest='[resources]\nmemory = "3GB"')
        self.give_memory(8 * GB)
        with open(os.path.join(self.devices, "other"), "w"):
            pass
        self.assertEqual(self.act("run", file, "energy.device_megabytes=9000.0"), 1)
        self.assertIn(
            "CUDA out of memory: 9000000000 bytes; it asked for 3.0 GB of fake:0, of whose 8.0 GB 8.0 GB were free; "
            "trying again with 6.0 GB",
            self.words,
        )
        self.assertIn("trying again with 8.0 GB", self.words)
        ((status, error),) = self.trials()
        self.assertEqual(status, "oom")
        self.assertIn("it asked for 8.0 GB of fake:0, of whose 8.0 GB 8.0 GB were free", error)

    def test_micro_batches_are_halved_where_all_memory_was_too_little(self):
        self.give_memory(8 * GB)
        file = self.write(energy="device_megabytes = 20000.0", train="micro_batch = 64")
        self.assertEqual(self.act("run", file), 0, self.words)
        self.assertIn("trying again with passes of 32 rows at most", self.words)
        self.assertIn("trying again with passes of 16 rows at most", self.words)
        self.assertNotIn("of 8 rows", self.words)
        self.assertEqual(self.trials(), [("done", None)])

    def test_micro_batches_of_one_row_end_it(self):
        self.give_memory(8 * GB)
        file = self.write(energy="device_megabytes = 90000.0", train="micro_batch = 3")
        self.assertEqual(self.act("run", file), 1, self.words)
        self.assertIn("trying again with passes of 1 row at most", self.words)
        ((status, error),) = self.trials()
        self.assertEqual(status, "oom")

    # --- devices that fail

    def test_a_lost_device_gets_no_more_trials_and_its_trial_goes_on_elsewhere(self):
        mark = os.path.join(self.folder.name, "mark")
        file = self.write(
            seeds="[0, 1, 2, 3, 4, 5]",
            energy=f'step_milliseconds = 3.0\nmark = "{mark}"\nbehaviour = "device-lost-once"',
        )
        self.assertEqual(self.act("run", file, "run.device=fake:0,fake:1"), 0, self.words)
        self.assertRegex(self.words, r"fake:[01] gets no more trials: CUDA error: uncorrectable ECC error encountered")
        self.assertRegex(self.words, r"was lost: fake:[01] failed: CUDA error.*going on from its last checkpoint")
        self.assertEqual(self.trials(), [("done", None)] * 6)
        self.assertEqual(
            self.rows("SELECT count(*), max(step) FROM metrics WHERE name = 'loss' GROUP BY trial_id"), [(20, 20)] * 6
        )

    def test_without_a_device_that_works_the_rest_stays_queued(self):
        mark = os.path.join(self.folder.name, "mark")
        file = self.write(seeds="[0, 1, 2]", energy=f'mark = "{mark}"\nbehaviour = "device-lost-once"')
        self.assertEqual(self.act("run", file), 1)
        self.assertIn(
            "2 trials left, and no device that works: when there is one, the same command goes on", self.words
        )
        self.assertEqual([status for status, _ in self.trials()], ["lost", "queued", "queued"])
        os.remove(os.path.join(self.devices, "fake:0", "lost"))
        self.assertEqual(self.act("run", file), 0, self.words)

    def test_a_trial_that_breaks_two_devices_is_at_fault_itself(self):
        file = self.write(rest='[sweep]\n"energy.behaviour" = ["device-fault", "normal"]')
        self.assertEqual(self.act("run", file, "run.device=fake:0,fake:1"), 1)
        (status, error), other = self.trials()
        self.assertEqual((status, other[0]), ("failed", "done"))
        self.assertRegex(
            error,
            r"^CUDA error: an illegal memory access was encountered; "
            r"the same became of it on fake:[01], so its own code is at fault$",
        )

    def test_a_trial_that_only_says_that_devices_are_lost_takes_none_away(self):
        file = self.write(rest='[sweep]\n"energy.behaviour" = ["says-device-lost", "normal"]', seeds="[0, 1]")
        self.assertEqual(self.act("run", file, "run.device=fake:0,fake:1"), 1)
        self.assertEqual([status for status, _ in self.trials()], ["failed", "failed", "done", "done"], self.words)
        self.assertIn("is used again: it was a trial's fault", self.words)

    # --- all of it

    def test_two_hundred_trials_of_random_sizes(self):
        chance = random.Random(3)
        columns = {
            "resources__memory": [],
            "energy__device_megabytes": [],
            "energy__behaviour": [],
            "energy__variant": [],
            "energy__mark": [],
            "energy__step_milliseconds": [],
        }
        for i in range(200):
            size = chance.randint(1, 14)
            columns["resources__memory"].append(f"{size}GB")
            short = i % 10 == 5  # it takes twice what it asks for
            columns["energy__device_megabytes"].append(1000.0 * min(16, 2 * size if short else size))
            columns["energy__behaviour"].append("device-fault-once" if i % 10 == 0 else "normal")
            columns["energy__variant"].append(i)
            columns["energy__mark"].append(os.path.join(self.folder.name, f"mark-{i}"))
            columns["energy__step_milliseconds"].append(20.0 + 20 * chance.random())
        file = self.write(energy="checkpoint_every = 0", rest=self.zipped(**columns))
        devices = ",".join(f"fake:{i}" for i in range(8))
        self.assertIn(self.act("run", file, "run.device=" + devices, "run.slots=2"), (0, 1))
        for status, error in self.trials():
            self.assertTrue(status == "done" or error, (status, error))
        self.assertEqual([status for status, _ in self.trials()].count("done"), 200, self.words)
        self.assertEqual(
            len(re.findall(r"failed: CUDA error: an illegal memory access.*\n", self.words)) >= 20, True, self.words
        )
        self.assertLessEqual(max(self.most_taken().values()), 16 * GB)
        self.assertEqual(len(self.most_taken()), 8)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
