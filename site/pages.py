"""Hooks of MkDocs (mkdocs.yml): what makes a site of docs/ and of the pages beside it that docs/ links to.

The site has docs/ at its top, so that a link from there to ../experiments/x.md, right in a clone, is rewritten to where the page
lies on the site. The page of commands is what the program's own --help says: MARGINALIA_SITE_PROGRAM names the program.
"""

import os
import pathlib
import posixpath
import re
import subprocess

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = {"README.md": "repository.md", "ARCHITECTURE.md": "architecture.md", "CONTRIBUTING.md": "contributing.md",
         "CHANGELOG.md": "changelog.md", "LICENSE": "LICENSE", "python": "python/README.md"}
BESIDE = ("experiments/*.md", "experiments/*.toml", "python/README.md", "python/notebooks/*.ipynb")
ANSWERS = ("docs/faq.md", "docs/understand/")
FENCE = re.compile(r"^ *(```|~~~)")
LIST = re.compile(r"^( *)([-*]|\d+\.) ")


def on_config(config):
    config.nav = [with_folders(item) for item in config.nav]
    return config


def with_folders(item):
    """An item of the navigation, in which a folder is the list of its pages."""
    if isinstance(item, dict):
        (title, inside), = item.items()
        return {title: pages_of(inside) if isinstance(inside, str) and inside.endswith("/") else with_folders(inside)}
    return [with_folders(inner) for inner in item] if isinstance(item, list) else item


def pages_of(folder):
    there = ROOT / folder if (ROOT / folder).is_dir() and folder == "experiments/" else ROOT / "docs" / folder
    return [folder + name for name in sorted((page.name for page in there.glob("*.md")), key=lambda name: (name != "README.md", name))]


def on_files(files, config):
    for path, place in NAMES.items():
        if (ROOT / path).is_file():
            files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    for path in sorted(path for pattern in BESIDE for path in ROOT.glob(pattern)):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    for name in ("search.js", "site.css"):
        files.append(File.generated(config, f"assets/{name}", abs_src_path=str(ROOT / "site" / name)))
    # By which the search works in pages that are opened as files, where browsers allow no Worker.
    shim = os.environ["MARGINALIA_SITE_PACKAGES"] + "/node_modules/iframe-worker/shim/index.js"
    files.append(File.generated(config, "assets/iframe-worker.js", abs_src_path=shim))
    files.append(File.generated(config, "commands.md", content=commands()))
    return files


def on_page_markdown(markdown, page, config, files):
    here = path_in_clone(page.file.src_uri)
    if here.startswith(ANSWERS):
        page.meta.setdefault("search", {})["boost"] = 3  # before notes of experiments, which have the same words
    lines, fenced, before = [], False, ""
    for line in markdown.split("\n"):
        if FENCE.match(line):
            fenced = not fenced
            line = re.sub(r"^( *```\w+) .*", r"\1", line)  # what is for run_docs.py: ```sh not-run
        elif not fenced:
            line = re.sub(r"\]\(([^)\s:#]+)", lambda link: "](" + place_on_site(here, link.group(1)), line)
            line = as_python_markdown(line, before, lines)
        lines.append(line)
        before = line
    return "\n".join(lines)


def as_python_markdown(line, before, lines):
    """Python-Markdown wants a blank line before a list, and four columns for a list in a list, where others take less."""
    item = LIST.match(line)
    if item and before.strip() and not LIST.match(before) and not before.startswith(" "):
        lines.append("")
    return "  " + line if item and item.group(1) == "  " else line


def path_in_clone(uri):
    for path, place in NAMES.items():
        if place == uri:
            return path
    return uri if uri.startswith(("experiments/", "python/")) else f"docs/{uri}"


def place_on_site(here, link):
    """A relative link of the page `here` of the clone, as one from that page's place on the site."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link))
    return posixpath.relpath(site_uri(target), posixpath.dirname(site_uri(here)) or ".")


def site_uri(path):
    return NAMES.get(path) or path.removeprefix("docs/")


def commands():
    program = os.environ.get("MARGINALIA_SITE_PROGRAM", "")
    if not program:
        return "# Commands\n\nThis copy of the site was made without the program. `marginalia --help` lists the commands, `marginalia VERB --help` explains one.\n"
    overview = helped(program)
    text = ["# Commands", "", "What `marginalia --help`, `marginalia VERB --help` and the manual page say, from one source.", "", block(overview)]
    for verb in re.findall(r"^  ([a-z][a-z-]*)  +[A-Z]", overview, re.M):
        text += [f"## {verb}", "", block(helped(program, verb))]
        inner = helped(program, verb).partition("\nSubcommands:")[2]
        for word in re.findall(r"^  ([a-z][a-z-]*)  +\S", inner, re.M):
            text += [f"### {verb} {word}", "", block(helped(program, verb, word))]
    return "\n".join(text) + "\n"


def helped(program, *verb):
    words = [program, *verb, "--help"]
    return subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, "COLUMNS": "110", "NO_COLOR": "1"}).stdout


def block(text):
    return f"```text\n{text.rstrip()}\n```\n"
