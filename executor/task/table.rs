//! The task table: every task that has not ended, by the slot in its name.

use std::rc::Rc;

use super::id::{Name, TaskId};
use super::task::Task;

/// Owns the tasks. A slot whose task has ended is used again; the number in the
/// name tells the new task from the old one.
#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    free: Option<u32>,
}

enum Slot {
    Task(Rc<Task>),
    /// Unused; the next unused slot.
    Free(Option<u32>),
}

impl Table {
    /// Adds the task that `make` returns for the name that it is given. `also`
    /// is whatever else `make` made on the way.
    pub(crate) fn insert<A>(
        &mut self,
        id: TaskId,
        make: impl FnOnce(Name) -> (Rc<Task>, A),
    ) -> (Name, A) {
        let slot = self.free_slot();
        let name = Name { id, slot };
        let (task, also) = make(name);
        if let Slot::Free(next) = self.slots[slot as usize] {
            self.free = next;
        }
        self.slots[slot as usize] = Slot::Task(task);
        (name, also)
    }

    fn free_slot(&mut self) -> u32 {
        if let Some(slot) = self.free {
            return slot;
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer tasks than bytes");
        assert!(slot < Name::ROOT, "too many tasks at once");
        self.slots.push(Slot::Free(None));
        self.free = Some(slot);
        slot
    }

    /// The task of that name, unless it has ended.
    pub(crate) fn get(&self, name: Name) -> Option<&Rc<Task>> {
        match self.slots.get(name.slot as usize) {
            Some(Slot::Task(task)) if task.name == name => Some(task),
            _ => None,
        }
    }

    /// Takes the task of that name out, unless it has ended.
    pub(crate) fn remove(&mut self, name: Name) -> Option<Rc<Task>> {
        self.get(name)?;
        let slot = &mut self.slots[name.slot as usize];
        let removed = std::mem::replace(slot, Slot::Free(self.free));
        self.free = Some(name.slot);
        match removed {
            Slot::Task(task) => Some(task),
            Slot::Free(_) => None,
        }
    }

    /// All tasks, in the order in which they were spawned.
    pub(crate) fn in_spawn_order(&self) -> Vec<Rc<Task>> {
        let mut tasks: Vec<Rc<Task>> = self.iter().cloned().collect();
        tasks.sort_by_key(|task| task.name.id);
        tasks
    }

    /// All tasks, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Task>> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Task(task) => Some(task),
            Slot::Free(_) => None,
        })
    }
}
