//! Keys that a text says are some: in URLs, in PEM blocks, by their first letters, and after words
//! such as `password`.

use crate::Kind;
use crate::fixed;
use crate::view::View;
use crate::word::{self, Join};

/// Longest `user:password` of a URL.
const USER_MAX: usize = 256;

/// First letters of keys that services give out, and how many characters follow at least. Those
/// that follow hold a digit, or are twenty: `sk-learn` is none.
const PREFIXES: [(&str, usize); 36] = [
    ("sk-", 8),
    ("sk_", 8),
    ("pk_", 8),
    ("rk_", 8),
    ("ghp_", 8),
    ("gho_", 8),
    ("ghu_", 8),
    ("ghs_", 8),
    ("ghr_", 8),
    ("github_pat_", 8),
    ("glpat-", 8),
    ("gldt-", 8),
    ("AKIA", 12),
    ("ASIA", 12),
    ("AIza", 20),
    ("ya29.", 8),
    ("xapp-", 8),
    ("xoxa-", 8),
    ("xoxb-", 8),
    ("xoxc-", 8),
    ("xoxd-", 8),
    ("xoxe-", 8),
    ("xoxe.", 8),
    ("xoxo-", 8),
    ("xoxp-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
    ("hf_", 12),
    ("npm_", 12),
    ("pypi-", 12),
    ("SG.", 16),
    ("whsec_", 8),
    ("dop_v1_", 8),
    ("shpat_", 8),
    ("pat-", 16),
    ("AGE-SECRET-KEY-", 8),
];

/// Words whose value is a key, without spaces and in small letters.
const NAMES: [(&str, Value); 31] = [
    ("password", Value::Word),
    ("passwort", Value::Word),
    ("passwd", Value::Word),
    ("passphrase", Value::Word),
    ("passcode", Value::Word),
    ("kennwort", Value::Word),
    ("contrase\u{f1}a", Value::Word),
    ("contrasena", Value::Word),
    ("motdepasse", Value::Word),
    ("pwd", Value::Whole),
    ("pw", Value::Whole),
    ("secret", Value::Long),
    ("token", Value::Long),
    ("credential", Value::Long),
    ("credentials", Value::Long),
    ("apikey", Value::Long),
    ("accesskey", Value::Long),
    ("accountkey", Value::Long),
    ("authkey", Value::Long),
    ("encryptionkey", Value::Long),
    ("licensekey", Value::Long),
    ("licencekey", Value::Long),
    ("masterkey", Value::Long),
    ("privatekey", Value::Long),
    ("secretkey", Value::Long),
    ("sharedkey", Value::Long),
    ("signingkey", Value::Long),
    ("pin", Value::Digits),
    ("pincode", Value::Digits),
    ("cvv", Value::Digits),
    ("cvc", Value::Digits),
];

/// The rule that decides which value after a word is a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// Anything, also where the word ends a longer one (`DB_PASSWORD`).
    Word,
    /// Anything, where the word stands alone.
    Whole,
    /// Four characters or more.
    Long,
    /// Three to eight digits, where the word stands alone.
    Digits,
}

/// Takes out user and password of URLs.
pub(crate) fn in_urls(view: &mut View<'_>) {
    let mut index = 0;
    while view.get(index).is_some() {
        if view.starts(index, "://") {
            let from = index + 3;
            let to = view.skip(from, USER_MAX, |c| {
                !c.is_whitespace() && !"/?#\"<>@".contains(c)
            });
            let colon = (from..to).any(|index| view.is(index, |c| c == ':'));
            if colon && view.is(to, |c| c == '@') {
                view.take(from, to, Kind::Key);
            }
        }
        index += 1;
    }
}

/// Takes out PEM blocks. One that does not end reaches to the end of the text.
pub(crate) fn blocks(view: &mut View<'_>) {
    let mut index = 0;
    while view.get(index).is_some() {
        if !view.starts(index, "-----BEGIN") {
            index += 1;
            continue;
        }
        let mut to = index;
        while view.get(to).is_some() && !view.starts(to, "-----END") {
            to += 1;
        }
        if view.get(to).is_some() {
            to = view.run(to + "-----END".len(), |c| c != '-' && c != '\n');
            to = view.skip(to, 5, |c| c == '-');
        }
        view.take(index, to, Kind::Key);
        index = to;
    }
}

