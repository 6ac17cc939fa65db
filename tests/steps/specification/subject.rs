//! What the promises ask of an executor, and how each step and glassloop offers it.
//!
//! A step offers what it has. What it lacks is `not_offered`, which ends the process: each promise
//! runs in a process of its own.

use std::any::Any;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, Read};
use std::net::TcpStream;
use std::pin::Pin;
use std::process::exit;
use std::rc::Rc;
use std::time::Duration;

use crate::{step_1, step_2, step_3, step_4, step_5, step_6, step_7, step_8};

/// The exit code of a process whose executor does not offer what the promise is about.
pub const NOT_OFFERED: i32 = 77;

pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How a task ended.
#[derive(Debug, PartialEq)]
pub enum Ended {
    Output(u32),
    Aborted,
    Panicked(String),
}

/// A task that can be joined and aborted.
pub struct Handle {
    pub join: Boxed<'static, Ended>,
    pub abort: Box<dyn Fn()>,
}

/// A connection.
pub trait Stream {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> Boxed<'a, io::Result<usize>>;
    fn write_all<'a>(&'a self, bytes: &'a [u8]) -> Boxed<'a, io::Result<()>>;
}

/// The thread's half of a promise.
pub type Set = Box<dyn FnOnce(u32) + Send>;

/// An executor, as far as the promises know it.
pub trait Subject: 'static {
    fn block_on<F: Future>(future: F) -> F::Output;

    fn spawn(_future: impl Future<Output = ()> + 'static) {
        not_offered()
    }

    fn spawn_with_handle(_future: impl Future<Output = u32> + 'static) -> Handle {
        not_offered()
    }

    fn sleep(_duration: Duration) -> Boxed<'static, ()> {
        not_offered()
    }

    fn stream(_stream: TcpStream) -> Box<dyn Stream> {
        not_offered()
    }

    fn promise() -> (Set, Boxed<'static, u32>) {
        not_offered()
    }

    fn unblock(_work: impl FnOnce() -> u32 + Send + 'static) -> Boxed<'static, u32> {
        not_offered()
    }

    /// `block_on` on virtual time.
    fn block_on_virtual_time(_future: impl Future<Output = ()>) {
        not_offered()
    }
}

fn not_offered() -> ! {
    exit(NOT_OFFERED)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    (*panic.downcast_ref::<&str>().unwrap_or(&"?")).to_owned()
}

macro_rules! subject {
    ($subject:ident, $step:ident: $($has:ident)*) => {
        pub struct $subject;

        impl Subject for $subject {
            fn block_on<F: Future>(future: F) -> F::Output {
                $step::block_on(future)
            }

            $(offer!($has $step);)*
        }
    };
}

macro_rules! offer {
    (promise $step:ident) => {
        fn promise() -> (Set, Boxed<'static, u32>) {
            let (promise, promised) = $step::promise();
            (Box::new(move |value| promise.set(value)), Box::pin(promised))
        }
    };
    (spawn $step:ident) => {
        fn spawn(future: impl Future<Output = ()> + 'static) {
            $step::spawn(future);
        }
    };
    (join $step:ident) => {
        fn spawn_with_handle(future: impl Future<Output = u32> + 'static) -> Handle {
            let handle = Rc::new(RefCell::new($step::spawn(future)));
            let aborting = Rc::clone(&handle);
            let join = async move {
                match poll_fn(|cx| Pin::new(&mut *handle.borrow_mut()).poll(cx)).await {
                    Ok(output) => Ended::Output(output),
                    Err($step::JoinError::Aborted) => Ended::Aborted,
                    Err($step::JoinError::Panicked(panic)) => Ended::Panicked(panic_text(&*panic)),
                }
            };
            Handle { join: Box::pin(join), abort: Box::new(move || aborting.borrow().abort()) }
        }
    };
    (sleep $step:ident) => {
        fn sleep(duration: Duration) -> Boxed<'static, ()> {
            Box::pin($step::sleep(duration))
        }
    };
    (stream $step:ident) => {
        fn stream(stream: TcpStream) -> Box<dyn Stream> {
            Box::new($step::Async::stream(stream).expect("the system's poller takes it"))
        }
    };
    (unblock $step:ident) => {
        fn unblock(work: impl FnOnce() -> u32 + Send + 'static) -> Boxed<'static, u32> {
            Box::pin($step::unblock(work))
        }
    };
}

macro_rules! stream {
    ($($step:ident)*) => {
        $(
            impl Stream for $step::Async<TcpStream> {
                fn read<'a>(&'a self, buffer: &'a mut [u8]) -> Boxed<'a, io::Result<usize>> {
                    Box::pin(self.read(buffer))
                }

                fn write_all<'a>(&'a self, bytes: &'a [u8]) -> Boxed<'a, io::Result<()>> {
                    Box::pin(self.write_all(bytes))
                }
            }
        )*
    };
}

stream!(step_7 step_8);

subject!(Step1, step_1:);
subject!(Step2, step_2: promise);
subject!(Step3, step_3: promise spawn);
subject!(Step4, step_4: spawn join);
subject!(Step5, step_5: spawn join sleep);
subject!(Step6, step_6: spawn join sleep);
subject!(Step7, step_7: spawn join sleep stream);
subject!(Step8, step_8: promise spawn join sleep stream unblock);

pub struct Glassloop;

impl Subject for Glassloop {
    fn block_on<F: Future>(future: F) -> F::Output {
        glassloop::block_on(future)
    }

    fn spawn(future: impl Future<Output = ()> + 'static) {
        glassloop::spawn(future).detach();
    }

    fn spawn_with_handle(future: impl Future<Output = u32> + 'static) -> Handle {
        let handle = Rc::new(RefCell::new(glassloop::spawn(future)));
        let aborting = Rc::clone(&handle);
        let join = async move {
            match poll_fn(|cx| Pin::new(&mut *handle.borrow_mut()).poll(cx)).await {
                Ok(output) => Ended::Output(output),
                Err(error) if error.is_cancelled() => Ended::Aborted,
                Err(error) => Ended::Panicked(panic_text(&*error.into_panic())),
            }
        };
        let abort = move || _ = aborting.borrow().abort();
        Handle { join: Box::pin(join), abort: Box::new(abort) }
    }

    fn sleep(duration: Duration) -> Boxed<'static, ()> {
        Box::pin(glassloop::sleep(duration))
    }

    fn stream(stream: TcpStream) -> Box<dyn Stream> {
        Box::new(glassloop::Async::new(stream).expect("the system's poller takes it"))
    }

    fn promise() -> (Set, Boxed<'static, u32>) {
        let (promise, promised) = glassloop::promise();
        let set = move |value| promise.set(value).expect("the task waits for it");
        (Box::new(set), Box::pin(async { promised.await.expect("the promise is kept") }))
    }

    fn unblock(work: impl FnOnce() -> u32 + Send + 'static) -> Boxed<'static, u32> {
        Box::pin(glassloop::unblock(work))
    }

    fn block_on_virtual_time(future: impl Future<Output = ()>) {
        let executor = glassloop::Executor::builder().virtual_time().build();
        executor.expect("an executor").block_on(future);
    }
}

impl Stream for glassloop::Async<TcpStream> {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> Boxed<'a, io::Result<usize>> {
        Box::pin(self.read_with(|mut stream| stream.read(buffer)))
    }

    fn write_all<'a>(&'a self, bytes: &'a [u8]) -> Boxed<'a, io::Result<()>> {
        Box::pin(async move { futures_lite::AsyncWriteExt::write_all(&mut &*self, bytes).await })
    }
}
