#!/usr/bin/env python3
"""Prints the program's messages, a paragraph each: the text inside the calls that report a fault, from the sources.

`scripts/english` has their English checked. What a message names by a value is `x` here.
"""
import pathlib
import re

REPORTS = re.compile(r"\b(?:Error|StoreError|add|complain|fail|fail_at|failure|refuse|refuse_\w+|report)\((?=[^)])")
TOKEN = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\]|\\.)+\'|([()])|([^\s"\'()]+)|\s+')


def message(source, start):
    """The literals of a call's arguments, `x` for what stands between two of them."""
    depth, parts, value = 1, [], False
    for token in TOKEN.finditer(source, start):
        text, bracket, other = token.groups()
        depth += {"(": 1, ")": -1}.get(bracket, 0)
        if depth == 0:
            break
        if text is not None:
            parts += ["`x`"] * (value and bool(parts)) + [text]
        value = text is None and (value or bool(other))
    return re.sub(r"\{[^{} ]*\}", "`x`", "".join(parts).replace('\\"', '"').replace("\\n", " "))


for folder in ("kernel", "store", "plugins", "sdk"):
    for file in sorted(pathlib.Path(folder).rglob("*.cpp")) + sorted(pathlib.Path(folder).rglob("*.h")):
        source = file.read_text()
        for call in REPORTS.finditer(source):
            text = message(source, call.end())
            if text.count(" ") > 1:
                print(f"{text}\n")
