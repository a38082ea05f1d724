//! The columns of a table, declared once for reading and writing.

/// A row and what writes it, as `row!` declares them.
pub trait Row {
    /// The SQL types of the columns.
    type Columns;
    /// The name of each column, in order, and the expression of one that the table does not have.
    const COLUMNS: &'static [(&'static str, Option<&'static str>)];
    /// Those that requests write.
    const WRITTEN: &'static [&'static str];
}

/// Declares a row, the body that makes one and the patch that changes one.
///
/// A column has its Rust type and `as` its SQL type. `= ".."` is the expression of one that the
/// table does not have; `=> Type` says that requests write it, with the attributes that it has in
/// the body. In the patch it is wrapped by the type in parentheses; it cannot be null.
macro_rules! row {
    (
        $(#[$row:meta])*
        pub struct $name:ident {$(
            $(#[$attribute:meta])*
            pub $column:ident: $type:ty as $sql:ty
                $(= $computed:literal)?
                $(=> $(#[$given:meta])* $written:ident)?,
        )+}

        $(#[$create:meta])*
        pub struct $new:ident { .., $($more:tt)* }

        $(#[$update:meta])*
        pub struct $changes:ident($change:ident);
    ) => {
        $(#[$row])*
        #[derive(diesel::Queryable)]
        pub struct $name {
            $($(#[$attribute])* pub $column: $type,)+
        }

        impl $crate::db::row::Row for $name {
            type Columns = ($($sql,)+);
            const COLUMNS: &'static [(&'static str, Option<&'static str>)] = &[
                $((stringify!($column), $crate::db::row::row!(@computed $($computed)?)),)+
            ];
            const WRITTEN: &'static [&'static str] =
                &[$($($crate::db::row::row!(@name $column $written),)?)+];
        }

        $(#[$create])*
        pub struct $new {
            $($($(#[$given])* $column: $written,)?)+
            $($more)*
        }

        $(#[$update])*
        pub struct $changes {
            $($(
                #[serde(default)]
                #[schema(value_type = $written, required = false)]
                $column: $change<$written>,
            )?)+
        }

        impl $new {
            /// Gives the value of each column that requests write, by its name.
            pub fn bind<'v>(&'v self, sql: &mut $crate::db::sql::Writer<'v>) {
                $($(sql.bind::<$sql, &$written>(stringify!($column), &self.$column);)?)+
            }
        }

        impl $changes {
            /// Does the same; the value of one that stays as it is is null.
            pub fn bind<'v>(&'v self, sql: &mut $crate::db::sql::Writer<'v>) {
                $($(sql.bind::<diesel::sql_types::Nullable<$sql>, Option<&$written>>(
                    stringify!($column),
                    self.$column.value(),
                );)?)+
            }

            /// What they are about.
            pub fn names(&self) -> Vec<&'static str> {
                let given = [$($(
                    (stringify!($column), $change::<$written>::value(&self.$column).is_some()),
                )?)+];
                let given = given.into_iter().filter(|(_, is_given)| *is_given);
                given.map(|(name, _)| name).collect()
            }
        }
    };
    (@computed) => { None };
    (@computed $computed:literal) => { Some($computed) };
    (@name $column:ident $written:ident) => { stringify!($column) };
}

pub(crate) use row;
