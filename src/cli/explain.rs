//! `sidegate explain CODE`

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use codespan_reporting::term::termcolor::NoColor;

use crate::engine::{RawFile, compile, warnings};
use crate::lang::{Code, render, split_example};

use super::{Usage, show};

/// Explain a finding of `sidegate check`
#[derive(Args)]
pub(super) struct Explain {
    /// Its code, such as E014
    code: String,
}

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode> {
        let wanted = self.code.to_ascii_uppercase();
        let Some(code) = Code::ALL.iter().find(|code| code.as_str() == wanted) else {
            let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
            return Err(Usage(format!("there is no code {}; there are: {}", self.code, known.join(", "))).into());
        };
        show::line(format_args!("{}: {}", code.as_str(), code.meaning()))?;
        let example = split_example(code.example(), "example.policy");
        let raw = |(name, text): (&str, &str)| RawFile { name: name.to_owned(), content: Ok(text.into()) };
        let files: Vec<RawFile> = example.map(raw).collect();
        if !files.is_empty() {
            let mut compiled = compile(files, &Arc::default());
            warnings(&mut compiled);
            compiled.diagnostics.retain(|diagnostic| diagnostic.code == *code);
            let mut text = NoColor::new(Vec::new());
            render(&mut text, &compiled.sources, &compiled.diagnostics)?;
            show::line(format_args!("\nFor example:\n\n{}", String::from_utf8_lossy(text.get_ref()).trim_end()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
