"""05 Background task: create_task schedules for the next turn, and returns at once.

Awaiting the task joins it. Twin: 05_background_task.rs
"""

import asyncio


async def background():
    print("  background: start")
    await asyncio.sleep(0.02)
    print("  background: end")
    return 42


async def main():
    task = asyncio.create_task(background())
    print("spawned, not started")
    await asyncio.sleep(0)
    print("main goes on")
    print("finished?", task.done())
    print("joined:", await task)


asyncio.run(main())
