//! Statements that are written as SQL, for what diesel's builder has no words for.
//!
//! A text names its values (`:me`) and each value is given by its name and SQL type, so nothing
//! depends on an order. A name is one parameter however often the text uses it. A value that is
//! missing, given twice or not used is an error of the statement and never another statement.
//!
//! A text is `'static`, so no value becomes part of one. The same calls make the same text, by
//! which diesel finds the statement that it has prepared.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{Error, QueryResult};
use diesel::serialize::ToSql;
use diesel::sql_types::HasSqlType;

/// PostgreSQL cuts what is longer, so that two names become one.
const LONGEST_IDENTIFIER: usize = 63;

type Fragment<'v> = Box<dyn QueryFragment<Pg> + Send + 'v>;
type Name = Cow<'static, str>;

/// Writes a statement.
#[derive(Default)]
pub struct Writer<'v> {
    text: String,
    values: Vec<(Name, Fragment<'v>)>,
    mistake: Option<String>,
}

impl<'v> Writer<'v> {
    pub fn text(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub fn texts(&mut self, texts: &[&'static str]) -> &mut Self {
        texts.iter().for_each(|text| self.text.push_str(text));
        self
    }

    /// Writes a list, with commas between what `write` makes of each.
    pub fn each<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) -> &mut Self {
        for (place, item) in items.into_iter().enumerate() {
            self.text(if place == 0 { "" } else { ", " });
            write(self, item);
        }
        self
    }

    /// Writes a name that is not known before: whatever it is, it stays one identifier.
    pub fn ident(&mut self, name: &str) -> &mut Self {
        if name.is_empty() || name.len() > LONGEST_IDENTIFIER || name.contains('\0') {
            self.mistake = Some(format!("{name:?} cannot be the name of anything"));
        }
        self.text.push('"');
        self.text.push_str(&name.replace('"', "\"\""));
        self.text.push('"');
        self
    }

    /// Writes a text as a constant, for statements that take no values, such as those that make
    /// tables: whatever it says, it stays one.
    pub fn literal(&mut self, text: &str) -> &mut Self {
        if text.contains('\0') {
            self.mistake = Some("no constant has U+0000 in it".to_owned());
        }
        // Where a server takes backslashes for escapes, this says that they are.
        let has_escapes = text.contains('\\');
        self.text.push_str(if has_escapes { " E'" } else { "'" });
        let escaped = text.replace('\\', "\\\\").replace('\'', "''");
        self.text.push_str(&escaped);
        self.text.push('\'');
        self
    }

    /// Gives the value of `:name`.
    pub fn bind<T, V>(&mut self, name: &'static str, value: V) -> &mut Self
    where
        T: 'v,
        V: ToSql<T, Pg> + Send + 'v,
        Pg: HasSqlType<T>,
    {
        let value = Box::new(Bound(value, PhantomData));
        self.values.push((Cow::Borrowed(name), value));
        self
    }

    /// Writes a value where it is used, for texts that have as many as a request brings.
    pub fn value<T, V>(&mut self, value: V) -> &mut Self
    where
        T: 'v,
        V: ToSql<T, Pg> + Send + 'v,
        Pg: HasSqlType<T>,
    {
        let name = format!("value_{}", self.values.len());
        self.text.push(':');
        self.text.push_str(&name);
        let value = Box::new(Bound(value, PhantomData));
        self.values.push((Cow::Owned(name), value));
        self
    }

    /// The text of statements without values, for what takes none: those that make tables, `COPY`.
    pub fn plain(&mut self) -> Result<String, String> {
        let Self {
            text,
            values,
            mistake,
        } = std::mem::take(self);
        match (mistake, values.first()) {
            (Some(mistake), _) => Err(mistake),
            (None, Some((name, _))) => Err(format!("`:{name}` cannot have a value in: {text}")),
            (None, None) => Ok(text),
        }
    }

    /// The statement, whose rows have columns of the types `C`.
    pub fn statement<C>(&mut self) -> Statement<'v, C> {
        let Self {
            text,
            values,
            mistake,
        } = std::mem::take(self);
        Statement {
            written: match mistake {
                Some(mistake) => Err(mistake),
                None => numbered(&text, values),
            },
            columns: PhantomData,
        }
    }
}

/// The pieces of the text, each with the value that comes after it; after the last one comes none.
type Written<'v> = (Vec<(String, Fragment<'v>)>, String);

