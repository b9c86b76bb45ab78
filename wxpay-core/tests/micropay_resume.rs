//! A micropay whose program dies at any step, and goes on from what it stored; and one whose gateway falls silent.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use client_support::{HMAC, builder, failure, micropay, response, success};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use wxpay_core::{
    Fen,
    api::Payment,
    client::{CallError, Client, ClientBuilder, MicropayError},
    micropay::{MicropayEnd, MicropayRecord, Phase, Timing},
};

/// The official figures, a thousand times as fast; but the reverses have all the time they need.
const FAST: Timing = Timing {
    query_every: Duration::from_millis(10),
    query_after_error: Duration::from_millis(5),
    poll_for: Duration::from_millis(45),
    reverse_not_before: Duration::from_millis(15),
    reverse_every: Duration::from_millis(2),
    reverses: 11,
    reverse_for: Duration::from_mins(1),
};

/// What the payer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payer {
    /// Pays at once.
    Pays,
    /// Types a password, and has paid when the second query comes.
    TypesAndPays,
    /// Types and never ends.
    Dreams,
}

/// The gateway's own books.
#[derive(Debug, Default)]
struct Books {
    micropays: u32,
    queries: u32,
    reverses: u32,
    paid: bool,
    reversed: bool,
}

impl Books {
    /// What the gateway does with a request, and says.
    fn answer(&mut self, path: &str, payer: Payer) -> String {
        let paid = |trade_state: Option<&str>| {
            let mut fields = vec![
                ("trade_type", "MICROPAY"),
                ("bank_type", "OTHERS"),
                ("total_fee", "101"),
                ("cash_fee", "101"),
                ("transaction_id", "4200000000000000000000000001"),
                ("out_trade_no", "T20260101000001"),
                ("time_end", "20260101100000"),
                ("openid", "o-the-payer"),
                ("is_subscribe", "N"),
            ];
            fields.extend(trade_state.map(|state| ("trade_state", state)));
            success(&fields)
        };
        match path {
            "/pay/micropay" => {
                self.micropays += 1;
                self.paid = payer == Payer::Pays;
                if self.paid {
                    paid(None)
                } else {
                    failure("USERPAYING")
                }
            }
            "/pay/orderquery" => {
                self.queries += 1;
                self.paid |= payer == Payer::TypesAndPays && self.micropays > 0 && self.queries > 1;
                match (self.micropays, self.reversed, self.paid) {
                    (0, ..) => failure("ORDERNOTEXIST"),
                    (_, true, _) => success(&[("trade_state", "REVOKED")]),
                    (_, _, true) => paid(Some("SUCCESS")),
                    _ => success(&[("trade_state", "USERPAYING")]),
                }
            }
            "/secapi/pay/reverse" => {
                self.reverses += 1;
                if self.micropays == 0 {
                    return failure("INVALID_TRANSACTIONID");
                }
                self.reversed = true;
                // The first time it is not sure.
                success(&[("recall", if self.reverses == 1 { "Y" } else { "N" })])
            }
            path => panic!("{path}"),
        }
    }
}

/// A gateway that keeps books over any number of connections, and says on `heard` when a request has had its effect.
struct Gateway {
    url: String,
    books: Arc<Mutex<Books>>,
    task: JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_path(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"</xml>") {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(request).unwrap();
    Some(head.split(' ').nth(1).unwrap().to_owned())
}

impl Gateway {
    async fn open(payer: Payer, heard: mpsc::UnboundedSender<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::new(Mutex::new(Books::default()));
        let task = tokio::spawn({
            let books = books.clone();
            async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let Some(path) = read_path(&mut stream).await else {
                        continue;
                    };
                    let answer = books.lock().unwrap().answer(&path, payer);
                    let _ = heard.send(());
                    // A program that died does not read it.
                    let _ = stream
                        .write_all(&response("200 OK", answer.as_bytes()))
                        .await;
                }
            }
        });
        Self { url, books, task }
    }

    fn client(&self) -> Client {
        builder()
            .base_url(&self.url)
            .plain_http_without_identity()
            .build()
            .unwrap()
    }
}

