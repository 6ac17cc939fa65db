"""One await for each handle: a task gives its result to everybody who awaits it.

Twin: one_await.rs, where the result moves out, and the program may share it itself.
"""

import asyncio


async def fetch():
    print("fetching")
    await asyncio.sleep(0)
    return ["a page"]


async def main():
    task = asyncio.create_task(fetch())
    first = await task
    second = await task
    print("first: ", first)
    print("second:", second)
    print("one object:", first is second)


asyncio.run(main())
