"""Step 3: many tasks.

You know: an executor polls a coroutine, and sleeps until its waker is called. Here it has many
coroutines. A coroutine that the executor owns is a *task*. Each has its own waker, with a number
in it, the task's *id*; a wake pushes the id to the *run queue*, and the executor polls the tasks
that are in the queue. That is an *event loop*.

    python3 examples/steps/step_3.py

Beside it: step_3.rs.
In asyncio: `BaseEventLoop._run_once` (asyncio/base_events.py) is a turn of the loop. Its run queue
`_ready` has callbacks in it; a task that is woken is the callback `Task.__step`. It, too, counts
the ready ones first, and leaves those that come meanwhile to the next turn.

Still wrong: nobody learns when a task ends, or what it has found. An exception in a task takes the
loop along.
"""

import collections
import itertools
import threading


# ── the loop ────────────────────────────────────── asyncio/base_events.py: _run_once

class Current(threading.local):
    """The loop that runs on this thread."""

    event_loop = None


CURRENT = Current()

# The id of the coroutine that `block_on` polls itself.
ROOT = 0


def block_on(coroutine):
    """Runs a coroutine to its end, and meanwhile the tasks that it spawns."""
    with EventLoop() as event_loop:
        waker = TaskWaker(ROOT, event_loop.queue)
        waker.wake()
        try:
            while True:
                event_loop.wait()
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

    def __enter__(self):
        CURRENT.event_loop = self
        return self

    def __exit__(self, *exception):
        # One by one, out of the table: a `finally` block of a task may use the table.
        while self.tasks:
            task = self.tasks.pop(next(iter(self.tasks)))
            task.coroutine.close()
        CURRENT.event_loop = None

    @staticmethod
    def current():
        if CURRENT.event_loop is None:
            raise RuntimeError("this needs a running loop: call `block_on`")
        return CURRENT.event_loop

    def add(self, coroutine):
        task_id = next(self.ids)
        waker = TaskWaker(task_id, self.queue)
        self.tasks[task_id] = Task(coroutine, waker)
        waker.wake()  # to be polled for the first time

    def poll_task(self, task_id):
        task = self.tasks.get(task_id)
        if task is None:
            return  # a late wake: the task has ended
        try:
            task.waker.poll(task.coroutine)
        except StopIteration:
            del self.tasks[task_id]

    def wait(self):
        """Sleeps until a task is ready."""
        while self.queue.is_empty():
            self.queue.pushed.wait()
            # Before the next check of the queue: a push after that check sets it again.
            self.queue.pushed.clear()


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
    def __init__(self, coroutine, waker):
        self.coroutine = coroutine
        self.waker = waker


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


def spawn(coroutine):
    """Starts a task. It runs until `block_on` returns, at most."""
    EventLoop.current().add(coroutine)


def yield_now():
    """Lets the other tasks run."""
    return YieldNow()


class YieldNow:
    """A leaf: it wakes its own task, and is ready at the next poll."""

    def __await__(self):
        yield self

    def register(self, waker):
        waker.wake()


# ── a value from another thread ───────────────────── asyncio/futures.py: wrap_future

class Promise:
    """A leaf: a thread brings the value, and a task waits for it.

    In Rust each of the two owns a half. Here they share one object.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.is_set = False
        self.value = None
        self.waker = None

    def set(self, value):
        """Brings the value, and wakes the task that waits for it."""
        with self.lock:
            # The value first, then the wake: the poll that follows looks for the value.
            self.value = value
            self.is_set = True
            waker = self.waker
        if waker is not None:
            waker.wake()

    def __await__(self):
        while not self.is_set:
            yield self
        return self.value

    def register(self, waker):
        with self.lock:
            # At every poll: the newest waker counts.
            self.waker = waker
            is_set = self.is_set
        # The value may have come since the check in `__await__`, and found no waker to call.
        if is_set:
            waker.wake()


# ── the program ─────────────────────────────────────────────────────────────────────

async def count(name, to):
    for number in range(1, to + 1):
        print(f"{name} {number}")
        await yield_now()


async def count_and_order(promise):
    await count("left", 3)
    threading.Thread(target=promise.set, args=("a parcel",)).start()


async def main():
    promise = Promise()
    spawn(count_and_order(promise))
    spawn(count("  right", 2))
    print("two tasks, and neither has begun")
    print(f"main has got {await promise}")


if __name__ == "__main__":
    block_on(main())
