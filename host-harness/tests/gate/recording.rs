//! Requests and responses do not pass unless they can be audited.

use super::*;

/// A record that cannot be written, from the given event on.
struct FailsAfter(usize, AtomicUsize);

impl FailsAfter {
    fn next(&self) -> Result<(), SinkError> {
        if self.1.fetch_add(1, Ordering::SeqCst) >= self.0 {
            Err(SinkError("disk full".into()))
        } else {
            Ok(())
        }
    }
}

impl AuditSink for FailsAfter {
    fn decided(&self, _event: &Decided<'_>) -> Result<(), SinkError> {
        self.next()
    }

    fn finished(&self, _event: &Finished<'_>) -> Result<(), SinkError> {
        self.next()
    }

    fn began(&self, _event: &Began<'_>) -> Result<(), SinkError> {
        self.next()
    }

    fn ended(&self, _event: &Ended<'_>) -> Result<(), SinkError> {
        self.next()
    }

    fn ruled(&self, _event: &Ruled<'_>) -> Result<(), SinkError> {
        self.next()
    }

    fn planned(&self, _event: &Planned<'_>) -> Result<(), SinkError> {
        self.next()
    }

    fn shared(&self, _event: &DisclosureEvent<'_>) -> Result<(), SinkError> {
        self.next()
    }
}

#[tokio::test]
async fn nothing_passes_without_an_audit_event() {
    for (events, sent, expected) in [(0, 0, "record"), (1, 1, "record"), (2, 1, "200")] {
        let server = Server::start(|_| Answer::json("{}")).await;
        let setup = setup(&server.origin(), "allow-loopback = true");
        let recorder = Arc::new(FailsAfter(events, AtomicUsize::new(0)));
        let gate = Outbound::new(setup.policy, setup.credentials, system(), recorder);
        assert_eq!(
            code(&gate.send(&context(), find(&server.origin())).await),
            expected
        );
        assert_eq!(server.seen().len(), sent);
    }
}
