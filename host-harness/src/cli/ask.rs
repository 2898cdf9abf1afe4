//! Prompts: questions on stderr, answers from stdin, so that answers can be piped.

use std::io::{BufRead as _, Write as _};

use anyhow::anyhow;

use super::report::Misuse;

/// Asks for a line; an empty one is the default. An error of `check` is printed, and the question
/// asked again.
pub(super) fn line<T>(
    question: &str,
    default: Option<&str>,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Misuse> {
    loop {
        let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
        let given = read(&format!("{question}{shown}: "))?;
        let answer = match (given.as_str(), default) {
            ("", Some(default)) => default,
            (given, _) => given,
        };
        match check(answer) {
            Ok(checked) => return Ok(checked),
            Err(problem) => say(&problem),
        }
    }
}

/// Asks for a yes; anything else is a no, including the end of the input.
pub(super) fn yes(question: &str) -> bool {
    read(&format!("{question} [y/N]: "))
        .is_ok_and(|answer| matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// Prints a text for the person who is asked.
pub(super) fn say(text: &str) {
    let _ = writeln!(
        anstream::stderr().lock(),
        "{}",
        super::render::harmless(text)
    );
}

fn read(prompt: &str) -> Result<String, Misuse> {
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(prompt.as_bytes()).and_then(|()| out.flush());
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(
            anyhow!("there are no more answers on standard input: nothing was changed").into(),
        );
    }
    Ok(line.trim().to_owned())
}
