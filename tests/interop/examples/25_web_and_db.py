"""25 Web and database: a server answers from SQLite, and its loop never waits for the disk.

Twin: 25_web_and_db.rs. There the compiler refuses two threads at one connection.
"""

import asyncio
import contextlib
import re
import sqlite3

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


async def read_message(reader):
    """The first line of a request or an answer, and the body; None at the end."""
    first, length = (await reader.readline()).decode().strip(), 0
    if not first:
        return None
    while header := (await reader.readline()).decode().strip():
        name, _, value = header.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    return first, (await reader.readexactly(length)).decode()


async def answer(db, request):
    match = re.fullmatch(r"GET /user/(\d+) HTTP/1\.1", request)
    if not match:
        return "400 Bad Request", "no such question"
    try:
        name = await db.name_of(int(match[1]))
    except sqlite3.Error as error:
        return "500 Internal Server Error", str(error)
    return ("200 OK", f"user {name}") if name else ("404 Not Found", "no such user")


async def handle(db, reader, writer):
    while message := await read_message(reader):
        status, body = await answer(db, message[0])
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


@contextlib.asynccontextmanager
async def server(db):
    server = await asyncio.start_server(lambda *ends: handle(db, *ends), "127.0.0.1", 0)
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


asyncio.run(main())
