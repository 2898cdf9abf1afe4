//! Servers side by side: a row a figure, a column a server.

use std::fmt;

/// A figure of one server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    /// The value that is compared; less is better.
    pub(super) value: f64,
    pub(super) unit: &'static str,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, unit } = *self;
        match unit {
            "bytes" => write!(f, "{value:.0} bytes"),
            unit if value >= 100.0 => write!(f, "{value:.0} {unit}"),
            unit => write!(f, "{value:.2} {unit}"),
        }
    }
}

/// A row: this project's figure first, then those of the others, where they have one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) own: Figure,
    /// None where there is nothing to compare with.
    pub(super) others: Vec<Option<Figure>>,
    /// The factor by which it should be better.
    pub(super) aim: f64,
}

impl Row {
    /// Returns the other values as multiples of this one.
    fn ratios(&self) -> Vec<f64> {
        let others = self.others.iter().flatten();
        others.map(|other| other.value / self.own.value).collect()
    }

    fn cells(&self) -> Vec<String> {
        let ratios = self.ratios();
        let shown: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.1}x")).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let verdict = match ratios.is_empty() {
            true => String::new(),
            false => match (least > 1.0, least >= self.aim) {
                (false, _) => "no".to_owned(),
                (true, true) => "yes".to_owned(),
                (true, false) => format!("yes, but aimed at {}x", self.aim),
            },
        };
        let mut cells = vec![self.name.to_owned(), self.own.to_string()];
        let others = self.others.iter();
        cells.extend(others.map(|other| other.map_or("-".to_owned(), |other| other.to_string())));
        cells.extend([shown.join(" "), verdict]);
        cells
    }
}

/// The table as text, under these names of the servers.
pub(super) fn shown(servers: &[String], rows: &[Row]) -> String {
    let mut lines = vec![vec!["figure".to_owned()]];
    if let Some(head) = lines.first_mut() {
        head.extend(servers.iter().cloned());
        head.extend(["ratio", "ahead"].map(str::to_owned));
    }
    lines.extend(rows.iter().map(Row::cells));
    let columns = servers.len() + 3;
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).enumerate();
        let padded = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:width$}"),
            _ if column + 1 == columns => cell.clone(),
            _ => format!("{cell:>width$}"),
        });
        let line = padded.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(own: f64, others: &[Option<f64>]) -> Row {
        let figure = |value| Figure { value, unit: "ms" };
        let others = others.iter().map(|value| value.map(figure));
        Row {
            name: "start",
            own: figure(own),
            others: others.collect(),
            aim: 2.0,
        }
    }

    #[test]
    fn row_is_ahead_only_of_all_peers() {
        for (own, others, ratio, ahead) in [
            (10.0, &[Some(20.0), Some(55.0)][..], "2.0x 5.5x", "yes"),
            (10.0, &[Some(19.0), None], "1.9x", "yes, but aimed at 2x"),
            (10.0, &[Some(9.0), Some(200.0)], "0.9x 20.0x", "no"),
            (10.0, &[Some(10.0)], "1.0x", "no"),
            (10.0, &[None], "", ""),
        ] {
            let cells = row(own, others).cells();
            let verdict: Vec<&str> = cells.iter().rev().take(2).map(String::as_str).collect();
            assert_eq!(verdict, [ahead, ratio], "{own} {others:?}");
        }
    }

    #[test]
    fn columns_are_aligned_with_dashes_for_gaps() {
        let servers = ["ours", "theirs"].map(str::to_owned);
        let text = shown(&servers, &[row(9.5, &[None]), row(120.0, &[Some(1000.0)])]);
        let expected = "figure     ours   theirs  ratio  ahead\n\
                        start   9.50 ms        -\n\
                        start    120 ms  1000 ms   8.3x  yes\n";
        assert_eq!(text, expected);
    }
}
