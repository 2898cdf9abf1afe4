//! What a route that writes without a document does: what for, to whom, and what its body may hold.

use crate::outbound::body::BodyShape;

/// A write that is no document.
#[derive(Debug, Clone)]
pub struct Write {
    /// What it does, as access policies name it, such as `message`.
    pub act: String,
    /// What it makes, for people.
    pub kind: String,
    /// What giving something away by it is called in the record; none where it gives nothing away.
    pub event: Option<Event>,
    /// Steps in its answer to the id of what was made.
    pub id: Vec<String>,
    /// To whom it goes.
    pub recipients: Recipients,
    /// Who can read it beside them.
    pub group: Option<Group>,
    /// Whether it goes to nobody but those whom the operator lists.
    pub listed: bool,
    /// Whether a person has to confirm it, whatever policy says.
    pub person: bool,
    /// Whether a step may be sent a second time where the service may have received it.
    pub repeat: Repeat,
    /// What its body may hold.
    pub body: BodyShape,
}

/// Whether a write may be sent a second time where the service may have received it the first time.
///
/// A component that judges answers can say that a step was not done. Where a write makes a second thing when it is sent twice, the
/// host does not take its word alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Repeat {
    /// It is not: unless the service surely did not receive it, it stays in doubt.
    #[default]
    Never,
    /// It is, if after the first sending the service has shown where it would be, and it was not there.
    UnlessFound {
        /// Steps in the body to the text that shows it.
        text: Vec<String>,
        /// The path of the read that shows it; `*` stands for the same segments as in the path of the write.
        path: String,
        /// The query keys that such a read may have.
        keys: Vec<String>,
    },
    /// It is: sent twice it does what it does sent once.
    Always,
}

/// What giving something away is called in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It is given to colleagues.
    Share,
    /// It is added to what they have.
    Edit,
    /// It leaves to others.
    Export,
}

impl Event {
    /// Its name in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Edit => "edit",
            Self::Export => "export",
        }
    }
}

/// To whom a write goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// To nobody in particular.
    None,
    /// To those whom its body names there: steps, in which `*` is every item of a list.
    At(Vec<String>),
    /// To whom the step was that made what the `*` of its path stands for. A step of any other path is refused.
    OfSegment,
}

/// A group that can read a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// The one that its body names there.
    At(Vec<String>),
    /// The one that a setting names.
    Setting(String),
}
