//! The three kinds of plots. Each draws itself below the top of its frame and says where it ends.

use super::svg::{Anchor, Svg, cut, width};
use super::{Axis, Category, Frame, Histogram, LABEL, Lines, class, extent, shown};

const HEIGHT: f64 = 240.0;
/// The widest label of a category.
const WIDEST: f64 = 200.0;
/// So many points of a line have a dot each.
const MOST_DOTS: usize = 60;

impl Frame {
    fn nothing(&self, svg: &mut Svg) -> f64 {
        svg.text(
            (self.left, self.top + 16.0),
            "tick",
            Anchor::Start,
            "no values",
        );
        self.top + 24.0
    }

    pub(super) fn bars(&self, svg: &mut Svg, all: &[Category], series: &[String]) -> f64 {
        let bars = || all.iter().flat_map(|category| &category.bars);
        if all.is_empty() {
            return self.nothing(svg);
        }
        let values = || bars().filter_map(|bar| bar.value);
        let has_negative = values().any(|value| value < 0.0);
        let names = all.iter().map(|category| width(&category.name, LABEL));
        let room = names.fold(0.0, f64::max).min(WIDEST);
        let of = |is_negative: bool| {
            let labels = bars().filter(|bar| (bar.value.unwrap_or(0.0) < 0.0) == is_negative);
            let widest = labels.map(|bar| width(&bar.label, LABEL));
            widest.fold(0.0, f64::max) + 8.0
        };
        let left = self.left + room + 8.0 + if has_negative { of(true) } else { 0.0 };
        let right = self.right - of(false);
        let Some(axis) = Axis::of_values(values(), true) else {
            return self.nothing(svg);
        };
        let axis = axis.over(left, right);
        let many = all.iter().map(|category| category.bars.len()).max();
        let thick = if many.unwrap_or(1) > 1 { 14.0 } else { 18.0 };
        let heights = all
            .iter()
            .map(|category| lines(category.bars.len(), thick) + 8.0);
        let bottom = self.top + heights.sum::<f64>() + 4.0;
        self.ticks_below(svg, &axis, bottom);
        let mut top = self.top + 6.0;
        let zero = axis.place(0.0);
        for category in all {
            let height = lines(category.bars.len(), thick);
            let name = cut(&category.name, LABEL, WIDEST);
            let middle = top + height / 2.0 + 4.0;
            svg.text((self.left + room, middle), "label", Anchor::End, &name);
            for (at, bar) in category.bars.iter().enumerate() {
                let line = top + lines(at, thick);
                let tip = match series.get(at).filter(|_| series.len() > 1) {
                    Some(series) => format!("{}, {series}: {}", category.name, bar.label),
                    None => format!("{}: {}", category.name, bar.label),
                };
                let end = axis.place(bar.value.unwrap_or(0.0));
                let (from, to) = (zero.min(end), zero.max(end));
                let text = (line + thick / 2.0 + 4.0, &bar.label);
                match bar.value {
                    Some(value) => {
                        let size = ((to - from).max(1.0), thick - 1.0);
                        svg.rect(&class("f", at), (from, line), size, Some(&tip));
                        match value < 0.0 {
                            true => svg.text((from - 5.0, text.0), "value", Anchor::End, text.1),
                            false => svg.text((to + 5.0, text.0), "value", Anchor::Start, text.1),
                        }
                    }
                    None => svg.text((zero + 5.0, text.0), "tick", Anchor::Start, text.1),
                }
            }
            top += height + 8.0;
        }
        svg.line("axis", (zero, self.top), (zero, bottom));
        bottom + 20.0
    }

