//! What the workloads take for granted, checked on each runtime that this build contains:
//! `cargo test -p glassloop-bench --test fair --features tokio,smol,compio,monoio,glommio`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use glassloop_bench::parts::yield_now;
use glassloop_bench::runtime::Timers;

/// Twice as many as a workload makes between two turns of the loop.
const IN_ONE_POLL: u64 = 2000;

/// Counts the wakes.
#[derive(Default)]
struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A runtime that limits what one poll may do answers `Pending` and wakes the task, and
/// the timer is not armed: the workload would measure the refusal.
fn no_timer_is_refused_in_one_poll<R: Timers>() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    R::block_on(async {
        let mut sleeps: Vec<Pin<Box<_>>> = vec![];
        for _ in 0..IN_ONE_POLL {
            let mut sleep = Box::pin(R::sleep(Duration::from_secs(3600)));
            assert!(poll_with(sleep.as_mut(), &waker).is_pending(), "an hour is not over");
            sleeps.push(sleep);
        }
        // Some put such a wake off until the loop turns.
        yield_now().await;
        yield_now().await;
    });
    let wakes = wakes.0.load(Ordering::Relaxed);
    assert_eq!(wakes, 0, "{} refused some timers: they are not armed", R::NAME);
}

fn poll_with<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

#[test]
fn no_timer_is_refused_in_one_poll_on_glassloop() {
    no_timer_is_refused_in_one_poll::<glassloop_bench::runtimes::glassloop::Glassloop>();
}

#[test]
fn no_timer_is_refused_in_one_poll_on_the_pocket_executor() {
    no_timer_is_refused_in_one_poll::<glassloop_bench::runtimes::pocket::Pocket>();
}

#[cfg(feature = "tokio")]
#[test]
fn no_timer_is_refused_in_one_poll_on_tokio() {
    no_timer_is_refused_in_one_poll::<glassloop_bench::runtimes::tokio::Tokio>();
}

#[cfg(feature = "smol")]
#[test]
fn no_timer_is_refused_in_one_poll_on_smol() {
    no_timer_is_refused_in_one_poll::<glassloop_bench::runtimes::smol::Smol>();
}

#[cfg(feature = "compio")]
#[test]
fn no_timer_is_refused_in_one_poll_on_compio() {
    no_timer_is_refused_in_one_poll::<glassloop_bench::runtimes::compio::Compio>();
}

#[cfg(all(feature = "monoio", target_os = "linux"))]
#[test]
fn no_timer_is_refused_in_one_poll_on_monoio() {
    use glassloop_bench::runtimes::monoio::Monoio;
    no_timer_is_refused_in_one_poll::<Monoio<monoio::LegacyDriver>>();
    no_timer_is_refused_in_one_poll::<Monoio<monoio::IoUringDriver>>();
}

#[cfg(all(feature = "glommio", target_os = "linux"))]
#[test]
fn no_timer_is_refused_in_one_poll_on_glommio() {
    no_timer_is_refused_in_one_poll::<glassloop_bench::runtimes::glommio::Glommio>();
}
