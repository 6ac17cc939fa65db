"""23 Graceful shutdown: on a signal, take no new work, let the job at hand end, leave.

Twin: 23_graceful_shutdown.rs, which makes the pipe itself that this loop has inside.
"""

import asyncio
import os
import signal


async def worker(stop, second_job):
    n = 0
    while not stop.is_set():
        n += 1
        print("job", n, "start")
        if n == 2:
            second_job.set()
        await asyncio.sleep(0.2)
        print("job", n, "end")
    print("worker drained")


async def main():
    stop, second_job = asyncio.Event(), asyncio.Event()

    def on_signal():
        print("signal received")
        stop.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, on_signal)
    task = asyncio.create_task(worker(stop, second_job))
    await second_job.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 60)
    print("bye")


asyncio.run(main())
