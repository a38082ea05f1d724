//! What is computed of many records: how many there are, and sums, means and the like of a column.

use super::column::{Column, ColumnType, Columns};
use super::query::invalid;
use crate::db::sql::Writer;
use crate::kernel::error::ApiResult;

/// More than anybody compares at once.
pub const MOST_MEASURES: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Count,
    Distinct,
    Sum,
    Avg,
    Min,
    Max,
    Median,
    Stddev,
}

impl Function {
    pub const ALL: [(&str, Self); 8] = [
        ("count", Self::Count),
        ("distinct", Self::Distinct),
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("median", Self::Median),
        ("stddev", Self::Stddev),
    ];

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, function)| *function == self);
        found.map_or("", |(word, _)| word)
    }

    /// Whether it can be computed of a column of the type.
    fn takes(self, kind: ColumnType) -> bool {
        match self {
            Self::Count => true,
            Self::Distinct => kind != ColumnType::Json,
            Self::Sum | Self::Avg | Self::Median | Self::Stddev => kind.is_number(),
            Self::Min | Self::Max => !matches!(
                kind,
                ColumnType::Bool | ColumnType::Json | ColumnType::IntRange
            ),
        }
    }
}

/// Something that is computed, and what the answer calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    pub name: String,
    pub function: Function,
    /// What the database calls the column; `None` counts records.
    stored: Option<String>,
    pub kind: ColumnType,
}

/// Reads `avg:income,count`.
pub fn measures(columns: &Columns, text: &str) -> ApiResult<Vec<Measure>> {
    let measures: Vec<Measure> = text
        .split(',')
        .map(|part| measure(columns, part))
        .collect::<ApiResult<_>>()?;
    if measures.len() > MOST_MEASURES {
        return Err(invalid("measures", "there are more than 20"));
    }
    for (at, measure) in measures.iter().enumerate() {
        if measures
            .iter()
            .take(at)
            .any(|other| other.name == measure.name)
        {
            return Err(invalid("measures", "one is there twice"));
        }
    }
    Ok(measures)
}

fn measure(columns: &Columns, text: &str) -> ApiResult<Measure> {
    let (word, field) = match text.split_once(':') {
        Some((word, field)) => (word, Some(field)),
        None => (text, None),
    };
    let found = Function::ALL.iter().find(|(known, _)| *known == word);
    let Some((_, function)) = found else {
        let words = Function::ALL.map(|(word, _)| word).join(", ");
        return Err(invalid(
            "measures",
            &format!("expected function:field, where the function is one of {words}; or count"),
        ));
    };
    let Some(field) = field else {
        if *function != Function::Count {
            return Err(invalid(
                "measures",
                &format!("{word} needs a field: {word}:field"),
            ));
        }
        return Ok(Measure {
            name: "count".to_owned(),
            function: *function,
            stored: None,
            kind: ColumnType::Int,
        });
    };
    let (Column { kind, .. }, stored) = columns
        .find(field)
        .ok_or_else(|| invalid("measures", &format!("there is no field {field:?}")))?;
    if !function.takes(*kind) {
        return Err(invalid(
            "measures",
            &format!(
                "{word} cannot be computed of columns of type {}",
                kind.as_str()
            ),
        ));
    }
    Ok(Measure {
        name: format!("{word}_{field}"),
        function: *function,
        stored: Some(stored),
        kind: *kind,
    })
}

impl Measure {
    /// The name of a measure of the field whose name is not needed, as `compare` calls it.
    pub fn of(columns: &Columns, place: usize, function: Function) -> Option<Self> {
        let column = columns.0.get(place)?;
        Some(Self {
            name: format!("{}_{}", function.word(), column.field),
            function,
            stored: Some(super::column::stored(place)),
            kind: column.kind,
        })
    }

    /// Whether its value is a number, and not a time or a text.
    pub fn is_number(&self) -> bool {
        !matches!(self.function, Function::Min | Function::Max) || self.kind.is_number()
    }

    /// Whether its value is exact, and so a text in JSON where the column's is.
    fn is_exact(&self) -> bool {
        let is_wide = matches!(self.kind, ColumnType::Bigint | ColumnType::Decimal);
        match self.function {
            Function::Sum => is_wide || self.kind == ColumnType::Int,
            Function::Min | Function::Max => is_wide,
            _ => false,
        }
    }

    /// Writes its value. What is computed of floating-point numbers is rounded as they are; means
    /// are floating-point numbers of exact sums.
    pub fn write(&self, sql: &mut Writer<'_>) {
        let Some(stored) = &self.stored else {
            sql.text("count(*)");
            return;
        };
        let (before, after) = match self.function {
            Function::Count => ("count(", ")"),
            Function::Distinct => ("count(DISTINCT ", ")"),
            Function::Sum => ("sum(", ")"),
            Function::Avg => ("avg(", ")::double precision"),
            Function::Min => ("min(", ")"),
            Function::Max => ("max(", ")"),
            Function::Median => (
                "percentile_cont(0.5) WITHIN GROUP (ORDER BY ",
                "::double precision)",
            ),
            Function::Stddev => ("stddev_samp(", ")::double precision"),
        };
        sql.text(before).ident(stored).text(after);
    }

    /// Writes its value as JSON shows it.
    pub fn show(&self, sql: &mut Writer<'_>) {
        let is_time = self.kind == ColumnType::Timestamp
            && matches!(self.function, Function::Min | Function::Max);
        if is_time {
            self.write(sql.text("to_char("));
            sql.text(" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
            return;
        }
        self.write(sql);
        if self.is_exact() {
            sql.text("::text");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::column::of_file;

    #[test]
    fn a_measure_is_a_function_of_a_field_that_has_it() {
        let columns = of_file([
            ("year".to_owned(), ColumnType::Int),
            ("name".to_owned(), ColumnType::Text),
        ]);
        let read = measures(&columns, "count,avg:year,max:name,distinct:name").unwrap();
        let names: Vec<_> = read.iter().map(|measure| measure.name.as_str()).collect();
        assert_eq!(names, ["count", "avg_year", "max_name", "distinct_name"]);
        for bad in [
            "",
            "avg",
            "avg:",
            "avg:name",
            "mode:year",
            "sum:none",
            "count,count",
        ] {
            let error = measures(&columns, bad).unwrap_err();
            assert!(error.detail.starts_with("measures: "), "{}", error.detail);
        }
        let many = vec!["avg:year"; 30].join(",");
        assert!(measures(&columns, &many).is_err());
    }
}
