//! Prints what comes to a destination and acknowledges each message after it, until Ctrl-C.
//!
//! ```sh
//! cargo run -p stomp-bridge --example subscribe -- \
//!     stomp://listener:secret@127.0.0.1:61613 /queue/order_pay
//! ```

use std::error::Error;
use std::time::Duration;
use stomp_bridge::client::{BrokerUrl, Destination, Subscriber, SubscriberConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, destination] = args.as_slice() else {
        return Err("usage: subscribe URL DESTINATION".into());
    };
    let (url, destination): (BrokerUrl, Destination) = (url.parse()?, destination.parse()?);

    // It subscribes again by itself after a cut.
    let mut subscriber = Subscriber::subscribe(SubscriberConfig::new(url, destination)).await?;
    println!("subscribed");
    loop {
        let message = tokio::select! {
            message = subscriber.recv() => message,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
        };
        let Some(message) = message else {
            return Err("the broker takes this subscription no more".into());
        };
        let again = if message.redelivered() {
            " (again)"
        } else {
            ""
        };
        match message.text() {
            Some(text) => println!("{text}{again}"),
            None => println!("a message that is no text{again}"),
        }
        // After a cut the broker delivers it again: a reader must stand a repeat.
        if let Err(error) = message.ack().await {
            eprintln!("subscribe: {error}");
        }
    }
    subscriber.close_within(Duration::from_secs(5)).await;
    Ok(())
}
