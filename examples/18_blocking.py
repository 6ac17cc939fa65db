"""18 Blocking: a blocking call freezes every task; in a thread it does not.

Twin: 18_blocking.rs. There to_thread is called unblock.
"""

import asyncio
import time

ticks = 0


async def ui():
    global ticks
    while True:
        ticks += 1
        await asyncio.sleep(0.01)


def heavy():
    time.sleep(0.2)
    return 7


async def main():
    global ticks
    task = asyncio.create_task(ui())
    await asyncio.sleep(0)
    ticks = 0
    print("on the loop: result", heavy(), "ui ticks", ticks)
    ticks = 0
    print("in a thread: result", await asyncio.to_thread(heavy), "ui alive", ticks > 1)
    task.cancel()


asyncio.run(main())
