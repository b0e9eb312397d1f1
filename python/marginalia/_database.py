"""One connection to a store that only reads, whoever made the file and whatever is done to it meanwhile."""

from __future__ import annotations

import os
import sqlite3
import time
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._errors import Error

LAYOUT = 5  # the store's layout version that this package reads; docs/store.md, "Keeping, copying, moving"
_APPLICATION = 0x4D617267  # "Marg", in the file's header
_SECONDS_BUSY = 10.0  # how long a lock is waited for
_ELSEWHERE = "name another file, or set MARGINALIA_STORE"
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def default_store() -> str:
    return os.environ.get("MARGINALIA_STORE") or "marginalia.db"


def _refuse_what_is_no_store(file: Path) -> None:
    def no_store(what: str) -> Error:
        return Error(f"{file} is not a marginalia store but {what}; {_ELSEWHERE}", 4)

    if not file.exists():
        raise Error(f"there is no store {file}; run an experiment first, or {_ELSEWHERE}", 4)
    if file.is_dir():
        raise no_store("a folder")
    if not file.is_file():
        raise no_store("no regular file")
    try:
        with file.open("rb") as stream:
            header = stream.read(100)
    except OSError as error:
        raise Error(
            f"store {file} cannot be read ({error.strerror}); change its permissions, or {_ELSEWHERE}", 4
        ) from None
    if not header:
        raise no_store("an empty file")
    if header[:16] != b"SQLite format 3\0":
        raise no_store("a file of another kind")
    if int.from_bytes(header[68:72], "big") != _APPLICATION:
        raise no_store("another program's SQLite database")


def _has_log(file: Path) -> bool:
    try:
        return os.path.getsize(f"{file}-wal") > 0
    except OSError:
        return False


def _mode(file: Path) -> str:
    """As the program's own readers open it: beside a log that is in use, strictly read-only. At rest, a connection that
    might write removes the files of SQLite's log when it closes, which a strict reader would leave behind; the
    authorizer keeps it from writing. Where nothing can be written, SQLite must not try to make those files."""
    if _has_log(file):
        return "mode=ro"
    writable = os.access(file, os.W_OK) and os.access(file.parent, os.W_OK | os.X_OK)
    return "mode=rw" if writable else "immutable=1"


def _allow_reading(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_UPDATE and first == "sqlite_master":
        return sqlite3.SQLITE_OK  # how json_each declares its columns; SQLite itself lets nobody else do it
    if action not in _READS or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


class Database:
    """Rows of SQL statements over a store. One thread; Ctrl-C stops a statement."""

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self.file = Path(file)
        _refuse_what_is_no_store(self.file)
        uri = f"file:{urllib.parse.quote(str(self.file.absolute()))}?{_mode(self.file)}"
        try:
            self._connection = sqlite3.connect(uri, uri=True, timeout=_SECONDS_BUSY, isolation_level=None)
        except sqlite3.Error as error:
            raise self._failure(error) from None
        try:
            # What a file brings along in its views calls no function that reaches outside.
            for pragma in ("trusted_schema = 0", "cell_size_check = 1", "query_only = 1"):
                self._connection.execute(f"PRAGMA {pragma}")
            version = self.rows("PRAGMA user_version")[1][0][0]
            self._check_layout(version)
            self._connection.set_authorizer(_allow_reading)
            self._connection.set_progress_handler(lambda: 0, 100_000)  # for Python to take Ctrl-C between steps
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns and the rows of one statement. A lock is waited for."""
        until = time.monotonic() + _SECONDS_BUSY
        while True:
            try:
                cursor = self._connection.execute(sql, values)
                return [column[0] for column in cursor.description or ()], cursor.fetchall()
            except (sqlite3.Error, sqlite3.Warning) as error:
                if str(error) == "interrupted":  # by Ctrl-C in the progress handler, which SQLite swallows
                    raise KeyboardInterrupt from None
                if not _is_busy(error) or time.monotonic() > until:
                    raise self._failure(error) from None
            time.sleep(0.05)

    def _check_layout(self, version: int) -> None:
        if version > LAYOUT:
            raise Error(
                f"store {self.file} has layout version {version} and this package knows versions up to {LAYOUT}; "
                f"install the package of the newer marginalia that wrote it",
                4,
            )
        if version < LAYOUT:
            raise Error(
                f"store {self.file} has the older layout version {version} and this package reads version {LAYOUT}; "
                f"bring it up to date with: marginalia resume --store {self.file}",
                4,
            )

    def _failure(self, error: Exception) -> Error:
        words = str(error)
        if _is_busy(error):
            return Error(
                f"store {self.file} stayed locked by another program; wait until that has ended and ask again", 4
            )
        if "not authorized" in words or "readonly" in words or "prohibited" in words or "only execute one" in words:
            return Error(f"a store is only read here, by one SELECT at a time ({words})")
        if isinstance(error, sqlite3.DatabaseError) and ("malformed" in words or "not a database" in words):
            return Error(
                f"store {self.file} is damaged ({words}); go back to a copy of it, or keep what is whole with: "
                f"marginalia recover {self.file} --out NEW",
                4,
            )
        if "unable to open" in words:
            return Error(f"store {self.file} cannot be opened ({words}); check its folder and permissions", 4)
        return Error(f"the statement was refused by SQLite: {words}")


def _is_busy(error: Exception) -> bool:
    return "locked" in str(error) or "busy" in str(error)
