//! `crm-harness mcp`: the Model Context Protocol over standard input and output, for one caller.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use crm_harness::Caller;
use crm_harness::server::lines::BoundedLines;
use crm_harness::server::mcp::{Mcp, Pace, Whose};
use crm_harness::server::{channel, upkeep};
use rmcp::ServiceExt as _;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::io::stdio_pipes;
use tokio::time::timeout;

use super::args::{Args, McpArgs};
use super::report::{End, Misuse, UPKEEP};
use super::resolve::{Resolved, resolve};
use super::{inherited_config, signals};

/// Maximum length of a line, in bytes. The harness itself accepts far shorter arguments, and says
/// so in its answer to them.
const LINE_MAX: usize = 8 << 20;
/// Time for which approved plans may still be performed after the client has gone.
const PERFORMING: Duration = Duration::from_secs(20);

pub(super) fn run(args: &Args, given: &McpArgs) -> Result<End, Misuse> {
    let (args, stream) = match given.channel {
        Some(descriptor) => {
            let (args, stream) = inherited_config::take(args, descriptor)?;
            (args, Some(stream))
        }
        None => (args.clone(), None),
    };
    let resolved = resolve(&args)?;
    resolved.tell_missing();
    // The inherited values have been passed on; this copy is wiped.
    drop(args);
    let Resolved { harness, caller } = resolved;
    if caller.named().is_none() && harness.setup().callers.len() > 1 {
        // Plans belong to their proposer: several people must not count as one.
        return Err(
            anyhow!("the operator file has several callers: name one with --caller").into(),
        );
    }
    // One thread: a client's calls are mostly waiting.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let caller = Arc::new(caller);
    let whose = Whose::One(Arc::clone(&caller));
    let mcp = Mcp::new(Arc::new(harness), whose, Pace::default(), Arc::default());
    let served = runtime.block_on(async {
        if let Some(stream) = stream {
            let served = open(stream, mcp.clone(), caller)?;
            tokio::spawn(async {
                if let Err(error) = served.await {
                    tracing::error!("the channel broke: {error}");
                }
            });
        }
        serve(mcp).await
    });
    // A read of standard input may still be waiting, and would delay the end.
    runtime.shutdown_background();
    served.map(|()| End::Done)
}

/// Prepares the channel of the program that started this one, and returns the future that serves
/// it.
fn open(
    stream: UnixStream,
    mcp: Mcp,
    caller: Arc<Caller>,
) -> Result<impl Future<Output = std::io::Result<()>>, Misuse> {
    stream
        .set_nonblocking(true)
        .context("cannot use the channel")?;
    let stream = tokio::net::UnixStream::from_std(stream).context("cannot use the channel")?;
    Ok(channel::serve(stream, mcp, caller))
}

/// Serves until the input ends or a signal arrives.
async fn serve(mcp: Mcp) -> Result<(), Misuse> {
    let mut signals = signals::terminating().context("cannot listen for signals")?;
    let (input, output) = stdio_pipes();
    let input = BoundedLines::new(input, LINE_MAX);
    // One byte more, since a line that was cut has it.
    let transport = AsyncRwTransport::new_server(input, output).with_max_line_length(LINE_MAX + 1);
    let started = tokio::select! {
        () = signals.recv() => return Ok(()),
        started = mcp.clone().serve(transport) => started,
    };
    let Ok(running) = started else {
        // The input has ended, or does not begin as the protocol requires: the client has got an
        // error, and there is nobody else to report to.
        tracing::info!("the client has gone before it began");
        return Ok(());
    };
    let stop = running.cancellation_token();
    let mut over = std::pin::pin!(running.waiting());
    let kept = upkeep::keep(Arc::clone(mcp.harness()), UPKEEP);
    tokio::select! {
        _ = &mut over => {}
        () = kept => {}
        () = signals.recv() => {
            mcp.close();
            // Calls in progress get a moment to answer.
            stop.cancel();
            let _ = over.await;
        }
    }
    mcp.close();
    if timeout(PERFORMING, mcp.performed()).await.is_err() {
        tracing::error!(
            "an approved plan has not come to its end: `crm-harness plan list` shows where it stands"
        );
    }
    Ok(())
}
