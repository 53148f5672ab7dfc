//! What is tried to be reached.

use url::Url;

/// A name that no site has.
pub(super) const UNLIKELY: &str = "no-such-page-7c1f3b9e";

/// Something closed at a site, and a way in that is open to everybody, if one is named.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub(super) scheme: String,
    /// Host and port, as a request names them.
    pub(super) host: String,
    /// What nobody may see without signing in.
    pub(super) closed: String,
    /// With its question mark, or empty.
    query: String,
    /// What everybody may see.
    pub(super) open: Option<String>,
    /// Whom a stranger says to be.
    pub(super) user: String,
}

impl Aim {
    pub(super) fn new(url: &Url, open: Option<&str>, user: &str) -> Self {
        let host = url.host_str().unwrap_or_default();
        Self {
            scheme: url.scheme().to_owned(),
            host: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            closed: url.path().to_owned(),
            query: url.query().map_or_else(String::new, |query| format!("?{query}")),
            open: open.map(str::to_owned),
            user: user.to_owned(),
        }
    }

    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// A path with the query that belongs to what is closed.
    pub(super) fn target(&self, path: &str) -> String {
        format!("{path}{}", self.query)
    }

    /// The path beside what is closed that nothing is at.
    pub(super) fn sibling(&self) -> String {
        let bare = self.closed.trim_end_matches('/');
        let (parent, _) = bare.rsplit_once('/').unwrap_or_default();
        let slash = if bare.is_empty() { "" } else { &self.closed[bare.len()..] };
        format!("{parent}/{UNLIKELY}{slash}")
    }

    /// The folder of what is open, without a slash behind it: what is beside the page is likely to be open, too.
    pub(super) fn folder(&self) -> Option<&str> {
        let open = self.open.as_deref()?;
        // Alone at the top, a page may be a folder.
        Some(open.rsplit_once('/').map(|(folder, _)| folder).filter(|folder| !folder.is_empty()).unwrap_or(open))
    }

    /// The path in that folder that nothing is at.
    pub(super) fn child(&self) -> Option<String> {
        self.folder().map(|folder| format!("{}/{UNLIKELY}", folder.trim_end_matches('/')))
    }

    /// What two answers differ by that are otherwise one page.
    pub(super) fn names(&self) -> [&str; 2] {
        let bare = self.closed.trim_end_matches('/');
        [bare.rsplit_once('/').map_or(bare, |(_, last)| last), UNLIKELY]
    }

    /// Whether a place is what is closed, in whatever spelling: who is sent there is asked about again.
    pub(super) fn leads_back(&self, location: &str) -> bool {
        let base = Url::parse(&self.origin()).and_then(|origin| origin.join(&self.closed));
        let Ok(place) = base.as_ref().map_err(|error| *error).and_then(|base| base.join(location)) else {
            return false;
        };
        let plain = |path: &str| {
            let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().to_lowercase();
            decoded.split(['/', '\\']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
        };
        let host =
            self.host.rsplit_once(':').filter(|_| !self.host.ends_with(']')).map_or(&*self.host, |(host, _)| host);
        place.host_str() == Some(host) && plain(place.path()) == plain(&self.closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aim(url: &str) -> Aim {
        Aim::new(&Url::parse(url).unwrap(), Some("/public/"), "admin")
    }

    #[test]
    fn a_sibling_is_as_deep_as_what_is_closed() {
        let sibling = |url: &str| aim(url).sibling();
        assert_eq!(sibling("http://a.example/reports/june?a=b"), format!("/reports/{UNLIKELY}"));
        assert_eq!(sibling("http://a.example/reports/"), format!("/{UNLIKELY}/"));
        assert_eq!(sibling("http://a.example"), format!("/{UNLIKELY}"));
        for (open, folder) in [("/public/", "/public"), ("/public/a", "/public"), ("/public", "/public"), ("/", "/")] {
            let aim = Aim { open: Some(open.to_owned()), ..aim("http://a.example") };
            assert_eq!(aim.folder(), Some(folder));
            assert_eq!(aim.child(), Some(format!("{}/{UNLIKELY}", folder.trim_end_matches('/'))));
        }
        assert_eq!(aim("http://a.example/reports/june/").names()[0], "june");
    }

    #[test]
    fn a_tidier_spelling_leads_back() {
        let aim = aim("https://a.example:8443/reports/june?a=b");
        assert_eq!((aim.host.as_str(), &*aim.target("/x")), ("a.example:8443", "/x?a=b"));
        for back in
            ["/reports/june", "/Reports/june/?x", "https://a.example/reports/june", "/x/../reports//june", "june"]
        {
            assert!(aim.leads_back(back), "{back}");
        }
        for away in ["/", "/sign-in?rd=/reports/june", "https://b.example/reports/june", "http://["] {
            assert!(!aim.leads_back(away), "{away}");
        }
    }
}
