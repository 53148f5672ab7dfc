//! Cursors of lists: where a page ended, signed, so that one counts for its own tenant and query only.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::Service;
use super::tenants::Tenant;

/// Bytes of the signature that a cursor carries: nobody guesses 128 bits.
const SIGNATURE: usize = 16;

impl Service {
    /// The cursor of a page that ended with `last`. A list is named with all that it was asked for.
    #[must_use]
    pub fn cursor(&self, tenant: &Tenant, list: &str, last: &str) -> String {
        let signature = self.cursor_signature(tenant, list, last);
        BASE64_URL_SAFE_NO_PAD.encode([&signature[..], last.as_bytes()].concat())
    }

    /// Where the page ended whose cursor this is; `None` for a cursor that was changed, or is of another tenant or list.
    #[must_use]
    pub fn after(&self, tenant: &Tenant, list: &str, cursor: &str) -> Option<String> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (signature, last) = bytes.split_at_checked(SIGNATURE)?;
        let last = std::str::from_utf8(last).ok()?;
        bool::from(self.cursor_signature(tenant, list, last).ct_eq(signature)).then(|| last.to_owned())
    }

    fn cursor_signature(&self, tenant: &Tenant, list: &str, last: &str) -> [u8; SIGNATURE] {
        // Lengths keep parts apart, whatever they hold.
        let text = format!("cursor {} {} {} {list} {last}", tenant.id, list.len(), last.len());
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&self.credentials.hash(&text)[..SIGNATURE]);
        signature
    }
}
