//! Receives notifies with axum.
//!
//! ```sh
//! cargo run -p wxpay-core --features axum --example notify_axum
//! ```

use axum::{Router, extract::State, routing::post};
use wxpay_core::{
    Account, NotifyError, NotifyReply, SignType,
    notify::{Handled, IncomingNotify},
};

/// Whoever looks an order up finds its account and its sign type; here all orders have the same.
#[derive(Clone)]
struct Orders {
    account: Account,
    sign_type: SignType,
}

async fn notified(
    State(orders): State<Orders>,
    incoming: IncomingNotify,
) -> Result<NotifyReply<'static>, NotifyError> {
    match incoming.notify.open(&orders.account, orders.sign_type)? {
        Handled::Pay(paid) => {
            let payment = paid.payment();
            // Compare amount and currency with the order, and make it durable, before this function returns.
            println!("{} paid {} fen", payment.out_trade_no, payment.total_fee);
        }
        Handled::Combined(paid) => println!("{} orders paid", paid.sub_orders().len()),
        Handled::Refund(hint) => println!("ask refundquery for {}", hint.out_refund_no),
    }
    Ok(NotifyReply::Success)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let orders = Orders {
        account: Account::new(
            "wx00000000000051a0".parse()?,
            "1900000051".parse()?,
            "wxpay-sim-public-worthless-key-0".parse()?,
        ),
        sign_type: SignType::HmacSha256,
    };
    let app = Router::new()
        .route("/wxpay/notify", post(notified))
        .with_state(orders);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/wxpay/notify", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
