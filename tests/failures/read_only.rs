//! A database that takes no writes: a disk that the system mounts read-only once it fails, a standby after a failover.

use crate::support::Setup;
use crate::support::postgres::Postgres;

use super::{LARGE, SMALL, Scene, on_a_disk, unavailable};

const WHY: &str = "read-only";

#[test]
fn sqlite_on_a_read_only_disk_is_read_and_written_again_once_it_can_be() {
    let (setup, disk) = on_a_disk();
    let scene = Scene::start(setup);
    disk.protect();
    // The first finds out with a connection that could write, the others get those that never could.
    for _ in 0..2 {
        scene.refuses(&[LARGE, SMALL].concat(), WHY);
        unavailable("a sign-in", &scene.sign_in(), WHY);
        assert!(scene.may("alice") && scene.may_cold() && !scene.may("nobody"));
        assert_eq!(scene.admin.get("/t/acme/api/v1/users/alice").status, 200);
    }
    disk.mend();
    scene.has_healed(&[], &[LARGE, SMALL].concat());
    assert_eq!(scene.sign_in().status, 303);
}

#[test]
fn postgres_that_is_a_standby_is_read_and_written_again_once_it_is_none() {
    let url = Postgres::shared().database();
    let scene = Scene::start(Setup::new().on(url.clone()));
    let name = url.split(['/', '?']).nth(3).unwrap();
    let change = |to: &str| {
        Postgres::shared().execute("postgres", &format!("ALTER DATABASE {name} {to}")).unwrap();
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        Postgres::shared().execute("postgres", &end).unwrap();
    };
    change("SET default_transaction_read_only = on");
    scene.refuses(&[LARGE, SMALL].concat(), WHY);
    unavailable("a sign-in", &scene.sign_in(), WHY);
    assert!(scene.may("alice") && scene.may_cold() && !scene.may("nobody"));
    assert_eq!(scene.admin.get("/t/acme/api/v1/users/alice").status, 200);
    change("RESET default_transaction_read_only");
    scene.has_healed(&[], &[LARGE, SMALL].concat());
    assert_eq!(scene.sign_in().status, 303);
}
