//! Publishes one message and says what became of it.
//!
//! ```sh
//! cargo run -p stomp-bridge --example publish -- \
//!     ws://payer:secret@127.0.0.1:15674/ws /queue/order_pay '{"orderId":"A1"}'
//! ```

use std::process::ExitCode;
use std::time::Duration;
use stomp_bridge::client::{
    Advice, BrokerUrl, ConnectOptions, Destination, Publication, Publisher, PublisherConfig,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("publish: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<&'static str, Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, destination, body] = args.as_slice() else {
        return Err("usage: publish URL DESTINATION BODY".into());
    };
    let (url, destination): (BrokerUrl, Destination) = (url.parse()?, destination.parse()?);
    let server = Publisher::connect_once(&url, &ConnectOptions::default()).await?;
    println!(
        "connected to {}",
        server
            .server
            .as_deref()
            .unwrap_or("a broker without a name")
    );

    let publisher = Publisher::spawn(PublisherConfig::new(url));
    let outcome = publisher
        .publish(Publication::new(destination, body.clone()))
        .await;
    let drained = publisher.shutdown(Duration::from_secs(5)).await;
    debug_assert_eq!(drained.unsettled, 0, "the one message has its answer");
    match outcome {
        Ok(_) => Ok("confirmed"),
        Err(error) if error.advice() == Advice::PublishAgain => {
            Err(format!("{error}: publish it again with the same id").into())
        }
        Err(error) => Err(error.into()),
    }
}
