//! Where a payment happens: the JSON text of `scene_info`.

use super::{RequestError, rule};
use crate::{
    SpbillCreateIp, TextError,
    json::{self, Json},
    text::SceneInfo,
};

impl SceneInfo {
    /// The scene of an MWEB payment on a web page.
    ///
    /// # Errors
    /// [`TextError`] when the JSON is longer than the field.
    pub fn wap(wap_url: &str, wap_name: &str) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('{').key("h5_info").open('{');
        json.text("type", "Wap")
            .text("wap_url", wap_url)
            .text("wap_name", wap_name);
        json.close('}').close('}').as_str().parse()
    }

    /// The scene of a combined order that is not MWEB: the address of the payer.
    ///
    /// # Errors
    /// [`TextError`] when the JSON is longer than the field.
    pub fn payer_client_ip(ip: &SpbillCreateIp) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('{')
            .text("payer_client_ip", ip.as_str())
            .close('}');
        json.as_str().parse()
    }

    /// Refuses a scene without a part.
    pub(super) fn must_have(&self, part: &str, why: &'static str) -> Result<(), RequestError> {
        let has = json::parse(self.as_str()).is_some_and(|scene| scene.get(part).is_some());
        rule(has, "scene_info", why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_parts_that_were_put() {
        let scene = SceneInfo::wap("https://example.com/?a&b", "Tea").unwrap();
        assert_eq!(
            scene.as_str(),
            r#"{"h5_info":{"type":"Wap","wap_url":"https://example.com/?a&b","wap_name":"Tea"}}"#
        );
        assert!(scene.must_have("h5_info", "").is_ok());
        let scene = SceneInfo::payer_client_ip(&"8.8.8.8".parse().unwrap()).unwrap();
        assert!(scene.must_have("payer_client_ip", "").is_ok());
        // The name alone, somewhere in the text, is not the part.
        let scene: SceneInfo = r#"{"id":"\"h5_info\""}"#.parse().unwrap();
        assert!(scene.must_have("h5_info", "").is_err());
    }
}
