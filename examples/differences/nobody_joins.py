"""Errors that nobody joins: reported when the task is collected, whenever that happens.

Twin: nobody_joins.rs, where an Err is dropped and a panic is reported at once.
"""

import asyncio


async def fail():
    raise OSError("disk full")


def report(loop, context):
    print(f"{context['message']}: {context['exception']}")


async def main():
    asyncio.get_running_loop().set_exception_handler(report)
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    print("it has failed:", task.done())
    del task
    print("the loop goes on")


asyncio.run(main())
