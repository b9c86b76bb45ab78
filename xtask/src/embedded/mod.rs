//! The example without an operating system, on emulated microcontrollers: that it works, and what it costs.

mod elf;
mod sdk;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::step::Steps;
use crate::{paths, process};
use sdk::Sdk;

const BUILD_LIMIT: Duration = Duration::from_mins(5);
/// A program that faults loops for ever.
const RUN_LIMIT: Duration = Duration::from_mins(1);

/// A board that the emulator plays.
struct Board {
    name: &'static str,
    target: &'static str,
    machine: &'static [&'static str],
    /// What verifying the recorded notify may cost at most.
    most: Figures,
}

/// What the example costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Figures {
    flash_bytes: u64,
    instructions: u64,
    heap_bytes: u64,
    stack_bytes: u64,
}

/// Cortex-M3: 256 KiB of flash, 64 KiB of RAM. The stack holds the fields, for which no heap is used.
const M3: Board = Board {
    name: "lm3s6965evb",
    target: "thumbv7m-none-eabi",
    machine: &["-cpu", "cortex-m3", "-machine", "lm3s6965evb"],
    most: Figures {
        flash_bytes: 14 * 1024,
        instructions: 45_000,
        heap_bytes: 0,
        stack_bytes: 1024,
    },
};

/// Cortex-M0: 256 KiB of flash, 16 KiB of RAM, and no atomic read-modify-write.
const M0: Board = Board {
    name: "microbit",
    target: "thumbv6m-none-eabi",
    machine: &["-machine", "microbit"],
    most: Figures {
        flash_bytes: 14 * 1024,
        instructions: 54_000,
        heap_bytes: 0,
        stack_bytes: 1088,
    },
};

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// The Cortex-M3 alone, as the tests have it
    #[arg(long)]
    m3: bool,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    if options.m3 {
        run_on(steps, &[&M3])
    } else {
        run_on(steps, &[&M3, &M0])
    }
}

/// The part that every test run has.
pub(crate) fn run_m3(steps: &mut Steps) -> Result<()> {
    run_on(steps, &[&M3])
}

/// Builds both programs for the Cortex-M0: what needs `Arc` or an atomic read-modify-write does not compile there.
pub(crate) fn build_m0(steps: &mut Steps) -> Result<()> {
    with_sdk(steps, &[&M0], |steps, sdk| {
        steps.check(&format!("build for {}", M0.target), || {
            for program in ["vending", "verify"] {
                build(sdk, &M0, program, Verify::Once)?;
            }
            Ok(())
        })
    })
}

fn run_on(steps: &mut Steps, boards: &[&Board]) -> Result<()> {
    with_sdk(steps, boards, |steps, sdk| {
        for board in boards {
            steps.check(&format!("on {}", board.name), || try_out(sdk, board))?;
        }
        Ok(())
    })
}

/// Goes on once the compiler and the emulator are there; that they cannot be had is a failed step.
fn with_sdk(
    steps: &mut Steps,
    boards: &[&Board],
    work: impl FnOnce(&mut Steps, &Sdk) -> Result<()>,
) -> Result<()> {
    let targets: Vec<_> = boards.iter().map(|board| board.target).collect();
    let prepared = steps.obtain("packages: compiler, emulator", || Sdk::prepare(&targets))?;
    prepared.map_or(Ok(()), |sdk| work(steps, &sdk))
}

/// Builds and runs both programs, prints what they cost and holds it to what they may.
fn try_out(sdk: &Sdk, board: &Board) -> Result<()> {
    let vending = build(sdk, board, "vending", Verify::Once)?;
    let said = run_program(sdk, board, &vending)?;
    print!("{said}");
    let verify = build(sdk, board, "verify", Verify::Once)?;
    let once = count_instructions(sdk, board, &verify)?;
    let flash_bytes = elf::flash_bytes(&fs::read(&verify)?)?.into();
    let again = build(sdk, board, "verify", Verify::Twice)?;
    let twice = count_instructions(sdk, board, &again)?;
    let figures = Figures {
        flash_bytes,
        instructions: twice - once,
        heap_bytes: figure(&said, "verify_heap_bytes")?,
        stack_bytes: figure(&said, "verify_stack_bytes")?,
    };
    println!(
        "{}: a verify takes {} B of flash, {} instructions, {} B of heap, {} B of stack",
        board.name,
        figures.flash_bytes,
        figures.instructions,
        figures.heap_bytes,
        figures.stack_bytes
    );
    hold(&figures, &board.most)
}

