//! One request of each of the larger kinds.

use wxpay_core::{
    TransactionId,
    api::{
        BankTransfer, CheckName, CombinedOrder, CombinedTrade, MicroPay, OrderRef, RedPack, Refund,
        SubOrder, SubOrderList, Trade, Transfer, UnifiedOrder,
    },
};

use super::fen;

pub(crate) fn transaction_id() -> TransactionId {
    "4200000248201903206581106357".parse().unwrap()
}

pub(crate) fn micro_pay() -> MicroPay {
    MicroPay::new(
        "1553063775279".parse().unwrap(),
        "茶".parse().unwrap(),
        fen(101),
        "8.8.8.8".parse().unwrap(),
        "120061098828009406".parse().unwrap(),
    )
}

pub(crate) fn refund() -> Refund {
    Refund::new(
        OrderRef::OutTradeNo("1553063775279".parse().unwrap()),
        "R20260101000001".parse().unwrap(),
        fen(101),
        fen(100),
    )
}

pub(crate) fn transfer() -> Transfer {
    Transfer::new(
        "P20260101000001".parse().unwrap(),
        "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".parse().unwrap(),
        CheckName::ForceCheck("王小王".parse().unwrap()),
        fen(100),
        "refund of a deposit".parse().unwrap(),
    )
}

pub(crate) fn red_pack() -> RedPack {
    RedPack::new(
        "10000098201411111234567890".parse().unwrap(),
        "shop".parse().unwrap(),
        "oxTWIuGaIt6gTKsQRLau2M0yL16E".parse().unwrap(),
        fen(1000),
        "good luck".parse().unwrap(),
        "127.0.0.1".parse().unwrap(),
        "new year".parse().unwrap(),
        "come again".parse().unwrap(),
    )
}

pub(crate) fn unified_order(trade: Trade) -> UnifiedOrder {
    UnifiedOrder::new(
        trade,
        "1553063775279".parse().unwrap(),
        "茶".parse().unwrap(),
        fen(101),
        "127.0.0.1".parse().unwrap(),
        "https://example.com/notify".parse().unwrap(),
    )
}

pub(crate) fn combined(trade: CombinedTrade, scene_info: &str) -> CombinedOrder {
    let order = SubOrder {
        appid: "wxdace645e0bc2c424".parse().unwrap(),
        mch_id: "1900009001".parse().unwrap(),
        out_trade_no: "OD201708030001".parse().unwrap(),
        body: "a \"quoted\" tea".parse().unwrap(),
        attach: "深圳分店".parse().unwrap(),
        total_fee: fen(1234),
        fee_type: wxpay_core::FeeType::cny(),
        detail: None,
        sub_mch_id: Some("1256324589".parse().unwrap()),
        sub_appid: None,
    };
    let second = SubOrder {
        out_trade_no: "OD201708030002".parse().unwrap(),
        ..order.clone()
    };
    CombinedOrder::new(
        "1217752501201407033233368018".parse().unwrap(),
        "8.8.8.8".parse().unwrap(),
        "https://example.com/notify".parse().unwrap(),
        trade,
        scene_info.parse().unwrap(),
        SubOrderList::of(&[order.clone(), second]).unwrap(),
    )
}

pub(crate) fn bank_transfer() -> BankTransfer {
    BankTransfer::new(
        "1212121221227".parse().unwrap(),
        "aGVsbG8=".parse().unwrap(),
        "d29ybGQ=".parse().unwrap(),
        "1002".parse().unwrap(),
        fen(500),
    )
}