/// Takes out what begins as a key does, and what follows a word for one.
pub(crate) fn named(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_alphanumeric() {
            index += 1;
            continue;
        }
        if let Some(to) = prefixed(view, index).or_else(|| web_token(view, index)) {
            view.take(index, to, Kind::Key);
            index = to;
            continue;
        }
        let behind = word::end(view, index);
        if let Some((from, to)) =
            after_scheme(view, index, behind).or_else(|| after_name(view, index, behind))
        {
            view.take(from, to, Kind::Key);
            // A short value can leave a part of the same word.
            index = to;
            continue;
        }
        index = behind;
    }
}

/// The end of a key that begins with known letters.
fn prefixed(view: &View<'_>, index: usize) -> Option<usize> {
    let (prefix, least) = (PREFIXES.iter()).find(|(prefix, _)| view.starts(index, prefix))?;
    let from = index + prefix.len();
    let to = view.run(from, is_token);
    let digit = (from..to).any(|index| view.is(index, |c| c.is_ascii_digit()));
    (to - from >= *least && (digit || to - from >= 20))
        .then(|| view.run(from, |c| is_token(c) || c == '.'))
}

/// The end of a JSON web token: three parts, the last of which can be empty, or five.
fn web_token(view: &View<'_>, index: usize) -> Option<usize> {
    if !view.starts(index, "eyJ") {
        return None;
    }
    let first = view.run(index, is_token);
    if first < index + 8 || view.get(first) != Some('.') {
        return None;
    }
    let second = view.run(first + 1, is_token);
    (second > first + 2).then(|| view.run(second, |c| is_token(c) || c == '.'))
}

/// Finds the credential after `Bearer` and similar schemes.
fn after_scheme(view: &View<'_>, index: usize, behind: usize) -> Option<(usize, usize)> {
    let is = |name| word::ends(view, behind, name) == Some(index);
    if is("authorization") {
        let (Join::Sign, value) = word::join(view, behind)? else {
            return None;
        };
        let from = view.skip(value, 1, |c| c == '"');
        let scheme = word::end(view, from);
        let spaces = view.skip(scheme, 2, |c| c == ' ');
        return match spaces > scheme && view.is(spaces, |c| !c.is_whitespace()) {
            true => word::value(view, spaces),
            false => word::value(view, value),
        };
    }
    let least = match () {
        () if is("bearer") => 6,
        () if is("basic") => 12,
        () => return None,
    };
    let from = view.skip(behind, 2, |c| c == ' ');
    let to = view.run(from, |c| is_token(c) || ".~+/=".contains(c));
    let telling = word::is_mixed(view, from, to) || view.before(to) == Some('=') || to - from >= 24;
    (from > behind && to - from >= least && telling).then_some((from, to))
}

/// Finds the value after a word that names a key.
fn after_name(view: &View<'_>, index: usize, behind: usize) -> Option<(usize, usize)> {
    let (_, kind) = NAMES.iter().find(|(name, kind)| {
        word::ends(view, behind, name).is_some_and(|start| match kind {
            Value::Whole | Value::Digits => start <= index && view.begins(start),
            Value::Word | Value::Long => true,
        })
    })?;
    let (join, from) = word::join(view, behind)?;
    if *kind == Value::Digits {
        let to = view.run(from, |c| c.is_ascii_digit());
        // The year of a date is none: `the pin 2026-03-31`.
        let fits = (3..=8).contains(&(to - from))
            && !view.is(to, char::is_alphanumeric)
            && fixed::date(view, from).is_none();
        return fits.then_some((from, to));
    }
    let (from, to) = word::value(view, from)?;
    let fits = match join {
        Join::Sign => {
            to - from >= if *kind == Value::Long { 4 } else { 1 }
                || word::holds_taken(view, from, to)
        }
        // `The token 2026` says nothing, `the password is hunter2` does.
        Join::Space => to - from >= 6 && word::is_mixed(view, from, to),
    };
    fits.then_some((from, to))
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}
