//! How proptest makes programs up, and makes one that fails smaller.
//!
//! This is a strategy of its own: a program is shrunk by dropping statements, and by
//! replacing a statement by the statements inside it.

use proptest::prelude::*;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::TestRunner;

use super::language::{
    Block, CAPACITIES, CONDVARS, EVENTS, MUTEXES, ONESHOTS, OnDrop, PARTIES, PERMITS, Program,
    Several, Statement, block,
};

/// Programs, small and large.
#[derive(Debug)]
pub struct Programs;

impl Strategy for Programs {
    type Tree = Shrinking;
    type Value = Program;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Programs> {
        let seed = any::<u64>().new_tree(runner)?.current();
        Ok(Shrinking::new(made_of(seed)))
    }
}

/// The program that is made of this number.
pub fn made_of(seed: u64) -> Program {
    Maker::new(seed).program()
}

// ── making ───────────────────────────────────────────────────────────────────

/// Tasks are named by numbers below this one.
const NAMED_TASKS: usize = 6;
/// Things are named by numbers below this one, which each count of them divides.
const THINGS: usize = 6;
/// How deep blocks may be inside of blocks.
const DEPTH: usize = 3;

/// Makes a random program.
///
/// If every program had statements of every kind, tasks would rarely meet. So each program
/// has a few families of statements only, and many have only one thing of each sort.
struct Maker {
    state: u64,
    /// How many more statements it may make for this task.
    fuel: usize,
    /// What this program is made of; what comes up more often is there more often.
    simple: Vec<Make>,
    nested: Vec<Make>,
    /// Uses this thing of each sort, and no other.
    only: Option<usize>,
}

/// Makes a statement, in which blocks may lie in blocks so deep.
type Make = fn(&mut Maker, usize) -> Statement;
/// The same, and how often it comes up compared with others.
type Kind = (usize, Make);

/// Statements that have to do with each other.
struct Family {
    /// Statements without a block. Those that wake are more frequent than those that wait,
    /// or most programs would soon be stuck.
    simple: &'static [Kind],
    /// Statements with blocks.
    nested: &'static [Kind],
}

