//! Puts the requests of the corpus to a model and compares the calls that it makes with those that
//! are right. What it calls is answered by the real harness on the sample workspace, so that it can
//! go on from what it finds.

use std::collections::VecDeque;

use crm_harness::server::mcp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::ask::{Endpoint, Wish, functions, wishes};
use super::{Call, Case, Corpus, Says, matching, run};
use crate::{TestEnv, root};

/// The most calls beside the expected ones that a model may make for a request.
const DETOURS: usize = 3;
/// Longest answer that a model is given, in characters.
const ANSWER: usize = 20_000;

/// The result of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The request in the person's words.
    pub request: String,
    /// The tools that are right, in order.
    pub expected: Vec<String>,
    /// The calls that were made, with their arguments.
    pub got: Vec<String>,
    /// Expected calls whose tool was right, of how many.
    pub tool: (usize, usize),
    /// Expected calls whose arguments were right too, of how many.
    pub arguments: (usize, usize),
    /// The fault, in words.
    pub verdict: String,
}

/// The results of all requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Request by request.
    pub rows: Vec<Row>,
}

impl Score {
    /// `tool N/M, arguments N/M`.
    #[must_use]
    pub fn line(&self) -> String {
        let sum = |of: &dyn Fn(&Row) -> (usize, usize)| {
            let (right, all) = self
                .rows
                .iter()
                .map(of)
                .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            format!("{right}/{all}")
        };
        format!(
            "tool {}, arguments {}",
            sum(&|row| row.tool),
            sum(&|row| row.arguments)
        )
    }

    /// The rows as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let head = ["request", "expected", "got", "verdict"].map(str::to_owned);
        let rows = self.rows.iter().map(|row| {
            let got = if row.got.is_empty() {
                "no call".to_owned()
            } else {
                row.got.join("; ")
            };
            let expected = if row.expected.is_empty() {
                "no call".to_owned()
            } else {
                row.expected.join("; ")
            };
            [row.request.clone(), expected, got, row.verdict.clone()]
        });
        let rows: Vec<[String; 4]> = std::iter::once(head)
            .chain(rows)
            .map(|row| row.map(|cell| cut(&cell, 60)))
            .collect();
        let width = |column: usize| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        rows.iter()
            .map(|[a, b, c, d]| {
                format!(
                    "{a:<0$}  {b:<1$}  {c:<2$}  {d}\n",
                    widths[0], widths[1], widths[2]
                )
            })
            .collect()
    }
}

fn cut(text: &str, most: usize) -> String {
    let text = text.replace('\n', " ");
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}

/// Builds the system prompt: how to use the tools, the day, and the caller.
///
/// # Errors
/// Where the skill's page cannot be read, or the moment is none.
pub fn system(now: &str, caller: &Says) -> Result<String, String> {
    let path = root().join("manifests/openclaw/skills/crm/SKILL.md");
    let page =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let body = page
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .map_or(page.as_str(), |(_, body)| body);
    let now: jiff::Timestamp = now.parse().map_err(|error| format!("now: {error}"))?;
    let now = now
        .in_tz(&caller.time_zone)
        .map_err(|error| format!("timeZone: {error}"))?;
    Ok(format!(
        "{}\n\nNow it is {} ({}). You speak with {} ({}).",
        body.trim(),
        now.strftime("%A, %Y-%m-%d %H:%M, UTC%:z"),
        caller.time_zone,
        caller.name,
        caller.email
    ))
}

/// Asks for each request of the corpus, at most `limit` of them.
///
/// # Errors
/// Where the endpoint does not answer, or the corpus itself does not hold.
pub async fn all(corpus: &Corpus, endpoint: &Endpoint, limit: usize) -> Result<Score, String> {
    let system = system(&corpus.now, &corpus.caller)?;
    let shared = TestEnv::whole().await;
    let mut score = Score::default();
    for case in corpus.requests.iter().take(limit) {
        let own = if case.changes() {
            Some(TestEnv::whole().await)
        } else {
            None
        };
        let asked = Asked::of(own.as_ref().unwrap_or(&shared), endpoint, case, &system).await;
        score
            .rows
            .push(asked.map_err(|error| format!("{}: {error}", case.request))?);
    }
    Ok(score)
}

/// A conversation about one request.
struct Asked<'a> {
    env: &'a TestEnv,
    endpoint: &'a Endpoint,
    listed: Value,
    messages: Vec<Value>,
    /// Calls of the last message that were not looked at yet.
    wishes: VecDeque<Wish>,
    got: Vec<String>,
}

