//! `crm-harness serve`: the Model Context Protocol over HTTP, for every caller who has a token.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use crm_harness::server::http::{Hosts, HttpLimits, serve};
use crm_harness::server::mcp::{Mcp, Pace, Whose};
use crm_harness::server::upkeep;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;

use super::args::{Args, ServeArgs};
use super::report::{End, Misuse, UPKEEP};
use super::resolve::{Resolved, resolve};
use super::{render, signals};

pub(super) fn run(args: &Args, given: &ServeArgs) -> Result<End, Misuse> {
    check(given.listen, given.beyond_loopback, !given.host.is_empty())?;
    let Resolved { harness, .. } = resolve(args)?;
    let tokens = harness.setup().tokens.clone();
    if tokens.is_empty() {
        return Err(anyhow!(
            "nobody has a token, so nobody could come in: `crm-harness token new --caller NAME` makes one for a caller of the operator file"
        )
        .into());
    }
    more_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let mut signals = signals::terminating().context("cannot listen for signals")?;
        let listener = TcpListener::bind(given.listen)
            .await
            .with_context(|| format!("cannot listen on {}", given.listen))?;
        // The system may have chosen the port.
        let address = listener.local_addr().context("cannot tell the address")?;
        let hosts = Hosts::new(address, &given.host)?;
        let mcp = Mcp::new(
            Arc::new(harness),
            Whose::Each,
            Pace::default(),
            Arc::default(),
        );
        render::note(&format!("listening on http://{address}/mcp"));
        let kept = upkeep::keep(Arc::clone(mcp.harness()), UPKEEP);
        let served = serve(
            listener,
            mcp,
            tokens,
            hosts,
            HttpLimits::default(),
            signals.recv(),
        );
        tokio::select! {
            () = kept => {}
            served = served => served.context("cannot take connections on")?,
        }
        Ok(End::Done)
    })
}

/// Checks that listening beyond this machine was allowed by a flag of its own, since tokens and
/// answers would cross the network unencrypted.
fn check(listen: SocketAddr, beyond_loopback: bool, named: bool) -> Result<(), Misuse> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    if beyond_loopback {
        return match listen.ip().is_unspecified() && !named {
            false => Ok(()),
            true => Err(anyhow!(
                "--listen {listen}: no client could name this address. Pass --host with each name that clients use"
            )
            .into()),
        };
    }
    Err(anyhow!(
        "--listen {listen}: this is reachable from other machines, and tokens would go there in the clear. Put a proxy with TLS in front, or pass --beyond-loopback, and --host with the name that clients use"
    )
    .into())
}

/// Raises the limit of open files: each connection is one, and the default is often low.
fn more_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!("the number of open files stays as it is: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_beyond_loopback_needs_its_flag() {
        for (listen, beyond, named, good) in [
            ("127.0.0.1:0", false, false, true),
            ("[::1]:0", false, false, true),
            ("0.0.0.0:80", false, true, false),
            ("192.168.1.4:80", false, false, false),
            ("192.168.1.4:80", true, false, true),
            ("0.0.0.0:80", true, true, true),
            ("[::]:80", true, false, false),
        ] {
            assert_eq!(
                check(listen.parse().unwrap(), beyond, named).is_ok(),
                good,
                "{listen}"
            );
        }
    }
}
