//! The C library of GNU keeps memory that was freed, until it is asked to give it back.

#[allow(unsafe_code)]
// SAFETY: The signature is the one in `malloc.h`; the function may be called at any
// time, from any thread, and touches free memory only.
unsafe extern "C" {
    safe fn malloc_trim(keep: usize) -> std::ffi::c_int;
}

/// Gives the system back what is free. Says whether that was possible.
pub fn trim() -> bool {
    malloc_trim(0);
    true
}
