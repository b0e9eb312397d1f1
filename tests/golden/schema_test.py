"""The schema of experiment files, by the package jsonschema: it takes every shipped experiment file and every complete
TOML block of the documents, and refuses the unknown keys, tables, plugins, types and ranges of tests/negative/toml.

    schema_test.py SOURCE_DIR MARGINALIA
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

try:
    import jsonschema
except ImportError as error:
    print(f"skipped: {error}; get it by .venv/bin/python3 -m pip install jsonschema")
    sys.exit(77)

source, program = pathlib.Path(sys.argv[1]), sys.argv[2]
failures = []

# What a schema cannot know: TOML that is none, what must be there (it may stand in a file that is extended), how parts
# go together, and what is written elsewhere than in the file.
BEYOND = re.compile(
    r"this is not valid TOML|twice|is missing|lacks|neither|has no name|both|override|needs|does not say which|was refused|"
    r"not an? |equal length|no parameter|no rows|extends|belongs|reads|finite|wrong way|must be above 0|no random|"
    r"cannot be swept|swept|first stage|drawn|samples|no column|more than|2\^53|cannot be 1|condition|leaves no trial|names no parameter"
)


def faults(validator, text):
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(tomllib.loads(text))]


def documents():
    for page in [source / "README.md", *sorted(source.glob("docs/*.md"))]:
        for block in re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M):
            if re.search(r"^name *=", block, re.M):
                yield page.name, block


def main():
    schema = json.loads(subprocess.run([program, "schema"], check=True, capture_output=True, text=True).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    good = [(file.name, file.read_text(encoding="utf-8")) for file in sorted(source.glob("experiments/*.toml"))]
    good += documents()
    for name, text in good:
        for fault in faults(validator, text):
            failures.append(f"{name} is refused: {fault}")
    refused = 0
    for file in sorted(source.glob("tests/negative/toml/*.toml")):
        expected = file.with_suffix(".expected").read_text(encoding="utf-8")
        if BEYOND.search(expected):
            continue
        found = faults(validator, file.read_text(encoding="utf-8"))
        for key in re.findall(r"unknown (?:key|table|\w+ plugin) ['\[]([^'\]]+)['\]]", expected):
            if not any(key in fault for fault in found):
                failures.append(f"{file.name}: '{key}' is not refused: {found}")
        if not found:
            failures.append(f"{file.name} is taken, although: {expected}")
        refused += len(found) > 0
    print(f"schema: {len(good)} files taken, {refused} refused, {len(failures)} failures", *failures, sep="\n")
    return 1 if failures or len(good) < 40 or refused < 20 else 0


sys.exit(main())
