"""The program at work for minutes or days: what it says reaches whoever waits, and Ctrl-C reaches it, once."""

from __future__ import annotations

import codecs
import ctypes
import errno
import fcntl
import os
import pty
import selectors
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._errors import Error
from ._program import environment

_KEPT = 100_000  # characters of what it said last
_prctl = ctypes.CDLL(None).prctl


def _end_with_parent() -> None:
    """Runs in the child: where this Python (or the thread that waits) is gone, the program checkpoints and stops
    instead of going on unseen. Between fork and exec, so it only calls what has been looked up before."""
    _prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@dataclass
class Ended:
    code: int
    said: str  # the end of standard error
    interrupted: bool  # by Ctrl-C here


def in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def on_terminal() -> bool:
    """Whether standard error is a terminal that can show a block of lines being redrawn."""
    try:
        return not in_notebook() and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    except (AttributeError, ValueError):
        return False


def _pipe(terminal: bool) -> tuple[int, int]:
    """What is read here, and the program's standard error: a terminal of this one's size, or a pipe."""
    if not terminal:
        return os.pipe()
    ours, its = pty.openpty()
    try:
        size = os.get_terminal_size(sys.stderr.fileno())
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))
    except (OSError, ValueError):
        pass
    return ours, its


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError as error:
        if error.errno == errno.EIO:  # of a terminal whose other side is closed
            return b""
        raise


def run_child(command: Sequence[str], hear: Callable[[str], None], wait: Callable[[], None], terminal: bool) -> Ended:
    """Runs the program to its end. hear(text) is called with what it says, wait() several times a second.

    It is a process group of its own, so that a Ctrl-C, which a terminal sends to all of a group and Jupyter as well,
    comes from here alone: the first makes it checkpoint and stop, a second one ends it at once.
    """
    ours, its = _pipe(terminal)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=its,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            env=environment(),
        )
    except OSError as error:
        os.close(ours)
        raise Error(f"{command[0]} cannot be started ({error.strerror})", 3) from None
    finally:
        os.close(its)
    try:
        return _attend(child, ours, hear, wait)
    finally:
        os.close(ours)
        if child.poll() is None:
            child.terminate()
            child.wait()


def _attend(child: subprocess.Popen[bytes], ours: int, hear: Callable[[str], None], wait: Callable[[], None]) -> Ended:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    ended = Ended(0, "", False)
    with selectors.DefaultSelector() as selector:
        selector.register(ours, selectors.EVENT_READ)
        open_ = True
        while open_:
            try:
                if selector.select(0.2):
                    data = _read(ours)
                    open_ = bool(data)
                    text = decode(data)
                    ended.said = (ended.said + text)[-_KEPT:]
                    hear(text)
                elif child.poll() is not None:  # and somebody else has its standard error open
                    open_ = False
                wait()
            except KeyboardInterrupt:
                ended.interrupted = True
                child.send_signal(signal.SIGINT)
    ended.code = _end_of(child, ended)
    return ended


def _end_of(child: subprocess.Popen[bytes], ended: Ended) -> int:
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            ended.interrupted = True
            child.send_signal(signal.SIGINT)
            time.sleep(0.1)
