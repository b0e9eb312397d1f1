"""What the tests of plugins that harm their process share: trials of the guilty energy beside others of the fake one."""

import json
import os
import time

from scheduling import HostTest, arguments


class GuiltyTest(HostTest):
    def setUp(self):
        super().setUp()
        self.mark = os.path.join(self.folder.name, "mark")
        self.environment["MARGINALIA_PLUGIN_PATH"] += ":" + arguments.guilty

    def pairs(self, trials, **more):
        """Trials of the guilty energy, as `how` says, and of the fake one (None), whose states differ."""
        rows = {
            "energy.plugin": ["guilty" if how else "fake" for how in trials],
            "energy.guilty.how": [how or "nothing" for how in trials],
            "energy.fake.variant": list(range(len(trials))),
        }
        return self.write(
            energy=f'[energy.guilty]\nmark = "{self.mark}"',
            rest="[[sweep.zip]]\n" + "\n".join(f'"{key}" = {json.dumps(values)}' for key, values in rows.items()),
            **more,
        )

    def wait_until(self, what, holds, seconds=60):
        deadline = time.time() + seconds
        while not holds():
            self.assertLess(time.time(), deadline, what)
            time.sleep(0.02)
