//! Signs and sends an order, and prints what the payer scans.
//!
//! ```sh
//! cargo run -p wxpay-sim &      # the simulated gateway
//! cargo run -p wxpay-core --features client --example native_order -- http://127.0.0.1:9011
//! ```

use wxpay_core::{
    Account, Fen, OutTradeNo, SignType,
    api::{OrderQuery, OrderRef, UnifiedOrder},
    client::Client,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gateway = std::env::args()
        .nth(1)
        .ok_or("give the gateway's base URL")?;
    // The binary chooses the TLS provider, once.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| "a TLS provider is installed already")?;
    // The simulator's own merchant: its key is public and worth nothing.
    let account = Account::new(
        "wx00000000000051a0".parse()?,
        "1900000051".parse()?,
        "wxpay-sim-public-worthless-key-0".parse()?,
    );
    let client = Client::builder(account).base_url(gateway).build()?;

    let number = OutTradeNo::for_order(&format!("TEA-{}", std::process::id() + 100_000))?;
    let order = UnifiedOrder::native(
        number.clone(),
        "A cup of tea".parse()?,
        Fen::new(1990)?,
        "127.0.0.1".parse()?,
        "http://127.0.0.1:9/wxpay/notify".parse()?,
        "P1".parse()?,
    );
    let prepared = client.call(&order, SignType::HmacSha256).await?;
    println!("{number}: {}", prepared.code_url.ok_or("no code")?);

    // The order remembers its sign type: the answer must be signed the same way.
    let query = OrderQuery {
        by: OrderRef::OutTradeNo(number),
    };
    let answer = client.call(&query, SignType::HmacSha256).await?;
    println!("{}", answer.trade_state);
    Ok(())
}
