//! News that the change feed has grown, from the database itself. They only say that there is something to read: one that
//! gets lost costs time, and nothing else.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::sql::{Pool, STATEMENT};
use super::{Result, Store, StoreError};

/// The channel of PostgreSQL's `NOTIFY`.
const CHANNEL: &str = "sidegate_changes";

/// How often a connection without news is asked whether it is one.
const SILENCE: Duration = Duration::from_secs(10);

/// News, as long as their connection lasts.
pub struct News(PgListener);

impl Store {
    /// Listens for news; `None` for SQLite, which has none.
    ///
    /// # Errors
    /// The database's.
    pub async fn news(&self) -> Result<Option<News>> {
        let Pool::Postgres(pool) = &self.reader else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(News(listener)))
    }
}

impl News {
    /// Waits for the next. After a connection was lost, whatever was missed is news, too.
    ///
    /// # Errors
    /// The database's, when there is no connection any more.
    pub async fn next(&mut self) -> Result<()> {
        loop {
            match tokio::time::timeout(SILENCE, self.0.try_recv()).await {
                Ok(news) => return Ok(news.map(drop)?),
                Err(_) => {
                    let asked = sqlx::query("SELECT 1").execute(&mut self.0);
                    tokio::time::timeout(STATEMENT, asked).await.map_err(|_| StoreError::TimedOut)??;
                }
            }
        }
    }
}