/// A parameter has the number of its first use. There diesel writes it, with the value.
fn numbered<'v>(text: &str, mut values: Vec<(Name, Fragment<'v>)>) -> Result<Written<'v>, String> {
    let (mut pieces, mut piece) = (Vec::new(), String::with_capacity(text.len()));
    let mut numbers: Vec<Name> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find([':', '\'', '"']) {
        let (before, from) = rest.split_at(at);
        piece.push_str(before);
        let (token, after) = from.split_at(token(from));
        rest = after;
        let Some(name) = token.strip_prefix(':').filter(|name| {
            // Else it is a cast or a slice of an array.
            name.starts_with(|c: char| c.is_ascii_lowercase())
        }) else {
            piece.push_str(token);
            continue;
        };
        if let Some(place) = numbers.iter().position(|known| known == name) {
            piece.push_str(&format!("${}", place + 1));
            continue;
        }
        let Some(place) = values.iter().position(|(given, _)| given == name) else {
            return Err(format!("`:{name}` has no value in: {text}"));
        };
        let (name, value) = values.swap_remove(place);
        numbers.push(name);
        pieces.push((std::mem::take(&mut piece), value));
    }
    piece.push_str(rest);
    match values.first() {
        None => Ok((pieces, piece)),
        Some((name, _)) if numbers.contains(name) => {
            Err(format!("`:{name}` has two values in: {text}"))
        }
        Some((name, _)) => Err(format!("`:{name}` is not used in: {text}")),
    }
}

/// How long the quotation, cast or name is that `text` begins with.
fn token(text: &str) -> usize {
    let after = text.get(1..).unwrap_or_default();
    match text.chars().next() {
        Some(':') if after.starts_with(':') => 2,
        Some(':') => {
            let end = after.find(|c: char| !(c == '_' || c.is_ascii_alphanumeric()));
            1 + end.unwrap_or(after.len())
        }
        // Two quotes within a quotation end one and begin the next.
        Some(quote) => after.find(quote).map_or(text.len(), |at| at + 2),
        None => 0,
    }
}

struct Bound<T, V>(V, PhantomData<fn() -> T>);

impl<T, V: ToSql<T, Pg>> QueryFragment<Pg> for Bound<T, V>
where
    Pg: HasSqlType<T>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<T, V>(&self.0)
    }
}

/// A statement that has been written. Where it is part of a longer one it comes first, since its
/// parameters have their numbers.
pub struct Statement<'v, C> {
    written: Result<Written<'v>, String>,
    columns: PhantomData<fn() -> C>,
}

impl<C> Query for Statement<'_, C> {
    type SqlType = C;
}

