//! What enters and what leaves a flow: raw records, rejections, outputs.

/// The place of a record in its task's input: Kafka's offset, or the number of the record in a file.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Offset(pub u64);

/// How a record's bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format<'a> {
    /// A reading, an array of readings, or `{"data": […]}`.
    Json,
    /// A line of a CSV file whose header row is this one.
    Csv {
        /// The header row, without its line end.
        header: &'a [u8],
    },
}

/// How much of a message a record is. Only `message` windows care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its first part: a streamed array's first element.
    Opening,
    /// A further part of the message before.
    Continuing,
}

/// A record as an input edge hands it over.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// Where it is in the task's input.
    pub offset: Offset,
    /// Which input it came from (a partition, or a file of several), for messages about it.
    pub origin: Origin,
    /// Kafka's record key.
    pub key: Option<&'a [u8]>,
    /// The bytes.
    pub value: &'a [u8],
    /// How to read them.
    pub format: Format<'a>,
    /// How much of a message they are.
    pub extent: Extent,
}

/// Where a record lies outside: enough for a person to find it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The partition, or the number of the file among the inputs.
    pub input: u32,
    /// The offset in the partition, or the byte in the file.
    pub position: u64,
    /// The line in the file, from 1; 0 for a partition.
    pub line: u64,
}

/// Why a reading or record could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The kind, for counting.
    pub reason: Reason,
    /// What exactly, for people.
    pub detail: String,
}

impl Rejection {
    /// A rejection of that kind.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Rejection {
        Rejection { reason, detail: detail.into() }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// The kinds of rejection. Each is a label of the rejected count.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every kind, in the order of its number.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The label, as headers, counts and files carry it.
            pub fn label(self) -> &'static str {
                match self { $(Reason::$name => $label,)* }
            }
        }
    };
}

reasons! {
    /// The bytes are not JSON, or a CSV line does not fit its header.
    Malformed = "malformed",
    /// The bytes end inside a value.
    Truncated = "truncated",
    /// JSON, but no reading: a string, a number.
    NotAReading = "not-a-reading",
    /// The payload is larger than the topology allows.
    TooLarge = "too-large",
    /// A field that must be there is not.
    MissingField = "missing-field",
    /// A field stands twice.
    DuplicateField = "duplicate-field",
    /// A field has another type than the schema says.
    WrongType = "wrong-type",
    /// A number that is not finite, or outside of its metric's range.
    OutOfRange = "out-of-range",
    /// The timestamp cannot be read.
    BadTimestamp = "bad-timestamp",
    /// A service that the topology does not know.
    UnknownService = "unknown-service",
    /// A status that is none of online, degraded, offline.
    UnknownStatus = "unknown-status",
    /// No usable entity.
    BadEntity = "bad-entity",
    /// The timestamp lies further ahead of the others than the topology allows.
    TooFarAhead = "too-far-ahead",
    /// The reading's window had already closed.
    Late = "late",
    /// The task already knows as many entities as the topology allows.
    TooManyEntities = "too-many-entities",
}

/// Which output a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Readings by entity, for the flow `detect`.
    Readings,
    /// Reports without recommendations.
    Findings,
    /// Reports with recommendations.
    Reports,
    /// What could not be used.
    Rejected,
    /// Readings of windows that had already closed.
    Late,
}

impl Role {
    /// Every role, in the order of its number.
    pub const ALL: [Role; 5] = [Role::Readings, Role::Findings, Role::Reports, Role::Rejected, Role::Late];

    /// The name, as record ids carry it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Readings => "readings",
            Role::Findings => "findings",
            Role::Reports => "reports",
            Role::Rejected => "rejected",
            Role::Late => "late",
        }
    }
}

/// How many records of each role a task has emitted: where the number of the next one comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Emitted([u64; Role::ALL.len()]);

impl Emitted {
    /// The number of the next record of that role, which is thereby taken.
    pub fn take(&mut self, role: Role) -> u64 {
        let next = &mut self.0[role as usize];
        let number = *next;
        // No task gets there; a position that nobody wrote may say so.
        *next = number.wrapping_add(1);
        number
    }

    /// How many there were of that role.
    pub fn of(&self, role: Role) -> u64 {
        self.0[role as usize]
    }
}

/// A record that leaves a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Where it goes.
    pub role: Role,
    /// Unique among the task's records of that role, from 0, without gaps.
    pub number: u64,
    /// The entity, or the original key.
    pub key: Option<Vec<u8>>,
    /// The report, or the original bytes.
    pub value: Vec<u8>,
    /// For rejected and late: why, and where it lay.
    pub refused: Option<(Rejection, Origin)>,
}
