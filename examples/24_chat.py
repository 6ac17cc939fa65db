"""24 Chat: a server with a task for each client, state that they share, a clean leave.

Twin: 24_chat.rs. There the shared state is in an Rc<RefCell<..>>.
"""

import asyncio

clients = {}


async def read_line(reader):
    return (await reader.readline()).decode().strip()


async def broadcast(text, sender=None):
    for name, writer in list(clients.items()):
        if name != sender:
            writer.write((text + "\n").encode())
            await writer.drain()


async def handle(reader, writer):
    name = await read_line(reader)
    clients[name] = writer
    await broadcast(f"* {name} joined", name)
    while line := await read_line(reader):
        await broadcast(f"{name}: {line}", name)
    del clients[name]
    writer.close()
    await broadcast(f"* {name} left")


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ann_reader, ann = await asyncio.open_connection("127.0.0.1", port)
    ann.write(b"ann\n")
    while "ann" not in clients:
        await asyncio.sleep(0.005)
    bob_reader, bob = await asyncio.open_connection("127.0.0.1", port)
    bob.write(b"bob\n")
    print("ann sees", await read_line(ann_reader))
    ann.write(b"hi bob\n")
    print("bob sees", await read_line(bob_reader))
    bob.write(b"hi ann\n")
    print("ann sees", await read_line(ann_reader))
    bob.close()
    print("ann sees", await read_line(ann_reader))
    ann.close()
    server.close()
    while clients:
        await asyncio.sleep(0.005)
    print("online", len(clients))


asyncio.run(main())
