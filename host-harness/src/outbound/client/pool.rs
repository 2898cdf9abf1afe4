//! A pool of connections kept open between requests, by origin and checked address.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

use crate::outbound::policy::origin::Origin;

/// Maximum idle time of a connection; below the 60 s and more that servers usually allow, so that
/// they seldom close first.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Maximum number of idle connections per origin and address.
const PER_ADDRESS: usize = 8;

#[derive(Debug)]
pub(in crate::outbound) struct PooledConnection {
    pub(in crate::outbound) sender: SendRequest<Full<Bytes>>,
    /// The checked address that was dialled.
    pub(in crate::outbound) address: SocketAddr,
}

/// Connections to one origin at one address, each with the start of its idle time.
type Idle = Vec<(PooledConnection, Instant)>;

#[derive(Debug, Default)]
pub(in crate::outbound) struct Pool {
    idle: Mutex<HashMap<(Origin, SocketAddr), Idle>>,
}

impl Pool {
    /// Takes the most recently used connection to one of these addresses, if one still looks alive.
    pub(in crate::outbound) fn take(
        &self,
        origin: &Origin,
        addresses: &[SocketAddr],
    ) -> Option<PooledConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.iter().find_map(|address| {
            let kept = idle.get_mut(&(origin.clone(), *address))?;
            kept.retain(|(connection, since)| {
                !connection.sender.is_closed() && since.elapsed() < IDLE_MAX
            });
            kept.pop().map(|(connection, _)| connection)
        })
    }

    /// Puts a connection back after its response was read to the end.
    pub(in crate::outbound) fn put(&self, origin: &Origin, connection: PooledConnection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A service whose addresses change must not leave stale connections behind.
        idle.retain(|_, kept| {
            kept.retain(|(connection, since)| {
                !connection.sender.is_closed() && since.elapsed() < IDLE_MAX
            });
            !kept.is_empty()
        });
        let kept = idle
            .entry((origin.clone(), connection.address))
            .or_default();
        if kept.len() < PER_ADDRESS {
            kept.push((connection, Instant::now()));
        }
    }
}
