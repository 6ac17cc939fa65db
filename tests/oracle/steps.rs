//! The order of the events: events are numbered, time never goes back, turns have three
//! parts, and a sleep has an end.

use super::Checked;
use super::event::{Event, Phase, What};

pub struct Steps {
    is_virtual: bool,
    number: u64,
    time: u64,
    /// The time of the last event that was not written together with the next one.
    before: u64,
    turn: u64,
    phase: Option<Phase>,
    /// The sleep that has begun and not ended.
    sleep: Option<Sleep>,
    /// `end` or `cut`.
    last: Option<&'static str>,
}

struct Sleep {
    number: u64,
    limit: Option<u64>,
    /// The limit was computed between these two times.
    before: u64,
    began: u64,
    has_job: bool,
}

impl Steps {
    pub fn new(is_virtual: bool) -> Steps {
        Steps {
            is_virtual,
            number: 0,
            time: 0,
            before: 0,
            turn: 0,
            phase: None,
            sleep: None,
            last: None,
        }
    }

    pub fn see(&mut self, event: &Event) -> Checked {
        if let Some(last) = self.last {
            return Err(format!("nothing can come after `{last}`"));
        }
        if event.number != self.number + 1 {
            let (is, after) = (event.number, self.number);
            return Err(format!("it is numbered {is}, but comes after number {after}"));
        }
        self.see_time(event)?;
        self.see_turn(event)?;
        self.see_part(event)?;
        self.see_sleep(event)?;
        (self.number, self.time) = (event.number, event.time);
        if !matches!(event.what, What::Phase(_) | What::JobDone { .. }) {
            self.before = event.time;
        }
        self.last = match event.what {
            What::Cut | What::LoopEnd => Some(event.what.kind()),
            _ => None,
        };
        Ok(())
    }

    fn see_time(&self, event: &Event) -> Checked {
        if event.time < self.time {
            return Err(format!("time goes back, from {} ns to {} ns", self.time, event.time));
        }
        if self.is_virtual && event.time != self.time && self.sleep.is_none() {
            return Err("the virtual clock moves though the loop does not sleep".into());
        }
        Ok(())
    }

    /// A turn begins with the event `phase`, and its parts come in their order.
    fn see_turn(&mut self, event: &Event) -> Checked {
        let What::Phase(phase) = event.what else {
            let same = event.turn == self.turn;
            let text = || format!("turn {} begins without a `phase`", event.turn);
            return same.then_some(()).ok_or_else(text);
        };
        if event.turn == 0 || !(self.turn..=self.turn + 1).contains(&event.turn) {
            return Err(format!("turn {} comes after turn {}", event.turn, self.turn));
        }
        if event.turn == self.turn && self.phase >= Some(phase) {
            return Err("this part of the turn has been there already: I/O, timers, tasks".into());
        }
        (self.turn, self.phase) = (event.turn, Some(phase));
        Ok(())
    }

    /// An event that belongs to one part of a turn happens there. (A poll belongs to the third
    /// part, but see `tasks`.)
    fn see_part(&self, event: &Event) -> Checked {
        let (belongs, name) = match event.what {
            What::Park { .. } | What::Unpark { .. } | What::FdReady { .. } => (Phase::Io, "io"),
            What::Fire { .. } | What::Cascade { .. } => (Phase::Timers, "timers"),
            _ => return Ok(()),
        };
        if self.phase != Some(belongs) {
            let kind = event.what.kind();
            return Err(format!("`{kind}` belongs to the part {name:?} of a turn"));
        }
        Ok(())
    }

    /// A sleep ends before anything else happens; but the jobs that have ended the sleep are
    /// recorded before its end.
    fn see_sleep(&mut self, event: &Event) -> Checked {
        match (&event.what, &mut self.sleep) {
            (What::Park { limit }, None) => {
                let (limit, before, began) = (*limit, self.before, event.time);
                let number = event.number;
                self.sleep = Some(Sleep { number, limit, before, began, has_job: false });
            }
            (What::Unpark { .. }, None) => return Err("the loop wakes, but did not sleep".into()),
            (What::Unpark { why }, Some(sleep)) => {
                sleep.ends(event.time, why, self.is_virtual)?;
                self.sleep = None;
            }
            (What::JobDone { .. }, Some(sleep)) => sleep.has_job = true,
            // A poller that fails ends the sleep by a panic: then the tasks are dropped.
            (What::End { .. } | What::LoopEnd, Some(_)) => self.sleep = None,
            (_, Some(sleep)) => {
                return Err(format!(
                    "the loop sleeps since event {}, and has not woken",
                    sleep.number
                ));
            }
            (_, None) => {}
        }
        Ok(())
    }
}

impl Sleep {
    fn ends(&self, time: u64, why: &str, is_virtual: bool) -> Checked {
        match (why, self.limit) {
            ("timeout", None) => Err("a sleep without a limit has reached its limit".into()),
            ("timeout", Some(limit)) if time < self.before + limit => {
                Err("the sleep's limit has ended it, but was not over".into())
            }
            // The trace gives the limit in whole microseconds.
            ("timeout", Some(limit)) if is_virtual && time >= self.began + limit + 1000 => {
                Err("the virtual clock went further than to the sleep's limit".into())
            }
            ("job", _) if !self.has_job => {
                Err("a job has ended the sleep, but none is done".into())
            }
            ("timeout" | "job" | "fd" | "thread" | "other", _) => Ok(()),
            (other, _) => Err(format!("nothing called {other:?} can end a sleep")),
        }
    }
}
