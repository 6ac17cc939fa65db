"use strict";
// The words: each event as a sentence that says what happens, and one that says why.
//
//   sentence(trace, n)  → { lead, why }: lists of pieces, each a text or { task: 3 }
//   inShort(trace, n)   → the same event in a few words, for the log
//   flat(trace, pieces) → one text
//
// Whoever reads the leads and whys of one trace from the first to the last has read
// how an event loop works.

// ── pieces ────────────────────────────────────────────────────────────────

/** A template whose values are texts, numbers, pieces, or lists of them. */
function say(texts, ...values) {
  const pieces = texts.flatMap((text, index) => [text, values[index] ?? ""]);
  return pieces.flat(3).filter((piece) => piece !== "");
}

const task = (id) => ({ task: id });

function flat(trace, pieces) {
  const text = (piece) => (piece.task === undefined ? String(piece) : label(trace, piece.task));
  return pieces.map(text).join("");
}

/** "a", "a and b", "a, b and c"; of many, the first few. */
function listed(pieces, most = 5) {
  const more = pieces.length - most;
  const shown = more > 0 ? [...pieces.slice(0, most), `${more} more`] : pieces;
  const joint = (index) => (index === 0 ? "" : index === shown.length - 1 ? " and " : ", ");
  return shown.flatMap((piece, index) => [joint(index), piece].flat());
}

// ── names and numbers ─────────────────────────────────────────────────────

function label(trace, id) {
  const name = nameOf(trace, id);
  return name ? `#${id} ${name}` : `#${id}`;
}

