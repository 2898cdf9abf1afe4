//! Configuration that the program which starts this one passes over an inherited socket: settings
//! and secrets, so that neither stands among the arguments, in the environment or in a file.

use std::io::Read as _;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::args::Args;
use super::variables::Variables;

/// Maximum length of the first line, in bytes.
const LINE_MAX: usize = 256 * 1024;

/// The first line on the socket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HandOver {
    #[serde(default)]
    settings: HandedSettings,
    #[serde(default)]
    variables: Variables,
}

/// HandedSettings that would otherwise be arguments.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct HandedSettings {
    component: Option<PathBuf>,
    manifest: Option<PathBuf>,
    operator: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    allow_loopback: bool,
    caller: Option<String>,
    caller_email: Option<String>,
    caller_name: Option<String>,
    caller_role: Option<String>,
    time_zone: Option<String>,
    now: Option<String>,
}

/// Reads the inherited configuration, and returns the arguments with it and the socket for what
/// follows.
///
/// # Errors
/// When the descriptor is not a socket, or the first line on it is malformed.
pub(super) fn take(args: &Args, descriptor: u32) -> Result<(Args, UnixStream)> {
    let stream = inherited(descriptor)?;
    let line = first_line(&stream)
        .with_context(|| format!("cannot read what is handed over on descriptor {descriptor}"))?;
    // A message of serde could repeat a value, and secrets are never repeated.
    let handed: HandOver = serde_json::from_str(&line).map_err(|error| {
        anyhow::anyhow!(
            "the first line on descriptor {descriptor} is not as it should be, at its column {}: {{\"settings\": {{...}}, \"variables\": {{NAME: TEXT}}}}",
            error.column()
        )
    })?;
    let mut args = args.clone();
    handed.settings.apply(&mut args)?;
    args.variables = Some(handed.variables);
    Ok((args, stream))
}

impl HandedSettings {
    fn apply(self, args: &mut Args) -> Result<()> {
        fn set<T>(given: Option<T>, field: &mut Option<T>) {
            if given.is_some() {
                *field = given;
            }
        }
        set(self.component, &mut args.component);
        set(self.manifest, &mut args.manifest);
        set(self.operator, &mut args.operator);
        set(self.cache_dir, &mut args.cache_dir);
        set(self.data_dir, &mut args.data_dir);
        set(self.caller, &mut args.caller);
        set(self.caller_email, &mut args.caller_email);
        set(self.caller_name, &mut args.caller_name);
        set(self.caller_role, &mut args.caller_role);
        set(self.time_zone, &mut args.time_zone);
        args.allow_loopback |= self.allow_loopback;
        if let Some(now) = self.now {
            let now: SystemTime = humantime::parse_rfc3339(&now)
                .context("settings.now: write it as 2026-07-01T09:00:00Z")?;
            args.now = Some(now);
        }
        Ok(())
    }
}

/// Returns the socket that the parent has left open under this number.
fn inherited(descriptor: u32) -> Result<UnixStream> {
    let socket = std::fs::metadata(format!("/dev/fd/{descriptor}"))
        .is_ok_and(|found| found.file_type().is_socket());
    if descriptor <= 2 || !socket {
        bail!(
            "--channel {descriptor}: this is no inherited socket. The option is for the program that starts this one; leave it out"
        );
    }
    let number = RawFd::try_from(descriptor).context("--channel: no such number")?;
    #[expect(
        unsafe_code,
        reason = "the number names a socket that is open since before this process began; nothing else here takes it"
    )]
    // SAFETY: the descriptor is open, as was just checked, and this is called once, before any
    // other descriptor was opened.
    let owned = unsafe { OwnedFd::from_raw_fd(number) };
    // Child processes must not inherit it.
    rustix::io::fcntl_setfd(&owned, rustix::io::FdFlags::CLOEXEC)
        .context("cannot keep the channel to this process")?;
    Ok(UnixStream::from(owned))
}

/// Reads up to the end of the first line and no byte further: what follows is for the channel.
#[expect(
    clippy::unbuffered_bytes,
    reason = "a buffer would take what is for the channel; it is one line, once"
)]
fn first_line(stream: &UnixStream) -> Result<Zeroizing<String>> {
    // The capacity is reserved at once, so that growing leaves no copy behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
    for byte in stream.bytes() {
        match byte? {
            b'\n' => {
                return Ok(Zeroizing::new(String::from_utf8(std::mem::take(
                    &mut *line,
                ))?));
            }
            _ if line.len() == LINE_MAX => bail!("it is longer than {LINE_MAX} bytes"),
            byte => line.push(byte),
        }
    }
    bail!("it ends before its first line does")
}
