//! The endpoints: one file each, request and response side by side.
//!
//! Nothing here sends. [`prepare`] turns a request into the bytes to post, [`parse`] turns the bytes that came back into
//! a typed answer or the reason why there is none. Whatever carries the bytes in between is the caller's choice; the
//! feature `client` has one.
//!
//! The page of each request has its fields with their limits, the rules between them, the error codes with their class,
//! and where the API's own pages stand.
//!
//! Where the answer has no sign, [`parse_unsigned`] gives an [`Unsigned`] one; where it is a text, [`parse_text`] gives the
//! bytes. An account with a [`SubMerchant`](crate::SubMerchant) makes every request a service provider's.
//!
//! | endpoint | request | answer | certificate | sign type |
//! |---|---|---|---|---|
//! | `/pay/unifiedorder` | [`UnifiedOrder`] | [`UnifiedOrderResponse`] | no | both |
//! | `/pay/micropay` | [`MicroPay`] | [`Payment`] | no | both |
//! | `/pay/orderquery` | [`OrderQuery`] | [`OrderQueryResponse`] | no | both |
//! | `/pay/closeorder` | [`CloseOrder`] | [`CloseOrderResponse`] | no | both |
//! | `/secapi/pay/reverse` | [`Reverse`] | [`ReverseResponse`] | yes | both |
//! | `/secapi/pay/refund` | [`Refund`] | [`RefundResponse`] | yes | both |
//! | `/secapi/pay/refundv2` | [`RefundV2`] | [`RefundResponse`] | yes | both |
//! | `/pay/refundquery` | [`RefundQuery`] | [`RefundQueryResponse`] | no | both |
//! | `/pay/refundqueryv2` | [`RefundQueryV2`] | [`RefundQueryResponse`] | no | both |
//! | `/pay/downloadbill` | [`DownloadBill`] | text | no | MD5 |
//! | `/pay/downloadfundflow` | [`DownloadFundFlow`] | text | yes | HMAC-SHA256 |
//! | `/tools/shorturl` | [`ShortenUrl`] | [`ShortenUrlResponse`] | no | both |
//! | `/tools/authcodetoopenid` | [`AuthCodeToOpenId`] | [`AuthCodeToOpenIdResponse`] | no | MD5 |
//! | `/payitil/report` | [`Report`] | [`ReportResponse`], unsigned | no | MD5 |
//! | `/billcommentsp/batchquerycomment` | [`BatchQueryComment`] | text | yes | HMAC-SHA256 |
//! | `/xdc/apiv2getsignkey/sign/getsignkey` | [`GetSignKey`] | [`SignKeyResponse`], unsigned | no | MD5 |
//! | `/sandboxnew/pay/getsignkey` | [`GetSignKeyOld`] | [`SignKeyResponse`], unsigned | no | MD5 |
//! | `/pay/combinedorder` | [`CombinedOrder`] | [`CombinedOrderResponse`] | no | HMAC-SHA256 |
//! | `/pay/querycombinedorder` | [`QueryCombinedOrder`] | [`QueryCombinedOrderResponse`] | no | HMAC-SHA256 |
//! | `/pay/closecombinedorder` | [`CloseCombinedOrder`] | [`CloseCombinedOrderResponse`] | no | HMAC-SHA256 |
//! | `/secapi/pay/profitsharing` | [`ProfitSharing`] | [`ProfitSharingResponse`] | yes | HMAC-SHA256 |
//! | `/secapi/pay/multiprofitsharing` | [`MultiProfitSharing`] | [`ProfitSharingResponse`] | yes | HMAC-SHA256 |
//! | `/secapi/pay/profitsharingfinish` | [`ProfitSharingFinish`] | [`ProfitSharingFinishResponse`] | yes | HMAC-SHA256 |
//! | `/secapi/pay/profitsharingreturn` | [`ProfitSharingReturn`] | [`ProfitSharingReturnResponse`] | yes | HMAC-SHA256 |
//! | `/pay/profitsharingreturnquery` | [`ProfitSharingReturnQuery`] | [`ProfitSharingReturnResponse`] | no | HMAC-SHA256 |
//! | `/pay/profitsharingquery` | [`ProfitSharingQuery`] | [`ProfitSharingQueryResponse`] | no | HMAC-SHA256 |
//! | `/pay/profitsharingaddreceiver` | [`ProfitSharingAddReceiver`] | [`ProfitSharingAddReceiverResponse`] | no | HMAC-SHA256 |
//! | `/pay/profitsharingremovereceiver` | [`ProfitSharingRemoveReceiver`] | [`ProfitSharingRemoveReceiverResponse`] | no | HMAC-SHA256 |
//! | `/mmpaymkttransfers/promotion/transfers` | [`Transfer`] | [`TransferResponse`], unsigned | yes | MD5 |
//! | `/mmpaymkttransfers/gettransferinfo` | [`TransferQuery`] | [`TransferQueryResponse`], unsigned | yes | MD5 |
//! | `/mmpaymkttransfers/sendredpack` | [`RedPack`] | [`RedPackResponse`], unsigned | yes | MD5 |
//! | `/mmpaymkttransfers/gethbinfo` | [`RedPackQuery`] | [`RedPackQueryResponse`], unsigned | yes | MD5 |
//! | `/mmpaysptrans/pay_bank` | [`BankTransfer`] | [`BankTransferResponse`], unsigned | yes | MD5 |
//! | `/mmpaysptrans/query_bank` | [`BankTransferQuery`] | [`BankTransferQueryResponse`], unsigned | yes | MD5 |
//! | `/risk/getpublickey` at a host of its own | [`GetPublicKey`] | [`GetPublicKeyResponse`], unsigned | yes | MD5 |

