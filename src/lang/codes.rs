//! All diagnostic codes. A code is stable once released and is never used again for something else.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// The stable code of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// All codes, in their order.
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// The code as it is printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// A character that starts nothing in this language.
    UnexpectedCharacter = "E001";
    /// A string that does not end on its line.
    UnterminatedString = "E002";
    /// A string with an escape or a character that JSON does not know.
    BadString = "E003";
    /// Words in an order that means nothing.
    Syntax = "E004";
    /// Brackets, `NOT` or `??` within each other too deep.
    TooDeep = "E005";
    /// A file beyond its size.
    TooLarge = "E006";
    /// A file that is no UTF-8.
    NotUtf8 = "E007";
    /// A settings file that is not what it should be.
    Settings = "E008";
    /// A file that cannot be read.
    Unreadable = "E009";
    /// A name declared twice.
    DeclaredTwice = "E010";
    /// A name that hides a root, a function or a keyword.
    Hides = "E011";
    /// A name that nobody declared.
    UnknownName = "E012";
    /// A `let` that needs itself.
    Cycle = "E013";
    /// A clause that must stand there and does not.
    MissingClause = "E014";
    /// A clause that stands there twice.
    ClauseTwice = "E015";
    /// A condition that is no boolean.
    NotBoolean = "E016";
    /// A comparison of types that are never equal.
    TypeClash = "E017";
    /// A number that does not fit or is not written as JSON writes it.
    BadNumber = "E018";
    /// A function called with the wrong arguments.
    BadCall = "E019";
    /// `??` with something on its left that is always there.
    BadDefault = "E020";
    /// A path that leads nowhere.
    BadPath = "E021";
    /// An expression too large once its `let`s are put in.
    TooComplex = "E022";
    /// More mistakes than are shown.
    More = "E023";
    /// More names than the index of a set can hold.
    TooManyNames = "E024";
    /// A policy that decides by what users write about themselves.
    SelfPromotion = "E025";
    /// A pattern that is none.
    BadPattern = "E026";
    /// A set without any policy: it denies everything.
    NoPolicies = "W001";
}

#[cfg(test)]
mod tests {
    use super::Code;
    use std::collections::HashSet;

    #[test]
    fn no_code_is_used_twice() {
        let distinct: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(distinct.len(), Code::ALL.len());
    }
}
