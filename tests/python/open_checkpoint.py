"""A checkpoint opens in Python with torch.jit.load and gives the same numbers.   open_checkpoint.py TEST_TRAIN"""

import json
import os
import subprocess
import sys
import tempfile

try:
    import torch
except (ImportError, OSError, ValueError) as error:  # a CUDA build without its CUDA libraries
    print(f"skipped: PyTorch cannot be imported here ({error}); make setup MARGINALIA_CUDA=1 gets what is missing")
    sys.exit(77)

NETWORKS = (
    'plugin = "mlp"\nhidden = 32\nlayers = 3',
    'plugin = "lattice-conv"\nchannels = 8\nlayers = 2',
    'plugin = "unet"\nchannels = "8,16"\nblocks = "1,1"\nattention = "0,1"',
    'plugin = "transformer"\nlayers = 2\nwidth = 12\nheads = 3',
    'plugin = "recurrent"\nwidth = 5',
    'plugin = "graph"\nlayers = 2\nwidth = 8',
    'plugin = "lattice-conv"\nchannels = 8\nlayers = 2\ncouplings = true',
)
BASE = 'base = "belief-propagation"\nbase_sweeps = 6\nbase_marginals = true\nsymmetries = "mirror"\n'
LEARNED_BASE = 'base = "belief-propagation"\nbase_sweeps = 6\nbase_weights = "pairs"\n'
for network, train in [(network, "") for network in NETWORKS] + [(NETWORKS[0], base) for base in (BASE, LEARNED_BASE)]:
    with tempfile.TemporaryDirectory() as folder:
        words = {"EXPORT_FOLDER": folder, "EXPORT_NETWORK": network, "EXPORT_TRAIN": train}
        subprocess.run(
            [sys.argv[1], "--no-skip", "--test-case=export a checkpoint"], check=True, env={**os.environ, **words}
        )
        extra = {"trial.json": "", "marginalia.json": ""}
        module = torch.jit.load(folder + "/checkpoint.pt", _extra_files=extra)
        with open(folder + "/expected.json", encoding="utf-8") as file:
            expected = json.load(file)
        states = torch.tensor(expected["states"])
        for method in ("log_marginal", "conditional_logits"):
            got = getattr(module, method)(states).flatten().double()
            want = torch.tensor(expected[method], dtype=torch.double)
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
            assert want.std() > 0, "all alike: nothing was compared"
        states_are = {"sites": 16, "categories": 2, "shape": [4, 4], "periodic": True}
        assert json.loads(extra["marginalia.json"]) == states_are, extra["marginalia.json"]
        trial = json.loads(extra["trial.json"])
        assert trial["step"] == 20 and trial["config"]["energy"]["plugin"] == "ising", trial
networks = f"{len(NETWORKS)} networks, and of one with a base and symmetries,"
print(f"checkpoints of {networks} open in Python", torch.__version__, "with the same numbers")
