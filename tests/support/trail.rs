//! The audit trail, read as the story of what is stored.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Client;

/// What an audit trail says is stored: values by user and field, and attributes of resources under no user.
pub type Story = BTreeMap<(String, String), Value>;

/// Reads the whole trail of a tenant, and insists that its numbers are 1, 2, 3 ..., and that each entry goes on from what
/// the one before it left.
pub fn story(admin: &Client, tenant: &str) -> Story {
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/t/{tenant}/api/v1/audit?limit=500{cursor}")).json();
        entries.extend(page["entries"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    entries.reverse();
    let mut story = Story::new();
    for (place, entry) in entries.iter().enumerate() {
        assert_eq!(entry["seq"], place as u64 + 1, "numbers without gaps or duplicates: {entry}");
        let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
        let (user, action, target) = (text("userId"), text("action"), text("target"));
        match action.as_str() {
            "user.erase" => story.retain(|(of, _), _| *of != user),
            // Of an erased user, the trail says only that there was something.
            _ if target.is_empty() => {}
            "field.set" | "field.delete" | "resource.set" | "resource.delete" => {
                let key = (user, target);
                let before = story.get(&key).cloned().unwrap_or_default();
                assert_eq!(entry.get("before").cloned().unwrap_or_default(), before, "{entry}");
                match entry.get("after") {
                    Some(after) => story.insert(key, after.clone()),
                    None => story.remove(&key),
                };
            }
            _ => {}
        }
    }
    story
}

/// Insists that fields of users and attributes of resources are what the trail says; which users there are is left to it.
pub fn agrees(admin: &Client, tenant: &str) -> Story {
    let story = story(admin, tenant);
    let mut users: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
    for ((user, target), value) in &story {
        if user.is_empty() {
            let stored = admin.get(&format!("/t/{tenant}/api/v1/abac/resources/{target}/attributes"));
            assert_eq!(stored.json()["attributes"], *value, "{target}");
        } else {
            let slug = target.trim_start_matches("traits.");
            users.entry(user).or_default().insert(slug.to_owned(), value.clone());
        }
    }
    for (user, expected) in users {
        let stored = admin.get(&format!("/t/{tenant}/api/v1/abac/users/{user}/attributes"));
        assert_eq!(stored.json()["attributes"], Value::Object(expected), "{user}");
    }
    story
}
