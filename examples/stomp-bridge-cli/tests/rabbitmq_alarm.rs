//! The doctor at a RabbitMQ under an alarm: in a file of its own, since no other test of that server may run meanwhile.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use serde_json::Value;
use support::{
    binary,
    rabbitmq::{ctl, variable},
    run_with,
};

/// Lifts the alarm, however the test ends.
struct Alarm;

impl Alarm {
    fn raise() -> Self {
        watermark("0").unwrap();
        Self
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // A test that panics already must not panic again; one that goes on sees whether it is lifted.
        watermark("0.4").ok();
    }
}

fn watermark(share: &str) -> Result<(), String> {
    ctl(&["set_vm_memory_high_watermark", share])
}

fn doctor(more: &[&str]) -> Value {
    let arguments = ["doctor", "--json", "--watch", "0"];
    let mut command = binary();
    command.args(arguments).args(more);
    let command = command.env("STOMP_URL", variable("RABBITMQ_STOMP_URL"));
    run_with(command, b"").json().pop().unwrap()
}

/// Over TCP, since 3.10 does not hold up Web STOMP in the same way.
#[test]
fn an_alarm_is_named_with_what_to_look_at() {
    let trials = [&[][..], &["--send", "/exchange/paynotify/doctor"]];
    {
        let _alarm = Alarm::raise();
        for trial in trials {
            let found = doctor(trial);
            assert_eq!(found["diagnosis"]["code"], "no_receipt", "{found}");
            let said = found["diagnosis"].to_string();
            assert!(
                said.contains("rabbitmqctl status, section Alarms"),
                "{said}"
            );
        }
    }
    for trial in trials {
        let found = doctor(trial);
        assert!(found["diagnosis"].is_null(), "{found}");
    }
}
