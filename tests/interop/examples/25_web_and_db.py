"""25 Web and database: a server answers from SQLite, and its loop never waits for the disk.

What a client sends is limited: bytes and time. A length of 100 GB is refused.
Twin: 25_web_and_db.rs. There the compiler refuses two threads at one connection.
"""

import asyncio
import contextlib
import re
import sqlite3

# How many bytes the first line and the headers may have, and the body.
HEAD = 16 * 1024
BODY = 64 * 1024
# How long a client may take for a request, or to take an answer, in seconds.
PATIENCE = 10

SCHEMA = """
create table user (id integer primary key, name text not null);
insert into user values (1, 'ada'), (2, 'bob');
"""


class Database:
    async def __aenter__(self):
        self.lock = asyncio.Lock()  # for one thread at a time: nothing else sees to it
        self.connection = await asyncio.to_thread(self.connect)
        return self

    async def __aexit__(self, *exc):
        await asyncio.to_thread(self.connection.close)
        print("database closed")

    def connect(self):
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.executescript(SCHEMA)
        return connection

    def select(self, user):
        sql = "select name from user where id = ?"
        return self.connection.execute(sql, (user,)).fetchone()

    async def name_of(self, user):
        async with self.lock:
            row = await asyncio.to_thread(self.select, user)
        return row and row[0]


class Refused(Exception):
    """A message that is not read on; the text is the status."""


async def read_message(reader):
    """The first line of a request or an answer, and the body; None at the end."""
    head = Head(reader)
    if (first := await head.line()) is None:
        return None
    length = None
    while header := await head.line():
        name, colon, value = header.partition(":")
        name = name.lower()
        known = name in ("content-length", "transfer-encoding")
        # Two lengths, or a body in pieces: two programs may disagree where it ends.
        is_second = length not in (None, body_length(value)) if name == "content-length" else known
        if not colon or is_second or name.split() != [name]:
            raise Refused("400 Bad Request")
        if name == "content-length":
            length = body_length(value)
    if header is None:
        raise EOFError
    return first, decoded(await reader.readexactly(length or 0))


class Head:
    """The lines before the body: all together have a limit."""

    def __init__(self, reader):
        self.reader, self.left = reader, HEAD

    async def line(self):
        """A line without its end; None at the end of the stream."""
        try:
            line = await self.reader.readline()
        except ValueError:  # longer than the limit of the stream
            raise Refused("431 Request Header Fields Too Large") from None
        self.left -= len(line)
        if self.left < 0 or self.left == 0 and not line.endswith(b"\n"):
            raise Refused("431 Request Header Fields Too Large")
        if not line.endswith(b"\n"):
            if line:
                raise EOFError
            return None
        return decoded(line).rstrip()


def decoded(text):
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Refused("400 Bad Request") from None


def body_length(value):
    if not re.fullmatch(r"[0-9]+", value.strip()):
        raise Refused("400 Bad Request")
    digits = value.strip().lstrip("0") or "0"
    # Python refuses to read a number of thousands of digits.
    if len(digits) > len(str(BODY)) or int(digits) > BODY:
        raise Refused("413 Content Too Large")
    return int(digits)


async def answer(db, request):
    match = re.fullmatch(r"GET /user/(\d+) HTTP/1\.1", request)
    if not match:
        return "400 Bad Request", "no such question"
    try:
        name = await db.name_of(int(match[1]))
    except sqlite3.Error as error:
        return "500 Internal Server Error", str(error)
    return ("200 OK", f"user {name}") if name else ("404 Not Found", "no such user")


async def send(writer, status, body):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\n\r\n"
    writer.write((head + body).encode())
    async with asyncio.timeout(PATIENCE):
        await writer.drain()


async def refuse(reader, writer, status):
    """The last answer: where the next request begins is not known."""
    await send(writer, status, "refused")
    writer.write_eof()
    # What the client still sends is read for a moment: a reset would take the answer from it.
    async with asyncio.timeout(1):
        while await reader.read(65536):
            pass


async def handle(db, reader, writer):
    try:
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    message = await read_message(reader)
            except Refused as refused:
                return await refuse(reader, writer, str(refused))
            except TimeoutError:
                return await refuse(reader, writer, "408 Request Timeout")
            if not message:
                break
            await send(writer, *await answer(db, message[0]))
    except (EOFError, OSError):  # the client has gone, or does not read
        pass
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def server(db):
    server = await asyncio.start_server(lambda *ends: handle(db, *ends), "127.0.0.1", 0, limit=HEAD)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        print("server closed")


async def fetch(port, *paths):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for path in paths:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answers.append((path, *await read_message(reader)))
    writer.close()
    await writer.wait_closed()
    return answers


async def main():
    async with Database() as db, server(db) as port:
        clients = fetch(port, "/user/1", "/user/2"), fetch(port, "/user/3")
        for answers in await asyncio.gather(*clients):
            for answer in answers:
                print(*answer, sep=" | ")


if __name__ == "__main__":
    asyncio.run(main())
