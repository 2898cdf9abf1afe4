//! The bodies of requests, checked and read.

use serde_json::{Map, Number, Value};

use super::check::{Check, Format};
use super::service::Variant;
use crate::rest::RestRefusal;

const TYPES: &[&str] = &["note", "decision", "handoff", "question", "update"];
const URGENCIES: &[&str] = &["critical", "high", "normal", "low", "fyi"];
const VISIBILITIES: &[&str] = &["team", "dm", "private"];
const LAYERS: &[&str] = &[
    "background",
    "fact",
    "artifact",
    "relationship",
    "constraint",
    "hint",
];
const SOURCES: &[&str] = &["stated", "inferred", "verified"];
const ANY: usize = usize::MAX;
const MOST_SURFACE: usize = 10_000;

/// One entry of context as it was sent.
pub(super) struct Given<'v> {
    pub(super) layer: &'v str,
    pub(super) content: &'v str,
    pub(super) mime_type: Option<&'v str>,
    pub(super) confidence: Option<&'v Number>,
    pub(super) source: Option<&'v str>,
}

/// A message as it was sent, with what any of the routes can say of one.
#[derive(Default)]
pub(super) struct Message<'v> {
    pub(super) id: Option<&'v str>,
    pub(super) team: &'v str,
    pub(super) surface_text: &'v str,
    pub(super) kind: &'v str,
    pub(super) urgency: &'v str,
    pub(super) action_requested: Option<&'v str>,
    pub(super) visibility: &'v str,
    pub(super) recipients: Vec<&'v str>,
    pub(super) source_channel: Option<&'v str>,
    pub(super) source_address: Option<&'v str>,
    pub(super) context: Vec<Given<'v>>,
}

/// Reads a body: the checks see no fields of what is no object.
fn read<'v, T>(
    body: &'v Value,
    fields: impl FnOnce(&mut Check, &'v Map<String, Value>) -> T,
) -> Result<T, RestRefusal>
where
    T: Default,
{
    let mut check = Check::default();
    let object = check.object(body);
    let found = object.map(|object| fields(&mut check, object));
    check.done(found.unwrap_or_default())
}

/// `POST /tez/share`.
pub(super) fn share(body: &Value, variant: Variant) -> Result<Message<'_>, RestRefusal> {
    read(body, |check, fields| {
        let on_p = variant == Variant::P;
        let id = if on_p {
            check.formatted(fields, "id", Format::Uuid, false)
        } else {
            None
        };
        let default_visibility = if on_p { "team" } else { "private" };
        let mut message = Message {
            id,
            team: check
                .formatted(fields, "teamId", Format::Uuid, true)
                .unwrap_or_default(),
            surface_text: check.text(fields, "surfaceText", 1, MOST_SURFACE),
            kind: check.choice(fields, "type", TYPES, Some("note")),
            urgency: check.choice(fields, "urgency", URGENCIES, Some("normal")),
            action_requested: check.optional_text(fields, "actionRequested", 0, 500),
            visibility: check.choice(fields, "visibility", VISIBILITIES, Some(default_visibility)),
            recipients: check.list(fields, "recipients", false, (0, 100), |check, value| {
                check.entry_text(value, ANY)
            }),
            ..Message::default()
        };
        if !on_p {
            message.source_channel = check.optional_text(fields, "sourceChannel", 0, 50);
            message.source_address = check.optional_text(fields, "sourceAddress", 0, 500);
        }
        message.context = context(check, fields);
        message
    })
}

/// `POST /tez/:id/reply`. Its urgency is always normal.
pub(super) fn reply(body: &Value) -> Result<Message<'_>, RestRefusal> {
    read(body, |check, fields| Message {
        surface_text: check.text(fields, "surfaceText", 1, MOST_SURFACE),
        kind: check.choice(fields, "type", TYPES, Some("note")),
        urgency: "normal",
        context: context(check, fields),
        ..Message::default()
    })
}

