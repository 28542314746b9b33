//! Servers that behave, and servers that do not.

mod bad_servers;
mod good_servers;
mod server;
