"""The tests of python/, by pytest.   package_test.py SOURCE_DIR MARGINALIA package|notebooks"""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
try:
    import numpy  # noqa: F401
    import pytest
except ImportError as error:
    print(f"skipped: {error}; .venv/bin/python3 -m pip install numpy pandas matplotlib pytest mypy ruff gets what is missing")
    sys.exit(77)

tests = pathlib.Path(sys.argv[1], "python/tests")
chosen = [str(file) for file in sorted(tests.glob("test_*.py")) if (file.stem == "test_notebooks") == (sys.argv[3] == "notebooks")]
os.environ.update(MARGINALIA=sys.argv[2], OMP_NUM_THREADS="1")
for name in ("MARGINALIA_STORE", "MARGINALIA_PLUGIN_PATH"):
    os.environ.pop(name, None)
sys.exit(pytest.main(["-q", "-rs", "--durations=5", "-p", "no:cacheprovider", *chosen]))
