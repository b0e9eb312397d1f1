"""Plugins with one fault each: check-plugin has to find exactly the expected faults and to name them.

A source says what to find: "// expect: CHECK | PART OF THE SENTENCE", a line for each check that fails; parts divided by
" || " are alternatives, for what threads do to one another differs from run to run. Where the plugin's parameters are
refused it says "// expect-code: 2" and "// expect-error: PART OF THE SENTENCE".
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--program", required=True, help="the program marginalia")
parser.add_argument("--worker", required=True)
parser.add_argument("--plugins", required=True, help="folder of the faulty plugins")
parser.add_argument("sources", nargs="+")
arguments = parser.parse_args()
environment = dict(os.environ, MARGINALIA_WORKER=arguments.worker)


def expectations(source):
    text = open(source, encoding="utf-8").read()
    code = re.search(r"^// expect-code: (\d+)$", text, re.M)
    error = re.search(r"^// expect-error: (.+)$", text, re.M)
    checks = dict(line.split(" | ", 1) for line in re.findall(r"^// expect: (.+)$", text, re.M))
    return int(code.group(1)) if code else 1, error.group(1) if error else "", checks


def failures(output):
    """Name and sentence of each check that failed; at least two blanks divide them."""
    found = {}
    for line in output.splitlines():
        if line.startswith("FAILED  "):
            name, _, sentence = line[len("FAILED  "):].partition("  ")
            found[name] = sentence.strip()
    return found


def complaints(source):
    code, error, expected = expectations(source)
    name = os.path.splitext(os.path.basename(source))[0]
    plugin = os.path.join(arguments.plugins, name + ".so")
    done = subprocess.run([arguments.program, "check-plugin", plugin], env=environment,
                          capture_output=True, text=True, timeout=200)
    found, wrong = failures(done.stdout), []
    if not expected and not error:
        wrong.append("its source expects nothing")
    if done.returncode != code:
        wrong.append(f"exit code {done.returncode} instead of {code}")
    if error and error not in done.stderr:
        wrong.append(f"'{error}' is not in what it says: {done.stderr}")
    for check in sorted(set(expected) | set(found)):
        if check not in found:
            wrong.append(f"'{check}' was not found to fail")
        elif check not in expected:
            wrong.append(f"'{check}' fails too: {found[check]}")
        elif not any(part in found[check] for part in expected[check].split(" || ")):
            wrong.append(f"'{check}' says '{found[check]}', without '{expected[check]}'")
    return name, wrong


def patient_complaints(source):
    """Threads that share a thing need not meet in a run: three runs then."""
    for _ in range(3 if "threads do not disturb one another" in expectations(source)[2] else 1):
        name, wrong = complaints(source)
        if not wrong:
            break
    return name, wrong


broken = 0
with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
    for name, wrong in pool.map(patient_complaints, arguments.sources):
        broken += bool(wrong)
        for complaint in wrong:
            print(f"{name}: {complaint}")
print(f"{len(arguments.sources)} faulty plugins, {broken} not judged as expected")
sys.exit(1 if broken or len(arguments.sources) < 45 else 0)
