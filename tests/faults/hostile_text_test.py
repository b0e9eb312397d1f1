"""A store of hostile text, an error of 20 MB among it, as every verb shows it.

    hostile_text_test.py BIN_DIR PLUGIN_DIR
"""

import html.parser
import json
import re
import sqlite3

from output_place import expect, try_parts

EVIL = (
    "\x1b]0;owned\x07\x1b[31m\x9b2J\u202egnp\u2066\r\nmarginalia: all is well\x7f\x00</script><script>alert(1)</script>"
    "<img src=x onerror=alert(1)>'\"--><svg onload=alert(1)>"
)
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def hostile_store(place):
    """The tiny store with every text of it replaced, and an error of 20 MB."""
    file = place.path / "hostile.db"
    source, store = sqlite3.connect(place.path / "store.db"), sqlite3.connect(file)
    source.backup(store)
    source.close()
    evil = EVIL.replace("\x00", "")  # SQLite's tools end a text there
    config = json.loads(store.execute("SELECT json FROM config").fetchone()[0])
    config["energy"][evil] = evil
    config["network"]["plugin"] = evil
    record = {
        "host": evil,
        "versions": {evil: evil},
        "git": {"commit": evil, "diff": ""},
        "command_line": [evil, evil],
        "plugins": [{"kind": evil, "name": evil, "path": evil, "sha256": evil}],
    }
    store.execute("UPDATE config SET json = ?", [json.dumps(config)])
    store.execute("UPDATE provenance SET json = ?", [json.dumps(record)])
    store.execute("DELETE FROM trial WHERE id > 2")
    store.execute("DELETE FROM sweep WHERE experiment = 'again'")
    store.execute("UPDATE sweep SET experiment = ?, description = ?, file = ?, toml = ?", [evil] * 4)
    store.execute(
        "UPDATE trial SET experiment = ?, host = ?, device = ?, error = ?", [evil, evil, evil, evil + "E" * 20_000_000]
    )
    store.execute("UPDATE trial SET status = 'failed' WHERE id = 2")
    store.execute("UPDATE metric_name SET name = ? || id", [evil])
    store.execute("UPDATE sample SET name = ?, data = ? WHERE rowid = (SELECT min(rowid) FROM sample)", [evil, evil])
    for kind, data in (
        ("text", evil),
        ("text", "a\n" + evil),
        ("svg", f"<svg><script>{evil}</script></svg>"),
        ("states", json.dumps({"shape": [2, 2], "categories": 2, "states": [[0, 1, 1, 0]], "texts": [evil]})),
        (evil, evil),
    ):
        store.execute(
            "INSERT OR REPLACE INTO sample VALUES (1, ?, 3, ?, ?)", [evil + kind + str(len(data)), kind, data]
        )
    store.commit()
    store.close()
    return file


class Page(html.parser.HTMLParser):
    """Which scripts, handlers and addresses a page has."""

    def __init__(self):
        super().__init__()
        self.scripts, self.bad = 0, []

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        if (tag, attributes) == ("link", [("rel", "icon"), ("href", "data:,")]):
            return
        if tag in ("iframe", "object", "embed", "base", "link", "svg"):
            self.bad.append(tag)
        for name, value in attributes:
            if name.startswith("on") or (
                name in ("src", "href") and not value.startswith(("#", "data:image/svg+xml;base64,"))
            ):
                self.bad.append(f"{tag} {name}={value[:80]}")


def hostile_text(place):
    file = hostile_store(place)
    evil_name = EVIL.replace("\x00", "")
    tried = (
        ["list"],
        ["list", "--experiments"],
        ["show", "1"],
        ["show", "2"],
        ["compare", "1", "2"],
        ["diff", "1", "2"],
        ["table", evil_name],
        ["best", "nothing"],
        ["list", "nothing"],
        ["table", evil_name, "-r", "nothing"],
        ["query", "SELECT * FROM trials"],
        ["query", "SELECT * FROM trials", "--format", "markdown"],
        ["query", "SELECT * FROM trials", "--format", "latex"],
        ["query", "SELECT data FROM samples"],
        ["sample", "1"],
        ["reproduce", "1"],
        ["show", "best:nothing"],
        ["doctor"],
        ["checkpoint", "export", "1", "--step", "77"],
    )
    for words in tried:
        code, out, err = place.run("--store", str(file), *words, code=None)
        text = out.decode(errors="replace") + err
        expect(code in (0, 2, 3, 4, 5), f"{words}: {code}\n{err[-500:]}")
        found = HARMFUL.search(text)
        expect(
            not found,
            f"{words} prints {found and found.group()!r}: {text[max(0, (found.start() if found else 0) - 80) :][:200]!r}",
        )
        expect("\nmarginalia: all is well" not in text, f"{words} lets a store speak for the program")
        expect(len(text) < 100_000, f"{words} prints {len(text)} bytes")
        shown, _ = place.on_terminal("--store", str(file), *words)
        found = HARMFUL.search(re.sub("\x1b\\[(3[123]|2|0)m|\r\n", "", shown))  # our own colours
        expect(not found, f"{words} on a terminal prints {found and found.group()!r}")
    # Programs get the text as it is.
    _, out, _ = place.run("--store", str(file), "query", "SELECT DISTINCT experiment FROM trials", "--format", "json")
    expect(json.loads(out)[0]["experiment"] == evil_name, "JSON changes the text")
    _, out, _ = place.run("--store", str(file), "query", "SELECT DISTINCT experiment FROM trials", "--format", "csv")
    expect(out.decode() == 'experiment\n"' + evil_name.replace('"', '""') + '"\n', "CSV changes the text")
    report(place, file)
    # Its pictures go into the folder, under names of one part.
    place.run("--store", str(file), "show", "1", "--pictures", "pictures", code=None)
    expect(all(f.parent.name == "pictures" for f in (place.path / "pictures").rglob("*")), "a picture lies elsewhere")


def report(place, file):
    place.run("--store", str(file), "report", "-o", "plain.html")
    place.run("--store", str(place.path / "store.db"), "report", "-o", "honest.html")
    hostile, honest = Page(), Page()
    text = (place.path / "plain.html").read_text(errors="replace")
    hostile.feed(text)
    honest.feed((place.path / "honest.html").read_text(errors="replace"))
    expect(
        hostile.scripts == honest.scripts,
        f"the hostile report has {hostile.scripts} scripts, an honest one {honest.scripts}",
    )
    expect(not hostile.bad and not honest.bad, f"the report has {hostile.bad + honest.bad}")
    expect(len(text) < 10_000_000, f"the report has {len(text)} bytes")


try_parts({"hostile text": hostile_text})
