"""04 Sync vs async: five waits one after another, and five waits together.

Twin: 04_sync_vs_async.rs
"""

import asyncio


async def work(name):
    await asyncio.sleep(0.06)
    print("done", name, end=" ", flush=True)


async def main():
    loop = asyncio.get_running_loop()
    start = loop.time()
    for name in "abcde":
        await work(name)
    one_by_one = loop.time() - start
    print("| one by one")

    start = loop.time()
    await asyncio.gather(*(work(name) for name in "abcde"))
    together = loop.time() - start
    print("| together")

    print("one by one takes at least 300 ms:", one_by_one >= 0.299)
    print("together takes at least 60 ms:", together >= 0.059)
    print("together is faster:", together < one_by_one)


asyncio.run(main())