    pub(super) fn lines(&self, svg: &mut Svg, lines: &Lines, series: &[String]) -> f64 {
        let points = || lines.points.iter().flatten();
        let (Some(y), Some((first, last))) = (
            Axis::of_values(points().map(|(_, y)| *y), false),
            extent(points().map(|(x, _)| *x)),
        ) else {
            return self.nothing(svg);
        };
        let bottom = self.top + HEIGHT;
        let y = y.over(bottom, self.top + 6.0);
        let left = self.left + y.widest() + 8.0;
        self.ticks_beside(svg, &y, left);
        let x = Axis::between(lines.scale, first, last, 8).over(left + 8.0, self.right - 24.0);
        self.labels_below(svg, &x, bottom);
        svg.line("axis", (left, bottom), (self.right, bottom));
        for (at, points) in lines.points.iter().enumerate() {
            let places: Vec<_> = points
                .iter()
                .map(|(px, py)| (x.place(*px), y.place(*py)))
                .collect();
            svg.path(&format!("line {}", class("l", at)), &places);
            if points.len() > MOST_DOTS {
                continue;
            }
            for ((px, py), place) in points.iter().zip(places) {
                let mut tip = format!("{}: {}", exact(lines, *px), shown(*py));
                if let Some(series) = series.get(at).filter(|_| series.len() > 1) {
                    tip = format!("{series}, {tip}");
                }
                svg.dot(&class("f", at), place, &tip);
            }
        }
        bottom + 22.0
    }

    pub(super) fn histogram(&self, svg: &mut Svg, histogram: &Histogram) -> f64 {
        let parts = &histogram.parts;
        let counts = parts.iter().map(|part| part.2);
        let (Some(first), Some(last), Some(y)) =
            (parts.first(), parts.last(), Axis::of_values(counts, true))
        else {
            return self.nothing(svg);
        };
        let bottom = self.top + HEIGHT;
        let y = y.over(bottom, self.top + 6.0);
        let left = self.left + y.widest() + 8.0;
        self.ticks_beside(svg, &y, left);
        let scale = histogram.scale;
        let x = Axis::between(scale, first.0, last.1, 8).over(left + 8.0, self.right - 24.0);
        for (from, to, count) in parts {
            let (begin, end, top) = (x.place(*from), x.place(*to), y.place(*count));
            let edge = |place: f64| match scale.shown(place) {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            let tip = format!("{} to {}: {}", edge(*from), edge(*to), shown(*count));
            let size = ((end - begin - 1.0).max(0.5), bottom - top);
            svg.rect("f0", (begin, top), size, Some(&tip));
        }
        self.labels_below(svg, &x, bottom);
        svg.line("axis", (left, bottom), (self.right, bottom));
        bottom + 22.0
    }

    /// Lines from below, each with its number.
    fn ticks_below(&self, svg: &mut Svg, axis: &Axis, bottom: f64) {
        for (place, _) in axis.ticks() {
            svg.line("grid", (place, self.top), (place, bottom));
        }
        self.labels_below(svg, axis, bottom);
    }

    /// As many labels as do not touch each other.
    fn labels_below(&self, svg: &mut Svg, axis: &Axis, bottom: f64) {
        let mut free = f64::NEG_INFINITY;
        for (place, label) in axis.ticks() {
            let half = width(&label, LABEL) / 2.0;
            // A label at the edge moves inwards.
            let middle = place.min(self.right - half).max(self.left + half);
            if middle - half < free {
                continue;
            }
            svg.text((middle, bottom + 16.0), "tick", Anchor::Middle, &label);
            free = middle + half + 8.0;
        }
    }

    fn ticks_beside(&self, svg: &mut Svg, axis: &Axis, left: f64) {
        for (place, label) in axis.ticks() {
            svg.line("grid", (left, place), (self.right, place));
            svg.text((left - 6.0, place + 4.0), "tick", Anchor::End, &label);
        }
    }
}

/// How high so many bars are.
fn lines(count: usize, thick: f64) -> f64 {
    u32::try_from(count).map_or(0.0, |count| f64::from(count) * thick)
}

/// A place on the lower axis as records show it.
fn exact(lines: &Lines, place: f64) -> String {
    match lines.scale.shown(place) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}
