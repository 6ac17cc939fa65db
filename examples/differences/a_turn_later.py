"""A turn later: a timer makes a future ready, which then makes the task ready.

Twin: a_turn_later.rs, where the timer wakes the task itself.
"""

import asyncio
import time


async def alarm():
    await asyncio.sleep(0.01)
    print("alarm")


async def main():
    task = asyncio.create_task(alarm())
    await asyncio.sleep(0)  # the alarm begins
    time.sleep(0.02)  # blocks the loop: now the alarm is due
    for turn in range(1, 4):
        await asyncio.sleep(0)
        print("turn", turn)
    await task


asyncio.run(main())
