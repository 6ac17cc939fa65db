//! The I/O traits of the stream sockets, which are `Async`'s own but for the
//! end: closing a stream tells the peer that nothing more will come.

/// Implements `AsyncRead` and `AsyncWrite` for a socket around an [`Async`], and
/// for references to it, so that one task can read while another one writes.
///
/// [`Async`]: crate::Async
macro_rules! impl_stream {
    ($stream:ty) => {
        impl_stream!(@read $stream);
        impl_stream!(@write $stream);
        impl_stream!(@read &$stream);
        impl_stream!(@write &$stream);
    };
    (@read $stream:ty) => {
        impl AsyncRead for $stream {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut &*self.io).poll_read(cx, buffer)
            }
        }
    };
    (@write $stream:ty) => {
        impl AsyncWrite for $stream {
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
                match self.io.get_ref().shutdown(Shutdown::Write) {
                    // The peer was quicker; then it knows already.
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                        Poll::Ready(Ok(()))
                    }
                    result => Poll::Ready(result),
                }
            }
        }
    };
}

pub(super) use impl_stream;
