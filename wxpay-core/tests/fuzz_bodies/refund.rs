//! The decryption of refund notifies.

use std::sync::OnceLock;

use wxpay_core::{
    Account, NotifyError, Params,
    notify::{UnverifiedRefundNotify, encrypt_req_info},
    xml,
};

/// As `req_info` the bytes are opened or refused; as plaintext they come back as they were.
pub fn refund(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = decrypt(text);

    let sealed = encrypt_req_info(text, account().key());
    match (
        decrypt(&sealed),
        xml::read_with(bytes, "root", &xml::Limits::DEFAULT),
    ) {
        (Some(Ok(params)), Ok(wanted)) => assert_eq!(params, wanted),
        // A plaintext that is no refund is refused for a field, one that is no message as a whole.
        (Some(Err(NotifyError::Field(_))), Ok(_)) | (Some(Err(NotifyError::Decrypt)), Err(_)) => {}
        // A `req_info` longer than any value is refused by the outer reader.
        (Some(Err(NotifyError::Xml(_))), _) => assert!(sealed.len() > 8 * 1024),
        (got, wanted) => panic!("{got:?}, not {wanted:?}"),
    }
}

/// Opens a notify with this `req_info`; nothing if a message cannot carry it.
fn decrypt(req_info: &str) -> Option<Result<Params<'static>, NotifyError>> {
    let mut notify = Params::new();
    for (name, value) in [
        ("return_code", "SUCCESS"),
        ("appid", account().appid.as_str()),
        ("mch_id", account().mch_id.as_str()),
        ("req_info", req_info),
    ] {
        notify.insert(name, value).ok()?;
    }
    let body = xml::write(&notify);
    let hint =
        UnverifiedRefundNotify::parse(body.as_bytes()).and_then(|notify| notify.decrypt(account()));
    Some(hint.map(|hint| hint.params().clone()))
}

fn account() -> &'static Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        Account::new(
            "wxd930ea5d5a258f4f".parse().unwrap(),
            "10000100".parse().unwrap(),
            "192006250b4c09247ec02edce69f6a2d".parse().unwrap(),
        )
    })
}
