//! The set-up that `stomp-bridge/docs/rabbitmq.md` gives, run as it stands there.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use support::{
    binary,
    rabbitmq::{ctl, variable},
    run_with,
};
use tempfile::TempDir;

const PASSCODE: &str = "a-passcode-of-this-test";

/// `host:port` of a URL with an account.
fn address(name: &str) -> String {
    let url = variable(name);
    let rest = url.split_once('@').unwrap().1;
    rest.split('/').next().unwrap().to_owned()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stomp-bridge/docs")
}

/// The commands of the page's first two blocks. The server has accounts of these names, so these get others, a page's passcode
/// too; and its port is another.
fn commands() -> Vec<String> {
    let page = fs::read_to_string(docs().join("rabbitmq.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1).take(2);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    let here = |line: &str| {
        line.split(' ')
            .map(|word| match word {
                "payer" | "listener" | "webguest" => format!("{word}-of-the-docs"),
                "stomp://payer@127.0.0.1:61613" => {
                    format!(
                        "stomp://payer-of-the-docs@{}",
                        address("RABBITMQ_STOMP_URL")
                    )
                }
                other => other.to_owned(),
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    lines.map(here).collect()
}

/// Where the shell finds the programs of this server, and ours.
fn programs() -> TempDir {
    let folder = TempDir::new().unwrap();
    let ctl = PathBuf::from(variable("RABBITMQ_CTL"));
    let plugins = ctl.with_file_name("rabbitmq-plugins");
    let ours = Path::new(env!("CARGO_BIN_EXE_stomp-bridge"));
    for (name, program) in [
        ("rabbitmqctl", &*ctl),
        ("rabbitmq-plugins", &*plugins),
        ("stomp-bridge", ours),
    ] {
        assert!(program.is_file(), "{} is missing", program.display());
        symlink(program, folder.path().join(name)).unwrap();
    }
    folder
}

fn shell(line: &str, programs: &Path) {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .env("PATH", path)
        .env("STOMP_PASSCODE", PASSCODE)
        .current_dir(docs());
    let ended = run_with(&mut command, format!("{PASSCODE}\n").as_bytes());
    assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
}

#[test]
fn the_set_up_of_the_docs_gives_accounts_that_work() {
    let (commands, programs) = (commands(), programs());
    assert_eq!(commands.len(), 9, "five, and two for each further account");
    for line in &commands {
        shell(line, programs.path());
    }

    let tcp = address("RABBITMQ_STOMP_URL");
    let web = format!(
        "ws://webguest-of-the-docs@{}/ws",
        address("RABBITMQ_WS_URL")
    );
    let command = |arguments: &[&str], url: &str, passcode: &str| {
        let mut command = binary();
        command
            .args(arguments)
            .env("STOMP_URL", url)
            .env("STOMP_PASSCODE", passcode);
        command
    };
    let pay = |to: &str| {
        let url = format!("stomp://payer-of-the-docs@{tcp}");
        let ended = run_with(&mut command(&["pub", to, "paid"], &url, PASSCODE), b"");
        assert_eq!(ended.code, Some(0), "{ended:?}");
    };
    // Tests before this one may have left something there.
    ctl(&["purge_queue", "order_pay"]).unwrap();
    pay("/queue/order_pay");
    let url = format!("stomp://listener-of-the-docs@{tcp}");
    let read = &["sub", "/queue/order_pay", "--count", "1"];
    let ended = run_with(&mut command(read, &url, PASSCODE), b"");
    assert_eq!((ended.code, &*ended.out), (Some(0), "paid\n"), "{ended:?}");

    let wait = &[
        "sub",
        "/exchange/paynotify.page/of-the-docs",
        "--count",
        "1",
        "--ack",
        "auto",
    ];
    let mut page = command(wait, &web, "webguest-of-the-docs");
    let mut page = page
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It does not say when it is there, and a page misses what comes before.
    while page.try_wait().unwrap().is_none() {
        pay("/exchange/paynotify/of-the-docs");
    }
    let heard = page.wait_with_output().unwrap();
    assert!(heard.status.success());
    assert_eq!(heard.stdout, b"paid\n");

    for account in ["payer", "listener", "webguest"] {
        ctl(&["delete_user", &format!("{account}-of-the-docs")]).unwrap();
    }
}
