//! The editor's own form of a body, which the service makes of markdown: paragraphs of plain and of
//! bold text are known.

use serde_json::json;
use uuid::Uuid;

use super::digest;

/// The placeholder for an editor form that the stand-in does not know. NUL cannot be part of stored
/// text, so nothing else reads like it; an answer with this in it is not sent.
const NOT_KNOWN: &str = "\u{0}editor form not known";

/// Returns true if an answer holds an unknown editor form.
pub(in crate::twenty) fn is_unknown_in(answer: &[u8]) -> bool {
    memchr::memmem::find(answer, br"\u0000editor form not known").is_some()
}

/// The editor form of markdown; [`NOT_KNOWN`] where the markdown has more to it than paragraphs and
/// bold text.
pub(in crate::twenty) fn of_markdown(markdown: &str) -> String {
    let blocks: Option<Vec<String>> = markdown
        .split("\n\n")
        .enumerate()
        .map(|(nth, paragraph)| block(nth, paragraph))
        .collect();
    blocks.map_or_else(
        || NOT_KNOWN.to_owned(),
        |blocks| format!("[{}]", blocks.join(",")),
    )
}

/// Written out by hand to keep the members in the service's order.
fn block(nth: usize, paragraph: &str) -> Option<String> {
    if !is_plain_start(paragraph) || paragraph.contains(['\n', '\r', '\t']) {
        return None;
    }
    let pieces: Vec<&str> = paragraph.split("**").collect();
    if pieces.len().is_multiple_of(2) || !pieces.iter().all(|piece| is_plain(piece)) {
        return None;
    }
    let content: Option<Vec<String>> = pieces
        .iter()
        .enumerate()
        .filter(|(_, piece)| !piece.is_empty())
        .map(|(at, piece)| span(piece, at % 2 == 1))
        .collect();
    let bytes = digest(&["block", &nth.to_string(), paragraph]).to_be_bytes();
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Some(paragraph_of(id, &content?.join(",")))
}

fn paragraph_of(id: Uuid, content: &str) -> String {
    let props = r#"{"backgroundColor":"default","textColor":"default","textAlignment":"left"}"#;
    format!(
        r#"{{"id":"{id}","type":"paragraph","props":{props},"content":[{content}],"children":[]}}"#
    )
}

fn span(text: &str, bold: bool) -> Option<String> {
    // What bold text with spaces at its ends becomes is not known.
    if bold && text.trim() != text {
        return None;
    }
    let styles = if bold { r#"{"bold":true}"# } else { "{}" };
    Some(format!(
        r#"{{"type":"text","text":{},"styles":{styles}}}"#,
        json!(text)
    ))
}

/// Returns true if a line begins as a paragraph and not as a heading, a list, a quote, a table,
/// code or a rule.
fn is_plain_start(line: &str) -> bool {
    let starts = line.starts_with(['#', '-', '+', '>', '|', '=', ' ']);
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.len() < line.len() && digits.starts_with(['.', ')']);
    !line.is_empty() && line.trim_end() == line && !starts && !numbered
}

/// Returns true if text has no markup, and nothing that would be made a link.
fn is_plain(text: &str) -> bool {
    let markup = text.contains(['*', '_', '`', '[', ']', '<', '>', '&', '\\', '~', '|', '@']);
    !markup && !text.contains("://") && !text.contains("www.")
}
