"""Runs an asyncio program on virtual time: a wait for a timer takes no real time.

    python3 examples/virtual_clock.py examples/07_gather_fetch.py

A loop asks its selector for events, and says how long the selector may wait for them.
This selector does not wait: it reports no event, and moves the clock forward. Then the
loop finds that its next timer is due. The selector still waits in real time for jobs
in threads.

On glassloop the same is `Executor::builder().virtual_time()`, or, for any program,
`GLASSLOOP_VIRTUAL_TIME=1 cargo run --example 07_gather_fetch`.
"""

import asyncio
import functools
import runpy
import selectors
import sys


class JumpingSelector(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.moved = 0.0
        self.running_jobs = 0

    def select(self, timeout=None):
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or self.running_jobs:
            return super().select(None)
        self.moved += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.selector = JumpingSelector()
        super().__init__(self.selector)

    def time(self):
        # A real clock differs from one call to the next. If this one did not, timers set
        # one after another would be due at the same time, and asyncio defines no order
        # for these.
        self.selector.moved += 1e-9
        return self.selector.moved

    def run_in_executor(self, executor, function, *arguments):
        job = super().run_in_executor(executor, function, *arguments)
        self.selector.running_jobs += 1
        job.add_done_callback(self.job_done)
        return job

    def job_done(self, job):
        self.selector.running_jobs -= 1

    async def shutdown_default_executor(self, timeout=None):
        # The threads end in real time: a limit in virtual time would be over at once.
        await super().shutdown_default_executor()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 virtual_clock.py PROGRAM.py")
    asyncio.run = functools.partial(asyncio.run, loop_factory=VirtualLoop)
    runpy.run_path(sys.argv[1], run_name="__main__")
