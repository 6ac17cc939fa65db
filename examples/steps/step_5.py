"""Step 5: time.

You know: a leaf keeps its waker where the event will find it. Here the event is a time. The loop
has the timers in the order of their deadlines, each with a waker; it sleeps no longer than to the
first, and wakes the tasks whose deadlines have come.

    python3 examples/steps/step_5.py

Beside it: step_5.rs.
In asyncio: `BaseEventLoop.call_at` (asyncio/base_events.py) puts a timer into the heap
`_scheduled`. A timer that is cancelled stays in the heap until it is at its head, or until there
are more than a hundred timers, over half of them cancelled.

Still wrong: the more timers there are, the longer each of them takes.
"""

import bisect
import collections
import itertools
import math
import threading
import time


# ── the loop ────────────────────────────────────── asyncio/base_events.py: _run_once

class Current(threading.local):
    """The loop that runs on this thread."""

    event_loop = None


CURRENT = Current()

# The id of the coroutine that `block_on` polls itself.
ROOT = 0


# In seconds: the longest wait. The system's calls refuse very long ones.
DAY = 24 * 60 * 60


def block_on(coroutine):
    """Runs a coroutine to its end, and meanwhile the tasks that it spawns."""
    with EventLoop() as event_loop:
        waker = TaskWaker(ROOT, event_loop.queue)
        waker.wake()
        try:
            while True:
                event_loop.wait()
                event_loop.fire_timers()
                # Only the tasks that are ready now. A task that becomes ready meanwhile is
                # polled in the next turn; or a task that always wakes itself would keep the
                # turn going for ever.
                for task_id in event_loop.queue.take():
                    if task_id == ROOT:
                        waker.poll(coroutine)
                    else:
                        event_loop.poll_task(task_id)
        except StopIteration as end:
            return end.value  # the end of this coroutine: `poll_task` catches those of the tasks
        finally:
            coroutine.close()  # if an exception has ended the loop


class EventLoop:
    def __init__(self):
        if CURRENT.event_loop is not None:
            raise RuntimeError("a loop runs already: use `await` here")
        self.tasks = {}  # by id
        self.ids = itertools.count(ROOT + 1)
        self.queue = RunQueue()
        self.started = time.monotonic()
        self.timers = Timers()

    def __enter__(self):
        CURRENT.event_loop = self
        return self

    def __exit__(self, *exception):
        # One by one, out of the table: a `finally` block of a task may use the table.
        while self.tasks:
            task = self.tasks.pop(next(iter(self.tasks)))
            task.close()
        CURRENT.event_loop = None

    @staticmethod
    def current():
        if CURRENT.event_loop is None:
            raise RuntimeError("this needs a running loop: call `block_on`")
        return CURRENT.event_loop

    def add(self, coroutine):
        task_id = next(self.ids)
        waker = TaskWaker(task_id, self.queue)
        handle = JoinHandle(task_id, self)
        self.tasks[task_id] = Task(coroutine, waker, handle)
        waker.wake()  # to be polled for the first time
        return handle

    def poll_task(self, task_id):
        task = self.tasks.get(task_id)
        if task is None:
            return  # a late wake: the task has ended
        try:
            task.waker.poll(task.coroutine)
        except StopIteration as end:
            self.tasks.pop(task_id, None)
            task.handle.end(output=end.value)
        except Exception as error:
            # An exception ends this task, and not the loop.
            self.tasks.pop(task_id, None)
            task.handle.end(error=error)
        else:
            if task_id not in self.tasks:
                task.close()  # it has aborted itself

    def wait(self):
        """Sleeps until a task is ready or a timer is due."""
        while self.queue.is_empty():
            left = self.until_next_timer()
            if left == 0:
                return
            self.queue.pushed.wait(left)
            # Before the next check of the queue: a push after that check sets it again.
            self.queue.pushed.clear()

    def fire_timers(self):
        """Wakes the tasks whose timers are due."""
        for waker in self.timers.advance(int(self.elapsed())):
            waker.wake()

    def until_next_timer(self):
        """In seconds; None if there is no timer."""
        deadline = self.timers.next()
        if deadline is None:
            return None
        return min(max(deadline - self.elapsed(), 0) / 1000, DAY)

    def elapsed(self):
        """In milliseconds since the loop began."""
        return (time.monotonic() - self.started) * 1000


# ── the run queue ──────────────────────────────────── asyncio/base_events.py: _ready

