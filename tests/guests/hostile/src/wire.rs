//! Sending a request over wasi:http, with as little care as a hostile component takes.

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};

/// Bytes that a stream takes in one call (wasi:io 0.2).
const WRITE: usize = 4096;

/// A request.
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// Scheme and authority.
    pub origin: String,
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request that only reads.
    #[must_use]
    pub fn get(origin: &str, path: &str) -> Self {
        Self {
            method: "GET",
            origin: origin.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends it and reads the answer to its end.
    ///
    /// # Errors
    /// What the sandbox says.
    pub fn send(&self) -> Result<Reply, String> {
        let response = self.start()?;
        let location = response.headers().get("location").into_iter().next();
        let status = response.status();
        let body = response.consume().map_err(|()| "no body")?;
        let stream = body.stream().map_err(|()| "no stream")?;
        let mut length = 0;
        loop {
            match stream.blocking_read(64 * 1024) {
                Ok(bytes) => length += bytes.len(),
                Err(crate::bindings::wasi::io::streams::StreamError::Closed) => break,
                Err(error) => return Err(format!("{error:?}")),
            }
        }
        Ok(Reply {
            status,
            location: location.and_then(|value| String::from_utf8(value).ok()),
            length,
        })
    }

    /// Sends it and waits until the answer begins.
    ///
    /// # Errors
    /// What the sandbox says.
    pub fn start(&self) -> Result<IncomingResponse, String> {
        let (scheme, authority) = match self.origin.split_once("://") {
            Some(("https", authority)) => (Scheme::Https, authority),
            Some(("http", authority)) => (Scheme::Http, authority),
            _ => return Err("no scheme".to_owned()),
        };
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let headers = Fields::from_list(&headers).map_err(|error| format!("{error:?}"))?;
        let outgoing = OutgoingRequest::new(headers);
        let method = match self.method {
            "POST" => Method::Post,
            _ => Method::Get,
        };
        outgoing.set_method(&method).map_err(|()| "method")?;
        outgoing.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
        outgoing
            .set_authority(Some(authority))
            .map_err(|()| "authority")?;
        outgoing
            .set_path_with_query(Some(&self.path))
            .map_err(|()| "path")?;
        let body = outgoing.body().map_err(|()| "body")?;
        let future =
            outgoing_handler::handle(outgoing, None).map_err(|error| format!("{error:?}"))?;
        if let Ok(stream) = body.write() {
            for chunk in self.body.chunks(WRITE) {
                // Where this fails the host has given up on the request; its answer says why.
                if stream.blocking_write_and_flush(chunk).is_err() {
                    break;
                }
            }
        }
        let _ = OutgoingBody::finish(body, None);
        loop {
            match future.get() {
                Some(Ok(answer)) => return answer.map_err(|error| format!("{error:?}")),
                Some(Err(())) => return Err("the answer was taken before".to_owned()),
                None => future.subscribe().block(),
            }
        }
    }
}

/// An answer that was read.
pub struct Reply {
    /// Its HTTP status.
    pub status: u16,
    /// The value of the `location` header.
    pub location: Option<String>,
    /// Length of its body in bytes.
    pub length: usize,
}
