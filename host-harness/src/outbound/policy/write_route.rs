//! Writes without a document: the act, the recipients and the body that a route allows.

use crate::outbound::body::BodyShape;

/// A write without a document.
#[derive(Debug, Clone)]
pub struct Write {
    /// The act, as access policies name it, such as `message`.
    pub act: String,
    /// The kind of thing that it creates, for people.
    pub kind: String,
    /// The disclosure that the audit log states; `None` if it discloses nothing.
    pub event: Option<Event>,
    /// Steps in its answer to the id of the created thing.
    pub id: Vec<String>,
    /// The recipients.
    pub recipients: Recipients,
    /// A group that can read it beside the recipients.
    pub group: Option<Group>,
    /// True if it may go only to recipients that the operator lists.
    pub listed: bool,
    /// True if a person has to approve it, whatever policy says.
    pub person: bool,
    /// The rule for sending it a second time when the service may have received it.
    pub repeat: RepeatRule,
    /// The shape of its body.
    pub body: BodyShape,
}

/// A rule for sending a write a second time when the service may have received it the first time.
///
/// A component that judges answers can state that a step was not done. Where a write that is sent
/// twice creates a second thing, the host does not rely on that statement alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RepeatRule {
    /// Never: unless the service surely did not receive it, its outcome stays in doubt.
    #[default]
    Never,
    /// Only if the service has since shown the place where it would be, and it was not there.
    UnlessFound {
        /// Steps in the body to the text that identifies it.
        text: Vec<String>,
        /// Path of the read that shows it; `*` stands for the same segments as in the path of the
        /// write.
        path: String,
        /// Query keys that such a read may have.
        keys: Vec<String>,
    },
    /// Always: the write is idempotent.
    Always,
}

/// A disclosure, as the audit log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Shared with colleagues.
    Share,
    /// Added to something that colleagues already have.
    Edit,
    /// Sent to others.
    Export,
}

impl Event {
    /// Returns the name in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Edit => "edit",
            Self::Export => "export",
        }
    }
}

/// The recipients of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Nobody in particular.
    None,
    /// The recipients that the body names there: steps, in which `*` is every item of a list.
    At(Vec<String>),
    /// The recipients of the step that created the thing in the `*` segment of the path. A write to
    /// any other path is refused.
    OfSegment,
}

/// A group that can read a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// The group that the body names there.
    At(Vec<String>),
    /// The group that a setting names.
    Setting(String),
}
