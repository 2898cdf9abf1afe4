//! `crm-harness policy`: the decisions of the gate, without a component.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use crm_harness::access::Access;
use crm_harness::config::lint::{Finding, LintLevel, lint};
use crm_harness::config::{ConfigError, Manifest, Operator, Trust};
use crm_harness::events::Phase;
use crm_harness::outbound::policy::{Allowed, PolicyDecision, Request, cases};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::args::{Args, ExplainArgs, PolicyCommand};
use super::report::{End, Misuse};
use super::{render, resolve};

pub(super) fn run(args: &Args, command: &PolicyCommand) -> Result<End, Misuse> {
    match command {
        PolicyCommand::Explain(asked) => explain(args, asked),
        PolicyCommand::Lint => run_lint(args),
        PolicyCommand::Check { cases } => check(args, cases),
    }
}

fn check(args: &Args, path: &Path) -> Result<End, Misuse> {
    let corpus =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let report = cases::run(&corpus)
        .with_context(|| format!("{} is not a list of cases", path.display()))?;
    if args.json {
        render::print(&render::pretty(
            &json!({"passed": report.passed, "failed": report.failed}),
        ));
    } else {
        for line in &report.failed {
            render::print(&format!("{}\n", render::harmless(line)));
        }
        render::print(&format!(
            "{} passed, {} failed\n",
            report.passed,
            report.failed.len()
        ));
    }
    Ok(if report.failed.is_empty() {
        End::Done
    } else {
        End::Failed
    })
}

/// Prints the gate's decision on a request. Nothing is sent, and no name is resolved.
fn explain(args: &Args, asked: &ExplainArgs) -> Result<End, Misuse> {
    let setup = resolve::setup(args)?;
    let method = Method::from_bytes(asked.method.as_bytes())
        .map_err(|_| anyhow!("`{}` is no method", asked.method))?;
    let headers = headers(&asked.header)?;
    let body = body(&asked.body)?;
    let phase = if asked.perform {
        Phase::Perform
    } else {
        Phase::Read
    };
    let request = Request {
        method: &method,
        url: &asked.url,
        headers: &headers,
        body: &body,
    };
    // As during a call of this caller: values that are bound to a setting are checked against it.
    let settings = setup.bound_for(&resolve::caller(args, &setup)?);
    let (told, end) = match setup.policy.decide_for(phase, &request, &settings) {
        PolicyDecision::Allow(allowed) => (allow(&allowed), End::Done),
        PolicyDecision::Deny(denial) => {
            let told = json!({
                "decision": "deny",
                "code": denial.code.as_str(),
                "reason": denial.reason,
                "destination": denial.destination,
                "nearest": denial.nearest,
                "fix": denial.fix,
            });
            (told, End::Failed)
        }
    };
    if args.json {
        render::print(&render::pretty(&told));
    } else {
        let rows = told.as_object().into_iter().flatten();
        let rows =
            rows.filter_map(|(name, value)| Some(vec![name.clone(), value.as_str()?.to_owned()]));
        render::print(&render::table(&rows.collect::<Vec<_>>()));
    }
    Ok(end)
}

fn allow(allowed: &Allowed<'_>) -> Value {
    let grants = allowed.destination.grants;
    let mut reach = "public addresses".to_owned();
    for (granted, network) in [
        (grants.loopback, "this machine"),
        (grants.private, "private networks"),
    ] {
        if granted {
            reach = format!("{reach}, {network}");
        }
    }
    json!({
        "decision": "allow",
        "rule": allowed.route.id,
        "destination": allowed.destination.name,
        "document": allowed.document.map(|document| document.name.clone()),
        "addresses": format!("looked up and checked when it is sent; open are {reach}"),
    })
}

