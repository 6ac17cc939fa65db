"""Step 4: a task has an end: join, abort, an exception.

You know: a loop polls the tasks whose ids are in the run queue. Here `spawn` gives a *handle*, a
leaf that gives the task's output. To *abort* a task is to close its coroutine: so all its
`finally` and `with` blocks end. An exception ends the task only, and is raised where the handle is
awaited.

    python3 examples/steps/step_4.py

Beside it: step_4.rs, where to abort a task is to drop its future.
In asyncio: a `Task` (asyncio/tasks.py) is the task and its handle in one. `Task.cancel` closes
nothing: it has `CancelledError` raised where the task waits, so the task may go on for a while,
and even await. A coroutine that is closed must not.

Still wrong: a task cannot wait for a time.
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


def yield_now():
    """Lets the other tasks run."""
    return YieldNow()


class YieldNow:
    """A leaf: it wakes its own task, and is ready at the next poll."""

    def __await__(self):
        yield self

    def register(self, waker):
        waker.wake()


# ── the program ─────────────────────────────────────────────────────────────────────

async def add(a, b):
    await yield_now()
    return a + b


async def fail():
    await yield_now()
    raise RuntimeError("no luck today")


async def shine():
    try:
        while True:
            await yield_now()
    finally:
        print("  the lamp is switched off")


async def main():
    adder, failer, shiner = spawn(add(20, 22)), spawn(fail()), spawn(shine())
    await report("the adder", adder)
    await report("the failer", failer)
    print("abort")
    shiner.abort()
    await report("the shiner", shiner)


async def report(name, handle):
    try:
        print(f"{name} gave {await handle}")
    except Aborted:
        print(f"{name} was aborted")
    except Exception as error:
        print(f"{name} failed with: {error}")


if __name__ == "__main__":
    block_on(main())
