//! A PA's mail: the inbox and sending.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::service::PaCall;
use super::store::{Email, PaStore};
use crate::rest::{Outcome, RestRefusal, data, list};

/// The length of a mail's snippet in the inbox, in characters.
const SNIPPET: usize = 100;
/// The header that makes a mail one of the protocol.
const TEZ_HEADER: &str = "X-Tezit-Protocol";

impl PaCall<'_> {
    /// `GET /api/email/inbox`: the unread, unless `q` asks for something else.
    pub(super) fn inbox(&self, store: &PaStore) -> Outcome {
        let pa = self.named_pa()?;
        self.ready(pa)?;
        let query = self.target.parameter("q").unwrap_or("is:unread");
        let most = self.target.limit("maxResults", 20, usize::MAX);
        let mails = store.emails.iter().rev();
        let found: Vec<Value> = mails
            .filter(|mail| mail.pa_email == pa && mail.direction == "inbound")
            .filter(|mail| query.split_whitespace().all(|term| fits(mail, term)))
            .take(most)
            .map(listed)
            .collect();
        Ok(list(&found, &json!({"total": found.len()})))
    }

    /// `POST /api/email/send`.
    pub(super) fn send(&self, store: &mut PaStore) -> Outcome {
        let fields = ["paEmail", "to", "subject", "body"].map(|name| self.text(name));
        let [Some(pa), Some(to), Some(subject), Some(body)] = fields else {
            let message = "paEmail, to, subject, and body are required";
            return Err(RestRefusal::invalid(message));
        };
        self.ready(pa)?;
        let id = store.new_id().replace('-', "");
        let given = |name: &str| {
            self.body
                .get(name)
                .filter(|value| !value.is_null())
                .cloned()
        };
        store.emails.push(Email {
            id: id.clone(),
            pa_email: pa.to_owned(),
            direction: "outbound",
            thread_id: id.clone(),
            subject: subject.to_owned(),
            from: pa.to_owned(),
            to: to.to_owned(),
            date: self.clock.now_iso(),
            body: body.to_owned(),
            label_ids: vec!["SENT"],
            reply_to: given("replyTo"),
            headers: given("headers"),
            attachments: given("attachments"),
        });
        let summary = format!("Sent email to {to}: {subject}");
        self.log(store, pa, "email_sent", &summary, &Value::Null);
        let sent = json!({"messageId": id, "to": to, "subject": subject});
        Ok(data(StatusCode::CREATED, sent))
    }
}

/// Returns true if a mail fits one term of a query; of those with a colon `is:` and `from:` are
/// known.
fn fits(mail: &Email, term: &str) -> bool {
    let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    match term.split_once(':') {
        Some(("is", "unread")) => mail.label_ids.contains(&"UNREAD"),
        Some(("is", "read")) => !mail.label_ids.contains(&"UNREAD"),
        Some(("from", part)) => has(&mail.from, part),
        _ => has(&mail.subject, term) || has(&mail.from, term) || has(&mail.body, term),
    }
}

fn listed(mail: &Email) -> Value {
    let snippet: String = mail.body.chars().take(SNIPPET).collect();
    let attachments = mail.attachments.as_ref().and_then(Value::as_array);
    let headers = mail.headers.as_ref();
    json!({
        "id": mail.id,
        "threadId": mail.thread_id,
        "subject": mail.subject,
        "from": mail.from,
        "to": mail.to,
        "date": mail.date,
        "snippet": snippet,
        "hasAttachments": attachments.is_some_and(|list| !list.is_empty()),
        "isTezit": headers.is_some_and(|headers| headers.get(TEZ_HEADER).is_some()),
        "labelIds": mail.label_ids,
    })
}