fn headers(given: &[String]) -> Result<HeaderMap, Misuse> {
    let mut headers = HeaderMap::new();
    for header in given {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| anyhow!("--header: write it as 'name: value'"))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes())
            .with_context(|| format!("--header: `{name}` is no name of a header"))?;
        let value = HeaderValue::from_str(value.trim())
            .with_context(|| format!("--header: the value of {name} cannot be sent"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(given: &str) -> Result<Vec<u8>, Misuse> {
    if given == "-" {
        let mut body = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut body)
            .context("cannot read standard input")?;
        return Ok(body);
    }
    match given.strip_prefix('@') {
        Some(path) => Ok(std::fs::read(path).with_context(|| format!("cannot read {path}"))?),
        None => Ok(given.as_bytes().to_vec()),
    }
}

fn run_lint(args: &Args) -> Result<End, Misuse> {
    let mut findings = Vec::new();
    let manifest = readable(Manifest::read(&resolve::manifest(args)?), &mut findings)?;
    let operator = match args.operator.as_deref().map(Operator::read) {
        Some(operator) => readable(operator, &mut findings)?,
        None => None,
    };
    if let Some(manifest) = &manifest {
        findings.extend(lint(manifest, operator.as_ref()));
        if operator.is_some() || args.operator.is_none() {
            load(args, manifest, operator.as_ref(), &mut findings);
        }
    }
    findings.sort_by_key(|finding| finding.level);
    let bad = findings
        .iter()
        .any(|finding| finding.level != LintLevel::Note);
    if args.json {
        let list = findings.iter().map(to_json).collect();
        render::print(&render::pretty(&Value::Array(list)));
    } else if findings.is_empty() {
        render::print("Nothing was found.\n");
    } else {
        let row = |finding: &Finding| {
            let [at, said] = [
                [finding.place.as_str(), finding.key.as_str()],
                [finding.message.as_str(), finding.mend.as_str()],
            ]
            .map(|parts| parts.into_iter().filter(|part| !part.is_empty()));
            vec![
                finding.level.as_str().to_owned(),
                at.collect::<Vec<_>>().join(": "),
                finding.code.to_owned(),
                said.collect::<Vec<_>>().join(" "),
            ]
        };
        render::print(&render::table(
            &findings.iter().map(row).collect::<Vec<_>>(),
        ));
    }
    Ok(if bad { End::Failed } else { End::Done })
}

/// Returns a file that was read; what is wrong with one is a finding. One that cannot be read at
/// all was not meant.
fn readable<T>(
    read: Result<T, ConfigError>,
    findings: &mut Vec<Finding>,
) -> Result<Option<T>, Misuse> {
    match read {
        Ok(file) => Ok(Some(file)),
        Err(error @ ConfigError::Read { .. }) => Err(Misuse::new(error.code(), error)),
        Err(error) => {
            findings.push(Finding::refused(&error));
            Ok(None)
        }
    }
}

/// Finds what keeps the files from being used, by loading them as any other command does, and what
/// is ignored then.
fn load(
    args: &Args,
    manifest: &Manifest,
    operator: Option<&Operator>,
    findings: &mut Vec<Finding>,
) {
    let setup = match resolve::settle(args, manifest.clone(), operator) {
        Ok(setup) => setup,
        Err(error) => {
            findings.push(Finding::refused(&error));
            return;
        }
    };
    findings.extend(setup.ignored.iter().map(Finding::ignored));
    let file = operator.map_or(&manifest.path, |operator| &operator.path);
    let refused = |code, key: &str, message| Finding {
        level: LintLevel::Error,
        code,
        place: file.display().to_string(),
        key: key.to_owned(),
        message,
        mend: String::new(),
    };
    if let Err(error) = Access::of(&setup) {
        findings.push(refused(error.code(), "access", error.to_string()));
    }
    // No component is looked at: the one that was accepted stands for it.
    let component = match &setup.trust {
        Trust::Pinned { pins, .. } => pins.component.as_str(),
        _ => "",
    };
    if let Err(error) = setup.trust.check(component, &manifest.sha256) {
        findings.push(refused("not-accepted", "trust", error.to_string()));
    }
}

fn to_json(finding: &Finding) -> Value {
    json!({
        "level": finding.level.as_str(),
        "code": finding.code,
        "place": finding.place,
        "key": finding.key,
        "message": finding.message,
        "mend": finding.mend,
    })
}
