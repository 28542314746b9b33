//! One binary for all tests that see the project from outside: linking is slow.
