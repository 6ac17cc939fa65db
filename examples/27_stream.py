"""27 Stream: async iteration: an interval as an async generator, and an early exit.

Twin: 27_stream.rs. There the generator is a stream, and dropping it is aclose.
"""

import asyncio


async def interval(ms):
    n = 0
    try:
        while True:
            await asyncio.sleep(ms / 1000)
            yield n
            n += 1
    finally:
        print("interval closed")


async def evens(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield 2 * i


async def main():
    ticks = interval(5)
    async for n in ticks:
        print("tick", n)
        if n == 2:
            break
    await ticks.aclose()
    print("evens", [x async for x in evens(3)])


asyncio.run(main())
