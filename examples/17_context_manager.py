"""17 Context manager: async with, for a file and a lock.

Twin: 17_context_manager.rs. There the blocks are scopes, and a file's close is a call.
"""

import asyncio
import os
import tempfile


class AsyncFile:
    def __init__(self, path, mode):
        self.path, self.mode = path, mode

    async def __aenter__(self):
        self.file = await asyncio.to_thread(open, self.path, self.mode)
        print("opened", self.mode)
        return self

    async def __aexit__(self, *exc):
        await asyncio.to_thread(self.file.close)
        print("closed", "after error" if exc[0] else "cleanly")

    async def read(self):
        return await asyncio.to_thread(self.file.read)

    async def write(self, text):
        await asyncio.to_thread(self.file.write, text)


async def append(lock, path, line):
    async with lock:
        async with AsyncFile(path, "a") as file:
            await file.write(line + "\n")


async def main():
    with tempfile.TemporaryDirectory() as folder:
        path, lock = os.path.join(folder, "log.txt"), asyncio.Lock()
        await asyncio.gather(append(lock, path, "one"), append(lock, path, "two"))
        try:
            async with AsyncFile(path, "r") as file:
                print((await file.read()).split())
                raise ValueError("oops")
        except ValueError as error:
            print("caught", error)


asyncio.run(main())
