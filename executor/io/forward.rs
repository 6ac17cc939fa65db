//! Reading and writing by value, for types that read and write by a shared reference.
//!
//! Two tasks can use one socket at the same time, because `&socket` implements the I/O
//! traits. Adapters like `BufReader` take the socket by value, so `socket`
//! itself implements the I/O traits, too.

/// Implements `AsyncRead` and `AsyncWrite` for `$io`: each call goes to `&$io`.
///
/// For a generic type, its parameters stand in brackets before the type; the bounds for
/// reading and the bounds for writing stand in brackets after the type. The file that
/// uses this macro imports the names that appear in it.
macro_rules! impl_io_by_value {
    ([$($parameters:tt)*] $io:ty, [$($to_read:tt)*] [$($to_write:tt)*]) => {
        impl<$($parameters)*> AsyncRead for $io where $($to_read)* {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut &*self).poll_read(cx, buffer)
            }
        }

        impl<$($parameters)*> AsyncWrite for $io where $($to_write)* {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut &*self).poll_write(cx, buffer)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut &*self).poll_flush(cx)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut &*self).poll_close(cx)
            }
        }
    };
    ($io:ty) => {
        $crate::io::impl_io_by_value!([] $io, [] []);
    };
}

pub(crate) use impl_io_by_value;
