//! The pages that people see. Written in Chinese with an English switch; no inline script, nothing from other hosts.

mod admin;
mod frame;
mod lang;
mod pay;
mod result;
mod shop;

pub(crate) use admin::{Overview, admin};
pub(crate) use frame::Page;
pub(crate) use lang::Lang;
pub(crate) use pay::{Feed, Paying, pay};
pub(crate) use result::{Paid, fail, success};
pub(crate) use shop::shop;
