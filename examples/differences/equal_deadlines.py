"""Equal deadlines: the order of the timers is undefined. It depends on a heap.

Twin: equal_deadlines.rs, where the order is that of creation.
"""

import asyncio


async def main():
    loop = asyncio.get_running_loop()
    fired, done = [], asyncio.Event()

    def alarm(name):
        fired.append(name)
        if len(fired) == 5:
            done.set()

    deadline = loop.time() + 0.02
    for name in "abcde":
        loop.call_at(deadline, alarm, name)
    await done.wait()
    print("created: a b c d e")
    print("fired:  ", *fired)


asyncio.run(main())
