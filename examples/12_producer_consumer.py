"""12 Producer and consumer: a queue between two tasks.

None is the sentinel that says "no more". Twin: 12_producer_consumer.rs
"""

import asyncio


async def producer(queue):
    for i in range(3):
        await asyncio.sleep(0.02)
        print("produced", i)
        await queue.put(i)
    await queue.put(None)


async def consumer(queue):
    total = 0
    while (item := await queue.get()) is not None:
        print("consumed", item)
        total += item
    return total


async def main():
    queue = asyncio.Queue()
    _, total = await asyncio.gather(producer(queue), consumer(queue))
    print("total", total)


asyncio.run(main())
