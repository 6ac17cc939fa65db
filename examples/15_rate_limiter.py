"""15 Rate limiter: a semaphore lets at most n in at once, in arrival order.

Twin: 15_rate_limiter.rs
"""

import asyncio

active = peak = 0


async def call_api(limit, i):
    global active, peak
    async with limit:
        active += 1
        peak = max(peak, active)
        print("enter", i, "active", active)
        await busy(10 * (i + 1))
        active -= 1
        print("leave", i)


async def busy(turns):
    for _ in range(turns):
        await asyncio.sleep(0)


async def main():
    limit = asyncio.Semaphore(2)
    await asyncio.gather(*(call_api(limit, i) for i in range(5)))
    print("peak", peak)


asyncio.run(main())
