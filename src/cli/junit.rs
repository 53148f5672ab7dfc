//! The outcomes of policy tests as JUnit XML, which continuous integration reads.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::test::{Row, Suite};

/// One suite for each tenant, one case for each expectation.
pub(super) fn xml(suites: &[Suite]) -> anyhow::Result<String> {
    let mut report = Report::new("sidegate test");
    for Suite { folder, outcomes, .. } in suites {
        let mut suite = TestSuite::new(folder.as_str());
        for Row { test, expected, file, line, wrong, explanation } in outcomes {
            let status = match wrong {
                None => TestCaseStatus::success(),
                Some(wrong) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(wrong.as_str());
                    status.set_description(format!("{file}:{line}\n{}", explanation.as_deref().unwrap_or_default()));
                    status
                }
            };
            let mut case = TestCase::new(format!("{test}: {expected}"), status);
            case.set_classname(file.as_str());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}
