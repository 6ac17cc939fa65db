//! Other people's crates on glassloop's loop, unedited.
//!
//! Crates that are written for the `futures-io` traits, like async-tungstenite, need
//! nothing: a `TcpStream` is all they want. Crates that bring traits of their own for
//! the loop need an adapter, which is here.

pub mod hyper_rt;