class RunQueue:
    """The ids of the tasks to poll, first in, first out. Any thread may push one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ids = collections.deque()
        self.pushed = threading.Event()

    def push(self, task_id):
        with self.lock:
            self.ids.append(task_id)
        # The push first: a loop that woke up before it would find nothing and sleep again.
        # No `set` is lost: if the loop does not wait yet, its next wait ends at once.
        self.pushed.set()

    def take(self):
        with self.lock:
            ids, self.ids = self.ids, collections.deque()
        return ids

    def is_empty(self):
        with self.lock:
            return not self.ids


# ── a task, and its waker ──────────────────────── asyncio/tasks.py: __step, __wakeup

class Task:
    def __init__(self, coroutine, waker, handle):
        self.coroutine = coroutine
        self.waker = waker
        self.handle = handle

    def close(self):
        """Ends the task where it waits: there, its coroutine raises `GeneratorExit`, so its
        `finally` and `with` blocks end.
        """
        try:
            self.coroutine.close()
        except Exception as error:
            self.handle.end(error=error)  # a `finally` block has raised it
        else:
            self.handle.end(error=Aborted())


class TaskWaker:
    """Any thread may hold a waker and call it, so it holds no task: only the task's id, and
    the way to the queue.
    """

    def __init__(self, task_id, queue):
        self.id = task_id
        self.queue = queue
        self.lock = threading.Lock()
        self.queued = False  # The id is in the queue. It must not be there twice.

    def poll(self, coroutine):
        """Raises `StopIteration`, with the output, when the coroutine has ended."""
        # Before the poll: a wake during the poll must push the id again.
        self.queued = False
        leaf = coroutine.send(None)
        # The leaf that has ended the poll keeps the waker.
        leaf.register(self)

    def wake(self):
        # The lock: two threads that wake at the same time must not both find the flag down.
        with self.lock:
            if self.queued:
                return
            self.queued = True
        self.queue.push(self.id)


# ── spawn, join, abort ──────────────────────── asyncio/tasks.py: create_task, cancel

def spawn(coroutine):
    """Starts a task. It runs until `block_on` returns, at most."""
    return EventLoop.current().add(coroutine)


class Aborted(Exception):
    """The task gave no output: it was aborted."""


class JoinHandle:
    """Awaits a task's output; raises the exception that ended the task. One task at a time may
    await it. Dropping the handle does not end the task.
    """

    def __init__(self, task_id, event_loop):
        self.id = task_id
        self.event_loop = event_loop
        self.has_ended = False
        self.output = None
        self.error = None
        self.joiner = None

    def end(self, output=None, error=None):
        self.has_ended = True
        self.output = output
        self.error = error
        if self.joiner is not None:
            self.joiner.wake()

    def abort(self):
        """Ends the task where it waits, if it has not ended yet."""
        task = self.event_loop.tasks.pop(self.id, None)
        # A coroutine that runs cannot be closed: `poll_task` closes it when its poll ends.
        if task is not None and not task.coroutine.cr_running:
            task.close()

    def __await__(self):
        while not self.has_ended:
            yield self
        if self.error is not None:
            raise self.error
        return self.output

    def register(self, waker):
        self.joiner = waker


# ── time ──────────────────────────────── asyncio/base_events.py: call_at, _scheduled

# In milliseconds since the loop began: some 8,900 years.
FOREVER = (1 << 48) - 1


def sleep(seconds):
    """Sleeps for `seconds`, or up to a millisecond longer. The time begins with this call."""
    event_loop = EventLoop.current()
    # Rounded up: a sleep never ends early.
    deadline = math.ceil(min(event_loop.elapsed() + seconds * 1000, FOREVER))
    return Sleep(event_loop, (deadline, next(event_loop.ids)))


class Sleep:
    """The leaf of time.

    Its key is the deadline, in milliseconds since the loop began, and a number: equal
    deadlines come in the order of the calls.
    """

    def __init__(self, event_loop, key):
        self.event_loop = event_loop
        self.key = key

    def __await__(self):
        try:
            while self.event_loop.elapsed() < self.key[0]:
                yield self
        finally:
            # Also when the coroutine is closed here: nobody needs the timer any more.
            self.event_loop.timers.remove(self.key)

    def register(self, waker):
        # With the same key at every poll: the newest waker replaces the older one.
        self.event_loop.timers.insert(self.key, waker)


class Timers:
    """The timers, in the order of their deadlines: what a sorted map is in other languages."""

    def __init__(self):
        self.keys = []  # sorted
        self.wakers = {}  # by key

    def insert(self, key, waker):
        if key not in self.wakers:
            bisect.insort(self.keys, key)
        self.wakers[key] = waker

    def remove(self, key):
        if key in self.wakers:
            del self.wakers[key]
            del self.keys[bisect.bisect_left(self.keys, key)]

    def next(self):
        """When the loop must advance next; None if there is no timer."""
        return self.keys[0][0] if self.keys else None

    def advance(self, now):
        """Takes out the timers that are due at `now`, in the order of their keys."""
        count = bisect.bisect_left(self.keys, (now + 1, 0))
        due, self.keys = self.keys[:count], self.keys[count:]
        return [self.wakers.pop(key) for key in due]


def timers():
    """How many timers are armed."""
    return len(EventLoop.current().timers.wakers)


# ── the program ─────────────────────────────────────────────────────────────────────

async def print_after(pause, number):
    await pause
    print(number)


async def sleep_a_week():
    await sleep(7 * 24 * 60 * 60)


async def main():
    # The times begin here. The tasks begin the other way round, and end in the order of the times.
    pauses = [(sleep(number / 1000), number) for number in (100, 200, 300, 400)]
    sleepers = [spawn(print_after(pause, number)) for pause, number in reversed(pauses)]
    # A week, but closed before.
    week = spawn(sleep_a_week())
    for sleeper in sleepers:
        await sleeper
    print(f"a week has {timers()} timer")
    week.abort()
    print(f"once aborted, it has {timers()}")


if __name__ == "__main__":
    block_on(main())
