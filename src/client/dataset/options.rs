//! How a file is to be read, as the API's parameters of an import have it. The service judges them.

use clap::Args;

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Options {
    /// What becomes of the records that are there [default: append]
    #[arg(long, value_name = "MODE", value_parser = ["append", "replace", "upsert"])]
    pub(super) mode: Option<String>,
    /// Check the file only, and load nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What becomes of the import when a record cannot be taken: nothing is loaded, or all others
    /// are [default: abort]
    #[arg(long, value_name = "WHAT", value_parser = ["abort", "skip"])]
    pub(super) on_error: Option<String>,
    /// What the change is for, which the version shows
    #[arg(long, value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// What stands between two fields of CSV: a character, or the word tab [default: a comma; a tab
    /// for .tsv]
    #[arg(long, value_name = "CHARACTER")]
    pub(super) delimiter: Option<String>,
    /// Texts that mean that there is no value, with commas between them, such as NA,null
    #[arg(long, value_name = "WORDS")]
    pub(super) null_words: Option<String>,
    /// How many rows at the beginning of the file to leave out
    #[arg(long, value_name = "N")]
    pub(super) skip_rows: Option<String>,
    /// The row after those that names the columns, counted from 1; 0 where none does
    #[arg(long, value_name = "N")]
    pub(super) header_row: Option<String>,
    /// The names of the columns of the file, in order, with commas between them; - leaves one out
    #[arg(long, value_name = "NAMES")]
    pub(super) columns: Option<String>,
    /// A row whose only text matches begins a section: its first group, or else the whole text, is
    /// the value of the column in the rows below. Can be given more than once
    #[arg(long, value_name = "COLUMN:REGEX")]
    pub(super) section_column: Vec<String>,
    /// A row whose first text matches is left out
    #[arg(long, value_name = "REGEX")]
    pub(super) skip_if: Option<String>,
    /// What matches is removed from the texts of the column before they are read. Can be given more
    /// than once
    #[arg(long, value_name = "COLUMN:REGEX")]
    pub(super) strip: Vec<String>,
    /// A column that has the same value in all records. Can be given more than once
    #[arg(long, value_name = "COLUMN:VALUE")]
    pub(super) set: Vec<String>,
    /// What a column is to be, where the dataset has no columns yet and its type would be guessed:
    /// text, int, bigint, float64, decimal, bool, date, timestamp, int_range or json. Can be given
    /// more than once
    #[arg(long = "column-type", value_name = "COLUMN:TYPE")]
    pub(super) types: Vec<String>,
    /// The sheet of a workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
}

impl Options {
    /// As the query of a request.
    pub(super) fn query(self) -> String {
        let Self {
            mode,
            dry_run,
            on_error,
            message,
            delimiter,
            null_words,
            skip_rows,
            header_row,
            columns,
            section_column,
            skip_if,
            strip,
            set,
            types,
            sheet,
        } = self;
        let once = [
            ("mode", mode),
            ("dry_run", dry_run.then(|| "true".to_owned())),
            ("on_error", on_error),
            ("message", message),
            ("delimiter", delimiter),
            ("null_words", null_words),
            ("skip_rows", skip_rows),
            ("header_row", header_row),
            ("columns", columns),
            ("skip_if", skip_if),
            ("sheet", sheet),
        ];
        let often = [
            ("section_column", section_column),
            ("strip", strip),
            ("set", set),
            ("type", types),
        ];
        let once = once
            .into_iter()
            .map(|(name, value)| (name, Vec::from_iter(value)));
        let pairs: Vec<(&str, String)> = once
            .chain(often)
            .flat_map(|(name, values)| values.into_iter().map(move |value| (name, value)))
            .collect();
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_sent() {
        assert_eq!(Options::default().query(), "");
        let options = Options {
            mode: Some("replace".to_owned()),
            dry_run: true,
            strip: vec!["a:\\d+ &".to_owned(), "b:x".to_owned()],
            ..Options::default()
        };
        let query = "mode=replace&dry_run=true&strip=a%3A%5Cd%2B+%26&strip=b%3Ax";
        assert_eq!(options.query(), query);
    }
}