/// Where a program dies.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Just after the record was stored for the n-th time, before what it announces.
    AfterRecord(usize),
    /// When the gateway has carried out the n-th request, before its answer is read.
    AfterRequest(usize),
}

type Journal = Arc<Mutex<Option<String>>>;

/// Runs a micropay that dies there, if it gets so far, and then goes on with what was stored, as JSON.
async fn run(payer: Payer, cut: Cut) -> (Option<Result<Payment, MicropayError>>, Gateway, bool) {
    let (heard, mut effects) = mpsc::unbounded_channel();
    let gateway = Gateway::open(payer, heard).await;
    let journal = Journal::default();
    let mut records = 0;
    let (dies, mut death_bed) = mpsc::unbounded_channel();
    let keep = |record: MicropayRecord| {
        *journal.lock().unwrap() = Some(serde_json::to_string(&record).unwrap());
        records += 1;
        let is_last = matches!(cut, Cut::AfterRecord(last) if records == last);
        if is_last {
            dies.send(()).unwrap();
        }
        async move {
            if is_last {
                pending::<()>().await;
            }
            Ok(())
        }
    };
    let death = async {
        match cut {
            Cut::AfterRecord(_) => death_bed.recv().await.unwrap(),
            Cut::AfterRequest(last) => {
                for _ in 0..last {
                    effects.recv().await.unwrap();
                }
            }
        }
    };
    let client = gateway.client();
    let request = micropay();
    let first_life = client.micropay_kept(&request, HMAC, FAST, keep);
    let ended = tokio::select! {
        biased;
        () = death => None,
        result = first_life => Some(result),
    };
    if let Some(result) = ended {
        return (Some(result), gateway, false);
    }
    drop(client);
    let Some(stored) = journal.lock().unwrap().take() else {
        return (None, gateway, true);
    };
    let record: MicropayRecord = serde_json::from_str(&stored).unwrap();
    assert!(!stored.contains("134567890123456789"), "{stored}");
    let result = gateway
        .client()
        .resume_micropay(record, FAST, |_| async { Ok(()) })
        .await;
    (Some(result), gateway, true)
}

/// What holds in the end, wherever it was cut.
fn check(payer: Payer, cut: Cut, result: &Result<Payment, MicropayError>, books: &Books) {
    assert!(books.micropays <= 1, "{payer:?} {cut:?}: paid twice");
    match result {
        Ok(payment) => {
            assert_eq!(payment.total_fee, Fen::new(101).unwrap());
            assert!(books.paid && !books.reversed, "{payer:?} {cut:?} {books:?}");
        }
        Err(error) => match error.end {
            MicropayEnd::Reversed => assert!(books.reversed, "{payer:?} {cut:?} {books:?}"),
            MicropayEnd::NotFound => assert_eq!(books.micropays, 0, "{payer:?} {cut:?}"),
            end => panic!("{payer:?} {cut:?}: {end:?} {:?}", error.cause),
        },
    }
}

