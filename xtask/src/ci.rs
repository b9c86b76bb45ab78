//! What must hold before a change goes in, the quick checks first.

use std::time::Duration;

use anyhow::Result;

use crate::step::Steps;
use crate::{deny, embedded, paths, test};

/// Time limit of one compiling step.
const LIMIT: Duration = Duration::from_mins(15);

/// Packages outside the workspace: other compilers build them.
const APART: [&str; 2] = ["examples/bare", "fuzz"];

/// Features that a user may choose, one crate at a time: the workspace's own build turns all of them on.
/// The last, all features together, is what the clippy step sees.
const FEATURES: [(&str, &[&str]); 12] = [
    ("wxpay-core", &["--no-default-features"]),
    (
        "wxpay-core",
        &["--no-default-features", "--features", "serde"],
    ),
    ("wxpay-core", &[]),
    ("wxpay-core", &["--features", "gzip"]),
    ("wxpay-core", &["--features", "axum"]),
    (
        "wxpay-core",
        &["--no-default-features", "--features", "rsa"],
    ),
    ("wxpay-core", &["--features", "client"]),
    ("wxpay-core", &["--features", "quick-xml"]),
    ("stomp-bridge", &["--no-default-features"]),
    (
        "stomp-bridge",
        &["--no-default-features", "--features", "broker"],
    ),
    ("stomp-bridge", &[]),
    ("order-store", &["--no-default-features"]),
    (
        "order-store",
        &["--no-default-features", "--features", "memory"],
    ),
    (
        "order-store",
        &["--no-default-features", "--features", "conformance"],
    ),
    ("order-store", &[]),
    ("order-store", &["--features", "fault-points"]),
];

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
    for (package, features) in FEATURES {
        let name = format!("features: {package} {}", label(features));
        let mut clippy = paths::cargo("clippy");
        clippy
            .args(["--locked", "-p", package])
            .args(features)
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

/// A short name of a choice of features.
fn label(features: &[&str]) -> &'static str {
    match features {
        [] => "default",
        ["--no-default-features"] => "none",
        [.., "serde"] => "serde",
        [.., "gzip"] => "gzip",
        [.., "axum"] => "axum",
        [.., "rsa"] => "rsa",
        [.., "client"] => "client",
        [.., "quick-xml"] => "quick-xml",
        [.., "broker"] => "broker",
        _ => "other",
    }
}