/// The first one is in every program.
const FAMILIES: &[Family] = &[
    Family {
        simple: &[
            (2, |_, _| Statement::Say),
            (7, |_, _| Statement::Yield),
            (7, |maker, _| Statement::Sleep(maker.milliseconds())),
            (1, |maker, _| Statement::Snooze(maker.milliseconds(), maker.milliseconds())),
        ],
        nested: &[
            (3, |maker, depth| Statement::Hold(maker.on_drop(depth), maker.block(depth))),
            (6, |maker, depth| Statement::Within(maker.limit(), maker.block(depth))),
            (1, |maker, depth| Statement::Repeat(2 + maker.below(2) as u8, maker.block(depth))),
            (2, |maker, depth| Statement::Tick {
                period: 1 + maker.milliseconds(),
                times: 1 + maker.below(3) as u8,
                each: maker.block(depth),
            }),
        ],
    },
    Family {
        simple: &[
            (4, |maker, _| Statement::Join(maker.below(NAMED_TASKS))),
            (1, |_, _| Statement::JoinEveryone),
            (1, |maker, _| Statement::Detach(maker.below(NAMED_TASKS))),
            (1, |maker, _| Statement::AskIfFinished(maker.below(NAMED_TASKS))),
        ],
        nested: &[
            (8, |maker, depth| Statement::Spawn(maker.block(depth))),
            (4, |maker, depth| Statement::HandOver(maker.block(depth))),
        ],
    },
    Family {
        simple: &[
            (7, |maker, _| Statement::Abort(maker.below(NAMED_TASKS))),
            (1, |_, _| Statement::AbortMyself),
        ],
        nested: &[],
    },
    Family {
        simple: &[(1, |_, _| Statement::SleepForever), (2, |_, _| Statement::Panic)],
        nested: &[(12, |maker, depth| {
            Statement::Together(maker.several(|maker| maker.part(depth)))
        })],
    },
    Family {
        simple: &[(2, |_, _| Statement::Panic)],
        nested: &[(5, |maker, depth| Statement::Group(maker.several(|maker| maker.child(depth))))],
    },
    Family {
        simple: &[
            (6, |maker, _| Statement::Send(maker.thing(CAPACITIES.len()))),
            (2, |maker, _| Statement::TrySend(maker.thing(CAPACITIES.len()))),
            (6, |maker, _| Statement::Receive(maker.thing(CAPACITIES.len()))),
            (2, |maker, _| Statement::Next(maker.thing(CAPACITIES.len()))),
            (2, |maker, _| Statement::TryReceive(maker.thing(CAPACITIES.len()))),
            (1, |maker, _| Statement::Close(maker.thing(CAPACITIES.len()))),
            (1, |maker, _| Statement::DropSender(maker.thing(CAPACITIES.len()))),
            (1, |maker, _| Statement::DropReceiver(maker.thing(CAPACITIES.len()))),
        ],
        nested: &[],
    },
    Family {
        simple: &[
            (4, |maker, _| Statement::Deliver(maker.thing(ONESHOTS))),
            (4, |maker, _| Statement::Await(maker.thing(ONESHOTS))),
            (1, |maker, _| Statement::Break(maker.thing(ONESHOTS))),
            (1, |maker, _| Statement::Ignore(maker.thing(ONESHOTS))),
        ],
        nested: &[],
    },
    Family {
        simple: &[
            (5, |maker, _| Statement::NotifyOne(maker.thing(CONDVARS))),
            (3, |maker, _| Statement::NotifyAll(maker.thing(CONDVARS))),
        ],
        nested: &[
            (8, |maker, depth| Statement::Lock(maker.thing(MUTEXES), maker.block(depth))),
            (1, |maker, depth| Statement::TryLock(maker.thing(MUTEXES), maker.block(depth))),
            (6, |maker, depth| Statement::LockAndWait {
                mutex: maker.thing(MUTEXES),
                condvar: maker.thing(CONDVARS),
                then: maker.block(depth),
            }),
        ],
    },
    Family {
        simple: &[],
        nested: &[
            (8, |maker, depth| Statement::Lock(maker.thing(MUTEXES), maker.block(depth))),
            (1, |maker, depth| Statement::TryLock(maker.thing(MUTEXES), maker.block(depth))),
            (6, |maker, depth| Statement::Acquire(maker.thing(PERMITS.len()), maker.block(depth))),
            (2, |maker, depth| {
                Statement::AcquireOwned(maker.thing(PERMITS.len()), maker.block(depth))
            }),
            (1, |maker, depth| {
                Statement::TryAcquire(maker.thing(PERMITS.len()), maker.block(depth))
            }),
        ],
    },
    Family {
        simple: &[
            (5, |maker, _| Statement::Set(maker.thing(EVENTS))),
            (4, |maker, _| Statement::Clear(maker.thing(EVENTS))),
            (5, |maker, _| Statement::Wait(maker.thing(EVENTS))),
        ],
        nested: &[],
    },
    Family {
        simple: &[
            (4, |maker, _| Statement::Arrive(maker.thing(PARTIES.len()))),
            (4, |_, _| Statement::AwaitCount),
        ],
        nested: &[(5, |maker, depth| Statement::Count(maker.block(depth)))],
    },
];

impl Maker {
    fn new(seed: u64) -> Maker {
        let (simple, nested) = (Vec::new(), Vec::new());
        let mut maker = Maker { state: seed, fuel: 0, simple, nested, only: None };
        maker.only = maker.one_in(2).then(|| maker.below(THINGS));
        let rarity = 1 + maker.below(4);
        for (index, family) in FAMILIES.iter().enumerate() {
            if index == 0 || maker.one_in(rarity) {
                let (simple, nested) = (maker.mix(family.simple), maker.mix(family.nested));
                maker.simple.extend(simple);
                maker.nested.extend(nested);
            }
        }
        maker
    }

    /// Each kind as often as it comes up, or more often, or hardly.
    fn mix(&mut self, kinds: &[Kind]) -> Vec<Make> {
        let mut mixed = Vec::new();
        for (weight, make) in kinds {
            let times = [1, *weight, weight * 2, weight * 6][self.below(4)];
            mixed.extend(std::iter::repeat_n(*make, times));
        }
        mixed
    }

    fn program(&mut self) -> Program {
        let mut tasks = if self.one_in(2) { self.rivals() } else { self.strangers() };
        if !self.one_in(3) {
            tasks.push(liberator());
        }
        let roots = 1 + usize::from(self.one_in(3));
        let roots = (0..roots).map(|_| self.root()).collect();
        Program { tasks, roots }
    }

