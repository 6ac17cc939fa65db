//! What every stream has: two ends, and the I/O traits. A stream reads and writes as its
//! [`Async`] does. Only the close differs: it tells the peer that nothing more will come.
//!
//! [`Async`]: crate::Async

/// Gives `$stream` its `peer_addr` and `shutdown`; and `AsyncRead` and `AsyncWrite`, by
/// value and by reference, so that one task can read while another task writes.
///
/// The file that uses this macro imports the names that appear in it.
macro_rules! impl_stream {
    ($stream:ident, $address:ty) => {
        impl $stream {
            /// The address of the other end.
            ///
            /// # Errors
            /// The system's, if the connection is gone.
            pub fn peer_addr(&self) -> io::Result<$address> {
                self.io.get_ref().peer_addr()
            }

            /// Ends one half of the connection, or both. A task that waits to read is
            /// woken, and reads the end; one that waits to write gets an error.
            ///
            /// # Errors
            /// The system's, if the connection is gone.
            pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                self.io.get_ref().shutdown(how)?;
                self.io.wake_after(how);
                Ok(())
            }
        }

        impl AsyncRead for &$stream {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut &*self.io).poll_read(cx, buffer)
            }
        }

        impl AsyncWrite for &$stream {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut &*self.io).poll_write(cx, buffer)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut &*self.io).poll_flush(cx)
            }

            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(match self.shutdown(Shutdown::Write) {
                    // The connection is gone, so there is no peer to tell.
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                    result => result,
                })
            }
        }

        $crate::io::impl_io_by_value!($stream);
    };
}

pub(super) use impl_stream;
