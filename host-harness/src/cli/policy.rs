//! `crm-harness policy`: the decisions of the gate, without a component.

use anyhow::Context;
use crm_harness::outbound::cases;
use serde_json::json;

use super::args::{Args, PolicyCommand};
use super::{End, Misuse, render};

pub(super) fn run(args: &Args, command: &PolicyCommand) -> Result<End, Misuse> {
    let PolicyCommand::Check { cases: path } = command;
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
