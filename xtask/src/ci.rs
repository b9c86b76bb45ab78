//! What must hold before a change goes in, the quick checks first.

use std::time::Duration;

use anyhow::Result;

use crate::step::Steps;
use crate::{deny, embedded, paths, test};

/// Time limit of one compiling step.
const LIMIT: Duration = Duration::from_mins(15);

/// Packages outside the workspace: other compilers build them, or their dependencies are not the project's.
const APART: [&str; 4] = ["examples/bare", "fuzz", "bench/store", "bench/bridge"];

/// Features that a user may choose, one crate at a time: the workspace's own build turns all of them on.
/// The last, all features together, is what the clippy step sees.
const FEATURES: &[Features] = &[
    Features("wxpay-core", WITHOUT, ""),
    Features("wxpay-core", WITHOUT, "serde"),
    Features("wxpay-core", WITHOUT, "rsa"),
    Features("wxpay-core", WITH, ""),
    Features("wxpay-core", WITH, "axum"),
    Features("wxpay-core", WITH, "client"),
    Features("wxpay-core", WITH, "gzip"),
    Features("wxpay-core", WITH, "quick-xml"),
    Features("stomp-bridge", WITHOUT, ""),
    Features("stomp-bridge", WITHOUT, "broker"),
    Features("stomp-bridge", WITH, ""),
    Features("order-store", WITHOUT, ""),
    Features("order-store", WITHOUT, "memory"),
    Features("order-store", WITHOUT, "conformance"),
    Features("order-store", WITH, ""),
    Features("order-store", WITH, "fault-points"),
    Features("order-store", WITHOUT, "postgres"),
];

/// A package, whether it has its default features, and one feature more.
struct Features(&'static str, &'static [&'static str], &'static str);

const WITH: &[&str] = &[];
const WITHOUT: &[&str] = &["--no-default-features"];

pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    steps.run(
        "format",
        LIMIT,
        paths::cargo("fmt").args(["--all", "--check"]),
    )?;
    for package in APART {
        steps.run(
            &format!("format: {package}"),
            LIMIT,
            paths::cargo("fmt")
                .arg("--manifest-path")
                .arg(format!("{package}/Cargo.toml"))
                .arg("--check"),
        )?;
    }
    deny::run(steps)?;
    for Features(package, defaults, feature) in FEATURES {
        let without = if defaults.is_empty() { "" } else { " bare" };
        let name = format!("features: {package}{without} {feature}");
        let mut clippy = paths::cargo("clippy");
        clippy
            .args(["--locked", "-p", package, "--features", feature])
            .args(*defaults)
            .args(["--", "-D", "warnings"]);
        steps.run(&name, LIMIT, &mut clippy)?;
    }
    let mut clippy = paths::cargo("clippy");
    clippy.args([
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]);
    steps.run("clippy", LIMIT, &mut clippy)?;
    let mut doc = paths::cargo("doc");
    doc.args(["--locked", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings");
    steps.run("docs", LIMIT, &mut doc)?;
    // It has the check without std, a bounded number of runs of every fuzz body, and the Cortex-M3.
    test::run(steps, &test::Options::default())?;
    // The check without std knows the host's atomics; this one has none.
    embedded::build_m0(steps)
}
