"""The smallest trial that uses LibTorch for everything: trained, drawn from, scored."""

EXPERIMENT = """
name = "small"
[energy]
plugin = "ising"
rows = 2
columns = 2
[network]
plugin = "mlp"
[sampler]
plugin = "ancestral"
[objective]
plugin = "mam-energy"
[train]
steps = 1
batch = 4
[evaluation]
samples = 8
nll_samples = 8
marginal_states = 8
marginal_time = false
"""