impl<'a> Asked<'a> {
    async fn of(
        env: &'a TestEnv,
        endpoint: &'a Endpoint,
        case: &Case,
        system: &str,
    ) -> Result<Row, String> {
        let earlier = run::before(env, case).await?;
        let mut messages = vec![json!({"role": "system", "content": system})];
        for (nth, (before, answer)) in case.before.iter().zip(&earlier).enumerate() {
            let id = format!("before-{nth}");
            messages.push(json!({"role": "user", "content": before.request}));
            messages.push(json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function",
                "function": {"name": before.tool, "arguments": before.arguments.to_string()}}]}));
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": text(answer)}));
            messages.push(json!({"role": "assistant", "content": "That is proposed. It waits for you to approve it."}));
        }
        messages.push(json!({"role": "user", "content": case.request}));
        // What is right to take from an earlier answer is what the expected calls find.
        let right = run::expected(env, case, earlier).await?;
        let mut asked = Self {
            env,
            endpoint,
            listed: mcp::listed(&env.harness),
            messages,
            wishes: VecDeque::new(),
            got: Vec::new(),
        };
        asked.judge(case, &right).await
    }

    async fn judge(&mut self, case: &Case, right: &[Map<String, Value>]) -> Result<Row, String> {
        let steps = case.calls.len().max(1);
        let mut row = Row {
            request: case.request.clone(),
            expected: case.calls.iter().map(|call| call.tool.clone()).collect(),
            got: Vec::new(),
            tool: (0, steps),
            arguments: (0, case.calls.len()),
            verdict: String::new(),
        };
        let mut detours = DETOURS;
        for (call, wanted) in case.calls.iter().zip(right) {
            let verdict = loop {
                let Some(wish) = self.next().await? else {
                    break format!("no call of {}", call.tool);
                };
                if wish.tool == call.tool {
                    row.tool.0 += 1;
                    let given = wish.arguments.clone();
                    if !given.is_some_and(|given| matching::arguments_fit(call, wanted, &given)) {
                        break format!("arguments of {}", call.tool);
                    }
                    row.arguments.0 += 1;
                    self.answered(&wish).await;
                    break String::new();
                }
                let reads = self.reads(&wish.tool);
                if !case.also.contains(&wish.tool) || detours == 0 {
                    break format!("{} instead of {}", wish.tool, call.tool);
                }
                detours -= 1;
                let came = self.answered(&wish).await;
                if !reads || case.calls.iter().all(|call| self.reads(&call.tool)) {
                    // Another way to the same end: it is as good as what comes of it.
                    row.tool.0 = steps;
                    let last = case.calls.last();
                    let same = last.is_some_and(|last| reads || same(last, &came));
                    row.arguments.0 = if same {
                        case.calls.len()
                    } else {
                        row.arguments.0
                    };
                    row.got = std::mem::take(&mut self.got);
                    row.verdict = if same {
                        "right".to_owned()
                    } else {
                        format!("{} came out as {}", wish.tool, came.0)
                    };
                    return Ok(row);
                }
            };
            if !verdict.is_empty() {
                row.got = std::mem::take(&mut self.got);
                row.verdict = verdict;
                return Ok(row);
            }
        }
        row.verdict = "right".to_owned();
        if case.calls.iter().all(|call| self.reads(&call.tool)) {
            // Nothing may be written for it, not even afterwards.
            row.tool.0 = steps;
            for _ in 0..=detours {
                let Some(wish) = self.next().await? else {
                    break;
                };
                let allowed = !case.calls.is_empty() || case.also.contains(&wish.tool);
                if !allowed || !self.reads(&wish.tool) {
                    row.tool.0 = steps - 1;
                    row.verdict = format!("{}, where nothing of the kind was asked for", wish.tool);
                    break;
                }
                self.answered(&wish).await;
            }
        }
        row.got = std::mem::take(&mut self.got);
        Ok(row)
    }

    /// The next call that the model wants to make; none where it only talks.
    async fn next(&mut self) -> Result<Option<Wish>, String> {
        if self.wishes.is_empty() {
            let message = self
                .endpoint
                .next(&self.messages, &functions(&self.listed))
                .await?;
            self.wishes = wishes(&message).into();
            self.messages.push(message);
        }
        let wish = self.wishes.pop_front();
        if let Some(wish) = &wish {
            let arguments = wish
                .arguments
                .as_ref()
                .map_or_else(|| "no JSON".to_owned(), |given| json!(given).to_string());
            self.got.push(format!("{} {arguments}", wish.tool));
        }
        Ok(wish)
    }

    /// Makes a call of the model's and gives it the answer.
    async fn answered(&mut self, wish: &Wish) -> (String, Value) {
        let arguments = wish.arguments.clone().unwrap_or_default();
        let came = run::call(self.env, &wish.tool, arguments).await;
        self.messages
            .push(json!({"role": "tool", "tool_call_id": wish.id, "content": text(&came.1)}));
        came
    }

    fn reads(&self, name: &str) -> bool {
        let tools = self.listed.as_array().into_iter().flatten();
        tools
            .into_iter()
            .any(|tool| tool["name"] == name && tool["annotations"]["readOnlyHint"] == true)
    }
}

/// Returns true if a call came out as an expected one does.
fn same(expected: &Call, (outcome, answer): &(String, Value)) -> bool {
    expected.outcome == *outcome
        && expected
            .answer
            .iter()
            .all(|(pointer, wanted)| matching::fits(wanted, &matching::at(answer, pointer)))
}

/// An answer as a model reads it.
fn text(answer: &Value) -> String {
    let text = answer["markdown"]
        .as_str()
        .map_or_else(|| answer.to_string(), str::to_owned);
    text.chars().take(ANSWER).collect()
}
