"""The tests of python/, by pytest.   package_test.py SOURCE_DIR MARGINALIA package|notebooks"""

import os
import pathlib
import sys

sys.dont_write_bytecode = True
try:
    import numpy  # noqa: F401
    import pytest
except ImportError as error:
    print(f"skipped: {error}; get it by .venv/bin/python3 -m pip install numpy pandas matplotlib pytest mypy ruff")
    sys.exit(77)

tests = pathlib.Path(sys.argv[1], "python/tests")
notebooks = sys.argv[3] == "notebooks"
chosen = [str(file) for file in sorted(tests.glob("test_*.py")) if (file.stem == "test_notebooks") == notebooks]
os.environ.update(MARGINALIA=sys.argv[2], OMP_NUM_THREADS="1")
for name in ("MARGINALIA_STORE", "MARGINALIA_PLUGIN_PATH"):
    os.environ.pop(name, None)
sys.exit(pytest.main(["-q", "-rs", "--durations=5", "-p", "no:cacheprovider", *chosen]))
