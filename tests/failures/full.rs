//! No room on the database's disk: what is stored is read, and what would need room is refused.

use crate::support::Setup;
use crate::support::postgres::Postgres;

use super::{LARGE, SMALL, Scene, on_a_disk, unavailable};

const WHY: &str = "is full";

/// Reads and decides, whatever cannot be written.
fn reads(scene: &Scene) {
    assert!(scene.may("alice") && scene.may_cold() && !scene.may("nobody"));
    assert_eq!(scene.admin.get("/t/acme/api/v1/users/alice").status, 200);
    assert_eq!(scene.admin.get("/t/acme/api/v1/audit/verify").json()["valid"], true);
}

#[test]
fn sqlite_on_a_full_disk_refuses_and_goes_on_once_there_is_room() {
    let (setup, disk) = on_a_disk();
    let scene = Scene::start(setup);
    for _ in 0..2 {
        disk.fill();
        assert_eq!(scene.exhaust(), Vec::<String>::new());
        scene.refuses(&LARGE, WHY);
        scene.refuses(&SMALL, WHY);
        unavailable("a sign-in", &scene.sign_in(), WHY);
        reads(&scene);
        disk.mend();
        // A second time, with what the first has left behind.
        scene.admin.set("alice", "note", "between".into());
    }
    scene.has_healed(&[], &[LARGE, SMALL].concat());
    assert_eq!(scene.sign_in().status, 303);
}

#[test]
fn postgres_on_a_full_disk_refuses_and_goes_on_once_there_is_room() {
    let (_postgres, disk, url) = Postgres::start_on_a_disk();
    let scene = Scene::start(Setup::new().on(url));
    disk.fill();
    let acknowledged = scene.exhaust();
    scene.refuses(&LARGE, WHY);
    reads(&scene);
    disk.mend();
    scene.has_healed(&acknowledged, &[LARGE, SMALL].concat());
}
