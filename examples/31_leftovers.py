"""31 Leftovers: when main returns, the tasks that still run are cancelled and cleaned up.

Twin: 31_leftovers.rs, where the tasks are dropped, and Drop cleans up.
"""

import asyncio


async def background():
    try:
        await asyncio.sleep(3600)
        print("never")
    finally:
        print("background cleaned up")


async def main():
    task = asyncio.create_task(background())
    await asyncio.sleep(0)
    print("main returns")


asyncio.run(main())
print("loop closed")
