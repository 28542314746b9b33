//! What the loops ask of the outside, so that they need not know who answers.

mod advisor;
mod clock;
mod notify;
mod pages;
mod store;
mod transport;
mod watch;

pub use advisor::{Advisor, BreakerState, ModelNumbers, Used};
pub use clock::Clock;
pub use notify::{Deliver, Delivery, Fed, Feed, Feeding};
pub use pages::{Pages, Unheard, Visit};
pub use store::{EachRow, Store, StoreError, Stores};
pub use transport::{
    ChangelogEvent, Committed, EachBatch, EachChange, Failure, Lost, Outgoing, Position, Rebalance, Topic,
    Transport,
};
pub use watch::{Notice, Watch};
