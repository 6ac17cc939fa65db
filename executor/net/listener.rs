//! What every listener has: it accepts connections.

/// Gives `$listener` its `accept` and `incoming`: each connection is a `$stream`, and its
/// peer has an `$address`.
///
/// The file that uses this macro imports the names that appear in it.
macro_rules! impl_listener {
    ($listener:ident, $std:ty, $stream:ident, $address:ty) => {
        impl $listener {
            /// Waits for a connection; returns it, and the address of its peer. Dropping
            /// the future loses no connection.
            ///
            /// # Errors
            /// The system's, like too many open files (`EMFILE`), or a connection that its
            /// peer has given up (`ConnectionAborted`). The listener stays usable; but
            /// wait a little after the first error, or the same error comes again at once.
            ///
            /// # Panics
            /// When a connection is accepted outside of a loop.
            #[track_caller]
            pub fn accept(&self) -> impl Future<Output = io::Result<($stream, $address)>> {
                let what = concat!("`", stringify!($listener), "::accept`");
                let at = Location::caller();
                NeedsLoop::new(what, at, self.accept_at(at))
            }

            /// The connections, one after another, as a stream that never ends. Dropping
            /// the stream loses no connection.
            ///
            /// # Errors
            /// An item of the stream may be an error, like those of
            /// [`accept`](Self::accept).
            ///
            /// # Panics
            /// When a connection is accepted outside of a loop.
            #[track_caller]
            pub fn incoming(&self) -> impl Stream<Item = io::Result<$stream>> + Unpin {
                let at = Location::caller();
                Box::pin(stream::unfold(self, move |listener| async move {
                    let accepted = listener.accept_at(at).await;
                    Some((accepted.map(|(stream, _peer)| stream), listener))
                }))
            }

            /// `accept`, called by the user at the line `at`.
            async fn accept_at(&self, at: CodeLine) -> io::Result<($stream, $address)> {
                let (stream, peer) = self.io.retry(Direction::Read, <$std>::accept, at).await?;
                Ok(($stream::tie(stream, at)?, peer))
            }
        }
    };
}

pub(super) use impl_listener;
