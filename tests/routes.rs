//! `sidegate routes`: what a request is. The cases are in `tests/routes`.

use serde_json::Value;

use crate::support::{root, run, sidegate};

#[test]
fn requests_are_what_the_best_route_says() {
    let cases = std::fs::read_to_string(root().join("tests/routes/requests.txt")).unwrap();
    let mut count = 0;
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let (request, expected) = line.split_once(" => ").unwrap();
        let (method, url) = request.trim().split_once(' ').unwrap();
        let mut command = sidegate();
        command.arg("routes").arg(root().join("tests/routes")).args([method, url.trim(), "--json"]);
        let (output, out, err) = run(&mut command);
        let found = match output.status.code() {
            Some(0) => {
                let answer: Value = serde_json::from_str(&out).unwrap();
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let resource = &answer["resource"];
                format!("{} {} {}", text(&answer["action"]), text(&resource["type"]), text(&resource["id"]))
            }
            Some(2) if err.contains("read it differently") || err.contains("starts with no /") => "refused".to_owned(),
            other => panic!("{request}: {other:?} {err}"),
        };
        assert_eq!(found, expected, "{request}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[test]
fn routes_are_listed_and_shown_for_people() {
    let routes = || {
        let mut command = sidegate();
        command.arg("routes").arg("tests/routes").current_dir(root());
        command
    };
    let (_, out, _) = run(&mut routes());
    assert!(out.starts_with("GET       / => \"home\" on \"page\"  (tests/routes/shop.policy:2:17)\n"), "{out}");
    assert!(out.ends_with("14 routes\n"), "{out}");
    let (_, out, _) = run(routes().arg("--json"));
    let rows: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&rows[5]["methods"][1], &rows[5]["id"]), (&Value::from("POST"), &Value::from("id")));
    let (_, out, _) = run(routes().args(["GET", "/items/7/parts/2"]));
    let shown = "\"read\" on \"part\" \"2\"\n  env.route.id = \"7\"\n  env.route.part = \"2\"\n  by the route at \
                 tests/routes/shop.policy:8:17\n";
    assert_eq!(out, shown);
    let (output, ..) = run(routes().arg("GET"));
    assert_eq!(output.status.code(), Some(2), "a method without a URL");
}
