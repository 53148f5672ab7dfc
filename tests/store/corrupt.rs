//! Rows that hold what they cannot hold are refused with their table, column and key; nobody guesses what they meant.

use sidegate::model::{Author, Credential, Scopes, Source, TenantScope};
use sidegate::store::{Report, Store, StoreError, StoredField};

use super::logins::{consent, identity};
use super::resources::{resource, set};
use super::tickets::ticket;
use super::{at, author, change, edit, on_a_store, tenant, text, user};

/// Asks for everything of acme's alice, by every function that reads rows; what was refused.
async fn everything(store: &Store) -> Vec<String> {
    let (acme, alice, admin) = (tenant("acme"), user("alice"), author(Source::Admin, 9));
    let mut refused = Vec::new();
    let mut ask = |function: &str, error: Option<StoreError>| match error {
        None => {}
        Some(StoreError::Corrupt { table, column, row, .. }) => {
            refused.push(format!("{function}: {table}.{column} of {row}"))
        }
        Some(other) => panic!("{function}: {other:?}"),
    };
    ask("tenants", store.tenants().await.err());
    ask("fields", store.fields(&acme, &alice).await.err());
    ask("load_user", store.load_user(&acme, &alice).await.err());
    ask("records_after", store.records_after(&acme, "", 9).await.err());
    ask("load_resource", store.load_resource(&acme, &resource("doc", "7")).await.err());
    ask("audit_before", store.audit_before(&acme, (None, None), i64::MAX, 99).await.err());
    ask("identities", store.identities(&acme, &alice).await.err());
    ask("consents", store.consents(&acme, &alice).await.err());
    ask("prompts", store.prompts(&acme, &alice).await.err());
    ask("prompts_between", store.prompts_between(&acme, "", "z").await.err());
    ask("ticket", store.ticket(&acme, "t").await.err());
    ask("list_tokens", store.list_tokens(None, "", 9).await.err());
    ask("find_token", store.find_token(b"hash").await.err());
    // A write of one who is not as they should be is refused, too: what it did would be a guess.
    let write = |_: &[StoredField]| Ok::<_, StoreError>(vec![change("fresh", Some(text("x")))]);
    ask("edit_fields", store.edit_fields(&acme, &alice, &Author { at: at(9), ..admin }, write).await.err());
    refused
}

#[test]
fn a_corrupt_row_is_named_by_whoever_reads_it() {
    let cases: [(&str, &[&str]); 18] = [
        (
            "UPDATE fields SET value = 'no JSON' WHERE slug = 'plan'",
            &[
                "fields: fields.value of acme/alice/plan",
                "load_user: fields.value of acme/alice/plan",
                "records_after: fields.value of acme/alice/plan",
                "edit_fields: fields.value of acme/alice/plan",
            ],
        ),
        (
            "UPDATE fields SET bag = 'trait'",
            &[
                "fields: fields.bag of acme/alice/plan",
                "load_user: fields.bag of acme/alice/plan",
                "records_after: fields.bag of acme/alice/plan",
                "edit_fields: fields.bag of acme/alice/plan",
            ],
        ),
        (
            "UPDATE fields SET source = 'User'",
            &[
                "fields: fields.source of acme/alice/plan",
                "load_user: fields.source of acme/alice/plan",
                "records_after: fields.source of acme/alice/plan",
                "edit_fields: fields.source of acme/alice/plan",
            ],
        ),
        (
            "UPDATE fields SET slug = 'No Slug'",
            &[
                "fields: fields.slug of acme/alice/No Slug",
                "load_user: fields.slug of acme/alice/No Slug",
                "records_after: fields.slug of acme/alice/No Slug",
                "edit_fields: fields.slug of acme/alice/No Slug",
            ],
        ),
        (
            "UPDATE fields SET updated_at = 'yesterday'",
            &["fields: fields.updated_at of acme/alice/plan", "edit_fields: fields.updated_at of acme/alice/plan"],
        ),
        (
            "UPDATE logins SET at = ''",
            &[
                "load_user: logins.at of acme/alice",
                "records_after: logins.at of acme/alice",
                "edit_fields: logins.at of acme/alice",
            ],
        ),
        ("UPDATE resources SET attributes = '['", &["load_resource: resources.attributes of acme/doc/7"]),
        ("UPDATE resources SET attributes = '[]'", &["load_resource: resources.attributes of acme/doc/7"]),
        ("UPDATE audit SET at = 'x' WHERE seq = 1", &["audit_before: audit.at of acme/1"]),
        ("UPDATE audit SET source = 'x' WHERE seq = 1", &["audit_before: audit.source of acme/1"]),
        ("UPDATE audit SET before = 'x' WHERE seq = 1", &["audit_before: audit.before of acme/1"]),
        ("UPDATE audit SET after = 'x' WHERE seq = 1", &["audit_before: audit.after of acme/1"]),
        ("UPDATE identities SET linked_at = 'x'", &["identities: identities.linked_at of acme/github/7"]),
        ("UPDATE consents SET withdrawn_at = 'x'", &["consents: consents.withdrawn_at of acme/alice/news"]),
        (
            "INSERT INTO prompts (tenant, user_id, rule, snoozed_until) VALUES ('acme', 'alice', 'r1', 'x')",
            &[
                "prompts: prompts.snoozed_until of acme/alice/r1",
                "prompts_between: prompts.snoozed_until of acme/alice/r1",
            ],
        ),
        ("UPDATE tickets SET expires_at = 'x'", &["ticket: tickets.expires_at of acme/t"]),
        (
            "UPDATE tokens SET scopes = 'everything'",
            &["list_tokens: tokens.scopes of s", "find_token: tokens.scopes of s"],
        ),
        (
            "INSERT INTO tenants (id, revision, created_at) VALUES ('NO TENANT', 0, '')",
            &["tenants: tenants.id of NO TENANT"],
        ),
    ];
    for (statement, expected) in cases {
        on_a_store(async |store, database| {
            let (acme, alice) = (tenant("acme"), user("alice"));
            edit(store, &acme, &alice, &[change("plan", Some(text("pro")))]).await;
            set(store, &acme, &resource("doc", "7"), Some("{}")).await;
            let report = Report {
                login_id: "l1",
                identities: vec![identity("github", "7")],
                consents: vec![consent("news", "1", None)],
                ..Report::default()
            };
            store.report_login(&acme, &alice, &report, &author(Source::Idp, 2)).await.unwrap();
            store.insert_ticket(&acme, &ticket("t", "l1"), at(0)).await.unwrap();
            let credential = Credential {
                id: "s".to_owned(),
                tenant: TenantScope::Instance,
                scopes: Scopes::parse("decide").unwrap(),
                expires_at: None,
            };
            store.insert_token(&credential, "", b"hash", &author(Source::Admin, 1)).await.unwrap();
            database.execute(statement).await;
            assert_eq!(everything(store).await, expected, "{statement}");
        });
    }
}
