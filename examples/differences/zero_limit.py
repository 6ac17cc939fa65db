"""A limit of zero: wait_for cancels the coroutine before it has begun.

Twin: zero_limit.rs, where the limit is checked last, as asyncio.timeout does it.
"""

import asyncio


async def quick():
    print("quick runs")
    return 7


async def main():
    try:
        print("wait_for:", await asyncio.wait_for(quick(), 0))
    except TimeoutError:
        print("wait_for: timed out")
    async with asyncio.timeout(0):
        print("timeout:", await quick())


asyncio.run(main())
