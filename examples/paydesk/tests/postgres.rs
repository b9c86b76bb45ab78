//! Desks on one PostgreSQL: what one takes the other sees, and each message goes out once.
#![allow(clippy::unwrap_used, missing_docs)]
// The fault points are compiled into debug builds only.
#![cfg(debug_assertions)]

mod support;

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::{
    PASSCODE, Paydesk, binary,
    feed::{self, Feed},
    paid_rows,
    postgres::{Database, PASSWORD},
    recorded::{self, OUT_TRADE_NO, SUCCESS, TRANSACTION_ID},
};

const TOKEN: &str = "a-token-of-the-tests";

/// The gateway and the broker that all desks of a test share: both outlive any of them.
struct Town {
    host: Paydesk,
    database: Database,
}

impl Town {
    async fn new() -> Self {
        Self {
            host: Paydesk::start_with(recorded::merchant),
            database: Database::new().await,
        }
    }

    /// A desk on the shared database.
    fn desk(&self, change: impl FnOnce(&mut Command)) -> Paydesk {
        let mut desk = Paydesk::start_with(|command| {
            recorded::merchant(command);
            self.database.store(command);
            let broker = self.host.url.replace("http://", "");
            command
                .env("PAYDESK_GATEWAY", &self.host.phone)
                .env(
                    "PAYDESK_BROKER",
                    format!("ws://paydesk:{PASSCODE}@{broker}/ws"),
                )
                .env("PAYDESK_API_TOKEN", TOKEN)
                .env("PAYDESK_ADMIN_TOKEN", TOKEN);
            change(command);
        });
        desk.http = support::http_with_token(TOKEN);
        desk.phone.clone_from(&self.host.phone);
        desk
    }

    async fn services(&self) -> Feed {
        Feed::embedded(&self.host.url, feed::order_pay()).await
    }

