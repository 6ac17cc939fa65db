"""20 Loop helpers: call_soon, call_later, a Future set by hand, call_soon_threadsafe.

Twin: 20_loop_helpers.rs, where these are a spawn, a sleep and a waker.
"""

import asyncio
import threading


async def main():
    loop = asyncio.get_running_loop()
    loop.call_later(0.2, print, "later 200 ms")
    loop.call_later(0.1, print, "later 100 ms")
    handle = loop.call_later(0.15, print, "never printed")
    handle.cancel()
    loop.call_soon(print, "soon 1")
    loop.call_soon(print, "soon 2")
    print("main runs first")
    await asyncio.sleep(0.3)

    done = loop.create_future()

    def work():
        loop.call_soon_threadsafe(done.set_result, "from a thread")

    threading.Thread(target=work).start()
    print("got", await done)


asyncio.run(main())
