//! All that led to a decision, for those who ask.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::{self, Candidate, Explanation, Nearest, Program, Reveal, Unknown};
use crate::model::{Facts, Query};

/// All that led to a decision.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Derivation<'t> {
    /// All policies of the winning effect that apply.
    pub policies: Vec<&'t str>,
    /// What made the condition of a candidate unknown.
    pub unknowns: Vec<Unknown<'t>>,
    /// The policies that speak of the action and the type of the resource.
    pub candidates: Vec<Candidate<'t>>,
    /// How many more of them there are.
    pub more_candidates: usize,
    /// The single fact that would turn the outcome, if there is one.
    pub nearest: Option<Nearest<'t>>,
}

impl<'t> Derivation<'t> {
    pub(super) fn new(program: &'t Program, query: &Query<'_>, facts: &Facts<'_>, reveal: Reveal) -> Self {
        let Explanation { policies, mut unknowns, mut candidates, more_candidates, .. } =
            engine::explain(program, query, facts, reveal);
        // Where the tenant's folder is on the server is none of the caller's business.
        let files = unknowns.iter_mut().map(|unknown| &mut unknown.file);
        for file in files.chain(candidates.iter_mut().map(|candidate| &mut candidate.file)) {
            *file = file.rsplit(['/', '\\']).next().unwrap_or(file);
        }
        let nearest = engine::nearest(program, query, facts);
        Self { policies, unknowns, candidates, more_candidates, nearest }
    }
}
