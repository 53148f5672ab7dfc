//! Where something stands in a text.

use super::SourceId;

/// A stretch of bytes of one source, end exclusive. Sources are at most a megabyte, so 32 bits are plenty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// As a range that slices the source.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A span in one of several sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Site {
    /// The source.
    pub source: SourceId,
    /// The place in it.
    pub span: Span,
}

impl Site {
    /// Whether another site lies within this one.
    #[must_use]
    pub fn contains(self, other: Site) -> bool {
        let (outer, inner) = (self.span, other.span);
        self.source == other.source && outer.start <= inner.start && inner.end <= outer.end
    }
}
