//! `batchquerycomment`: what payers said, as text.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyHmacSha256, Repeat, RequestError,
    message::message, rule,
};
use crate::{BeijingTime, Params};

message! {
    #[doc = include_str!("pages/batchquerycomment.md")]
    request BatchQueryComment {
        /// From when on.
        begin_time: BeijingTime,
        /// Until when; later than `begin_time`.
        end_time: BeijingTime,
        /// Where to go on; 0 to begin with.
        offset: u32,
        ;
        /// How many comments, at most 200.
        limit: u32,
    }
}

impl Endpoint for BatchQueryComment {
    const NAME: &'static str = "batchquerycomment";
    const PATH: &'static str = "/billcommentsp/batchquerycomment";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Text;
    const REPEAT: Repeat = Repeat::Safe;
    type Sign = OnlyHmacSha256;
    type Response = ();

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        rule(
            self.begin_time < self.end_time,
            "end_time",
            "later than begin_time",
        )?;
        rule(
            self.limit.is_none_or(|limit| (1..=200).contains(&limit)),
            "limit",
            "from 1 to 200",
        )?;
        self.put(params)
    }

    fn read(_answer: &Answer<'_>) -> Result<(), FieldError> {
        Ok(())
    }
}