#[tokio::test]
async fn it_goes_on_wherever_it_was_cut() {
    let mut ends = Vec::new();
    for payer in [Payer::Pays, Payer::TypesAndPays, Payer::Dreams] {
        for cut_of in [Cut::AfterRecord as fn(usize) -> Cut, Cut::AfterRequest] {
            let mut place = 1;
            loop {
                let cut = cut_of(place);
                let (result, gateway, was_cut) = run(payer, cut).await;
                let result = result.expect("there is a record before anything is sent");
                check(payer, cut, &result, &gateway.books.lock().unwrap());
                ends.push(result.map_or_else(|error| error.end, |_| MicropayEnd::Paid));
                if !was_cut {
                    break;
                }
                place += 1;
            }
            // Each has a record before the micropay and the micropay itself to be cut at.
            assert!(place >= 2, "{payer:?}: {place}");
        }
    }
    for end in [
        MicropayEnd::Paid,
        MicropayEnd::Reversed,
        MicropayEnd::NotFound,
    ] {
        assert!(ends.contains(&end), "{ends:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_paid() {
    let (heard, _effects) = mpsc::unbounded_channel();
    let gateway = Gateway::open(Payer::Pays, heard).await;
    let keep = |record: MicropayRecord| async move {
        assert_eq!(record.state.phase, Phase::Pay);
        Err("the disk is full".into())
    };
    let error = gateway
        .client()
        .micropay_kept(&micropay(), HMAC, FAST, keep)
        .await
        .unwrap_err();
    assert_eq!(error.end, MicropayEnd::NotSent);
    assert!(
        matches!(error.cause, Some(CallError::NotKept(_))),
        "{error:?}"
    );
    assert_eq!(gateway.books.lock().unwrap().micropays, 0);
}

#[tokio::test]
async fn a_record_that_is_lost_later_does_not_stop_the_payment() {
    let (heard, _effects) = mpsc::unbounded_channel();
    let gateway = Gateway::open(Payer::Dreams, heard).await;
    let keep = |record: MicropayRecord| async move {
        if record.state.phase == Phase::Pay {
            Ok(())
        } else {
            Err("the disk is full".into())
        }
    };
    let error = gateway
        .client()
        .micropay_kept(&micropay(), HMAC, FAST, keep)
        .await
        .unwrap_err();
    assert_eq!(error.end, MicropayEnd::Reversed);
}

/// Takes connections and requests in the kernel's queues, and never answers.
struct Silence {
    /// Keeps the port.
    listener: std::net::TcpListener,
}

impl Silence {
    fn client(&self, set_up: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        let url = format!("http://{}", self.listener.local_addr().unwrap());
        let builder = builder().base_url(url).plain_http_without_identity();
        set_up(builder).build().unwrap()
    }
}

fn silence() -> Silence {
    Silence {
        listener: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
    }
}

/// How long it takes, on a clock that jumps to the next time-out whenever nothing else is to be done.
async fn until_given_up(client: &Client, record: Option<MicropayRecord>) -> Duration {
    let started = tokio::time::Instant::now();
    let result = match record {
        None => {
            client
                .micropay_with_poll(&micropay(), HMAC, Timing::DEFAULT)
                .await
        }
        Some(record) => {
            client
                .resume_micropay(record, Timing::DEFAULT, |_| async { Ok(()) })
                .await
        }
    };
    let error = result.unwrap_err();
    assert_eq!(error.end, MicropayEnd::Unknown, "{:?}", error.cause);
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_silent_gateway_is_given_up_in_time_with_the_official_figures() {
    let total = Duration::from_secs(15);
    for (connect, read) in [(6, 8), (60, 60)] {
        let silence = silence();
        let client = silence.client(|builder| {
            builder
                .connect_timeout(Duration::from_secs(connect))
                .read_timeout(Duration::from_secs(read))
                .total_timeout(total)
        });
        let took = until_given_up(&client, None).await;
        assert!(
            took >= Timing::DEFAULT.poll_for && took <= Timing::DEFAULT.longest(total),
            "{took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_falls_silent_later_is_given_up_in_time_too() {
    let total = Duration::from_secs(15);
    let silence = silence();
    let client = silence.client(|builder| builder.total_timeout(total));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    for phase in [
        Phase::Pay,
        Phase::Poll,
        Phase::Look,
        Phase::Reverse,
        Phase::Last,
    ] {
        let record = MicropayRecord {
            out_trade_no: "T20260101000001".parse().unwrap(),
            total_fee: Fen::new(101).unwrap(),
            sign_type: HMAC,
            state: wxpay_core::micropay::MicropayState {
                phase,
                started: now,
                pay_ended: now,
                reverses: 0,
                reverse_may_act: false,
            },
        };
        let took = until_given_up(&client, Some(record)).await;
        assert!(
            took <= Timing::DEFAULT.longest(total),
            "{phase:?}: {took:?}"
        );
    }
}
