"""The served page in headless Chromium, for the tests beside this file."""

import contextlib
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77  # as CTest knows it


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


@contextlib.contextmanager
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip("no playwright; .venv/bin/python3 -m pip install playwright axe-playwright-python")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        skip("no chromium; apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Served:
    """`marginalia serve` of a store on a free port, while the `with` lasts. `address` ends with a slash."""

    def __init__(self, program: pathlib.Path, store: pathlib.Path):
        self.process = subprocess.Popen(
            [program, "--store", store, "serve", "--port", "0"],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = ""
        for line in self.process.stdout:
            said += line
            found = re.search(r"http://[^\s]+", line)
            if found:
                self.address = found.group(0).rstrip("/.") + "/"
                return
        sys.exit(f"`marginalia serve` ended: {said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=20)
