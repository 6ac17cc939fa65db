"""13 Pipeline: three stages, joined by queues that hold one item each.

A slow last stage holds the first one back: back-pressure.
Twin: 13_pipeline.rs
"""

import asyncio


async def source(output):
    for i in range(1, 6):
        await output.put(i)
        print("sent", i)
    await output.put(None)


async def square(numbers, output):
    while (x := await numbers.get()) is not None:
        await output.put(x * x)
    await output.put(None)


async def sink(squares):
    while (x := await squares.get()) is not None:
        print("slow sink", x)
        await busy(20)


async def busy(turns):
    for _ in range(turns):
        await asyncio.sleep(0)


async def main():
    numbers, squares = asyncio.Queue(1), asyncio.Queue(1)
    await asyncio.gather(
        source(numbers),
        square(numbers, squares),
        sink(squares),
    )
    print("drained")


asyncio.run(main())
