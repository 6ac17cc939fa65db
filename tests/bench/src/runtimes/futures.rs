//! futures: its `LocalPool`, which has tasks and nothing else.

use std::cell::RefCell;
use std::future::Future;

use futures_executor::{LocalPool, LocalSpawner};
use futures_util::future::RemoteHandle;
use futures_util::task::LocalSpawnExt;

use crate::runtime::Runtime;
use crate::workload::Workload;
use crate::workloads;

pub struct Futures;

pub fn all() -> Vec<Workload> {
    workloads::tasks::<Futures>()
}

thread_local! {
    static SPAWNER: RefCell<Option<LocalSpawner>> = const { RefCell::new(None) };
}

impl Runtime for Futures {
    const NAME: &'static str = "futures";
    type Join<T: 'static> = RemoteHandle<T>;

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut pool = LocalPool::new();
        SPAWNER.set(Some(pool.spawner()));
        let output = pool.run_until(future);
        SPAWNER.set(None);
        output
    }

    fn spawn<F>(future: F) -> RemoteHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        SPAWNER.with_borrow(|spawner| {
            let spawner = spawner.as_ref().expect("the pool runs");
            spawner.spawn_local_with_handle(future).expect("the pool runs")
        })
    }
}