    /// Tasks that have little to do with each other.
    fn strangers(&mut self) -> Vec<Block> {
        (0..self.below(6)).map(|_| self.task()).collect()
    }

    /// Tasks that all want the same, and one that wakes and aborts.
    fn rivals(&mut self) -> Vec<Block> {
        let count = 2 + self.below(3);
        self.fuel = 1 + self.below(4);
        let mut tasks = vec![self.block(DEPTH); count];
        let mut disturber = Vec::new();
        for _ in 0..2 + self.below(4) {
            disturber.push(self.simple_statement());
            if self.one_in(2) {
                disturber.push(Statement::Abort(self.below(count)));
            }
        }
        tasks.push(Block(disturber));
        tasks
    }

    fn task(&mut self) -> Block {
        self.fuel = 2 + self.below(14);
        self.block(DEPTH)
    }

    /// Most roots join everyone, so that much happens before they are done.
    fn root(&mut self) -> Block {
        let mut root = self.task();
        root.0.extend((!self.one_in(4)).then_some(Statement::JoinEveryone));
        root
    }

    fn simple_statement(&mut self) -> Statement {
        let chosen = self.below(self.simple.len());
        self.simple[chosen](self, 0)
    }

    fn nested_statement(&mut self, depth: usize) -> Statement {
        let chosen = self.below(self.nested.len());
        self.nested[chosen](self, depth - 1)
    }

    fn block(&mut self, depth: usize) -> Block {
        let longest = if depth == DEPTH { 2 + self.below(6) } else { self.below(5) };
        let mut statements = Vec::new();
        while statements.len() < longest && self.fuel > 0 {
            self.fuel -= 1;
            statements.push(match depth > 0 && self.below(5) < 2 {
                true => self.nested_statement(depth),
                false => self.simple_statement(),
            });
        }
        Block(statements)
    }

    fn several<T>(&mut self, mut one: impl FnMut(&mut Maker) -> T) -> Several<T> {
        Several((0..1 + self.below(3)).map(|_| one(self)).collect())
    }

    /// A block whose end is seen, as often as not.
    fn part(&mut self, depth: usize) -> Block {
        let part = self.block(depth);
        if self.one_in(2) { block([Statement::Hold(OnDrop::ThenNothing, part)]) } else { part }
    }

    fn child(&mut self, depth: usize) -> (Block, bool) {
        (self.block(depth), !self.one_in(3))
    }

    fn on_drop(&mut self, depth: usize) -> OnDrop {
        match self.below(10) {
            0 => OnDrop::ThenPanic,
            1 => OnDrop::ThenSet(self.thing(EVENTS)),
            2 => OnDrop::ThenTrySend(self.thing(CAPACITIES.len())),
            3 => OnDrop::ThenNotify(self.thing(CONDVARS)),
            4 => OnDrop::ThenAbort(self.below(NAMED_TASKS)),
            5 => OnDrop::ThenSpawn(self.block(depth)),
            _ => OnDrop::ThenNothing,
        }
    }

    fn limit(&mut self) -> Option<u64> {
        (!self.one_in(10)).then(|| self.milliseconds())
    }

    /// Mostly few, so that deadlines are often equal.
    fn milliseconds(&mut self) -> u64 {
        let longest = [4, 4, 4, 4, 4, 4, 100, 10_000_000][self.below(8)];
        self.below(longest) as u64
    }

