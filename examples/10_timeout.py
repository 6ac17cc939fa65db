"""10 Timeout: the work is cleaned up before the caller sees the timeout.

Twin: 10_timeout.rs
"""

import asyncio


async def slow(seconds):
    try:
        await asyncio.sleep(seconds)
        return "finished"
    finally:
        print("cleanup")


async def attempt(seconds, limit):
    try:
        print(await asyncio.wait_for(slow(seconds), limit))
    except TimeoutError:
        print("timed out")


async def main():
    await attempt(0.01, 60)
    await attempt(3600, 0.02)


asyncio.run(main())
