//! Figures, and goals beside them.

/// What a figure must be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    Below(f64),
}

/// A table of goals.
#[derive(Default)]
pub(crate) struct Goals {
    lines: Vec<String>,
    missed: usize,
}

impl Goals {
    pub(crate) fn add(&mut self, what: &str, goal: Goal, measured: f64, unit: &str) {
        let (word, figure, met) = match goal {
            Goal::AtLeast(least) => ("at least", least, measured >= least),
            Goal::Below(most) => ("below", most, measured < most),
        };
        self.missed += usize::from(!met);
        let verdict = if met { "met" } else { "missed" };
        self.lines.push(format!(
            "| {what} | {word} {figure} {unit} | {measured:.2} | {verdict} |"
        ));
    }

    /// How many were missed.
    pub(crate) fn missed(&self) -> usize {
        self.missed
    }

    pub(crate) fn print(&self) {
        println!("\n| goal | | measured | |\n|---|---|---|---|");
        for line in &self.lines {
            println!("{line}");
        }
    }
}

/// The least, middle and largest of some figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        Self {
            least: at(0),
            median: at(figures.len() / 2),
            most: at(figures.len().saturating_sub(1)),
        }
    }

    /// As whole numbers.
    pub(crate) fn whole(self) -> String {
        format!("{:.0} / {:.0} / {:.0}", self.least, self.median, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_not_reached_is_counted() {
        let mut goals = Goals::default();
        goals.add("reached", Goal::AtLeast(0.97), 0.97, "x raw");
        goals.add("reached", Goal::Below(2.0), 1.99, "x");
        assert_eq!(goals.missed(), 0);
        goals.add("missed", Goal::AtLeast(0.97), 0.96, "x raw");
        goals.add("missed", Goal::Below(2.0), 2.0, "x");
        goals.add("no figure at all", Goal::Below(2.0), f64::NAN, "x");
        assert_eq!(goals.missed(), 3);
    }
}