    /// One of so many things.
    fn thing(&mut self, count: usize) -> usize {
        self.only.map_or_else(|| self.below(count), |only| only % count)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    /// The next number, below `end`. (The generator is SplitMix64.)
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// A task that, after a time, wakes tasks that would wait for ever.
fn liberator() -> Block {
    use Statement::*;
    let let_go = block([Set(0), Set(1), NotifyAll(0), NotifyAll(1), Sleep(20)]);
    block([Sleep(10), Repeat(3, let_go), Deliver(0), Deliver(1), Close(0), Close(1), Close(2)])
}

// ── shrinking ────────────────────────────────────────────────────────────────

/// A program that may fail, and the smaller ones that are still to be tried.
#[derive(Debug)]
pub struct Shrinking {
    current: Program,
    /// The smallest one that has failed.
    failed: Program,
    smaller: std::vec::IntoIter<Program>,
}

impl Shrinking {
    fn new(program: Program) -> Shrinking {
        Shrinking { current: program.clone(), failed: program, smaller: Vec::new().into_iter() }
    }

    fn try_next(&mut self) -> bool {
        let next = self.smaller.next();
        let is_one = next.is_some();
        self.current = next.unwrap_or_else(|| self.failed.clone());
        is_one
    }
}

impl ValueTree for Shrinking {
    type Value = Program;

    fn current(&self) -> Program {
        self.current.clone()
    }

    /// The current one has failed: what is smaller still?
    fn simplify(&mut self) -> bool {
        self.failed = self.current.clone();
        self.smaller = smaller_programs(&self.failed).into_iter();
        self.try_next()
    }

    /// The current one has not failed.
    fn complicate(&mut self) -> bool {
        self.try_next()
    }
}

/// `list` with the one at `index` replaced by others, or by nothing.
fn with<T: Clone>(list: &[T], index: usize, others: &[T]) -> Vec<T> {
    [&list[..index], others, &list[index + 1..]].concat()
}

/// The same with one less.
fn fewer<T: Clone>(Several(list): &Several<T>) -> impl Iterator<Item = Several<T>> {
    (0..list.len()).map(|index| Several(with(list, index, &[])))
}

fn smaller_programs(program: &Program) -> Vec<Program> {
    let Program { tasks, roots } = program;
    let with_tasks = |tasks| Program { tasks, roots: roots.clone() };
    let with_roots = |roots| Program { tasks: tasks.clone(), roots };
    let mut smaller: Vec<Program> = Vec::new();
    smaller.extend((0..tasks.len()).map(|index| with_tasks(with(tasks, index, &[]))));
    if roots.len() > 1 {
        smaller.extend((0..roots.len()).map(|index| with_roots(with(roots, index, &[]))));
    }
    for (index, task) in tasks.iter().enumerate() {
        let blocks = smaller_blocks(task).into_iter();
        smaller.extend(blocks.map(|block| with_tasks(with(tasks, index, &[block]))));
    }
    for (index, root) in roots.iter().enumerate() {
        let blocks = smaller_blocks(root).into_iter();
        smaller.extend(blocks.map(|block| with_roots(with(roots, index, &[block]))));
    }
    smaller
}

fn smaller_blocks(Block(statements): &Block) -> Vec<Block> {
    let mut smaller = Vec::new();
    if statements.len() > 2 {
        let (first, second) = statements.split_at(statements.len() / 2);
        smaller.extend([second.to_vec(), first.to_vec()]);
    }
    for (index, statement) in statements.iter().enumerate() {
        smaller.push(with(statements, index, &[]));
        let mut hollow = statement.clone();
        for inner in hollow.blocks() {
            smaller.push(with(statements, index, &inner.0));
        }
    }
    for (index, statement) in statements.iter().enumerate() {
        let simpler = simpler_statements(statement).into_iter();
        smaller.extend(simpler.map(|statement| with(statements, index, &[statement])));
    }
    smaller.into_iter().map(Block).collect()
}

fn simpler_statements(statement: &Statement) -> Vec<Statement> {
    use Statement::*;
    let less = |ms: u64| [0, ms / 2, ms.saturating_sub(1)].into_iter().filter(move |&l| l < ms);
    let mut simpler: Vec<Statement> = match statement {
        Sleep(ms) => less(*ms).map(Sleep).collect(),
        Snooze(first, then) => less(*then).map(|then| Snooze(*first, then)).collect(),
        Tick { period, times: times @ 2.., each } => {
            vec![Tick { period: *period, times: times - 1, each: each.clone() }]
        }
        Within(Some(ms), block) => less(*ms).map(|ms| Within(Some(ms), block.clone())).collect(),
        Repeat(times @ 2.., block) => vec![Repeat(times - 1, block.clone())],
        Hold(OnDrop::ThenNothing, _) => Vec::new(),
        Hold(_, block) => vec![Hold(OnDrop::ThenNothing, block.clone())],
        Together(blocks) => fewer(blocks).map(Together).collect(),
        Group(children) => fewer(children).map(Group).collect(),
        _ => Vec::new(),
    };
    for index in 0..statement.clone().blocks().len() {
        let block = statement.clone().blocks()[index].clone();
        for smaller in smaller_blocks(&block) {
            let mut statement = statement.clone();
            *statement.blocks()[index] = smaller;
            simpler.push(statement);
        }
    }
    simpler
}