/// Fails if anything costs more than it may.
fn hold(figures: &Figures, most: &Figures) -> Result<()> {
    let over: Vec<_> = [
        ("B of flash", figures.flash_bytes, most.flash_bytes),
        ("instructions", figures.instructions, most.instructions),
        ("B of heap", figures.heap_bytes, most.heap_bytes),
        ("B of stack", figures.stack_bytes, most.stack_bytes),
    ]
    .into_iter()
    .filter(|(_, got, most)| got > most)
    .map(|(what, got, most)| format!("{got} {what}, more than {most}"))
    .collect();
    if !over.is_empty() {
        bail!("{}", over.join("; "));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Verify {
    Once,
    Twice,
}

fn build(sdk: &Sdk, board: &Board, program: &str, verify: Verify) -> Result<PathBuf> {
    let (features, folder): (&[&str], _) = match verify {
        Verify::Once => (&[], "once"),
        Verify::Twice => (&["--features", "again"], "twice"),
    };
    let target_dir = paths::target().join("embedded/build");
    let mut command = Command::new(sdk::cargo());
    sdk.enter(&mut command)
        .current_dir(paths::root().join("examples/bare"))
        .args(["build", "--quiet", "--locked", "--release"])
        .args(["--target", board.target, "--bin", program])
        .args(features)
        .env("CARGO_TARGET_DIR", &target_dir);
    process::run(&mut command, BUILD_LIMIT)?;
    // Both forms have one name, so each is kept aside.
    let built = target_dir.join(board.target).join("release").join(program);
    let kept = target_dir
        .join(board.target)
        .join(format!("{program}-{folder}"));
    fs::copy(&built, &kept).with_context(|| format!("{} was not built", built.display()))?;
    Ok(kept)
}

/// Runs a program to its exit status 0; what it printed.
fn run_program(sdk: &Sdk, board: &Board, program: &Path) -> Result<String> {
    let text = program.with_extension("out");
    let mut command = sdk.emulator(board.machine);
    command
        .arg("-kernel")
        .arg(program)
        .stdout(File::create(&text)?)
        // The emulator always grumbles about a timer.
        .stderr(Stdio::null());
    let outcome = process::run(&mut command, RUN_LIMIT);
    let said = fs::read_to_string(&text)?;
    outcome.with_context(|| format!("it said: {said}"))?;
    Ok(said)
}

/// Runs a program one instruction at a time and counts them.
fn count_instructions(sdk: &Sdk, board: &Board, program: &Path) -> Result<u64> {
    let trace = program.with_extension("trace");
    let mut command = sdk.emulator(board.machine);
    command
        .args(["-singlestep", "-d", "nochain,exec", "-D"])
        .arg(&trace)
        .arg("-kernel")
        .arg(program)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    process::run(&mut command, RUN_LIMIT)?;
    let mut count = 0;
    for line in BufReader::new(File::open(&trace)?).lines() {
        count += u64::from(line?.starts_with("Trace"));
    }
    fs::remove_file(&trace)?;
    Ok(count)
}

/// A number that the program printed behind its name.
fn figure(said: &str, name: &str) -> Result<u64> {
    said.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .with_context(|| format!("{name} was not printed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_name() {
        let said = "paid true\nverify_heap_bytes 0\nverify_stack_bytes 1000\n";
        assert_eq!(figure(said, "verify_stack_bytes").unwrap(), 1000);
        assert!(figure(said, "order_heap_bytes").is_err());
    }

    #[test]
    fn what_costs_too_much_is_named() {
        hold(&M3.most, &M3.most).unwrap();
        let over = Figures {
            heap_bytes: 8,
            ..M3.most
        };
        assert_eq!(
            hold(&over, &M3.most).unwrap_err().to_string(),
            "8 B of heap, more than 0"
        );
    }
}
