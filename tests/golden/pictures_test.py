"""Pictures in terminals: what a terminal is sent, decoded back to pixels, has the curve where the store's numbers are; pipes and
NO_COLOR get no escape codes; a drawing from a stranger ends nothing and grows within bounds.

    pictures_test.py BIN_DIR MAKE_SAMPLE_STORE
"""

import base64
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

programs, make_sample = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
WHITE = (255, 255, 255)


def decoded_sixel(data):
    """Rows of (red, green, blue); the last picture of the output."""
    body = data.rpartition(b"\x1bP")[2].partition(b"\x1b\\")[0].partition(b"q")[2].decode()
    size = re.match(r'"\d+;\d+;(\d+);(\d+)', body)
    width, height = int(size[1]), int(size[2])
    rows = [[WHITE] * width for _ in range(height)]
    colours, colour, x, top = {}, WHITE, 0, 0
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([?-~])|([$-])", body[size.end() :]):
        number, red, green, blue, times, repeated, single, move = token.groups()
        if number:
            if red:
                colours[number] = tuple(round(int(part) * 2.55) for part in (red, green, blue))
            else:
                colour = colours[number]
        elif move:
            x, top = 0, top + 6 * (move == "-")
        else:
            for _ in range(int(times or 1)):
                for bit in range(6):
                    if (ord(repeated or single) - 63) >> bit & 1 and top + bit < height:
                        rows[top + bit][x] = colour
                x += 1
    return rows


def decoded_kitty(data):
    start = data.rindex(b"\x1b_Ga=T")
    head = dict(pair.split("=") for pair in data[start + 3 : data.index(b"\x1b\\", start)].decode().partition(";")[0].split(","))
    parts = re.findall(rb"\x1b_Gm=1;([^\x1b]*)\x1b\\", data[start:])
    pixels = b"".join(base64.b64decode(part) for part in parts)
    width, height = int(head["s"]), int(head["v"])
    assert head["f"] == "32" and len(pixels) == 4 * width * height, (head, len(pixels))
    return [[tuple(pixels[4 * (y * width + x) :][:3]) for x in range(width)] for y in range(height)]


def is_near(pixel, colour):
    return max(abs(a - b) for a, b in zip(pixel, colour)) < 48


def is_dark(pixel):
    """Of an axis, of which a scaled picture may have half the strength."""
    return max(pixel) < 180 and max(pixel) - min(pixel) < 12


def is_blue(pixel):
    return pixel[2] - pixel[0] > 50


class Pictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        subprocess.run([make_sample, cls.path / "marginalia.db"], check=True)
        cls.environment = {name: value for name, value in os.environ.items()
                           if name not in ("MARGINALIA_STORE", "NO_COLOR", "COLUMNS", "KITTY_PID")}
        cls.environment["LC_ALL"] = "C.UTF-8"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def piped(self, *words, code=0, **environment):
        done = subprocess.run([programs / "marginalia", *words], cwd=self.path, env={**self.environment, **environment},
                              capture_output=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr.decode()

    def on_terminal(self, *words, cell=(10, 20), **environment):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 100 * cell[0], 40 * cell[1]))
        process = subprocess.Popen([programs / "marginalia", *words], cwd=self.path, stdout=theirs, stderr=subprocess.DEVNULL,
                                   env={**self.environment, **environment})
        os.close(theirs)
        output = b""
        try:
            while piece := os.read(ours, 1 << 16):
                output += piece
        except OSError:
            pass
        self.assertEqual(process.wait(60), 0, output[-500:])
        os.close(ours)
        return output.replace(b"\r\n", b"\n")

    def expect_curve(self, rows):
        """The one curve of experiment `single`, between the axes that the picture has."""
        points = sqlite3.connect(self.path / "marginalia.db").execute(
            "SELECT step, value FROM metrics WHERE trial_id = 13 AND name = 'loss' ORDER BY step").fetchall()
        columns = list(zip(*rows))
        left = max(range(len(columns)), key=lambda x: sum(map(is_dark, columns[x])))
        bottom = max(range(len(rows)), key=lambda y: sum(map(is_dark, rows[y])))
        top = min(y for y in range(bottom) if all(is_dark(columns[left][down]) for down in range(y, bottom)))
        right = max(x for x in range(len(columns)) if any(map(is_blue, columns[x][: bottom + 2])))
        self.assertGreater((right - left) * (bottom - top), 0.5 * len(rows) * len(columns))
        first, last = points[0][0], points[-1][0]
        low, high = min(value for _, value in points), max(value for _, value in points)
        for step, value in points[1:-1]:
            x = int(left + 0.5 + (step - first) / (last - first) * (right - left))
            y = bottom - (value - low) / (high - low) * (bottom - top)
            drawn = [row for row in range(len(rows)) if any(is_blue(pixel) for pixel in rows[row][x - 1 : x + 2])]
            self.assertTrue(drawn and min(abs(row - y) for row in drawn) < 3, (step, value, x, y, drawn))

    def test_sixels_show_the_curve_where_its_numbers_are(self):
        self.expect_curve(decoded_sixel(self.piped("plot", "loss", "-e", "single", "--format", "sixel")))

    def test_kitty_shows_the_same(self):
        self.expect_curve(decoded_kitty(self.piped("plot", "loss", "-e", "single", "--format", "kitty")))

    def test_a_terminal_is_shown_what_it_is_known_to_take_in_its_own_cells(self):
        rows = decoded_sixel(self.on_terminal("plot", "loss", "-e", "single", "--size", "60x15", cell=(12, 24), TERM="foot"))
        self.assertEqual((len(rows[0]), len(rows)), (720, 360))
        self.expect_curve(rows)
        self.expect_curve(decoded_kitty(self.on_terminal("plot", "loss", "-e", "single", TERM="xterm-kitty")))
        self.assertIn("⢣".encode(), self.on_terminal("plot", "loss", "-e", "single", TERM="xterm-256color"))

    def test_neither_pipes_nor_no_color_get_escape_codes(self):
        for words in (["plot", "loss", "-e", "lattice"], ["show", "1"], ["show", "1", "--pictures", "always"]):
            self.assertNotIn(b"\x1b", self.piped(*words, TERM="xterm-kitty"))
        for words in (["plot", "loss", "-e", "lattice"], ["show", "1"]):
            self.assertNotIn(b"\x1b", self.on_terminal(*words, TERM="xterm-kitty", NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.on_terminal("show", "1", "--pictures", "never", TERM="xterm-kitty", NO_COLOR="1"))
        self.assertIn(b"\x1bP", self.on_terminal("show", "1", "--pictures", "always", TERM="xterm-256color"))
        self.assertNotRegex(self.piped("plot", "loss", "-e", "lattice", LC_ALL="C"), rb"[^\n -~]")

    def test_show_draws_the_states_that_the_store_keeps(self):
        text = self.on_terminal("show", "1", TERM="foot")
        self.assertIn(b"\nmodel at step 2000\n\x1bP", text)
        rows = decoded_sixel(text)
        black, white, gutter = (sum(is_near(pixel, colour) for row in rows for pixel in row)
                                for colour in ((0, 0, 0), WHITE, (58, 74, 104)))
        states = json.loads(sqlite3.connect(self.path / "marginalia.db").execute(
            "SELECT data FROM samples WHERE trial_id = 1 AND name = 'model'").fetchone()[0])["states"]
        ones = sum(map(sum, states)) / sum(map(len, states))
        self.assertGreater(gutter, 0.1 * len(rows) * len(rows[0]))
        # Of the picture's squares as many are white as of the sites; the rest of the last line of cells is white too.
        self.assertAlmostEqual((white - rows_below(rows)) / (black + white - rows_below(rows)), ones, delta=0.05)

    def test_hostile_drawings_are_refused_within_bounds(self):
        deep = "<g>" * 100_000
        uses = "".join(f'<g id="a{i}">' + f'<use href="#a{i - 1}"/>' * 10 + "</g>" for i in range(1, 12))
        svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">%s</svg>'
        for name, document in {
            "deep": svg % deep,
            "laughs": svg % ('<rect id="a0" width="9" height="9"/>' + uses + '<use href="#a11"/>'),
            "file": svg % '<image href="file:///etc/passwd" width="9" height="9"/>',
            "vast": '<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e-9"/>',
            "none": "\x1b[2Jnothing",
            "cut": "\x89PNG\r\n\x1a\n",
        }.items():
            done = subprocess.run([programs / "marginalia-picture", "sixel", "80", "24", "10", "20"],
                                  input=document.encode("latin-1"), capture_output=True, timeout=60)
            self.assertLess(len(done.stdout), 4_000_000, name)
            self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 2_200_000, name)
            if done.returncode not in (0, -24, -9, -6):  # killed where it takes more than it may have
                self.assertRegex(done.stderr.decode(), r"^marginalia-picture: [^\x1b]+\n$", name)

    def test_a_drawing_that_cannot_be_shown_does_not_keep_the_rest_from_being_shown(self):
        store = sqlite3.connect(self.path / "marginalia.db")
        other = sqlite3.connect(self.path / "hostile.db")
        store.backup(other)
        for name, kind, data in (("\x1b[2Jevil", "svg", "<svg \x1b[2J"), ("odd", "states", '{"shape": [1e99, -1]}')):
            other.execute("INSERT INTO sample(trial, name, step, kind, data) VALUES (1, ?, 2000, ?, ?)", (name, kind, data))
        other.commit()
        text = self.on_terminal("--store", "hostile.db", "show", "1", TERM="foot")
        self.assertIn(b"the drawing is no SVG document", text)
        self.assertIn(b"\nmodel at step 2000\n\x1bP", text)
        self.assertNotIn(b"\x1b[2J", text)

    def test_files_are_png_and_svg_and_a_wrong_ending_is_refused(self):
        self.piped("plot", "loss", "kl", "-e", "lattice", "-o", "two.png", "--size", "50x12")
        head = (self.path / "two.png").read_bytes()[:24]
        self.assertEqual((head[:4], struct.unpack(">II", head[16:])), (b"\x89PNG", (1000, 960)))
        self.piped("plot", "loss", "-e", "lattice", "-o", "one.svg")
        self.assertEqual((self.path / "one.svg").read_bytes(), self.piped("plot", "loss", "-e", "lattice", "--format", "svg", "-o", "-"))
        self.assertIn("x.gif: its ending names no format; end it in .png or .svg", self.piped("plot", "loss", "-o", "x.gif", code=2))


def rows_below(rows):
    """Pixels of the cells that the picture does not fill: its own last row is gutter."""
    gutters = [y for y, row in enumerate(rows) if is_near(row[0], (58, 74, 104))]
    below = (len(rows) - 1 - gutters[-1]) * len(rows[0])
    right = sum(1 for pixel in rows[0] if is_near(pixel, WHITE)) * (gutters[-1] + 1)
    return below + right


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
