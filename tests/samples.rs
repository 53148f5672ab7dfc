//! The tenants under `policies/`, from which readers learn: nothing to be said against them, and nothing untested.

use std::path::PathBuf;

use http::Method;
use serde_json::json;

use crate::support::{Setup, root, run, sidegate};

fn samples() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root().join("policies")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[test]
fn samples_are_clean_formatted_and_covered() {
    let names: Vec<_> = samples().iter().map(|folder| folder.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["acme", "bank", "clinic", "media"]);
    for folder in samples() {
        for file in ["tenant.json", "traits.json", "profiling.json", "routes.policy"] {
            assert!(folder.join(file).is_file(), "{} has no {file}", folder.display());
        }
        for command in [&["check", "--deny-warnings"][..], &["fmt", "--check"], &["test", "--require-coverage"]] {
            let (output, out, err) = run(sidegate().args(command).arg(&folder));
            assert!(output.status.success(), "{command:?} {}: {out}{err}", folder.display());
        }
        let (_, out, _) = run(sidegate().arg("routes").arg(&folder));
        assert!(out.contains("=>"), "{out}");
    }
}

#[test]
fn samples_are_served_with_their_rules_and_definitions() {
    let server = Setup::sample().start();
    let admin = server.admin();
    for folder in samples() {
        let tenant = folder.file_name().unwrap().to_str().unwrap();
        let rules = format!("/t/{tenant}/api/v1/profiling/rules");
        let shown = admin.get(&rules);
        assert!(shown.status == 200 && shown.json().to_string().contains("\"title\""), "{tenant}: {shown:?}");
        let refused = admin.json(Method::PUT, &rules, &json!([]));
        assert!(
            refused.status == 409 && refused.json().to_string().contains("profiling.json"),
            "{tenant}: {refused:?}"
        );
        let definition = json!({"slug": "other", "dataType": "string"});
        let refused = admin.json(Method::PUT, &format!("/t/{tenant}/api/v1/abac/attributes/other"), &definition);
        assert!(refused.status == 409 && refused.json().to_string().contains("traits.json"), "{tenant}: {refused:?}");
    }
}
