//! All diagnostic codes. A code is stable once released and is never used again for something else.

macro_rules! codes {
    ($($name:ident = $text:literal, $meaning:literal, $example:literal;)+) => {
        /// The stable code of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)+
        }

        impl Code {
            /// All codes, in their order.
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// The code as it is printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$name => $meaning,)+ }
            }

            /// A text with that finding, or several in one; empty where it is about files and not about what is in them.
            #[must_use]
            pub fn example(self) -> &'static str {
                match self { $(Code::$name => $example,)+ }
            }
        }
    };
}

/// The files of an example. The first is called `name`; a line `-- name --` starts another.
pub fn split_example<'t>(example: &'t str, name: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
    let (first, rest) = match example.split_once("\n-- ") {
        Some(parts) => parts,
        None => example.strip_prefix("-- ").map_or((example, ""), |rest| ("", rest)),
    };
    let others = rest.split("\n-- ").filter_map(|part| part.split_once(" --\n"));
    [(name, first)].into_iter().chain(others).filter(|(_, text)| !text.is_empty())
}

codes! {
    UnexpectedCharacter = "E001", "A character that starts nothing in this language.", "let a = 'x'";
    UnterminatedString = "E002", "A string that does not end on its line.", "allow a { action \"read resource any }";
    BadString = "E003", "A string with an escape or a character that JSON does not know.", "allow a { action \"\\q\" resource any }";
    Syntax = "E004", "Words in an order that means nothing.", "allow a { action any resource report }";
    TooDeep = "E005", "Brackets, `NOT` or `??` within each other too deep.", "allow a { action any resource any when (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((true))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))) }";
    TooLarge = "E006", "A file beyond its size.", "";
    NotUtf8 = "E007", "A file that is no UTF-8.", "";
    Settings = "E008", "A settings file that is not what it should be.", "-- tenant.json --\n{\"timeZone\": \"Europe/Belin\"}";
    Unreadable = "E009", "A file that cannot be read.", "";
    DeclaredTwice = "E010", "A name declared twice.", "let a = true\nlet a = false";
    Hides = "E011", "A name that hides a root, a function or a keyword.", "let user = 1";
    UnknownName = "E012", "A name that nobody declared.", "allow a { action any resource any when usr.id == \"x\" }";
    Cycle = "E013", "A `let` that needs itself.", "let a = NOT b\nlet b = NOT a";
    MissingClause = "E014", "A clause that must stand there and does not.", "allow a { action any }";
    ClauseTwice = "E015", "A clause that stands there twice.", "allow a { action any resource any when true when false }";
    NotBoolean = "E016", "A condition that is no boolean.", "allow a { action any resource any when user.id }";
    TypeClash = "E017", "A comparison of types that are never equal.", "allow a { action any resource any when env.hour == \"9\" }";
    BadNumber = "E018", "A number that does not fit or is not written as JSON writes it.", "allow a { action any resource any when 007 == 7 }";
    BadCall = "E019", "A function called with the wrong arguments.", "allow a { action any resource any when has(1) }";
    BadDefault = "E020", "`??` with something on its left that is always there.", "allow a { action any resource any when 1 ?? 2 == 2 }";
    BadPath = "E021", "A path that leads nowhere.", "allow a { action any resource any when has(user) }";
    TooComplex = "E022", "An expression too large once its `let`s are put in.", "";
    More = "E023", "More mistakes than are shown.", "";
    TooManyNames = "E024", "More names than the index of a set can hold.", "";
    SelfPromotion = "E025", "A policy that decides by what users write about themselves.", "allow a { action any resource any when user.company == \"Acme\" }";
    BadPattern = "E026", "A pattern that is none.", "allow a { action any resource any when user.id MATCHES \"(\" }";
    BadTest = "E027", "A test that is not as a test can be.", "test \"a\" { }";
    BadRoute = "E028", "A route that no request could take.", "route GET \"reports\" => \"read\" on \"report\"";
    RoutesTie = "E029", "Two routes that one request could take, and neither is the better.", "route GET \"/a/{x}\" => \"read\" on \"a\"\nroute GET \"/a/{y}\" => \"read\" on \"b\"";
    UndefinedTrait = "E030", "A trait that nobody defined, where tenant.json accepts only defined ones.", "allow a { action any resource any when user.traits.plam == \"pro\" }\n-- tenant.json --\n{\"definedTraitsOnly\": true}\n-- traits.json --\n[{\"slug\": \"plan\", \"dataType\": \"string\"}]";
    BadRule = "E031", "A profiling rule that cannot be asked.", "";
    NoPolicies = "W001", "A set without any policy: it denies everything.", "# nothing";
    UnknownTrait = "W002", "A trait or a profile field that nobody defined, or an unknown part of `login`: misspelt, most likely.", "allow a { action any resource any when user.emial == \"a@example.com\" }";
    NeverEqual = "W003", "A comparison with a value that the definition of the field does not allow.", "allow a { action any resource any when user.traits.plan == \"entreprise\" }\n-- traits.json --\n[{\"slug\": \"plan\", \"dataType\": \"string\", \"allowedValues\": [\"free\", \"enterprise\"]}]";
    NeverApplies = "W004", "A policy whose condition can never hold.", "allow a { action any resource any when env.hour > 20 AND env.hour < 6 }";
    DuplicatePolicy = "W005", "A policy that says the same as another.", "allow a { action any resource any when has(token.sub) }\nallow b { action any resource any when has(token.sub) }";
    UnusedLet = "W006", "A `let` that nothing uses.", "let early = env.hour < 9";
    ShadowedPolicy = "W007", "A policy that makes no difference beside a wider one.", "allow a { action any resource any when has(token.sub) }\nallow b { action \"read\" resource any when has(token.sub) }";
    AbsentTurnsOn = "W008", "A deny that applies to everybody who lacks a trait.", "deny a { action any resource any when user.traits.suspended == true }";
    DeadRoute = "W009", "A route to something that no policy allows.", "route GET \"/a\" => \"read\" on \"a\"";
    OddRule = "W010", "A profiling rule whose condition is not what was meant, most likely.", "";
    LookAlike = "W011", "Two names that readers take for one.", "allow a { action \"export\" resource any when has(token.sub) }\nallow b { action \"Export\" resource any when has(token.acr) }";
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
