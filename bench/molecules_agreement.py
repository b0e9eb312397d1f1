#!/usr/bin/env python3
"""Values of molecules by marginalia and by Python's RDKit, compared to the last bit.

    bench/molecules_agreement.py BUILD_DIR SELFIES_FILE [SA_SCORE_DIR]

A SELFIES of the MOSES alphabet a line. Needs the package rdkit, best of the version that the build links; SA_SCORE_DIR is where its
sascorer.py is (Contrib/SA_Score). Prints for log P, QED and SA how many values are equal and the largest difference.
"""
import csv
import io
import os
import subprocess
import sys
import tempfile

from rdkit import Chem, RDLogger, rdBase
from rdkit.Chem import QED, Crippen

build, path, *contrib = (os.path.abspath(argument) for argument in sys.argv[1:])
sys.path.append(contrib[0] if contrib else "/usr/share/RDKit/Contrib/SA_Score")
import sascorer  # noqa: E402

RDLogger.DisableLog("rdApp.*")
program = os.path.join(build, "bin", "marginalia")
with open(path, encoding="utf-8") as file:
    rows = file.read().split()
decoded = subprocess.run([os.path.join(build, "bin", "marginalia-selfies"), "decode"], input="\n".join(rows) + "\n", text=True,
                         capture_output=True, check=True).stdout.splitlines()
molecules = [Chem.MolFromSmiles(smiles) for smiles in decoded]
experiment = 'name = "agreement"\n[energy]\nplugin = "{}"\n[network]\nplugin = "mlp"\n[sampler]\nplugin = "block-gibbs"\n' \
             '[objective]\nplugin = "mam-energy"\n'
print(f"{len(rows)} molecules, RDKit {rdBase.rdkitVersion}")
for energy, column, function in (("lipophilicity", "logp", Crippen.MolLogP), ("qed", "qed", QED.qed),
                                 ("synthetic-accessibility", "synthetic_accessibility", sascorer.calculateScore)):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "e.toml"), "w", encoding="utf-8") as file:
            file.write(experiment.format(energy))
        answer = subprocess.run([program, "score", os.path.join(folder, "e.toml"), "--states", os.path.abspath(path)], text=True,
                                capture_output=True, check=True, cwd=folder).stdout
    ours = [float(line[column]) for line in csv.DictReader(io.StringIO(answer))]
    differences = [abs(a - function(b)) for a, b in zip(ours, molecules, strict=True)]
    print(f"  {column:24} equal to the last bit: {sum(d == 0 for d in differences)}, largest difference {max(differences):.2g}")
