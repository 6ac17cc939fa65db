//! `Debug` as one line of text, for the public types whose fields would tell a user nothing.

/// `impl_debug!([T] Promise<T>, |_| "Promise(..)")`: the parameters of the type, if it has
/// any; the type; and what `format!` takes, after a name for `self`.
macro_rules! impl_debug {
    ([$($parameters:tt)*] $type:ty, |$this:pat_param| $($text:tt)*) => {
        impl<$($parameters)*> std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $this = self;
                write!(f, $($text)*)
            }
        }
    };
    ($type:ty, $($text:tt)*) => {
        impl_debug!([] $type, $($text)*);
    };
}
