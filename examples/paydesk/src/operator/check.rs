//! Whether the ledger agrees with itself, as the library proves it, also while desks write.

use order_store::{
    Account, CheckReport, Day, DayTotals, Dump, Finding, Problem, Progress, StoreError, TotalsQuery,
};
use serde_json::{Value, json};
use wxpay_core::MchId;

/// What the ledger keeps once for many orders. A check that reads order by order while desks write can count one on one side
/// only.
struct Shared {
    orders: u64,
    accounts: Vec<Account>,
    totals: Vec<DayTotals>,
}

impl Shared {
    async fn read(store: &dyn Dump, findings: &[Finding]) -> Result<Self, StoreError> {
        let mut totals = Vec::new();
        for finding in findings {
            if let Problem::Totals { day, mch_id } = &finding.problem {
                let query = TotalsQuery {
                    from: *day,
                    to: *day,
                    mch_id: Some(mch_id.clone()),
                };
                totals.extend(store.totals(query).await?);
            }
        }
        Ok(Self {
            orders: store.dump_size().await?.orders,
            accounts: store.accounts().await?,
            totals,
        })
    }

    /// Whether the sum that a finding is about may have moved since; what is about an order does not.
    fn moved_since(&self, before: &Self, finding: &Finding) -> bool {
        let total = |shared: &Self, day: Day, mch_id: &MchId| {
            let mut totals = shared.totals.iter();
            totals
                .find(|total| total.day == day && total.mch_id == *mch_id)
                .cloned()
        };
        match &finding.problem {
            Problem::Totals { day, mch_id } => {
                total(self, *day, mch_id) != total(before, *day, mch_id)
            }
            Problem::Account { .. } => {
                (self.orders, &self.accounts) != (before.orders, &before.accounts)
            }
            _ => false,
        }
    }
}

/// What two checks came to.
#[derive(Debug, Default, PartialEq)]
struct Settled {
    faults: Vec<Finding>,
    /// Faults in all, those that are not listed too.
    found: u64,
    /// Sums that could not be proven, since they moved under both checks.
    unsettled: Vec<Finding>,
}

/// Reads everything; gives the counts and what is wrong. A ledger that cannot be read for damage is a fault, not an error.
pub(super) async fn check(
    store: &dyn Dump,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Value, String> {
    match proven(store, progress).await {
        Ok((report, settled)) => Ok(view(&report, &settled)),
        Err(error) => damage(&error).ok_or_else(|| error.to_string()),
    }
}

/// The answer of a check that ended at damage to the ledger; nothing when it ended for another reason.
pub(crate) fn damage(error: &StoreError) -> Option<Value> {
    let fault = match error {
        StoreError::Corrupt { .. } | StoreError::Lost { .. } => error.to_string(),
        _ => return None,
    };
    let faults = [json!({"out_trade_no": Value::Null, "fault": fault})];
    Some(
        json!({"orders": 0, "outbox": 0, "notifies": 0, "found": 1, "faults": faults, "unsettled": [], "ended_early": true}),
    )
}

/// Checks, and checks what it found a second time: an order that changed under the first check has settled by then.
async fn proven(
    store: &dyn Dump,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(CheckReport, Settled), StoreError> {
    let first = order_store::check(store, progress).await?;
    if first.found == 0 {
        return Ok((first, Settled::default()));
    }
    let before = Shared::read(store, &first.findings).await?;
    let second = order_store::check(store, progress).await?;
    let after = Shared::read(store, &first.findings).await?;
    let settled = settle(&first.findings, &second, |finding| {
        after.moved_since(&before, finding)
    });
    Ok((second, settled))
}

/// Keeps what both checks found, and sets sums apart that moved meanwhile. Pure.
fn settle(first: &[Finding], second: &CheckReport, moved: impl Fn(&Finding) -> bool) -> Settled {
    let both = second
        .findings
        .iter()
        .filter(|finding| first.contains(finding))
        .cloned();
    let (unsettled, faults): (Vec<_>, Vec<_>) = both.partition(moved);
    Settled {
        found: second.found - second.findings.len() as u64 + faults.len() as u64,
        faults,
        unsettled,
    }
}

fn view(report: &CheckReport, settled: &Settled) -> Value {
    let rows = |findings: &[Finding]| {
        let row = |finding: &Finding| {
            let number = finding.key.as_ref().map(|key| &key.out_trade_no);
            json!({"out_trade_no": number, "fault": finding.problem.to_string()})
        };
        findings.iter().map(row).collect::<Vec<_>>()
    };
    json!({
        "orders": report.records.orders,
        "outbox": report.records.outbox,
        "notifies": report.records.inbox,
        "found": settled.found,
        "faults": rows(&settled.faults),
        "unsettled": rows(&settled.unsettled),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(day: &str) -> Finding {
        Finding {
            key: None,
            problem: Problem::Totals {
                day: day.parse().unwrap(),
                mch_id: "10000100".parse().unwrap(),
            },
        }
    }

    fn due() -> Finding {
        Finding {
            key: None,
            problem: Problem::Due,
        }
    }

    #[test]
    fn what_both_checks_found_is_a_fault_and_a_sum_that_moved_is_not_proven() {
        let (old, today) = (totals("2019-03-20"), totals("2019-03-21"));
        let report = |findings: Vec<Finding>| CheckReport {
            found: findings.len() as u64 + 5,
            findings,
            ..CheckReport::default()
        };
        let second = report(vec![due(), old.clone(), today.clone()]);
        let settled = settle(&[due(), old.clone(), today.clone()], &second, |finding| {
            *finding == today
        });
        let expected = Settled {
            // Five are not listed.
            found: 7,
            faults: vec![due(), old.clone()],
            unsettled: vec![today.clone()],
        };
        assert_eq!(settled, expected);
        let settled = settle(&[old], &report(vec![due(), today]), |_| false);
        assert_eq!(settled.faults, []);
        assert_eq!(settled.found, 5);
    }

    #[test]
    fn a_sum_moves_by_its_own_day_alone() {
        let total = |day: &str, payments| DayTotals {
            day: day.parse().unwrap(),
            mch_id: "10000100".parse().unwrap(),
            payments,
            paid: wxpay_core::Fen::new(1).unwrap(),
            refunds: 0,
            refunded: wxpay_core::Fen::new(1).unwrap(),
        };
        let shared = |payments| Shared {
            orders: 1,
            accounts: Vec::new(),
            totals: vec![total("2019-03-20", 1), total("2019-03-21", payments)],
        };
        let (before, after) = (shared(1), shared(2));
        assert!(!after.moved_since(&before, &totals("2019-03-20")));
        assert!(after.moved_since(&before, &totals("2019-03-21")));
        assert!(!after.moved_since(&before, &due()));
    }

    #[test]
    fn damage_is_a_fault_and_a_store_that_is_away_is_not() {
        let what = "a page".to_owned();
        let found = damage(&StoreError::Corrupt { what }).unwrap();
        assert_eq!(found["found"], 1);
        assert!(
            found["faults"][0]["fault"]
                .as_str()
                .unwrap()
                .contains("a page")
        );
        let why = "away".to_owned();
        assert_eq!(damage(&StoreError::Unavailable { why }), None);
    }
}