mod advice;
mod answer;
mod auth_code_to_open_id;
mod bank_transfer;
mod bank_transfer_query;
mod batch_query_comment;
mod close_combined_order;
mod close_order;
mod combined_order;
mod coupon;
mod download_bill;
mod download_fund_flow;
mod endpoint;
mod error_code;
mod field;
mod get_public_key;
mod get_sign_key;
mod list;
mod message;
mod micro_pay;
mod order_details;
mod order_query;
mod payer;
mod payment;
mod payment_details;
mod prepaid;
mod profit_sharing;
mod profit_sharing_add_receiver;
mod profit_sharing_finish;
mod profit_sharing_query;
mod profit_sharing_remove_receiver;
mod profit_sharing_return;
mod profit_sharing_return_query;
mod query_combined_order;
mod receivers;
mod red_pack;
mod red_pack_info;
mod refund;
mod refund_query;
mod report;
mod request;
mod reverse;
mod scene_info;
mod short_url;
mod sign_choice;
mod sub_order;
mod trade;
mod transfer;
mod transfer_query;
mod unified_order;
mod unsigned;

pub use advice::{Advice, Class};
pub use answer::{Answer, AnswerError, Verified, parse, parse_verified};
pub use auth_code_to_open_id::{AuthCodeToOpenId, AuthCodeToOpenIdResponse};
pub use bank_transfer::{BankTransfer, BankTransferResponse};
pub use bank_transfer_query::{BankTransferQuery, BankTransferQueryResponse, BankTransferStatus};
pub use batch_query_comment::BatchQueryComment;
pub use close_combined_order::{CloseCombinedOrder, CloseCombinedOrderResponse};
pub use close_order::{CloseOrder, CloseOrderResponse};
pub use combined_order::{CombinedOrder, CombinedOrderResponse, CombinedTrade};
pub use coupon::{Coupon, CouponType};
pub use download_bill::{BillDate, BillDateError, BillType, DownloadBill, TarType};
pub use download_fund_flow::{DownloadFundFlow, FundAccount};
pub use endpoint::{AnswerKind, Endpoint, Naming, Repeat, ResultCode, SubMerchantFields};
pub use error_code::ErrorCode;
pub use field::FieldError;
pub(crate) use field::Fields;
pub use get_public_key::{GetPublicKey, GetPublicKeyResponse};
pub use get_sign_key::{GetSignKey, GetSignKeyOld, SignKeyResponse};
pub(crate) use list::{Item, read_orders};
pub use micro_pay::MicroPay;
pub use order_details::{NamedPayer, OrderDetails};
pub use order_query::{OrderQuery, OrderQueryResponse, OrderRef, TradeState};
pub use payer::Payer;
pub use payment::{Payment, TradeType};
pub use payment_details::PaymentDetails;
pub use profit_sharing::{MultiProfitSharing, ProfitSharing, ProfitSharingResponse, SharingStatus};
pub use profit_sharing_add_receiver::{
    ProfitSharingAddReceiver, ProfitSharingAddReceiverResponse, RelationType,
};
pub use profit_sharing_finish::{ProfitSharingFinish, ProfitSharingFinishResponse};
pub use profit_sharing_query::{ProfitSharingQuery, ProfitSharingQueryResponse};
pub use profit_sharing_remove_receiver::{
    ProfitSharingRemoveReceiver, ProfitSharingRemoveReceiverResponse,
};
pub use profit_sharing_return::{
    ProfitSharingReturn, ProfitSharingReturnResponse, ReturnResult, SharingRef,
};
pub use profit_sharing_return_query::ProfitSharingReturnQuery;
pub use query_combined_order::{QueriedSubOrder, QueryCombinedOrder, QueryCombinedOrderResponse};
pub use receivers::{PartResult, ReceiverAccount, Share, SharedPart};
pub use red_pack::{RedPack, RedPackResponse};
pub use red_pack_info::{RedPackQuery, RedPackQueryResponse, RedPackStatus, RedPackTaken};
pub use refund::{Refund, RefundAccount, RefundCoupons, RefundResponse, RefundV2};
pub use refund_query::{
    RefundQuery, RefundQueryResponse, RefundQueryV2, RefundRef, RefundState, RefundStatus,
};
pub use report::{Report, ReportResponse};
use request::rule;
pub use request::{Prepared, RequestError, prepare};
pub use reverse::{Reverse, ReverseResponse};
pub use short_url::{ShortenUrl, ShortenUrlResponse};
pub use sign_choice::{OnlyHmacSha256, OnlyMd5, SignChoice};
pub use sub_order::SubOrder;
pub use trade::Trade;
pub use transfer::{CheckName, Transfer, TransferResponse};
pub use transfer_query::{TransferQuery, TransferQueryResponse, TransferStatus};
pub use unified_order::{UnifiedOrder, UnifiedOrderResponse};
pub use unsigned::{Unsigned, parse_text, parse_unsigned};

pub use crate::text::{
    ActName, AuthCode, BankCode, CombineOutTradeNo, Detail, DeviceInfo, EncryptedText, GoodsTag,
    InterfaceUrl, LimitPay, LongUrl, MchBillno, MwebUrl, OutOrderNo, OutReturnNo, PartnerTradeNo,
    ReUserName, ReceiverText, Receivers, RefundDesc, RefundId, Remark, ReturnAccount, RiskInfo,
    SceneId, SceneInfo, SendName, SharingDescription, SharingOrderId, ShortUrl, SubOrderList,
    Trades, TransferDesc, UserCreid, UserTruename, UserType, Wishing,
};
