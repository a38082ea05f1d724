//! Columns of texts, aligned by how wide they show. On a terminal they are made to fit it.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::super::output::plain;

const GAP: &str = "  ";
/// No column gets narrower than a time, and ids are not cut, since nobody could use them then.
const LEAST: usize = 20;
const WHOLE: &str = "ID";

pub(super) fn table(head: Vec<String>, rows: Vec<Vec<String>>, fit: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(rows)
        .map(|row| row.iter().map(|cell| plain(cell)).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let mut widths = vec![0; columns];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    if let (Some(fit), Some(head)) = (fit, rows.first()) {
        shrink(&mut widths, head, fit);
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell = cut(cell, *width);
            let rest = width.saturating_sub(cell.width());
            line.push_str(&cell);
            line.push_str(&" ".repeat(rest));
            line.push_str(GAP);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Takes from the widest, until all fit or none can give any more.
fn shrink(widths: &mut [usize], head: &[String], fit: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(fit);
    while over > 0 {
        let all = widths.iter_mut().zip(head);
        let cuttable = all.filter(|(width, head)| **width > LEAST && *head != WHOLE);
        let Some((widest, _)) = cuttable.max_by_key(|(width, _)| **width) else {
            break;
        };
        *widest -= 1;
        over -= 1;
    }
}

fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let (mut cut, mut taken) = (String::new(), 0);
    for c in cell.chars() {
        taken += c.width().unwrap_or(0);
        // One is for the dots.
        if taken >= width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// One thing: a line for each member, and more where a text has them.
pub(super) fn details(rows: Vec<(String, String)>) -> String {
    let widths = rows.iter().map(|(head, _)| head.width());
    let width = widths.max().unwrap_or_default();
    let mut text = String::new();
    for (head, value) in rows {
        let mut head = head;
        for line in value.split('\n') {
            let rest = width.saturating_sub(head.width());
            let line = format!("{head}{}{GAP}{}", " ".repeat(rest), plain(line));
            text.push_str(line.trim_end());
            text.push('\n');
            head = String::new();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_stand_where_they_show_and_nothing_moves_the_cursor() {
        let head = texts(&["NAME", "ROLE"]);
        let rows = vec![
            texts(&["日本", "owner"]),
            texts(&["a\u{1b}[2J\tb", "viewer"]),
            texts(&["", ""]),
        ];
        let expected = "NAME           ROLE\n\
            日本           owner\n\
            a\\u{1b}[2J\\tb  viewer\n\
            \n";
        assert_eq!(table(head, rows, None), expected);
    }

    #[test]
    fn a_terminal_is_not_overrun_unless_an_id_would_be_cut() {
        let id = "0123456789-0123456789-0123";
        let rows = vec![texts(&["abcdefghijklmnopqrstuvwxyz", id, "short"])];
        let shown = |fit| {
            let head = texts(&["NAME", "ID", "ROLE"]);
            let shown = table(head, rows.clone(), Some(fit));
            shown.lines().last().unwrap().to_owned()
        };
        assert_eq!(
            shown(61),
            format!("abcdefghijklmnopqrstuvwxyz  {id}  short")
        );
        assert_eq!(shown(59), format!("abcdefghijklmnopqrstuvw…  {id}  short"));
        assert_eq!(shown(1), format!("abcdefghijklmnopqrs…  {id}  short"));
    }

    #[test]
    fn one_thing_is_a_line_for_each_member() {
        let rows = vec![
            ("TITLE".to_owned(), "Hello".to_owned()),
            ("TEXT".to_owned(), "one\ntwo\u{9b}".to_owned()),
        ];
        assert_eq!(
            details(rows),
            "TITLE  Hello\nTEXT   one\n       two\\u{9b}\n"
        );
    }
}
