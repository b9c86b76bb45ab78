//! A stand-in for the WeChat Pay V2 gateway, for people and for tests of any language.
//!
//! It serves the real gateway's paths for NATIVE payments (`/pay/unifiedorder`, `/pay/orderquery`,
//! `/pay/closeorder`) and refunds (`/secapi/pay/refund`, `/pay/refundquery`), signed both ways with MD5 or HMAC-SHA256,
//! and posts notifies by the real schedule until they are answered. What a payer would do is a request, `POST /sim/pay`, or a tap on the page at `/`. The clock can
//! be moved ahead, and faults can be switched on. The README says what it does not imitate.
//!
//! ```no_run
//! use wxpay_sim::{Merchant, Sim, SimConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = Sim::start(SimConfig {
//!     listen: "127.0.0.1:0".parse()?,
//!     merchants: vec![Merchant::test()],
//!     ..SimConfig::default()
//! })
//! .await?;
//! println!("the gateway's base URL is {}", sim.url());
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The process has to have a TLS provider, since a notify may go to an `https` address: call
//! `rustls::crypto::aws_lc_rs::default_provider().install_default()` once in `main`.
//!
//! # Inside
//! [`gateway`] decides: requests, payments, the schedule, all pure. The driver around it is HTTP. [`Sim`] starts both.

pub mod gateway;
mod merchant;

mod clock;
mod faults;

mod driver;
mod sim;

pub use clock::{CLOCK_AHEAD_MAX, Clock, TooFarAhead};
pub use faults::{EndpointFault, Faults, FaultsChange, NotifyFault};
pub use merchant::{Merchant, MerchantError, TEST_API_KEY, TEST_APPID, TEST_MCH_ID};
pub use sim::{RunningSim, Sim, SimConfig, StartError};
