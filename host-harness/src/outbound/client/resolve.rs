//! Name resolution.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Resolves host names to addresses. The client checks every address before it dials.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Returns every address of `host`.
    ///
    /// # Errors
    /// Fails if the name cannot be resolved.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        // The port plays no part in the look-up.
        let mut addresses: Vec<IpAddr> = tokio::net::lookup_host((host, 0))
            .await?
            .map(|found| found.ip())
            .collect();
        addresses.dedup();
        Ok(addresses)
    }
}