/// `POST /conversations/:id/messages`.
pub(super) fn message(body: &Value) -> Result<Message<'_>, RestRefusal> {
    read(body, |check, fields| Message {
        surface_text: check.text(fields, "surfaceText", 1, MOST_SURFACE),
        kind: check.choice(fields, "type", TYPES, Some("note")),
        urgency: check.choice(fields, "urgency", URGENCIES, Some("normal")),
        context: context(check, fields),
        ..Message::default()
    })
}

fn context<'v>(check: &mut Check, fields: &'v Map<String, Value>) -> Vec<Given<'v>> {
    check.list(fields, "context", false, (0, ANY), |check, value| {
        let fields = check.object(value)?;
        Some(Given {
            layer: check.choice(fields, "layer", LAYERS, None),
            content: check.text(fields, "content", 0, ANY),
            mime_type: check.optional_text(fields, "mimeType", 0, ANY),
            confidence: check.optional_number(fields, "confidence", 100),
            source: check.optional_choice(fields, "source", SOURCES),
        })
    })
}

/// `PATCH /tez/:id`: the new status.
pub(super) fn status(body: &Value) -> Result<&str, RestRefusal> {
    const STATUSES: &[&str] = &["active", "archived", "deleted"];
    read(body, |check, fields| {
        check.choice(fields, "status", STATUSES, None)
    })
}

/// `POST /conversations`.
#[derive(Default)]
pub(super) struct Opening<'v> {
    pub(super) kind: &'v str,
    pub(super) members: Vec<&'v str>,
    pub(super) name: Option<&'v str>,
}

pub(super) fn conversation(body: &Value) -> Result<Opening<'_>, RestRefusal> {
    read(body, |check, fields| Opening {
        kind: check.choice(fields, "type", &["dm", "group"], None),
        members: check.list(fields, "memberIds", true, (1, ANY), |check, value| {
            check.entry_text(value, ANY)
        }),
        name: check.optional_text(fields, "name", 1, 100),
    })
}

/// `POST /teams`: P takes an id with the name.
pub(super) fn team(body: &Value, variant: Variant) -> Result<(Option<&str>, &str), RestRefusal> {
    read(body, |check, fields| {
        let id = if variant == Variant::P {
            check.formatted(fields, "id", Format::Uuid, false)
        } else {
            None
        };
        (id, check.text(fields, "name", 1, 100))
    })
}

/// `POST /teams/:id/members`: the user and the role.
pub(super) fn member(body: &Value) -> Result<(&str, &str), RestRefusal> {
    read(body, |check, fields| {
        (
            check.text(fields, "userId", 0, ANY),
            check.choice(fields, "role", &["admin", "member"], Some("member")),
        )
    })
}

/// `POST /contacts/register`.
#[derive(Default)]
pub(super) struct Profile<'v> {
    pub(super) display_name: &'v str,
    pub(super) email: Option<&'v str>,
    pub(super) avatar_url: Option<&'v str>,
    /// Input that M alone reads; empty and `None` on P.
    pub(super) channels: Option<Vec<&'v str>>,
    pub(super) preferred_channel: Option<&'v str>,
    pub(super) phone: Option<&'v str>,
    pub(super) telegram_id: Option<&'v str>,
}

pub(super) fn profile(body: &Value, variant: Variant) -> Result<Profile<'_>, RestRefusal> {
    read(body, |check, fields| {
        let mut profile = Profile {
            display_name: check.text(fields, "displayName", 1, 100),
            email: check.formatted(fields, "email", Format::Email, false),
            avatar_url: check.formatted(fields, "avatarUrl", Format::Url, false),
            ..Profile::default()
        };
        if variant == Variant::M {
            profile.channels = fields.contains_key("channels").then(|| {
                check.list(fields, "channels", true, (0, 10), |check, value| {
                    check.entry_text(value, 50)
                })
            });
            profile.preferred_channel = check.optional_text(fields, "preferredChannel", 0, 50);
            profile.phone = check.optional_text(fields, "phone", 0, 30);
            profile.telegram_id = check.optional_text(fields, "telegramId", 0, 100);
        }
        profile
    })
}
