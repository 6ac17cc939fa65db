"""21 Echo: a TCP server and its clients in one loop, a task for each connection.

Twin: 21_echo.rs. There start_server is a loop around accept.
"""

import asyncio


async def handle(reader, writer):
    while line := await reader.readline():
        writer.write(b"echo " + line)
        await writer.drain()
    writer.close()


async def client(port, name, count):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for i in range(count):
        writer.write(f"{name} {i}\n".encode())
        print((await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await client(port, "one", 2)
    await client(port, "two", 1)
    server.close()
    print("server closed")


asyncio.run(main())
