"""Step 6: a million timers.

You know: a sleep puts its waker into the loop's timers, and takes it out when it ends. Most sleeps
are closed early: they are time limits that were not needed. In a sorted list, each insert and
remove searches among all the others, and moves those behind it. Here the list becomes a *timer
wheel*, where both go straight to their place. `Sleep` and the loop stay as they are.

    python3 examples/steps/step_6.py

Beside it: step_6.rs.
In asyncio: nothing. It has no wheel, and keeps its heap `_scheduled` (asyncio/base_events.py).

Still wrong: the loop sleeps in `threading.Event.wait`, where no socket can wake it.
"""

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


# ── the timer wheel ────────────────────────────────────────── executor/time/wheel.rs

# The bits of a digit; a wheel has a slot for each digit.
BITS = 6
SLOTS = 1 << BITS
WHEELS = 8


class Timers:
    """Eight wheels, as a clock has hands.

    A time is a number of milliseconds in digits to the base of 64, and each wheel stands for
    one digit. A timer lies in the wheel of the highest digit in which its deadline differs
    from now, in the slot of that digit:

        the digit of wheel  2   1   0

        now                 0 . 1 . 7
        a deadline          0 . 1 . 9    wheel 0, slot 9
        another one         0 . 5 . 2    wheel 1, slot 5

    When now reaches a slot, its timers fire, or move to a lower wheel (they *cascade*): at
    most eight times each. So inserting and removing take the same few steps, however many
    timers there are.
    """

    def __init__(self):
        self.now = 0
        # A wheel has slots by digit, and a slot has wakers by key. A slot whose timers have all
        # been removed stays until now reaches it.
        self.wheels = [{} for _ in range(WHEELS)]

    def place(self, deadline):
        """The wheel and the digit of a deadline that has not come yet."""
        highest_bit = max(self.now ^ deadline, 1).bit_length() - 1
        wheel = highest_bit // BITS
        return wheel, (deadline >> (wheel * BITS)) % SLOTS

    def insert(self, key, waker):
        wheel, digit = self.place(key[0])
        self.wheels[wheel].setdefault(digit, {})[key] = waker

    def remove(self, key):
        wheel, digit = self.place(key[0])
        self.wheels[wheel].get(digit, {}).pop(key, None)

    def next_slot(self):
        """The slot that comes next: always in the lowest wheel that has slots."""
        for wheel, slots in enumerate(self.wheels):
            if slots:
                return wheel, min(slots)
        return None

    def next(self):
        """When the loop must advance next: the first moment of the next slot."""
        place = self.next_slot()
        if place is None:
            return None
        wheel, digit = place
        higher_digits = self.now >> ((wheel + 1) * BITS) << BITS
        return (higher_digits | digit) << (wheel * BITS)

    def advance(self, now):
        """Takes out the timers that are due at `now`, in the order of their keys."""
        due = {}
        while (begin := self.next()) is not None and begin <= now:
            wheel, digit = self.next_slot()
            self.now = begin
            for key, waker in self.wheels[wheel].pop(digit).items():
                if key[0] == begin:
                    due[key] = waker
                else:
                    self.insert(key, waker)
        self.now = now
        return [due[key] for key in sorted(due)]


def timers():
    """How many timers are armed."""
    return sum(len(slot) for wheel in EventLoop.current().timers.wheels for slot in wheel.values())


# ── the program ─────────────────────────────────────────────────────────────────────

async def print_after(pause, number):
    await pause
    print(number)


async def sleep_a_week():
    await sleep(7 * 24 * 60 * 60)


async def main():
    pauses = [(sleep(number / 1000), number) for number in (100, 200, 300, 400)]
    sleepers = [spawn(print_after(pause, number)) for pause, number in reversed(pauses)]
    week = spawn(sleep_a_week())
    for sleeper in sleepers:
        await sleeper
    print(f"a week has {timers()} timer")
    week.abort()
    print(f"once aborted, it has {timers()}")


def show_the_wheel():
    """The wheel alone, without a clock: where does a timer lie as time goes by?"""
    wheel = Timers()
    wheel.insert((4170, 1), "a waker")
    while (place := wheel.next_slot()) is not None:
        number, slot = place
        begin = wheel.next()
        print(f"at {wheel.now:>4}: in wheel {number}, slot {slot:>2}, until {begin}")
        due = wheel.advance(begin)
        print(f"at {begin:>4}: {'it fires' if due else 'it moves down'}")


if __name__ == "__main__":
    show_the_wheel()
    block_on(main())
