//! What must still be so for a write to happen (RFC 9110, section 13.1).

/// Conditions on the entity tag of what a write would replace. Tags are opaque, and compared as strong ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    /// `If-Match`: it is there, and has one of these tags.
    pub if_match: Option<Tags>,
    /// `If-None-Match`: it is not there, or has none of these tags.
    pub if_none_match: Option<Tags>,
}

/// What a precondition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`: whatever is there.
    Any,
    /// These, without their quotation marks.
    These(Vec<String>),
}

impl Precondition {
    /// That it is still what had this tag; `None` for what was not there.
    #[must_use]
    pub fn still(tag: Option<String>) -> Self {
        match tag {
            Some(tag) => Self { if_match: Some(Tags::These(vec![tag])), if_none_match: None },
            None => Self { if_match: None, if_none_match: Some(Tags::Any) },
        }
    }

    /// Whether it holds for what has this tag; `None` for what is not there.
    #[must_use]
    pub fn holds(&self, tag: Option<&str>) -> bool {
        let names = |tags: &Tags| tag.is_some_and(|tag| tags.names(tag));
        self.if_match.as_ref().is_none_or(names) && !self.if_none_match.as_ref().is_some_and(names)
    }
}

impl Tags {
    fn names(&self, tag: &str) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(these) => these.iter().any(|one| one == tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_as_rfc_9110_says() {
        let these = |tags: &[&str]| Some(Tags::These(tags.iter().map(|tag| (*tag).to_owned()).collect()));
        let cases = [
            (None, None, [true, true, true]),
            (Some(Tags::Any), None, [false, true, true]),
            (these(&["a", "c"]), None, [false, true, false]),
            (None, Some(Tags::Any), [true, false, false]),
            (None, these(&["a"]), [true, false, true]),
            (these(&["a"]), these(&["a"]), [false, false, false]),
        ];
        for (if_match, if_none_match, expected) in cases {
            let condition = Precondition { if_match, if_none_match };
            assert_eq!([None, Some("a"), Some("b")].map(|tag| condition.holds(tag)), expected, "{condition:?}");
        }
    }
}
