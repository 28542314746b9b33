//! Connections with bounds: how many there may be, and how long one may do nothing.
//!
//! Whoever stops reading fills the socket's buffer and is written to no more; after [`MOST_IDLE`] the connection is closed.
//! Nothing is queued for a viewer: what it follows is made when it can be written.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

use crate::edge::ports::{Pages, Visit};

/// Connections beyond are closed at once.
pub(super) const MOST_CONNECTIONS: usize = 256;
/// A connection on which nothing moves for so long is closed.
pub(super) const MOST_IDLE: Duration = Duration::from_secs(15);
/// After an error, such as too many open files, new connections wait so long.
const AFTER_ERROR: Duration = Duration::from_millis(200);

/// A listener that keeps the bounds.
pub(super) struct Bounded {
    pub(super) listener: TcpListener,
    pub(super) pages: Arc<dyn Pages>,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) most_idle: Duration,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else {
                sleep(AFTER_ERROR).await;
                continue;
            };
            if self.open.fetch_add(1, Ordering::AcqRel) >= MOST_CONNECTIONS {
                self.open.fetch_sub(1, Ordering::AcqRel);
                self.pages.visit(Visit::Refused);
                continue;
            }
            let connection = Connection {
                stream,
                idle: Box::pin(sleep(self.most_idle)),
                most_idle: self.most_idle,
                open: Arc::clone(&self.open),
                pages: Arc::clone(&self.pages),
            };
            return (connection, address);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when nothing moves on it.
pub(super) struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    most_idle: Duration,
    open: Arc<AtomicUsize>,
    pages: Arc<dyn Pages>,
}

impl Connection {
    /// Something moved, or nothing did for too long.
    fn watch<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            let until = Instant::now() + self.most_idle;
            self.idle.as_mut().reset(until);
            return polled;
        }
        ready!(self.idle.as_mut().poll(context));
        self.pages.visit(Visit::Stalled);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::AcqRel);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(context, polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