/** A task without a name is called as the function that its line spawns, if it says so. */
function nameOf(trace, id) {
  const spawn = trace.tasks.get(id);
  if (spawn?.name) return String(spawn.name);
  const text = sourceLine(trace, spawn?.file, spawn?.line).replaceAll(".clone()", "");
  return /\bspawn\(\s*(?:[a-z_]\w*(?:::|\.))*([a-z_]\w*)\(/.exec(text)?.[1] ?? "";
}

function sourceLine(trace, file, line) {
  const lines = trace.sources.get(file)?.split("\n") ?? [];
  return lines[line - 1] ?? "";
}

/** "line 23", with the file where it is not the program's own. */
function placeText(trace, { file, line }) {
  if (file === undefined || file === null) return "";
  const own = trace.events.find((event) => event.file !== undefined)?.file;
  return file === own ? `line ${line}` : `${String(file).split(/[\\/]/).at(-1)}:${line}`;
}

/** A time in µs as people say it. */
function span(us) {
  if (typeof us !== "number") return "?";
  const size = Math.abs(us);
  if (size < 1000) return `${trimmed(us, size < 100 ? 1 : 0)} µs`;
  if (size < 10e6) return `${trimmed(us / 1e3, size < 1e6 ? 2 : 0)} ms`;
  if (size < 120e6) return `${trimmed(us / 1e6, 2)} s`;
  return size < 7200e6 ? `${trimmed(us / 60e6, 1)} min` : `${trimmed(us / 3600e6, 1)} h`;
}

/** A time of the loop's clock, always with as many decimals, so that columns stand straight. */
function clock(us) {
  if (typeof us !== "number") return "?";
  return us < 10e6 ? `${(us / 1e3).toFixed(2)} ms` : `${(us / 1e6).toFixed(3)} s`;
}

const trimmed = (number, digits) => String(Number(number.toFixed(digits)));
const ordinal = (k) => ["", "first", "second", "third", "fourth", "fifth"][k] ?? k + ENDINGS[PLURALS.select(k)];
const PLURALS = new Intl.PluralRules("en", { type: "ordinal" });
const ENDINGS = { one: "st", two: "nd", few: "rd", other: "th" };
const able = (ways) => ({ r: "can be read", w: "can be written" })[ways] ?? "can be read and written";
const isVirtual = (trace) => trace.header.clock === "virtual";
const isRoot = (trace, id) => trace.tasks.get(id)?.by === "start";
const slotWidth = (trace, level) => span((trace.header.tick_us ?? 65.536) * slots(trace) ** level);
const slots = (trace) => trace.header.slots ?? 64;

/** A cause, in words: "timer 3", or the task. */
function cause(by) {
  const [, kind, number] = /^(\w+) (\d+)$/.exec(by ?? "") ?? [];
  if (kind === "task") return task(Number(number));
  if (by === "thread") return "another thread";
  return by === "start" ? "the start" : (by ?? "nobody that is known");
}

/** What a leaf waits for: "timer 3", "5 timers", "4 × a mutex", "the end of #2 fetch". */
function waitPieces(wait) {
  const many = wait.count > 1;
  if (wait.target !== undefined) return ["the end of ", task(wait.target)];
  if (many && kindOf(wait)) return [`${wait.count} ${KINDS_OF_MANY[kindOf(wait)]}`];
  return [`${many ? `${wait.count} × ` : ""}${wait.what ?? "something"}`];
}

const KINDS_OF_MANY = { timer: "timers", fd: "descriptors", job: "blocking jobs" };

/** The line is the one that made what is waited for; mostly it is the line of the await.
    Of an awaited task, it is the line that spawned that one. */
function waitWithPlace(trace, wait) {
  const place = placeText(trace, wait);
  const spawned = wait.target === undefined ? "" : "spawned at ";
  return [waitPieces(wait), place && ` (${spawned}${place})`].flat();
}

/** The deadline that comes next, of all armed timers. */
function nextTimer(state) {
  const timers = Object.values(state.timers).filter((timer) => timer.deadline !== undefined);
  return timers.reduce((a, b) => (a && a.deadline <= b.deadline ? a : b), null);
}

// ── one sentence for each event ───────────────────────────────────────────

function sentence(trace, n) {
  const event = trace.events[n - 1];
  if (!event) return { lead: ["There is nothing to see in this trace."], why: [] };
  const tell = Object.hasOwn(SENTENCES, event.ev) ? SENTENCES[event.ev] : unknown;
  const [lead, why] = tell(event, { trace, before: stateAt(trace, n - 1), after: stateAt(trace, n) });
  return { lead, why };
}

function unknown(event) {
  const fields = JSON.stringify(event);
  return [say`Something that this player does not know: “${String(event.ev)}”.`, say`${fields}`];
}

const SENTENCES = {
  spawn(event, { trace }) {
    const me = task(event.task);
    if (event.by === "start") {
      return [
        say`block_on makes its future a task of the loop: ${me}.`,
        say`Nothing of it has run yet: a future does nothing until somebody polls it. It is in the run queue. (The key → leads to the next event.)`,
      ];
    }
    return [
      say`${event.by === "thread" ? "Another thread" : cause(event.by)} spawns ${me}, at ${placeText(trace, event)}.`,
      say`Spawning runs nothing: the new task goes to the back of the run queue, and whoever spawned it goes on. Its first poll comes later.`,
    ];
  },

  phase(event, { after }) {
    if (event.p === "io") return tellIo(after);
    if (event.p === "timers") return tellTimers(after);
    if (event.p === "ready") return tellReady(after);
    return [say`A part of the turn begins: ${String(event.p)}.`, []];
  },

  poll(event, { trace, before }) {
    const me = task(event.task);
    if (event.k === 1) {
      return [
        say`${me} is polled for the first time: its code begins to run${codePlace(trace, event)}.`,
        say`It has the thread for itself until it comes to an await that is not ready. Nobody can interrupt it, and nobody else runs meanwhile.`,
      ];
    }
    return [
      say`${me} is polled for the ${ordinal(event.k)} time: it goes on where it was suspended.`,
      say`${whyPolled(trace, event, before.tasks[event.task])}`,
    ];
  },

  pending(event, context) {
    return tellPending(event, waitGroups(event.waits ?? []), context);
  },

  done(event, { trace, after }) {
    const me = task(event.task);
    if (isRoot(trace, event.task)) {
      return [
        say`${me} has ended: its poll returned Ready.`,
        say`This was the future of block_on, so the loop ends with it: it drops the tasks that are left, and block_on returns the output.`,
      ];
    }
    const joiner = joinerOf(after, event.task);
    const output = joiner
      ? say`Its output is kept for ${task(joiner.id)}, which waits for it, and is woken next.`
      : "If somebody holds its handle, the output is kept for them.";
    return [say`${me} has ended: its poll returned Ready.`, say`${output} It will never be polled again.`];
  },

  panic(event, { trace }) {
    const text = event.text === undefined ? "" : `: “${event.text}”`;
    const why = isRoot(trace, event.task)
      ? "It is the future of block_on: the panic goes on, out of block_on."
      : "The loop catches the panic at the edge of this poll: only this task ends. Whoever joins it is told; the other tasks go on.";
    return [say`${task(event.task)} panics${text}.`, say`${why}`];
  },

  abort(event, { before }) {
    const where = before.tasks[event.task]?.waits.length ? "where it was suspended" : "at this point";
    return [
      say`${task(event.task)} is aborted: its future is dropped, ${where}.`,
      say`An abort is a request, and this is the task's turn. Dropping a future drops what it owns: guards unlock, sockets close, timers are cancelled. Whoever joins it is told.`,
    ];
  },

  drop: (event) => [
    say`${task(event.task)} is dropped before its end: its loop has ended.`,
    say`No future outlives its loop. Dropping it drops what it owns, so nothing leaks; the code after its await never runs.`,
  ],

  wake: (event, context) => tellWake(event, context),

  arm(event, { trace }) {
    const who = event.task === undefined ? "The loop" : task(event.task);
    return [
      say`${who} arms timer ${event.timer}, to fire at ${clock(event.deadline)}: ${span(event.deadline - event.t)} from now.`,
      event.level < 0
        ? say`That is within the present tick, so it is in no slot, but in the due-soon list.`
        : say`It is laid into slot ${event.slot} of ${ringName(event.level)}, where a slot is ${slotWidth(trace, event.level)} wide. ${ringWords(event.level)}`,
    ];
  },

  cascade(event, { trace, before }) {
    const from = before.timers[event.timer]?.level;
    const to = event.level < 0 ? "to the due-soon list" : `into slot ${event.slot} of ${ringName(event.level)}`;
    const finer = event.level < 0 ? "" : ` (${slotWidth(trace, event.level)} a slot)`;
    return [
      say`Timer ${event.timer} moves down${from === undefined ? "" : `, from ${ringName(from)}`}: ${to}.`,
      say`The cursor has reached its coarse slot, but not its deadline. So it moves to a finer slot${finer}. No timer is sorted before it must be.`,
    ];
  },

  fire(event, { before }) {
    const timer = before.timers[event.timer];
    const late = event.t - timer?.deadline;
    const tail = late > 0 ? `, ${span(late)} ago` : "";
    return [
      say`Timer ${event.timer} fires: its deadline, ${clock(timer?.deadline)}, has come${tail}.`,
      say`A timer never fires early, though a busy loop may be late. All that it does is to call the waker that was left with it: the wake comes next.`,
    ];
  },

  cancel(event, { before }) {
    const timer = before.timers[event.timer];
    const left = timer ? `, ${span(timer.deadline - event.t)} before its deadline` : "";
    return [
      say`Timer ${event.timer} is cancelled${left}.`,
      say`The sleep that it belonged to was dropped: nobody waits for it any more. It is taken out of its slot, and costs nothing from now on.`,
    ];
  },

  watch(event, { before }) {
    const whose = event.task ?? before.polled;
    const who = whose === null ? "" : say`For ${task(whose)}, `;
    return [
      say`${who}${who ? "the" : "The"} loop asks the system to report when fd ${event.fd} ${able(event.want)}.`,
      say`The operation was tried first and would have blocked. Instead of blocking the thread, the task waits, suspended, until the system says “ready”.`,
    ];
  },

  unwatch: (event) => [
    say`The loop asks the system to report nothing more about fd ${event.fd}.`,
    say`Nobody waits for it at present. Were it still watched, the system would wake the loop for nothing.`,
  ],

  fdready(event) {
    const waiting = (event.tasks ?? []).map(task);
    return [
      say`The system reports: fd ${event.fd} ${able(event.got)}.`,
      waiting.length
        ? say`The loop reads and writes nothing itself: it wakes who waits for it, ${listed(waiting)}, and that task will try again.`
        : say`Nobody waits for it any more, so nobody is woken.`,
    ];
  },

  job(event, { trace }) {
    const what = event.what ? ` (${event.what})` : "";
    return [
      say`${task(event.task)} hands job ${event.job}${what} to the blocking pool, at ${placeText(trace, event)}.`,
      say`This work would hold up the loop's only thread, and all tasks with it. A thread of the pool does it, while the loop goes on.`,
    ];
  },

  jobdone(event, { before }) {
    const owner = before.jobs[event.job]?.task;
    return [
      say`Job ${event.job} is done: the loop finds the message of the pool's thread.`,
      owner === undefined
        ? say`A pool's thread never touches a task. It leaves a message in the loop's inbox.`
        : say`A pool's thread never touches a task. It leaves a message in the loop's inbox; the loop wakes ${task(owner)} itself.`,
    ];
  },

  join: (event) => [
    say`${task(event.task)} awaits the end of ${task(event.target)}.`,
    say`It leaves its waker with that task, which will call it as its last act. Until then there is nothing to look at.`,
  ],

  park(event, { trace, before }) {
    const next = nextTimer(before);
    const most = event.us === undefined ? "until something happens outside" : `for at most ${span(event.us)}`;
    const until = nextWords(next, event.t);
    if (isVirtual(trace) && event.us !== undefined) {
      return [say`Nobody is ready: the loop would sleep ${most}.`, say`${until} But this clock is virtual: where nobody can come in between, it need not wait, it jumps.`];
    }
    const earlier = event.us === undefined ? "will wake it" : "would wake it earlier";
    return [
      say`Nobody is ready: the loop sleeps ${most}.`,
      say`${until} A descriptor, a job that is done or another thread ${earlier}. While it sleeps, it uses no processor.`,
    ];
  },

  unpark: (event, context) => tellUnpark(event, context),

  out: (event) => [
    say`${task(event.task)} prints: ${String(event.text)}`,
    say`This is the program's own code, running inside the poll. The loop knows nothing of it.`,
  ],

  cut: (event) => [
    say`The trace ends here, the program does not: ${event.text ?? "its limit is reached"}.`,
    say`What came later was not recorded.`,
  ],

  end: () => [
    say`The loop has ended.`,
    say`Every task has ended or was dropped, every pool thread has gone, and block_on has returned. The key Home goes back to the beginning.`,
  ],
};

// ── the longer ones ───────────────────────────────────────────────────────

function tellIo(state) {
  const ready = state.queue.length;
  return [
    say`Turn ${state.turn}, first part: the loop looks at what has happened outside.`,
    ready
      ? say`Messages of other threads, and descriptors that have become ready. It does not sleep, since somebody is ready to run.`
      : say`Messages of other threads, and descriptors that have become ready. As nobody is ready to run, this is where it may sleep.`,
  ];
}

function tellTimers(state) {
  const next = nextTimer(state);
  return [
    say`Turn ${state.turn}, second part: the timer wheel is turned to the present time, ${clock(state.t)}.`,
    say`Whoever's deadline has come is woken, the earliest first. ${nextWords(next, state.t)}`,
  ];
}

function nextWords(next, now) {
  if (!next) return "No timer is armed.";
  if (next.deadline <= now) return `Timer ${next.timer} was due at ${clock(next.deadline)}.`;
  return `The next deadline is that of timer ${next.timer}, at ${clock(next.deadline)}.`;
}

function tellReady(state) {
  const now = state.queue.map(task);
  return [
    say`Turn ${state.turn}, third part: the loop polls who is ready now: ${now.length ? listed(now, now.length > 5 ? 3 : 5) : "nobody"}.`,
    say`Each gets one poll. Who is woken from here on stands behind the dashed cut and runs in the next turn, so that timers and descriptors have their turn, too.`,
  ];
}

/** Where its code begins, if it is not where it was spawned. */
function codePlace(trace, event) {
  const { code, file, line } = trace.tasks.get(event.task) ?? {};
  return code === undefined || (code.file === file && code.line === line) ? "" : `, at ${placeText(trace, code)}`;
}

function whyPolled(trace, event, before) {
  const groups = waitGroups(before?.waits ?? []);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return "Its turn has come again: with all its local variables as it left them, it runs on to its next await.";
  if (count > 1) return "A wake only says “look again”, not which of the things it waits for has come: it looks at each. Those that have not come stay as they are.";
  return whatHasCome(trace, event, groups[0], before.wokenBy ?? "") ?? [`It looks whether `, waitPieces(groups[0]), ` has come: a wake only says “look again”. If not, it is suspended again.`];
}

/** What a task finds that waited for one thing, and was woken by just that. */
function whatHasCome(trace, event, wait, by) {
  const kind = kindOf(wait);
  if (kind !== undefined && by === `${kind} ${wait[kind]}`) return HAS_COME[kind](wait);
  if (wait.target !== undefined) {
    return by === `task ${wait.target}` ? say`${task(wait.target)} has ended: what it has left is taken here, and the await is over.` : undefined;
  }
  const thing = thingOf(wait);
  return by.startsWith("task ") && goesOn(trace, event.n, event.task, wait) ? thing?.come : undefined;
}

const HAS_COME = {
  timer: ({ timer }) => `Timer ${timer} has fired, so this await is over: with all its local variables as it left them, it runs on to its next await.`,
  fd: ({ fd }) => `The system has reported fd ${fd}: it tries again what would have blocked before. Should it still block, it is suspended again.`,
  job: ({ job }) => `Job ${job} is done: the task takes its result, and runs on to its next await.`,
};

/** Who will call the waker that a suspended task has left behind. */
function whoWakes(wait) {
  if (wait.target !== undefined) return say`when ${task(wait.target)} ends, it wakes this task`;
  if (wait.timer !== undefined) return `timer ${wait.timer} wakes it when its deadline comes`;
  if (wait.fd !== undefined) return `the loop wakes it when the system reports fd ${wait.fd}`;
  if (wait.job !== undefined) return `the loop wakes it when job ${wait.job} is done`;
  return thingOf(wait)?.until ?? `whoever brings ${wait.what ?? "what it waits for"} about wakes it`;
}

// ── what tasks wait for within the loop ───────────────────────────────────
//
//   until  what ends the wait (it follows: "Nobody asks it again and again;")
//   gives  how the wake is told; why: what is to be known about it
//   come   what the task finds when it is polled after that

const TRIES_AGAIN = "Nothing is laid aside for it: when it is polled, it looks itself, and should somebody have been quicker, it waits again.";

const THINGS = {
  "a mutex": {
    until: "it is in the mutex's wait queue until the holder unlocks it",
    gives: (by, me) => say`${by} has unlocked the mutex, and ${me} was first in its wait queue: it holds the mutex from now on`,
    why: "The mutex is handed over and never free in between, so nobody can get in before. ",
    come: "The mutex was handed over to it when it was woken, so it holds it already, and nobody was in between: it runs on to its next await.",
  },
  "a semaphore's permit": {
    until: "it is in the semaphore's wait queue until a permit is given back",
    gives: (by, me) => say`${by} has given a permit back, and ${me} was first in the wait queue: the permit is its own from now on`,
    why: "The permit is handed over and never free in between, so nobody can get in before. ",
    come: "The permit was handed over to it when it was woken, so it has it already: it runs on to its next await.",
  },
  "an event": {
    until: "whoever sets the event wakes all who wait for it",
    gives: (by, me) => say`${by} has set the event that ${me} waits for`,
    why: "All who wait for it are woken in the order in which they came, and get through even if it is cleared meanwhile. ",
    come: "The event was set. It gets through, even if the event has been cleared since.",
  },
  "a value from a channel": {
    until: "whoever sends a value, or closes the channel, wakes the first who waits for one",
    gives: (by, me) => say`${by} wakes ${me}, which waits for a value from a channel: there is one now, or the channel is closed`,
    why: TRIES_AGAIN + " ",
    come: "It looks into the channel again, which holds a value now, or is closed. Should another task have been quicker, it waits again.",
  },
  "a value from a channel, as a stream": {
    until: "whoever sends a value, or closes the channel, wakes it",
    gives: (by, me) => say`${by} wakes ${me}, which waits for a value from a channel: there is one now, or the channel is closed`,
    why: TRIES_AGAIN + " ",
    come: "It looks into the channel again, which holds a value now, or is closed. Should another task have been quicker, it waits again.",
  },
  "room in a channel": {
    until: "the channel is full; whoever takes a value out of it, or closes it, wakes the first who waits for room",
    gives: (by, me) => say`${by} wakes ${me}, which waits for room in a channel: there is some now, or the channel is closed`,
    why: TRIES_AGAIN + " ",
    come: "It tries to send again, as there is room now, or the channel is closed. Should another task have been quicker, it waits again.",
  },
  "a oneshot's value": {
    until: "whoever sends the value, or drops the half that could send it, wakes this task",
    gives: (by, me) => say`${by} has sent the value that ${me} waits for, or has dropped the half that could send it`,
    why: "A oneshot has one sender, so that is all that can happen to it. ",
    come: "The value is there, or will never come: either way the await is over.",
  },
  "a condition variable": {
    until: "it has let go of the mutex, and whoever notifies the condition variable wakes it",
    gives: (by, me) => say`${by} has notified the condition variable, and it is the turn of ${me}`,
    why: "That does not say that the condition holds: it takes the mutex again first, then it looks. ",
    come: "It was notified. It takes the mutex again, for which it may have to wait; then it looks whether the condition holds.",
  },
  "a barrier": {
    until: "the last who arrives at the barrier wakes all who wait there",
    gives: (by, me) => say`${by} was the last to arrive at the barrier: all who waited there may go on, and so may ${me}`,
    why: "They are woken in the order in which they came. ",
    come: "All have arrived at the barrier, so it goes on.",
  },
  "a wait group": {
    until: "whoever finishes the last thing that the group counts wakes it",
    gives: (by, me) => say`${by} has finished the last thing that the wait group counts: ${me} has waited for that`,
    why: "A group wakes nobody before its count is 0. ",
    come: "All that the wait group counted was done, so the await is over.",
  },
};

const thingOf = (wait) => (wait?.what !== undefined && Object.hasOwn(THINGS, wait.what) ? THINGS[wait.what] : undefined);

/** Whether the next poll of a task leads it beyond what it waits for: if it has been
    aborted meanwhile, or stays at that line, it may have been woken by something else. */
function goesOn(trace, n, id, wait) {
  const later = (trace.touching.get(id) ?? []).map((at) => trace.events[at - 1]).filter((event) => event.n >= n && event.task === id);
  const poll = later.findIndex(({ ev }) => FATES.has(ev));
  if (later[poll]?.ev !== "poll") return false;
  const stop = later.slice(poll + 1).find(({ ev }) => ev === "pending" || FATES.has(ev));
  const isSame = ({ what, file, line }) => what === wait.what && file === wait.file && line === wait.line;
  return !(stop?.waits ?? []).some(isSame);
}

/** What becomes of a task that is in the run queue. */
const FATES = new Set(["poll", "abort", "drop", "done", "panic"]);

function fateOf(trace, n, id) {
  const at = (trace.touching.get(id) ?? []).find((m) => m > n && trace.events[m - 1].task === id && FATES.has(trace.events[m - 1].ev));
  return trace.events[at - 1]?.ev;
}

function tellPending(event, groups, { trace, after }) {
  const me = task(event.task);
  const again = after.queue.includes(event.task);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return tellPendingForNothing(me, again);
  const things = listed(groups.map((group) => waitWithPlace(trace, group)), 4);
  const lead = count > 1
    ? say`${me} is suspended in ${count} places at once: ${things}.`
    : say`${me} is suspended: it waits for ${things}.`;
  if (again) {
    return [lead, say`Its poll returned Pending, but it was woken during that poll: it is in the run queue already, and will look again in the next turn.`];
  }
  return [lead, count > 1 ? whySeveral(groups, count) : whySuspended(groups[0])];
}

function whySuspended(wait) {
  return say`Its poll returned Pending: it keeps its place in the code, and gives the thread back. Nobody asks it again and again; ${whoWakes(wait)}.`;
}

function whySeveral(groups, count) {
  if (groups.length === 1) {
    return say`One task can hold several futures. Within this one poll all ${count} came as far as this line, and none of them beyond it.`;
  }
  return say`One task can hold several futures. Within this one poll each of them ran until it could go no further. The first that can go on wakes the task.`;
}

function tellPendingForNothing(me, again) {
  if (again) {
    return [
      say`${me} gives way: it has woken itself, and its poll returns Pending.`,
      say`It is at the back of the run queue already. Whoever is ready goes first, and it goes on in the next turn.`,
    ];
  }
  return [
    say`${me} is suspended: its poll returned Pending.`,
    say`What it waits for is none of the loop's own things. It has left its waker somewhere, and will be polled when that is called.`,
  ];
}

function joinerOf(state, target) {
  const waits = (other) => other.state !== "polled" && other.waits.some((wait) => wait.target === target);
  return Object.values(state.tasks).find(waits);
}

function tellWake(event, { trace, before }) {
  const me = task(event.task);
  const [lead, reason] = wakeReason(event, me, { trace, before });
  if (event.dup) {
    return [
      say`${lead}, but it is in the run queue already.`,
      say`Any number of wakes before a poll lead to one poll. Nothing is lost: when it is polled, it looks at everything that it waits for.`,
    ];
  }
  return [
    say`${lead}.`,
    say`${reason}Waking runs nothing: its number goes to the back of the run queue.`,
  ];
}

function wakeReason(event, me, { trace, before }) {
  const [, kind, number] = /^(\w+) (\d+)$/.exec(event.by ?? "") ?? [];
  const other = Number(number);
  if (kind !== "task") return [say`${me} is woken by ${cause(event.by)}`, WAKE_REASONS[kind ?? event.by] ?? ""];
  if (other === event.task) {
    return [say`${me} is woken by something that it did itself, during its own poll`, "It may have given way, or one of the futures in it has made another able to go on. "];
  }
  const waits = before.tasks[event.task]?.waits ?? [];
  if (waits.some((wait) => wait.target === other) && ENDED.has(before.tasks[other]?.state)) {
    return [say`${task(other)} has ended, and ${me} awaits its end: so it is woken`, "What it awaits is there. "];
  }
  if (!event.dup && fateOf(trace, event.n, event.task) === "abort") {
    return [say`${task(other)} wakes ${me}, which is to be aborted`, "An abort waits for its task's turn. "];
  }
  const thing = waits.length === 1 && !event.dup ? thingOf(waits[0]) : undefined;
  if (thing && goesOn(trace, event.n, event.task, waits[0])) return [thing.gives(task(other), me), thing.why];
  return wokenByTask(other, me, waits, before);
}

/** What can be said of a wake in any case. */
function wokenByTask(other, me, waits, before) {
  const when = ENDED.has(before.tasks[other]?.state) ? "at its end" : "which has the thread now";
  const thing = waits.length === 1 ? [", which waits for ", waitPieces(waits[0]), ","] : waits.length > 1 ? [", which waits for several things,"] : "";
  return [say`${me}${thing} is woken by ${task(other)}, ${when}`, "Something that happened there lets this task look again whether it can go on. "];
}

const WAKE_REASONS = {
  timer: "The timer called the waker that was left with it. ",
  fd: "What it wanted to do with it may succeed now. ",
  job: "The result is there. ",
  thread: "The wake lay in the loop's inbox, for only the loop's own thread touches the run queue. ",
};

function tellUnpark(event, { trace, before }) {
  if (event.why === "timeout" && isVirtual(trace)) {
    return [
      say`The virtual clock jumps from ${clock(before.t)} to ${clock(event.t)}.`,
      say`Nobody was ready, and nobody could become so before the next deadline. So instead of waiting for it, the loop sets its clock to it.`,
    ];
  }
  const slept = say`It has slept for ${span(event.t - before.t)}. `;
  const [lead, why] = UNPARK[event.why] ?? ["The loop wakes up.", ""];
  return [say`${lead}`, say`${slept}${why}`];
}

const UNPARK = {
  timeout: ["The loop wakes up: the time is over.", "The system wakes it at the deadline, and the timer wheel will say who that was."],
  fd: ["The loop wakes up: the system reports a descriptor.", "Not the deadline woke it, but something that came from outside."],
  job: ["The loop wakes up: a job of the blocking pool is done.", "The pool's thread left a message in the inbox, then woke the loop."],
  thread: ["The loop wakes up: another thread has called.", "It left its message in the inbox first, then woke the loop: so no wake is lost."],
  other: ["The loop wakes up, for a reason that is not known.", "That happens, and does no harm: it looks, and sleeps again if nobody is ready."],
};

// ── in short ──────────────────────────────────────────────────────────────

function inShort(trace, n) {
  const event = trace.events[n - 1];
  const tell = Object.hasOwn(SHORT, event.ev) ? SHORT[event.ev] : (e) => [`? ${e.ev}`];
  return tell(event, trace, trace.about[n]).flat(3);
}

function ringWords(level) {
  if (level === 0) return "That is the finest ring: when the cursor is there, it is due.";
  return "When the cursor comes to that slot, it moves to a finer one, unless it is due by then: then it fires.";
}

/** A ring by its number, and where it is drawn. */
function ringName(level) {
  return `ring ${level} (${["the outer one", "the inner one"][level] ?? "a coarser one, not drawn"})`;
}

const SHORT = {
  spawn: (e) => (e.by === "start" ? ["block_on begins: ", task(e.task)] : ["spawn ", task(e.task)]),
  phase: (e) => [`— ${{ io: "1 look outside", timers: "2 fire timers", ready: "3 run ready" }[e.p] ?? e.p}`],
  poll: (e) => ["poll ", task(e.task), ` (${e.k})`],
  pending: (e) => [task(e.task), ...(e.waits?.length ? [" waits for ", listed(waitGroups(e.waits).map(waitPieces), 2)] : [" gives the thread back"])],
  done: (e) => [task(e.task), " has ended ✓"],
  panic: (e) => [task(e.task), " panics"],
  abort: (e) => [task(e.task), " is aborted"],
  drop: (e) => [task(e.task), " is dropped"],
  wake: (e) => ["wake ", task(e.task), " ← ", cause(e.by), e.dup ? " (again)" : ""],
  arm: (e, _trace, about) => [`arm timer ${e.timer}`, about === null ? "" : [" for ", task(about)], ` → ${clock(e.deadline)}`],
  cascade: (e) => [`timer ${e.timer} moves to ring ${e.level}`],
  fire: (e) => [`timer ${e.timer} fires`],
  cancel: (e) => [`timer ${e.timer} cancelled`],
  watch: (e) => [`watch fd ${e.fd}: ${e.want}`],
  unwatch: (e) => [`fd ${e.fd} not watched`],
  fdready: (e) => [`fd ${e.fd} ${able(e.got)}`],
  job: (e) => [`job ${e.job} from `, task(e.task)],
  jobdone: (e) => [`job ${e.job} done`],
  join: (e) => [task(e.task), " awaits ", task(e.target)],
  park: (e) => [`sleep${e.us === undefined ? "" : ` ≤ ${span(e.us)}`}`],
  unpark: (e) => [`wake up: ${e.why}`],
  out: (e) => [`prints: ${e.text}`],
  cut: () => ["the trace is cut here"],
  end: () => ["the loop has ended"],
};
