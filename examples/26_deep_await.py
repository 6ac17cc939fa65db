"""26 Deep await: awaiting a coroutine never visits the loop; a task at every level does.

Twin: 26_deep_await.rs. There the loop counts its turns itself.
"""

import asyncio

ticks = 0


async def ticker():
    global ticks
    while True:
        ticks += 1
        await asyncio.sleep(0)


async def nested(depth):
    return 1 if depth == 0 else 1 + await nested(depth - 1)


async def tasked(depth):
    return 1 if depth == 0 else 1 + await asyncio.create_task(tasked(depth - 1))


async def main():
    task = asyncio.create_task(ticker())
    await asyncio.sleep(0)
    before = ticks
    print("nested awaits", await nested(100), "loop turns", ticks - before)
    before = ticks
    print("nested tasks ", await tasked(100), "loop turns", ticks - before)
    task.cancel()


asyncio.run(main())
