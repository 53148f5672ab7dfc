//! What is not built here is at least true to what is: the Dockerfile, the README, the scripts.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{root, run, sidegate};

fn dockerfile() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    let joined = text.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn every_path_that_the_image_copies_exists() {
    let lines = dockerfile();
    let copies = lines.iter().filter_map(|line| line.strip_prefix("COPY ")).filter(|rest| !rest.starts_with("--from"));
    let mut seen = 0;
    for copy in copies {
        let words: Vec<&str> = copy.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        for source in &words[..words.len() - 1] {
            assert!(root().join(source).exists(), "COPY {source}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "the build needs Cargo.toml, Cargo.lock, src and grammar");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for bench in manifest.split("[[bench]]\nname = \"").skip(1) {
        let file = format!("benches/{}.rs ", bench.split('"').next().unwrap());
        assert!(lines.iter().any(|line| line.contains(&file)), "Cargo wants {file}");
    }
}

#[test]
fn the_entry_point_and_the_health_check_are_commands_that_there_are() {
    let lines = dockerfile();
    let exec = |keyword: &str| -> Vec<String> {
        let line = lines.iter().find(|line| line.starts_with(keyword)).unwrap_or_else(|| panic!("no {keyword}"));
        serde_json::from_str(&line[line.find('[').unwrap()..]).unwrap()
    };
    let (entry, command) = (exec("ENTRYPOINT"), exec("CMD"));
    assert_eq!(entry, ["/usr/local/bin/sidegate"]);
    assert_eq!(command[0], "serve");
    let (output, _, err) = run(sidegate().args(&command).arg("--help"));
    assert!(output.status.success(), "{err}");
    let health = exec("HEALTHCHECK");
    assert_eq!(health[..2], ["/usr/local/bin/sidegate", "healthy"]);
    let server = crate::support::Server::start();
    let url = format!("http://{}/healthz", server.address);
    let (output, _, err) = run(sidegate().args(["healthy", &url]));
    assert!(output.status.success(), "{err}");
    drop(server);
    assert_eq!(run(sidegate().args(["healthy", &url])).0.status.code(), Some(1));
    assert!(lines.iter().any(|line| line.starts_with("USER ") && !line.contains("root")), "not as root");
}

#[test]
fn scripts_are_sound_and_the_readme_names_what_there_is() {
    for script in ["tests/run", ".ci/run", "fuzz/run"] {
        let (output, _, err) = run(Command::new("bash").arg("-n").arg(root().join(script)));
        assert!(output.status.success(), "{script}: {err}");
    }
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.contains("tests/run"), "CI runs the very command of the README");
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["cargo run --release -- serve", "tests/run"] {
        assert!(readme.contains(command), "{command}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = vec![root().join("README.md"), root().join("fuzz/README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("md") => documents.push(path),
                _ if path.is_dir() => folders.push(path),
                _ => {}
            }
        }
    }
    let mut checked = 0;
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            assert!(target.exists(), "{} links to {link}", document.display());
            if !heading.is_empty() {
                let there = anchors(&std::fs::read_to_string(target).unwrap());
                assert!(there.iter().any(|anchor| anchor == heading), "{} links to {link}", document.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

/// What the headings of a document are called in links to them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn fuzzing_is_built_from_the_versions_that_everything_else_is() {
    let read = |path: &str| -> toml::Table { std::fs::read_to_string(root().join(path)).unwrap().parse().unwrap() };
    let (ours, theirs) = (read("Cargo.lock"), read("fuzz/Cargo.lock"));
    let renew = "fuzz/README.md says how to renew fuzz/Cargo.lock";
    let versions = |lock: &toml::Table| -> BTreeSet<(String, String)> {
        let text = |package: &toml::Value, name: &str| package[name].as_str().unwrap().to_owned();
        let packages = lock["package"].as_array().unwrap().iter();
        packages.map(|package| (text(package, "name"), text(package, "version"))).collect()
    };
    let more: Vec<_> = versions(&theirs).difference(&versions(&ours)).map(|(name, _)| name.clone()).collect();
    assert_eq!(more, ["arbitrary", "libfuzzer-sys", "sidegate-fuzz"], "{renew}");
    let needs = |lock: &toml::Table| -> BTreeSet<String> {
        let mut packages = lock["package"].as_array().unwrap().iter();
        let sidegate = packages.find(|package| package["name"].as_str() == Some("sidegate")).unwrap();
        let needs = sidegate["dependencies"].as_array().unwrap().iter();
        needs.map(|need| need.as_str().unwrap().split(' ').next().unwrap().to_owned()).collect()
    };
    let manifest = read("Cargo.toml");
    let lists = ["dependencies", "build-dependencies"].map(|list| manifest[list].as_table().unwrap());
    let on_some =
        manifest["target"].as_table().unwrap().values().map(|target| target["dependencies"].as_table().unwrap());
    let lists: Vec<&toml::Table> = lists.into_iter().chain(on_some).collect();
    let mut ours = needs(&ours);
    ours.retain(|need| lists.iter().any(|list| list.contains_key(need)));
    assert_eq!(needs(&theirs), ours, "{renew}");
}
