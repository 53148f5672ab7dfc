//! Lists in pages, with signed cursors.

use super::{Call, Problem};

/// Things on a page, unless the request says how many.
const PAGE: usize = 100;

/// Things on a page at most.
const LARGEST_PAGE: usize = 500;

/// The page of a list that a request asks for.
pub struct Page {
    /// All that the list was asked for.
    list: String,
    limit: usize,
    /// Where the page before ended.
    pub after: Option<String>,
}

impl Call<'_> {
    /// The page that the request asks for of a list, which is named with all that it was asked for.
    ///
    /// # Errors
    /// 400 for a `limit` or a `cursor` that cannot be used.
    pub fn page(&self, list: &str) -> Result<Page, Problem> {
        let limit = match self.query_param("limit") {
            None => PAGE,
            Some(text) => text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit)).ok_or_else(|| {
                Problem::bad_request(format!("limit must be a number from 1 to {LARGEST_PAGE}, and is {text:?}"))
            })?,
        };
        let after = match self.query_param("cursor") {
            None => None,
            Some(cursor) => Some(self.service.after(self.tenant, list, &cursor).ok_or_else(|| {
                Problem::bad_request("this cursor is of another list, or was changed: start again without one")
            })?),
        };
        Ok(Page { list: list.to_owned(), limit, after })
    }
}

impl Page {
    /// How many to ask the store for: one more than is shown tells whether there is another page.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        self.limit as i64 + 1
    }

    /// What is shown of what the store gave, and the cursor of the next page, if there is one.
    pub fn cut<T>(self, call: &Call<'_>, mut found: Vec<T>, place: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let last = found.last().filter(|_| more);
        let next = last.map(|last| call.service.cursor(call.tenant, &self.list, &place(last)));
        (found, next)
    }
}