    /// A sub-command on the shared database: exit code, standard output, standard error.
    fn operate(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = binary();
        recorded::merchant(&mut command);
        self.database.store(&mut command);
        let output = command.args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

/// A pay page's request; with a real gateway it shows its ticket.
async fn prepare(desk: &Paydesk, order: &Value) -> String {
    let page = order["pay_page"].as_str().unwrap();
    let ticket = page.split("t=").nth(1).unwrap();
    let (number, fee) = (order["out_trade_no"].as_str().unwrap(), &order["total_fee"]);
    let (status, answer) = desk
        .get(&format!(
            "/wxpay/nativePay?orderId={number}&money={fee}&t={ticket}"
        ))
        .await;
    assert_eq!(answer["code"], 20000, "{status} {answer}");
    ticket.to_owned()
}

async fn wait_until_paid(desk: &Paydesk, number: &str) {
    desk.wait_for_order(number, |order| order["state"] == "paid")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_told_to_two_desks_at_once_arrives_once_and_both_see_it() {
    let town = Town::new().await;
    let (one, two) = (town.desk(|_| {}), town.desk(|_| {}));
    let mut services = town.services().await;
    let order = one.order(OUT_TRADE_NO, 1).await;
    prepare(&two, &order).await;
    recorded::book(&one).await;
    let notify = recorded::notify();
    let answers = tokio::join!(
        one.notify("/wxpay/notify", &notify),
        two.notify("/wxpay/notify", &notify),
        one.notify("/wxpay/notify", &notify),
        two.notify("/wxpay/notify", &notify),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_eq!(answer, SUCCESS);
    }
    for desk in [&one, &two] {
        let (_, seen) = desk.get(&format!("/api/orders/{OUT_TRADE_NO}")).await;
        assert_eq!(seen["state"], "paid");
        assert_eq!(seen["transaction_id"], TRANSACTION_ID);
        assert_eq!(paid_rows(&desk.log(OUT_TRADE_NO).await), 1);
    }
    let message = services.next().await;
    assert_eq!(
        serde_json::from_slice::<Value>(&message.body).unwrap(),
        json!({"orderId": OUT_TRADE_NO, "transactionId": TRANSACTION_ID})
    );
    services.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_share_the_outbox_and_no_message_goes_out_twice() {
    let town = Town::new().await;
    let desks = [town.desk(|_| {}), town.desk(|_| {})];
    let mut services = town.services().await;
    let mut wanted = BTreeSet::new();
    for n in 0..30 {
        let (maker, teller) = (&desks[n % 2], &desks[(n + 1) % 2]);
        let number = format!("SHARED{n:04}");
        let order = maker.order(&number, 1).await;
        prepare(teller, &order).await;
        maker
            .sim("/sim/pay", &json!({"out_trade_no": number}))
            .await;
        wanted.insert(number);
    }
    let mut told = BTreeSet::new();
    while told.len() < wanted.len() {
        let message = services.next().await;
        let body: Value = serde_json::from_slice(&message.body).unwrap();
        let number = body["orderId"].as_str().unwrap().to_owned();
        assert!(told.insert(number.clone()), "{number} was told twice");
    }
    assert_eq!(told, wanted);
    services.assert_quiet().await;
    for desk in &desks {
        let (_, page) = desk.get("/api/orders?state=paid&limit=100").await;
        assert_eq!(page["orders"].as_array().unwrap().len(), wanted.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_desk_had_on_loan_goes_out_through_the_other() {
    let town = Town::new().await;
    let dying = town.desk(|command| {
        command.env("PAYDESK_FAULT_POINT", "before_publish");
    });
    let mut services = town.services().await;
    let order = dying.order("LOAN0001", 5).await;
    prepare(&dying, &order).await;
    dying
        .sim("/sim/pay", &json!({"out_trade_no": "LOAN0001"}))
        .await;
    // Its relay has the rows on loan, and goes no further.
    dying.wait_for_log("fault point reached: before_publish");
    let other = town.desk(|_| {});
    wait_until_paid(&other, "LOAN0001").await;
    // The lease holds: the other desk's relay looks, and leaves them alone.
    services.assert_quiet().await;
    dying.kill();
    let message = services.next().await;
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(body["orderId"], "LOAN0001");
    services.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_moves_from_a_folder_to_the_database() {
    let town = Town::new().await;
    let mut desk = Paydesk::start_with(recorded::merchant);
    recorded::paid_at_the_gateway(&desk).await;
    let answer = desk.notify("/wxpay/notify", &recorded::notify()).await;
    assert_eq!(answer, SUCCESS);
    desk.order("MOVES0001", 7).await;
    assert_eq!(desk.interrupt(), Some(0));
    let mut export = binary()
        .args([
            "export",
            "--store",
            &format!("sled:{}", desk.folder.display()),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut import = binary();
    town.database.store(&mut import);
    let imported = import
        .arg("import")
        .stdin(export.stdout.take().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(imported.stderr).unwrap();
    assert_eq!(imported.status.code(), Some(0), "{said}");
    assert!(export.wait().unwrap().success());

    let dump = binary()
        .args([
            "export",
            "--store",
            &format!("sled:{}", desk.folder.display()),
        ])
        .output()
        .unwrap()
        .stdout;
    let (code, moved, err) = town.operate(&["export"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(moved, String::from_utf8(dump).unwrap());
    let (code, _, err) = town.operate(&["import"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(
        err.contains("not empty") && !err.contains(PASSWORD),
        "{err}"
    );

    let served = town.desk(|_| {});
    let (_, order) = served.get(&format!("/api/orders/{OUT_TRADE_NO}")).await;
    assert_eq!(order["state"], "paid");
    assert_eq!(order["transaction_id"], TRANSACTION_ID);
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_commands_work_beside_the_desks_and_nothing_shows_the_password() {
    let town = Town::new().await;
    let mut desk = town.desk(|command| {
        command.env("RUST_LOG", "debug");
    });
    let order = desk.order("BESIDE0001", 3).await;
    prepare(&desk, &order).await;
    desk.sim(
        "/sim/pay",
        &json!({"out_trade_no": "BESIDE0001", "notify": false}),
    )
    .await;
    for arguments in [
        &["orders", "--json"][..],
        &["check"],
        &["notifies", "list"],
        &["outbox", "list"],
        &["refunds"],
        &["--help"],
    ] {
        let (code, out, err) = town.operate(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
        assert!(!format!("{out}{err}").contains(PASSWORD), "{arguments:?}");
        if arguments[0] == "orders" {
            let page: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(page["orders"][0]["out_trade_no"], "BESIDE0001");
        }
    }
    assert_eq!(desk.interrupt(), Some(0));
    assert!(!desk.rest_of_log().contains(PASSWORD));
    // A database that is not there: exit 1 for serve and 2 for the others, in one line without the password.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let url = format!("postgres://desk:{PASSWORD}@{address}/desk");
    for (arguments, exit) in [(&["serve"][..], 1), (&["orders"], 2)] {
        let output = binary()
            .env("RUST_LOG", "off")
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--gateway", "sim=127.0.0.1:0"])
            .args(["--store", &url])
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains("--store") && !err.contains(PASSWORD), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_in_the_database_is_named_by_a_check_beside_the_desk() {
    let town = Town::new().await;
    let desk = town.desk(|_| {});
    let order = desk.order("CHANGED0001", 3).await;
    prepare(&desk, &order).await;
    desk.sim("/sim/pay", &json!({"out_trade_no": "CHANGED0001"}))
        .await;
    wait_until_paid(&desk, "CHANGED0001").await;
    let (code, out, err) = town.operate(&["check"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("1 orders, "), "{out}");
    assert!(out.ends_with(": no fault\n"), "{out}");

    let found = |fault: &str| {
        let (code, out, err) = town.operate(&["check"]);
        assert_eq!(code, Some(1), "{out}{err}");
        assert!(out.contains(fault), "{fault}: {out}");
        out
    };
    let database = &town.database;
    database
        .batch("UPDATE order_store.tally SET paid = paid + 1; UPDATE order_store.totals SET paid = paid + 1")
        .await;
    found("the totals of 1473426802 on 2");
    database.batch("DELETE FROM order_store.transactions").await;
    found("does not lead to the order");
    database
        .batch("DELETE FROM order_store.log WHERE n = (SELECT min(n) FROM order_store.log)")
        .await;
    let text = found("CHANGED0001");
    assert!(text.contains("of the log"), "{text}");

    assert!(text.contains(": 3 FAULTS\n"), "{text}");
}
