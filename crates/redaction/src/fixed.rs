//! Patterns that look like a personal number and are none: dates, times, UUIDs, network addresses.

use crate::view::View;

/// Keeps them as they are.
pub(crate) fn leave(view: &mut View<'_>) {
    let mut index = 0;
    while let Some(c) = view.get(index) {
        if !c.is_ascii_alphanumeric() {
            index += 1;
            continue;
        }
        if !view.begins(index) {
            index = view.run(index, char::is_alphanumeric).max(index + 1);
            continue;
        }
        let digit = c.is_ascii_digit() && view.before(index) != Some('+');
        let end = (uuid(view, index))
            .or_else(|| digit.then(|| moment(view, index).or_else(|| network(view, index)))?);
        match end {
            Some(end) => {
                view.keep(index, end);
                index = end;
            }
            None => index = view.run(index, char::is_alphanumeric).max(index + 1),
        }
    }
}

/// The end of a form at an index: `0` stands for a digit, `x` for a hexadecimal one, all else for
/// itself.
fn form(view: &View<'_>, index: usize, form: &str) -> Option<usize> {
    let fits = form.chars().enumerate().all(|(offset, expected)| {
        view.is(index + offset, |c| match expected {
            '0' => c.is_ascii_digit(),
            'x' => c.is_ascii_hexdigit(),
            literal => c == literal,
        })
    });
    fits.then_some(index + form.len())
}

/// The number in so many digits at an index.
fn value(view: &View<'_>, from: usize, to: usize) -> Option<u32> {
    (from..to).try_fold(0, |sum: u32, index| {
        sum.checked_mul(10)?
            .checked_add(view.get(index)?.to_digit(10)?)
    })
}

/// Returns true if no letter or digit follows, so that the pattern ends with the number.
fn ends(view: &View<'_>, end: usize) -> bool {
    !view.is(end, char::is_alphanumeric)
}

fn uuid(view: &View<'_>, index: usize) -> Option<usize> {
    form(view, index, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").filter(|end| ends(view, *end))
}

/// `20260331T170000Z`, `20260331170000`, and the first with dashes in it.
fn compact(view: &View<'_>, index: usize) -> Option<usize> {
    let day = form(view, index, "00000000")?;
    let known = is_year(view, index, index + 4)
        && value(view, index + 4, index + 6).is_some_and(|month| (1..=12).contains(&month))
        && value(view, index + 6, day).is_some_and(|day| (1..=31).contains(&day));
    let from = view.skip(day, 1, |c| matches!(c, 'T' | 't' | '-' | '_'));
    let hours = form(view, from, "0000").filter(|_| {
        value(view, from, from + 2).is_some_and(|hour| hour < 24)
            && value(view, from + 2, from + 4).is_some_and(|minute| minute < 60)
    })?;
    let seconds = form(view, hours, "00");
    // Twelve digits in a row can be anything.
    let end = seconds.or((from > day).then_some(hours))?;
    let end = view.skip(end, 1, |c| matches!(c, 'Z' | 'z'));
    (known && ends(view, end)).then_some(end)
}

/// A date, a time, or both.
fn moment(view: &View<'_>, index: usize) -> Option<usize> {
    if let Some(end) = compact(view, index) {
        return Some(end);
    }
    let Some(date) = date(view, index) else {
        return time(view, index);
    };
    let clock = match view.get(date) {
        Some('T' | 't' | ' ') => time(view, date + 1),
        _ => None,
    };
    clock.or(Some(date).filter(|end| ends(view, *end)))
}

/// `2026-03-31`, `2026/3/31`, `31.03.2026`, `3/31/2026`, `31.03.` and `03/2026`. The year comes
/// first or last.
pub(crate) fn date(view: &View<'_>, index: usize) -> Option<usize> {
    let first = digits(view, index, 4)?;
    let sign = view.get(first).filter(|c| matches!(c, '-' | '.' | '/'))?;
    let second = digits(view, first + 1, 4)?;
    let is_day = |from, to| {
        to - from <= 2 && value(view, from, to).is_some_and(|day| (1..=31).contains(&day))
    };
    if !is_day(index, first) {
        let third = (view.get(second) == Some(sign)).then(|| digits(view, second + 1, 2))??;
        let fits =
            is_year(view, index, first) && is_day(first + 1, second) && is_day(second + 1, third);
        return fits.then_some(third);
    }
    if is_year(view, first + 1, second) {
        return (sign != '-').then_some(second);
    }
    if !is_day(first + 1, second) {
        return None;
    }
    let third = (view.get(second) == Some(sign))
        .then(|| digits(view, second + 1, 4))
        .flatten();
    match third {
        Some(third) => is_year(view, second + 1, third).then_some(third),
        None => (sign == '.' && view.get(second) == Some('.')).then_some(second),
    }
}

fn is_year(view: &View<'_>, from: usize, to: usize) -> bool {
    to - from == 4 && value(view, from, to).is_some_and(|year| (1900..2100).contains(&year))
}

/// The index behind one to so many digits, behind which no more stand.
fn digits(view: &View<'_>, index: usize, most: usize) -> Option<usize> {
    let end = view.skip(index, most, |c| c.is_ascii_digit());
    (end > index && !view.is(end, |c| c.is_ascii_digit())).then_some(end)
}

/// `17:00`, `17:00:00.123Z`, `9:30+02:00`.
fn time(view: &View<'_>, index: usize) -> Option<usize> {
    let hours = digits(view, index, 2)
        .filter(|end| value(view, index, *end).is_some_and(|hour| hour < 25))?;
    let minutes = form(view, hours, ":00")?;
    let seconds = form(view, minutes, ":00");
    let mut end = seconds.unwrap_or(minutes);
    if seconds.is_some() && view.is(end, |c| matches!(c, '.' | ',')) {
        end = digits(view, end + 1, 9).unwrap_or(end);
    }
    let zone = match view.get(end) {
        Some('Z' | 'z') => Some(end + 1),
        Some('+' | '-') => form(view, end + 1, "00:00").or_else(|| form(view, end + 1, "0000")),
        _ => None,
    };
    zone.or(Some(end)).filter(|end| ends(view, *end))
}

/// Four numbers below 256 with dots between them.
fn network(view: &View<'_>, index: usize) -> Option<usize> {
    let mut from = index;
    for part in 0..4 {
        let end = digits(view, from, 3)?;
        let leads = view.is(from, |c| c == '0') && end > from + 1;
        if leads || value(view, from, end).is_none_or(|number| number > 255) {
            return None;
        }
        if part == 3 {
            let more = view.is(end, |c| c == '.') && view.is(end + 1, |c| c.is_ascii_digit());
            return (ends(view, end) && !more).then_some(end);
        }
        if view.get(end) != Some('.') {
            return None;
        }
        from = end + 1;
    }
    None
}