// The text alone identifies the statement.
impl<C> QueryId for Statement<'_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> QueryFragment<Pg> for Statement<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (pieces, last) = match &self.written {
            Ok(written) => written,
            Err(mistake) => return Err(Error::QueryBuilderError(mistake.clone().into())),
        };
        for (text, value) in pieces {
            out.push_sql(text);
            value.walk_ast(out.reborrow())?;
        }
        out.push_sql(last);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use diesel::pg::PgQueryBuilder;
    use diesel::query_builder::QueryBuilder as _;
    use diesel::sql_types::{BigInt, Nullable, Text};

    use super::*;

    /// The text as PostgreSQL gets it, and the binds as diesel shows them.
    fn made(write: impl for<'v> FnOnce(&mut Writer<'v>)) -> Result<(String, String), String> {
        let mut sql = Writer::default();
        write(&mut sql);
        let statement = sql.statement::<BigInt>();
        let mut builder = PgQueryBuilder::default();
        let written = statement.to_sql(&mut builder, &Pg);
        written.map_err(|error| error.to_string())?;
        let shown = diesel::debug_query::<Pg, _>(&statement).to_string();
        let (_, binds) = shown.rsplit_once(" -- binds: ").unwrap();
        Ok((builder.finish(), binds.to_owned()))
    }

    #[test]
    fn a_name_is_one_parameter_and_the_order_of_the_values_is_nothing() {
        let expected = "SELECT $1::regconfig, $2 WHERE a = $2 AND b = $1 AND c = $3 AND me_too";
        for turned in [false, true] {
            let (text, binds) = made(|sql| {
                let first = |sql: &mut Writer<'_>| {
                    sql.bind::<Text, _>("language", "de");
                };
                if !turned {
                    first(sql);
                }
                sql.text("SELECT :language::regconfig, :me WHERE a = :me");
                sql.bind::<Nullable<BigInt>, _>("me", Some(7_i64));
                sql.text(" AND b = :language AND c = ")
                    .value::<BigInt, _>(9_i64);
                sql.text(" AND me_too");
                if turned {
                    first(sql);
                }
            })
            .unwrap();
            assert_eq!(text, expected);
            assert_eq!(binds, r#"["de", Some(7), 9]"#);
        }
    }

    /// Eleven names: `$1` is not the beginning of `$11`, nor `:a` of `:ab`.
    #[test]
    fn names_are_told_apart_however_many_there_are() {
        const NAMES: [&str; 11] = ["a", "ab", "a_b", "b", "c", "d", "e", "f", "g", "h", "i1"];
        let (text, binds) = made(|sql| {
            sql.each(NAMES, |sql, name| {
                sql.texts(&[":", name, " + :", name]);
            });
            for (value, name) in (0_i64..).zip(NAMES).collect::<Vec<_>>().into_iter().rev() {
                sql.bind::<BigInt, _>(name, value);
            }
        })
        .unwrap();
        let expected: Vec<_> = (1..=11).map(|n| format!("${n} + ${n}")).collect();
        assert_eq!(text, expected.join(", "));
        assert_eq!(binds, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]");
    }

    #[test]
    fn a_value_that_is_missing_unused_or_given_twice_is_an_error() {
        let given = |sql: &mut Writer<'_>| {
            sql.bind::<BigInt, _>("me", 1_i64);
        };
        let missing = made(|sql| given(sql.text("SELECT :me, :you")));
        assert_eq!(
            missing.unwrap_err(),
            "`:you` has no value in: SELECT :me, :you"
        );
        for unused in [
            "SELECT 1",
            "SELECT ':me', \":me\", a::me, a[1:2]",
            "SELECT :mean",
        ] {
            let error = made(|sql| {
                given(sql.text(unused));
                if unused.contains("mean") {
                    sql.bind::<BigInt, _>("mean", 2_i64);
                }
            });
            assert_eq!(
                error.unwrap_err(),
                format!("`:me` is not used in: {unused}")
            );
        }
        let twice = made(|sql| {
            given(sql.text("SELECT :me"));
            given(sql);
        });
        assert_eq!(twice.unwrap_err(), "`:me` has two values in: SELECT :me");
    }

    #[test]
    fn what_is_quoted_names_no_value() {
        let text = "SELECT ':a', 'it''s :a', \":a\" || a::text || b[1:2] || ':";
        assert_eq!(made(|sql| _ = sql.text(text)).unwrap().0, text);
    }

    #[test]
    fn an_identifier_is_one_whatever_it_says() {
        for (name, expected) in [
            ("c1", r#""c1""#),
            ("Group By", r#""Group By""#),
            (
                r#"a"; DROP TABLE posts; --"#,
                r#""a""; DROP TABLE posts; --""#,
            ),
            (r#"":me"#, r#"""":me""#),
            ("it's", r#""it's""#),
            ("$1", r#""$1""#),
        ] {
            let (text, binds) = made(|sql| {
                sql.text("SELECT ").ident(name).text(", :me");
                sql.bind::<BigInt, _>("me", 1_i64);
            })
            .unwrap();
            assert_eq!(text, format!("SELECT {expected}, $1"));
            assert_eq!(binds, "[1]");
        }
        let longest = "\u{e9}".repeat(31);
        for (name, is_one) in [
            ("", false),
            ("a\0b", false),
            (longest.as_str(), true),
            (&format!("{longest}ab"), false),
        ] {
            assert_eq!(made(|sql| _ = sql.ident(name)).is_ok(), is_one, "{name:?}");
        }
    }

    #[test]
    fn a_constant_is_one_whatever_it_says() {
        for (text, expected) in [
            ("", "''"),
            ("it's :me $1", "'it''s :me $1'"),
            ("'; DROP TABLE posts; --", "'''; DROP TABLE posts; --'"),
            (r"a\' OR 1=1", r" E'a\\'' OR 1=1'"),
            ("\"x\" :y", "'\"x\" :y'"),
        ] {
            let plain = Writer::default().text("SELECT ").literal(text).plain();
            assert_eq!(plain.unwrap(), format!("SELECT {expected}"));
            let (text, _) = made(|sql| {
                sql.text("SELECT ").literal(text).text(", :me");
                sql.bind::<BigInt, _>("me", 1_i64);
            })
            .unwrap();
            assert_eq!(text, format!("SELECT {expected}, $1"));
        }
        let bad = Writer::default().literal("a\0b").plain();
        assert!(bad.is_err());
    }
}
