"""The PyTorch script that the workbench is compared with trains what it says it trains.   peers_test.py SOURCE_DIR MARGINALIA

On a 3x3 lattice, where every state can be listed: its log f and exact log Z, densities that sum to 1, a KL by samples that
agrees with the sum over all states, a training that brings it down. Then the runner (bench/peers/ising.py), with tiny
networks and without torch.compile.
"""

import itertools
import json
import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
except (ImportError, OSError, ValueError) as error:  # a CUDA build without its CUDA libraries
    print(f"skipped: PyTorch cannot be imported here ({error}); make setup MARGINALIA_CUDA=1 gets what is missing")
    sys.exit(77)

script = pathlib.Path(sys.argv[1]) / "bench/peers/mam_pytorch.py"
sys.path.insert(0, str(script.parent))
import mam_pytorch

torch.manual_seed(0)
torch.set_num_threads(1)
energy = mam_pytorch.Ising(3)
states = torch.tensor(list(itertools.product((0, 1), repeat=9)))


def log_f_by_hand(x):
    s = [2 * v - 1 for v in x]
    edges = [(3 * i + j, 3 * i + (j + 1) % 3) for i in range(3) for j in range(3)]
    edges += [(3 * i + j, 3 * ((i + 1) % 3) + j) for i in range(3) for j in range(3)]
    return 0.2 * sum(s[a] * s[b] for a, b in edges) + 0.2 * sum(s)


log_f = torch.tensor([log_f_by_hand(x) for x in states.tolist()], dtype=torch.double)
torch.testing.assert_close(energy.log_f(states), log_f)
assert abs(energy.log_z() - log_f.logsumexp(0).item()) < 1e-9, energy.log_z()


def density(model, order):
    """log p of all states along one order, by the chain rule."""
    with torch.no_grad():
        log_p = torch.zeros(len(states), dtype=torch.double)
        x = torch.full_like(states, mam_pytorch.UNKNOWN)
        for site in order.tolist():
            logits = model.conditional(model.body(x)).view(-1, 9, 2)[:, site].double()
            log_p += logits.log_softmax(1).gather(1, states[:, site : site + 1]).squeeze(1)
            x[:, site] = states[:, site]
        return log_p


def exact_kl(model, order):
    log_p = density(model, order)
    return (log_p.exp() * (log_p - log_f + energy.log_z())).sum().item()


def check(bfloat16):
    model = mam_pytorch.MarginalModel(9, 32, 3)
    trainer = mam_pytorch.Trainer(model, energy, batch=128, block=3, rate=5e-3, bfloat16=bfloat16)
    order = torch.randperm(9)
    before = exact_kl(model, order)  # of the uniform distribution
    assert abs(before - (energy.log_z() - 9 * math.log(2) - log_f.mean().item())) < 1e-5, before
    for _ in range(400):
        trainer.step()
    assert abs(density(model, order).logsumexp(0).item()) < 1e-5
    after = exact_kl(model, order)
    assert after < 0.2 * before, f"{before} nats before, {after} after"
    x, log_p = mam_pytorch.draw(model, 4000, order)
    at = (x * 2 ** torch.arange(8, -1, -1)).sum(1)  # among the listed states
    torch.testing.assert_close(log_p, density(model, order)[at], rtol=0, atol=1e-4)
    difference = log_p - energy.log_f(x) + energy.log_z()
    error = difference.std().item() / math.sqrt(4000)
    assert abs(difference.mean().item() - after) < 5 * error, (difference.mean(), after, error)
    # log p of the marginals' head is that of the conditionals, about, and 0 where nothing is known.
    with torch.no_grad():
        nothing = torch.full_like(states[:1], mam_pytorch.UNKNOWN)
        log_p, _ = model(torch.cat([states, nothing]), order[:1])
    assert log_p[-1].item() == 0, log_p[-1]
    assert abs(log_p[:-1].double().logsumexp(0).item()) < 0.2, log_p[:-1].logsumexp(0)
    print(f"{'bfloat16' if bfloat16 else 'float32'}: {before:.3f} nats before, {after:.4f} after")


check(bfloat16=False)
check(bfloat16=True)


with tempfile.TemporaryDirectory() as folder:
    figures = pathlib.Path(folder) / "peers.json"
    tiny = "--rounds 1 --steps 2 --hidden 16 --batch 8 --samples 64 --train-seconds 0.01 --check-steps 0 --no-compile"
    words = [sys.executable, script.with_name("ising.py"), *tiny.split(), "--threads", "1", "--precision", "bfloat16"]
    words += ["--marginalia", sys.argv[2], "--json", figures]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(figures.read_text(encoding="utf-8"))["steps"]
    assert len(rows) == 2 and done.stdout.count("\n| ") == 3, done.stdout
    for row in rows:
        assert row["step_seconds"]["least"] > 0 and row["steps"] >= 1 and row["train_seconds"] > 0, row
        assert math.isfinite(row["kl"]) and row["kl_stderr"] > 0, row
print("bench/peers is what it says")
