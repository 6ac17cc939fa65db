"""04 Sync vs async: five waits one after another, and five waits together.

Twin: 04_sync_vs_async.rs
"""

import asyncio
import time


async def work(name):
    await asyncio.sleep(0.06)
    print("done", name, end=" ", flush=True)


def ms_since(start):
    return (time.monotonic() - start) * 1000


async def main():
    start = time.monotonic()
    for name in "abcde":
        await work(name)
    one_by_one = ms_since(start)
    print("| one by one")

    start = time.monotonic()
    await asyncio.gather(*(work(name) for name in "abcde"))
    together = ms_since(start)
    print("| together")

    print("one by one takes at least 300 ms:", one_by_one >= 299)
    print("together takes at least 60 ms:", together >= 59)
    print("together is faster:", together < one_by_one)


asyncio.run(main())
