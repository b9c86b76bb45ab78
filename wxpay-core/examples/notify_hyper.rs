//! Receives notifies with hyper alone: bytes in, the reply's bytes out.
//!
//! ```sh
//! cargo run -p wxpay-core --example notify_hyper
//! ```

use std::{convert::Infallible, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use wxpay_core::{
    Account, NotifyReply, SignType,
    notify::{self, Handled},
};

const BODY_BYTES_MAX: usize = 64 * 1024;

fn handle(body: &[u8], account: &Account) -> String {
    // The order's own sign type belongs here; the message does not say it reliably.
    match notify::handle(body, |_| Some((account, SignType::HmacSha256))) {
        Ok(Handled::Pay(paid)) => {
            println!("paid: {}", paid.payment().out_trade_no);
            NotifyReply::Success.to_xml()
        }
        Ok(Handled::Combined(paid)) => {
            println!("{} orders paid", paid.sub_orders().len());
            NotifyReply::Success.to_xml()
        }
        Ok(Handled::Refund(hint)) => {
            println!("ask refundquery for {}", hint.out_refund_no);
            NotifyReply::Success.to_xml()
        }
        Err(refused) => refused.reply().to_xml(),
    }
}

async fn serve(
    request: Request<Incoming>,
    account: Account,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX)
        .collect()
        .await;
    let reply = match body {
        Ok(body) => handle(&body.to_bytes(), &account),
        Err(_) => NotifyReply::Fail("not a notify").to_xml(),
    };
    let mut response = Response::new(Full::from(reply));
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static(NotifyReply::CONTENT_TYPE),
    );
    Ok(response)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let account = Account::new(
        "wx00000000000051a0".parse()?,
        "1900000051".parse()?,
        "wxpay-sim-public-worthless-key-0".parse()?,
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        let account = account.clone();
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(
                    TokioIo::new(socket),
                    service_fn(move |request| serve(request, account.clone())),
                );
            if let Err(error) = connection.await {
                eprintln!("{error}");
            }
        });
    }
}
