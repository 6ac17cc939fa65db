"""30 Late timers: block the loop past several deadlines: all are late, none is lost.

Twin: 30_late_timers.rs, where the timers fire in the same order, that of the deadlines.
"""

import asyncio
import time


async def alarm(ms):
    await asyncio.sleep(ms / 1000)
    print("alarm", ms)


async def main():
    tasks = [asyncio.create_task(alarm(ms)) for ms in (300, 100, 200)]
    await asyncio.sleep(0)
    time.sleep(0.4)
    print("blocked for 400 ms")
    for task in tasks:
        await task


asyncio.run(main())
