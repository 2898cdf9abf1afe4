//! Asks a model for the calls that the requests of tests/cases/requests.json need.
//! `cargo xtask eval` starts it.

use std::process::ExitCode;

use crm_tests::requests::ask::Endpoint;
use crm_tests::requests::{eval, read};
use serde::Deserialize;

/// Command-line options of `cargo xtask eval`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Options {
    url: String,
    model: Option<String>,
    key_env: Option<String>,
    limit: Option<usize>,
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let given = std::env::args().nth(1).unwrap_or_default();
    let options: Options = serde_json::from_str(&given)
        .map_err(|error| format!("{error}: start it with `cargo xtask eval`"))?;
    let key = match &options.key_env {
        Some(name) => Some(
            std::env::var(name).map_err(|_| format!("{name} is not set: put the key into it"))?,
        ),
        None => None,
    };
    let endpoint = Endpoint::new(&options.url, options.model, key)?;
    let score = eval::all(&read()?, &endpoint, options.limit.unwrap_or(usize::MAX)).await?;
    if options.json {
        println!(
            "{}",
            serde_json::json!({"rows": score.rows, "score": score.line()})
        );
    } else {
        print!("{}", score.table());
        println!("{}", score.line());
    }
    Ok(())
}
