"""`marginalia serve`: what it answers and refuses, slow and hostile clients, stores that change, break and go while they are
served.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--program", required=True)
parser.add_argument("--sample", required=True)
arguments = parser.parse_args()
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "60"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
PATHS = [
    "/",
    "/api/store",
    "/api/experiments",
    "/api/experiment?name=lattice",
    "/api/curves?metric=loss&trials=1,2,3",
    "/api/trial?id=1",
    "/api/samples?trials=1,2",
    "/api/running",
]
failures = []


def expect(right, what):
    if not right:
        failures.append(what)
        print("FAILED", what, flush=True)


class Server:
    def __init__(self, store, *words):
        self.process = subprocess.Popen(
            [arguments.program, "--store", store, "serve", "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()
        found = re.fullmatch(r"http://([^/]+):(\d+)/(\?token=(\S+))?", self.address)
        expect(found, f"this is not an address: {self.address!r}")
        self.port, self.token = int(found[2]), found[4]

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, target, method="GET", timeout=20, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, target, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer

    def json(self, target):
        code, body, _ = self.ask(target)
        return code, json.loads(body)

    def raw(self, request):
        """The first line of what is answered to these bytes; empty: the connection was closed."""
        with self.connect() as client:
            with contextlib.suppress(OSError):
                client.sendall(request)
                client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                return client.makefile("rb").readline().decode("latin-1").strip()
        return ""

    def lives(self):
        return self.process.poll() is None and self.ask("/api/nothing")[0] in (404, 503)

    def memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def stop(self, with_signal=signal.SIGINT):
        self.process.send_signal(with_signal)
        words = self.process.communicate(timeout=20)[1]
        expect(self.process.returncode == 128 + with_signal, f"stopped with {self.process.returncode}: {words}")


@contextlib.contextmanager
def serving(store, *words):
    server = Server(str(store), *words)
    try:
        yield server
        expect(server.lives(), "the server has ended")
        server.stop()
    finally:
        server.process.kill()
        server.process.communicate()


def answers(store):
    with serving(store) as server:
        code, page, answer = server.ask("/")
        expect(code == 200 and page.startswith(b"<!DOCTYPE html>"), f"the page is {code} {page[:40]}")
        policy = answer.getheader("Content-Security-Policy")
        expect("default-src 'none'" in policy and "frame-ancestors 'none'" in policy, policy)
        for name, text in (
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Set-Cookie", None),
            ("Access-Control-Allow-Origin", None),
        ):
            expect(answer.getheader(name) == text, f"{name}: {answer.getheader(name)}")
        for path in PATHS[1:]:
            code, body = server.json(path)
            expect(code == 200 and list(body) != ["error"], f"{path}: {code} {body}")
        code, body, answer = server.ask("/api/store", "HEAD")
        expect(code == 200 and not body and int(answer.getheader("Content-Length")) > 10, "HEAD has a body")
        experiments = server.json("/api/experiments")[1]["experiments"]
        expect([each["name"] for each in experiments] == ["single", "lattice"], experiments)
        chosen = server.json("/api/experiment?name=lattice&where=kl%20%3C%200.03")[1]["trials"]
        expect([trial["id"] for trial in chosen] == [4, 6], chosen)
        with server.connect() as client:  # one connection, several questions
            for _ in range(3):
                client.sendall(b"GET /api/store HTTP/1.1\r\nHost: localhost\r\n\r\n")
                expect(client.recv(65536).startswith(b"HTTP/1.1 200"), "a connection is not kept")


def refuses(store):
    with serving(store) as server:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            code, body, _ = server.ask("/api/store", method)
            expect(code == 405 and "only reads" in json.loads(body)["error"], f"{method}: {code} {body}")
        for host in ("evil.example", "evil.example:8420", "127.0.0.1.evil.example", ""):
            code, body, _ = server.ask("/api/store", Host=host)
            expect(code == 403 and "for this machine alone" in json.loads(body)["error"], f"Host {host}: {code} {body}")
        expect(server.ask("/api/store", Sec_Fetch_Site="cross-site")[0] == 403, "another site's page is answered")
        for target, code, sentence in (
            ("/api/experiment?name=lattice&where=kll%3C1", 400, "'kll' is neither a config key nor a metric"),
            ("/api/experiment?name=lattice&where=kl%3C", 400, "ends where a value should stand"),
            ("/api/experiment?name=latice", 404, "there is no experiment 'latice' in this store"),
            ("/api/experiment", 400, "/api/experiment needs ?name="),
            ("/api/curves?metric=loss&trials=" + ",".join(["1"] * 201), 400, "ask for at most 200 at once"),
            ("/api/curves?metric=loss&trials=1&points=1", 400, "points=1 is not a whole number from 2 to 5000"),
            ("/api/trial?id=99", 404, "there is no trial 99"),
            ("/api/trial?id=-1", 400, "is not a list of numbers"),
            ("/api/trial?id=%00", 400, "id=\\x00 is not a list of numbers"),
            ("/api/experiment?name=%zz", 400, "that two hexadecimal digits do not follow"),
            ("/api/experiment?name=lattice&where=" + "(" * 3000, 400, ""),
            ("/" + "a" * 9000, 414, "8000 bytes"),
        ):
            got, body = server.json(target)
            expect(got == code and sentence in body["error"], f"{target[:60]}: {got} {body}")
        for target in (
            "/../../../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "//etc/passwd",
            "/..%2f..%2fetc%2fpasswd",
            "/api/../api/store",
            "/api/store/",
            "/marginalia.db",
            "/etc/passwd%00.html",
            "http://evil.example/api/store",
        ):
            line = server.raw(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            expect(line == "HTTP/1.1 404 Not Found", f"{target}: {line}")
        for request, line in (
            (b"GET /api/store HTTP/1.0\r\n\r\n", "HTTP/1.1 403 Forbidden"),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "HTTP/1.1 431 "),
            (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n", "HTTP/1.1 431 "),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + b"\r\n\r\n", "HTTP/1.1 400 Bad Request"),
            (b"GET\r\n\r\n", "HTTP/1.1 400 Bad Request"),
            (b"GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        ):
            got = server.raw(request)
            expect(got.startswith(line), f"{request[:40]}: {got}")
        with server.connect() as client:  # what follows a body is no second request
            client.sendall(
                b"GET /api/store HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n"
                b"GET /api/running HTTP/1.1\r\nHost: localhost\r\n\r\n" + b" " * 10
            )
            client.shutdown(socket.SHUT_WR)
            expect(client.makefile("rb").read().count(b"HTTP/1.1 200") == 1, "a body is taken for a request")


def asks_for_a_token(store, folder):
    with serving(store, "--address", "0.0.0.0") as server:
        token = server.token
        expect(token and len(token) == 32, f"there is no token in {server.address}")
        for path in ("/", "/api/store", "/api/events", "/api/store?token=", f"/api/store?token={token[:-1]}x"):
            code, body, _ = server.ask(path)
            expect(
                code == 401 and "the token is missing or wrong" in json.loads(body)["error"], f"{path}: {code} {body}"
            )
            expect(token.encode() not in body, "a refusal tells the token")
        code, _, answer = server.ask(f"/?token={token}")
        cookie = answer.getheader("Set-Cookie")
        expect(code == 200 and cookie.endswith("; Path=/; HttpOnly; SameSite=Strict"), f"{code} {cookie}")
        kept = cookie.split(";")[0]
        expect(server.ask("/api/store", Cookie=kept)[0] == 200, "the cookie does not do")
        expect(server.ask("/api/store", Cookie=kept + "0")[0] == 401, "a wrong cookie does")
        expect(server.ask("/api/store", Authorization=f"Bearer {token}")[0] == 200, "the header does not do")
        expect(server.ask("/api/store", Authorization=f"Bearer {token}0")[0] == 401, "a wrong header does")
        expect(server.ask("/api/nothing", Cookie=kept)[0] == 404, "with the token there is something at nothing")
        server.lives = lambda: server.ask("/api/store", Cookie=kept)[0] == 200
    file = folder / "token"
    with serving(store, "--token-file", file) as server:
        expect(stat.S_IMODE(file.stat().st_mode) == 0o600, "others may read the file of the token")
        expect(server.token == file.read_text().strip(), "the address has not the file's token")
        expect(server.ask("/api/store")[0] == 401, "the file's token is not asked for")
        expect(server.ask(f"/api/store?token={server.token}")[0] == 200, "the file's token does not do")
        server.lives = lambda: server.ask("/api/store")[0] == 401


def slow_clients(store):
    """They hold no one up, whether they do not ask, ask slowly, or do not read what they asked for."""
    with serving(store) as server:
        before = server.memory()
        clients = []
        for number in range(400):
            client = server.connect()
            with contextlib.suppress(OSError):
                if number % 4 == 1:
                    client.sendall(b"GET /api/store HTTP/1.1\r\nHost: local")
                elif number % 4 == 2:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
                elif number % 4 == 3:
                    client.sendall(b"GET /api/experiments HTTP/1.1\r\n")
            clients.append(client)
            if number % 50 == 63 % 50:
                began = time.monotonic()
                expect(server.json("/api/experiments")[0] == 200, "others are not answered")
                expect(time.monotonic() - began < 5, f"others wait {time.monotonic() - began:.1f} s")
        expect(server.memory() - before < 200, f"memory grew from {before:.0f} to {server.memory():.0f} MB")
        for client in clients:
            client.close()


class Events:
    def __init__(self, server):
        self.client = server.connect()
        self.client.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.lines = self.client.makefile("r", encoding="utf-8")
        self.status = self.lines.readline().split()[1]
        while self.lines.readline().strip():
            pass

    def revision(self):
        self.client.settimeout(10)  # heartbeats come each 15 s
        try:
            while not (line := self.lines.readline()).startswith("data: "):
                if not line:
                    return 0
            return json.loads(line[6:])["revision"]
        except OSError:
            return 0

    def close(self):
        self.lines.close()
        self.client.close()


def events(store):
    with serving(store) as server:
        stream = Events(server)
        first = stream.revision()
        expect(server.json("/api/experiments")[1]["revision"] == first, "answers have another revision than events")
        with contextlib.closing(sqlite3.connect(store)) as connection:
            connection.execute("UPDATE trial SET error = 'changed' WHERE id = 10")
            connection.commit()
        second = stream.revision()
        expect(second > first, f"a change is no event: {first}, {second}")
        expect(server.json("/api/trial?id=10")[1]["error"] == "changed", "what is changed is not read")
        stream.close()
        streams = [Events(server) for _ in range(33)]
        expect([each.status for each in streams].count("200") == 32, "there are not 32 streams")
        expect(streams[-1].status == "503", "there is a stream too many")
        for each in streams:
            each.close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and (again := Events(server)).status != "200":
            again.close()
        expect(again.status == "200", "streams that were closed are still counted")
    # Ctrl-C does not wait for the stream that is open.


def changing_store(store, folder):
    served = folder / "served.db"
    shutil.copy(store, served)
    with serving(served) as server:
        stream = Events(server)
        seen = [stream.revision()]

        def says(code, sentence, what):
            got, body = server.json("/api/experiments")
            said = body.get("error", "")
            expect(got == code and sentence in said, f"{what}: {got} {said}")
            expect(server.ask("/")[0] == 200, f"{what}: the page is gone")
            if what:
                seen.append(stream.revision())
                expect(seen[-1] > seen[-2], f"{what}: no event")

        says(200, "", "")
        served.rename(folder / "away.db")
        says(503, "there is no store", "a store that has gone")
        (folder / "away.db").rename(served)
        says(200, "", "a store that is back")
        other = folder / "other.db"
        shutil.copy(store, other)
        with contextlib.closing(sqlite3.connect(other)) as connection:
            connection.execute("UPDATE trial SET experiment = 'replaced'")
            connection.execute("UPDATE sweep SET experiment = 'replaced'")
            connection.commit()
        os.replace(other, served)
        says(200, "", "a store that was replaced")
        names = [each["name"] for each in server.json("/api/experiments")[1]["experiments"]]
        expect(names == ["replaced"], f"the store before is shown: {names}")
        other.write_text("these are words, not a store\n")
        os.replace(other, served)
        says(503, "is not a marginalia store", "a file of words")
        shutil.copy(store, other)
        with contextlib.closing(sqlite3.connect(other)) as connection:
            connection.execute("PRAGMA user_version = 99")
            connection.commit()
        os.replace(other, served)
        got, body = server.json("/api/experiments")
        expect(got == 503 and "newer" in body["error"], f"a newer store: {got} {body}")
        stream.close()


def random_clients(store, folder, chance):
    """Requests with random bytes in them, and a store with some."""
    counts = {"answered": 0, "refused": 0}
    whole = pathlib.Path(store).read_bytes()
    served = folder / "damaged.db"
    served.write_bytes(whole)
    with serving(served) as server:
        for _ in range(ROUNDS):
            request = bytearray(
                f"GET {chance.choice(PATHS)} HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\n\r\n".encode()
            )
            for _ in range(chance.randrange(1, 8)):
                request[chance.randrange(len(request))] = chance.randrange(256)
            counts["answered" if server.raw(bytes(request)).startswith("HTTP/1.1 200") else "refused"] += 1
        for _ in range(ROUNDS):
            damaged = bytearray(whole)
            for _ in range(chance.choice((1, 10, 1000))):
                damaged[chance.randrange(100, len(damaged))] = chance.randrange(256)
            other = folder / "other.db"
            other.write_bytes(damaged[: chance.choice((len(damaged), len(damaged) // 2))])
            os.replace(other, served)
            for path in PATHS:
                code, body, _ = server.ask(path)
                if path != "/":
                    text = json.loads(body)
                    expect(code in (200, 400, 404, 503), f"{path} of a damaged store: {code} {body[:200]}")
                    expect((code == 200) != ("error" in text and len(text) == 1), f"{path}: {code} {body[:200]}")
                counts["answered" if code == 200 else "refused"] += 1
        expect(server.lives(), "the server has ended")
    print(
        f"serve: {sum(counts.values())} inputs, {counts['answered']} answered, {counts['refused']} refused, {len(failures)} faults"
    )


def ports(store):
    with serving(store) as server:
        words = [arguments.program, "--store", store, "serve", "--port", str(server.port)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
        expect(done.returncode == 2 and "Address already in use; choose another by --port" in done.stderr, done.stderr)
        done = subprocess.run([*words[:4], "--address", "203.0.113.7"], capture_output=True, text=True, timeout=20)
        expect(done.returncode == 2 and "cannot listen at 203.0.113.7" in done.stderr, done.stderr)
    server = Server(store)
    server.stop(signal.SIGTERM)


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    store = str(folder / "marginalia.db")
    subprocess.run([arguments.sample, store], check=True)
    answers(store)
    refuses(store)
    asks_for_a_token(store, folder)
    slow_clients(store)
    events(store)
    changing_store(store, folder)
    ports(store)
    random_clients(store, folder, random.Random(SEED))
raise SystemExit(1 if failures else 0)
