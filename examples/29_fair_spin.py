"""29 Fair spin: a task that yields for ever starves neither timers nor I/O.

Twin: 29_fair_spin.rs, where sleep(0) is called yield_now.
"""

import asyncio


async def spinner(stop):
    turns = 0
    while not stop.is_set():
        turns += 1
        await asyncio.sleep(0)
    return turns > 1


async def main():
    stop = asyncio.Event()
    task = asyncio.create_task(spinner(stop))
    await asyncio.sleep(0)  # the spinner has its first turn
    await asyncio.sleep(0.02)
    print("timer fired beside a spinner")
    stop.set()
    print("spinner had many turns:", await task)


asyncio.run(main())
