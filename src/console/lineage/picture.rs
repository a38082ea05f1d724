//! The picture of a lineage: boxes in columns, what was there first on the left, and curves from
//! each to what came of it.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::{called, kind, page_of};
use crate::console::words::Lang;
use crate::models::lineage::{Lineage, LineageEdge, LineageNode};

const WIDTH: usize = 176;
const HEIGHT: usize = 48;
/// Between two columns, where the words of the curves are.
const ACROSS: usize = 112;
const BETWEEN: usize = 20;
const MARGIN: usize = 8;
/// Letters of a name that a box has room for.
const LETTERS: usize = 20;
/// A version may have been trained on what it has scored, and then no column is the first.
const MOST_COLUMNS: usize = 22;

/// Left and upper edge of a box.
type Corner = (usize, usize);

pub(super) fn draw(lang: Lang, lineage: &Lineage) -> Markup {
    let nodes: Vec<i64> = lineage.nodes.iter().map(|node| node.node).collect();
    let corners = corners(&nodes, &lineage.edges);
    let (right, lower) = corners.values().fold((0, 0), |(right, lower), (x, y)| {
        (right.max(x + WIDTH), lower.max(y + HEIGHT))
    });
    let (width, height) = (right + MARGIN, lower + MARGIN);
    let curves = lineage.edges.iter().filter_map(|edge| {
        let ends = (corners.get(&edge.from)?, corners.get(&edge.to)?);
        Some((ends, kind(lang, edge.kind)))
    });
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.lineage_picture()) {
            svg.lineage width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) }
                fill="currentColor" font-size="14" role="group" aria-label=(lang.lineage_picture()) {
                @for ((from, to), said) in curves { (curve(*from, *to, said)) }
                @for node in &lineage.nodes {
                    @if let Some(corner) = corners.get(&node.node) {
                        (boxed(lang, node, *corner))
                    }
                }
            }
        }
    }
}

/// A box is a way to its page, and what was asked about has a thick line around it.
fn boxed(lang: Lang, node: &LineageNode, (x, y): Corner) -> Markup {
    let (name, what) = called(lang, node);
    let line = if node.node == 1 { "2.5" } else { "1" };
    let content = html! {
        rect x=(x) y=(y) width=(WIDTH) height=(HEIGHT) rx="6" fill-opacity="0.06"
            stroke="currentColor" stroke-width=(line) {
            title { (name) ", " (what) }
        }
        text x=(x + 10) y=(y + 20) { (short(&name)) }
        text x=(x + 10) y=(y + 38) font-size="12" { (what) }
    };
    html! {
        @match page_of(node) {
            Some(page) => a href=(page) fill="currentColor" {
                (content)
            },
            None => (content),
        }
    }
}

fn curve((from_x, from_y): Corner, (to_x, to_y): Corner, said: &str) -> Markup {
    let (x, y) = (from_x + WIDTH, from_y + HEIGHT / 2);
    let (end_x, end_y) = (to_x, to_y + HEIGHT / 2);
    // It leaves and arrives level.
    let bend = ACROSS / 2;
    let path = format!(
        "M{x} {y}C{} {y} {} {end_y} {end_x} {end_y}",
        x + bend,
        end_x.saturating_sub(bend)
    );
    let tip = end_x.saturating_sub(7);
    let tip = format!(
        "{end_x},{end_y} {tip},{} {tip},{}",
        end_y.saturating_sub(4),
        end_y + 4
    );
    html! {
        path d=(path) fill="none" stroke="currentColor" stroke-opacity="0.6" {}
        polygon points=(tip) {}
        text x=((x + end_x) / 2) y=(((y + end_y) / 2).saturating_sub(6)) font-size="12"
            text-anchor="middle" { (said) }
    }
}

/// Where each box is: one column to the right of all that it came from.
fn corners(nodes: &[i64], edges: &[LineageEdge]) -> BTreeMap<i64, Corner> {
    let mut columns: BTreeMap<i64, usize> = nodes.iter().map(|node| (*node, 0)).collect();
    for _ in 0..MOST_COLUMNS {
        let mut is_settled = true;
        for edge in edges {
            let behind = columns.get(&edge.from).map_or(0, |it| it + 1);
            if let Some(column) = columns.get_mut(&edge.to)
                && *column < behind.min(MOST_COLUMNS)
            {
                (*column, is_settled) = (behind.min(MOST_COLUMNS), false);
            }
        }
        if is_settled {
            break;
        }
    }
    // A circle leaves columns without a box.
    let used: BTreeSet<usize> = columns.values().copied().collect();
    let mut corners = BTreeMap::new();
    for (at, column) in used.iter().enumerate() {
        let here = columns.iter().filter(|(_, it)| *it == column);
        for (row, (node, _)) in here.enumerate() {
            let x = MARGIN + at * (WIDTH + ACROSS);
            let y = MARGIN + row * (HEIGHT + BETWEEN);
            corners.insert(*node, (x, y));
        }
    }
    corners
}

fn short(name: &str) -> String {
    match name.chars().count() {
        0..=LETTERS => name.to_owned(),
        _ => name.chars().take(LETTERS - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lineage::LineageKind;

    fn placed(edges: &[(i64, i64)]) -> Vec<(i64, usize)> {
        let edges: Vec<LineageEdge> = edges
            .iter()
            .map(|(from, to)| LineageEdge {
                from: *from,
                to: *to,
                kind: LineageKind::MadeFrom,
                by: None,
                at: None,
            })
            .collect();
        let corners = corners(&[1, 2, 3, 4], &edges);
        let column = |x: usize| (x - MARGIN) / (WIDTH + ACROSS);
        corners
            .into_iter()
            .map(|(node, (x, _))| (node, column(x)))
            .collect()
    }

    #[test]
    fn what_came_of_something_is_to_the_right_of_it() {
        // What was scored, 1, came from data, 2, and from a model, 3, that was trained on the same.
        let all = placed(&[(2, 1), (3, 1), (2, 3), (4, 2)]);
        assert_eq!(all, [(1, 3), (2, 1), (3, 2), (4, 0)]);
        // Two that have no way between them are in different rows.
        let corners = corners(&[1, 2], &[]);
        assert_ne!(corners[&1], corners[&2]);
    }

    #[test]
    fn a_circle_ends() {
        let all = placed(&[(1, 2), (2, 1), (3, 1)]);
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|(_, column)| *column < 4), "{all:?}");
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(short("churn"), "churn");
        let long = short(&"ä".repeat(40));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LETTERS, true));
    }
}
