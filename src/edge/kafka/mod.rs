//! Kafka, through librdkafka: the transport of workers, topics and their settings, and plain reading and writing.
//!
//! Nothing of the library leaves this folder.

mod acknowledgements;
mod changelog;
mod consumer;
mod context;
mod errors;
mod feed;
mod polling;
mod producer;
mod reader;
mod settings;
mod topics;
mod transport;
mod writer;

pub use feed::KafkaFeed;
pub use producer::try_transaction;
pub use reader::{ReadEvent, ReadRecord, Reader, Since};
pub use settings::{KafkaError, KafkaSettings, OWN_SETTINGS};
pub use topics::{Topics, Wanted};
pub use transport::{Kafka, Names};
pub use writer::Writer;
