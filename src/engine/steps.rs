//! Steps of evaluations, counted in tests only: the tests hold the worst cases to the limits that are set for them.

/// One step was taken: a node was evaluated, two values were compared, a part of a pattern was looked for.
#[inline]
pub(super) fn step() {
    #[cfg(test)]
    tests::TAKEN.set(tests::TAKEN.get().saturating_add(1));
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local!(pub(super) static TAKEN: Cell<u64> = const { Cell::new(0) });

    /// How many steps something takes, and what comes of it.
    pub(in super::super) fn counted<T>(run: impl FnOnce() -> T) -> (T, u64) {
        TAKEN.set(0);
        let outcome = run();
        (outcome, TAKEN.get())
    }
}
