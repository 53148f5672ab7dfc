//! Many rows with few statements.

use sqlx::AssertSqlSafe;

use super::Result;
use super::sql::{Argument, Tx, either};

/// How many rows go with one statement. Few sizes make few statements, each prepared once; ten columns of the largest
/// are a thousand placeholders, and the databases take some 32,000.
const SIZES: [usize; 3] = [100, 10, 1];

/// Where rows go. The parts are ours, and never hold a value.
pub(super) struct Into<'a> {
    /// The table.
    pub(super) table: &'a str,
    /// Its columns, with commas.
    pub(super) columns: &'a str,
    /// What to do with a row that is there already.
    pub(super) then: &'a str,
}

/// Inserts rows, each with a value for every column.
pub(super) async fn insert(tx: &mut Tx, into: &Into<'_>, rows: Vec<Vec<Argument<'_>>>) -> Result<()> {
    let mut rows = rows.into_iter();
    for size in SIZES {
        while rows.len() >= size {
            let some: Vec<_> = rows.by_ref().take(size).collect();
            insert_at_once(tx, into, some).await?;
        }
    }
    Ok(())
}

async fn insert_at_once(tx: &mut Tx, into: &Into<'_>, rows: Vec<Vec<Argument<'_>>>) -> Result<()> {
    let Into { table, columns, then } = into;
    // SQLite looks for the name of a placeholder among all of them, for each of them: without names, it does not. (That
    // was more than half of what an import took.)
    let unnamed = |row: &Vec<Argument<'_>>| format!("({})", vec!["?"; row.len()].join(", "));
    let tuples = rows.iter().map(unnamed).collect::<Vec<_>>().join(", ");
    let sqlite = format!("INSERT INTO {table} ({columns}) VALUES {tuples} {then}");
    let mut places = 1..;
    let numbered = |row: &Vec<Argument<'_>>| {
        let places: Vec<String> = places.by_ref().take(row.len()).map(|place: usize| format!("${place}")).collect();
        format!("({})", places.join(", "))
    };
    let tuples = rows.iter().map(numbered).collect::<Vec<_>>().join(", ");
    // Numbers that PostgreSQL would give by itself are given here, too, when a backup has them.
    let postgres = format!("INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE VALUES {tuples} {then}");
    let statement = either(AssertSqlSafe(sqlite), AssertSqlSafe(postgres));
    rows.into_iter().flatten().fold(statement, |statement, argument| statement.bind(argument)).execute(tx).await?;
    Ok(())
}
