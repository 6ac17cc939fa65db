//! TCP on the loopback device, one way, as much as goes through. One operation is a MiB.

use crate::runtime::Sockets;
use crate::workload::{Job, Workload};
use crate::workloads::echo::connections;

pub(crate) const MEBIBYTE: usize = 1 << 20;
/// The length of one write, and of the reader's buffer.
pub(crate) const CHUNK: usize = 64 << 10;

pub fn all<R: Sockets>() -> Vec<Workload> {
    vec![Workload::new("tcp_one_way", 1024, |job| R::block_on(one_way::<R>(job)))]
}

async fn one_way<R: Sockets>(job: &Job) {
    let (receivers, senders) = connections::<R>(1).await;
    let chunks = job.operations * (MEBIBYTE / CHUNK) as u64;
    job.meter.start();
    let receivers: Vec<_> = receivers.into_iter().map(|end| R::spawn(receive::<R>(end))).collect();
    for mut sender in senders {
        let mut buffer = vec![7; CHUNK];
        for _ in 0..chunks {
            buffer = R::write(&mut sender, buffer, CHUNK).await;
        }
    }
    let mut bytes = 0;
    for receiver in receivers {
        bytes += receiver.await;
    }
    job.meter.stop();
    assert_eq!(bytes, job.operations * MEBIBYTE as u64, "each byte came, once");
}

/// Reads to the end. Returns how many bytes.
async fn receive<R: Sockets>(mut stream: R::Stream) -> u64 {
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let (length, filled) = R::read(&mut stream, buffer).await;
        if length == 0 {
            return bytes;
        }
        assert_eq!(filled[length - 1], 7, "what comes is what was sent");
        bytes += length as u64;
        buffer = filled;
    }
}
