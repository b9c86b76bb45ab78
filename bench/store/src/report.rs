//! Goals beside what was measured.

/// A table of goals.
#[derive(Default)]
pub(crate) struct Goals {
    lines: Vec<String>,
}

/// What a figure must be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goals {
    pub(crate) fn add(&mut self, what: &str, goal: Goal, measured: f64, unit: &str) {
        let (word, figure, met) = match goal {
            Goal::AtLeast(least) => ("at least", least, measured >= least),
            Goal::AtMost(most) => ("at most", most, measured <= most),
        };
        let verdict = if met { "met" } else { "MISSED" };
        self.lines.push(format!(
            "| {what} | {word} {figure} {unit} | {measured:.2} {unit} | {verdict} |"
        ));
    }

    pub(crate) fn print(&self) {
        println!("\n| goal | | measured | |\n|---|---|---|---|");
        for line in &self.lines {
            println!("{line}");
        }
    }
}
