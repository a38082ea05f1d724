//! Migrations that only tests have.

use std::fmt;

use diesel::connection::BoxableConnection;
use diesel::migration::{
    Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion, Result,
};
use diesel::pg::Pg;

pub(super) type Migrations = Vec<Box<dyn Migration<Pg>>>;

pub(super) struct Source(pub fn() -> Migrations);

impl MigrationSource<Pg> for Source {
    fn migrations(&self) -> Result<Migrations> {
        Ok((self.0)())
    }
}

pub(super) struct Step {
    pub version: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub in_transaction: bool,
}

pub(super) fn steps(steps: impl IntoIterator<Item = Step>) -> Migrations {
    let boxed = |step| -> Box<dyn Migration<Pg>> { Box::new(step) };
    steps.into_iter().map(boxed).collect()
}

impl Migration<Pg> for Step {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> Result<()> {
        Ok(connection.batch_execute(self.up)?)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> Result<()> {
        Ok(connection.batch_execute(self.down)?)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

impl MigrationMetadata for Step {
    fn run_in_transaction(&self) -> bool {
        self.in_transaction
    }
}

impl MigrationName for Step {
    fn version(&self) -> MigrationVersion<'_> {
        self.version.into()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version)
    }
}
