//! The skill's own code, run natively over the harness's own client: what the sandbox is measured
//! against.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crm_harness::outbound::client::resolve::SystemResolver;
use crm_harness::outbound::client::tls::Tls;
use crm_harness::outbound::client::{Client, Exchange, TcpDialler};
use crm_harness::outbound::policy::addresses::Grants;
use crm_harness::outbound::policy::origin::Origin;
use crm_skill::actions;
use crm_skill::bindings::exports::claw::crm::read::{BlockersRequest, SearchRequest};
use crm_skill::context::{Context, Settings};
use crm_skill::transport::{Request, Response, Transport, TransportError};
use futures_util::future::join_all;
use tokio::runtime::Runtime;

/// Both services are on loopback.
const GRANTS: Grants = Grants {
    loopback: true,
    private: false,
};

/// The skill without the sandbox.
pub(crate) struct Native<'r> {
    runtime: &'r Runtime,
    client: Client,
    origin: Origin,
    settings: Map,
}

struct Map(HashMap<String, String>);

impl Settings for Map {
    fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }
}

impl<'r> Native<'r> {
    pub(crate) fn new(runtime: &'r Runtime, url: &str) -> Self {
        let client = Client::new(
            Arc::new(SystemResolver),
            Arc::new(TcpDialler),
            Tls::new(Vec::new()),
        );
        let origin = Origin::parse(url, GRANTS).expect("an origin");
        // The same settings that the harness gives to the component.
        let mut settings: HashMap<String, String> = super::caller()
            .settings("the benchmark")
            .expect("settings")
            .into_iter()
            .collect();
        settings.insert("twenty.base-url".to_owned(), url.to_owned());
        let settings = Map(settings);
        Self {
            runtime,
            client,
            origin,
            settings,
        }
    }

    pub(crate) fn search(&self, query: &str) -> usize {
        let request = SearchRequest {
            query: query.to_owned(),
            kinds: None,
            mine: None,
            limit: None,
        };
        let answer = actions::search::search(&self.context(), &request).expect("an answer");
        answer.hits.len()
    }

    pub(crate) fn blockers(&self, deal: &str) -> usize {
        let request = BlockersRequest {
            opportunity: deal.to_owned(),
            stale_days: None,
            widen: None,
        };
        let report = actions::blockers::blockers(&self.context(), &request).expect("a report");
        report.clear.len()
    }

    fn context(&self) -> Context<'_> {
        Context::new(self, &self.settings, jiff::Timestamp::now())
    }

    async fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let outgoing = http::Request::post(request.path.as_str())
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("authorization", concat!("Bearer ", "stand-in-full-key"))
            .body(Bytes::from(request.body.clone()))
            .expect("a request");
        let exchange = Exchange {
            deadline: Instant::now() + Duration::from_secs(20),
            connect: None,
            first_byte: None,
            response_bytes: 4 << 20,
            repeatable: true,
        };
        let answer = self
            .client
            .send(&self.origin, GRANTS, outgoing, exchange)
            .await
            .expect("an answer");
        Ok(Response {
            status: answer.status().as_u16(),
            retry_after: None,
            body: answer.into_body().to_vec(),
        })
    }
}

impl Transport for Native<'_> {
    fn send_all(&self, requests: &[Request]) -> Vec<Result<Response, TransportError>> {
        self.runtime
            .block_on(join_all(requests.iter().map(|request| self.send(request))))
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, time: Duration) {
        panic!("the stand-in asked for {time:?} of patience");
    }
}
