//! Pictures of numbers, as SVG that stands alone: bars, lines and histograms with axes, labels and
//! a legend. Their looks are classes of one style, which knows dark screens and paper.

mod plots;
pub mod svg;

use self::svg::{Anchor, Svg, cut, width};
use super::scale::{Rounds, Scale, number};

pub const WIDTH: f64 = 720.0;
const MARGIN: f64 = 16.0;
/// Sizes of letters.
const TITLE: f64 = 16.0;
const SUBTITLE: f64 = 13.0;
const LABEL: f64 = 12.0;
/// The colours that can be told apart.
pub const MOST_SERIES: usize = 8;
/// More categories are not drawn.
pub const MOST_CATEGORIES: usize = 60;

/// The colours of the series are those of Okabe and Ito, whom people of all kinds of sight can tell
/// apart; the last is grey.
pub const STYLE: &str = "\
.chart{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;color-scheme:light dark}\
.ground{fill:#fff}.title{font-size:16px;font-weight:600;fill:#1b1f24}.subtitle{font-size:13px;font-weight:600;fill:#1b1f24}\
.label,.value{fill:#1b1f24}.tick,.note{fill:#57606a}.note{font-size:11px}\
.grid{stroke:#d8dee4;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}\
.line{fill:none;stroke-width:2;stroke-linejoin:round}\
.f0{fill:#0072b2}.f1{fill:#e69f00}.f2{fill:#009e73}.f3{fill:#cc79a7}.f4{fill:#56b4e9}.f5{fill:#d55e00}.f6{fill:#7d5ba6}.f7{fill:#8c959f}\
.l0{stroke:#0072b2}.l1{stroke:#e69f00}.l2{stroke:#009e73}.l3{stroke:#cc79a7}.l4{stroke:#56b4e9}.l5{stroke:#d55e00}.l6{stroke:#7d5ba6}.l7{stroke:#8c959f}\
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}.title,.subtitle,.label,.value{fill:#e6edf3}.tick,.note{fill:#9198a1}\
.grid{stroke:#30363d}.axis{stroke:#9198a1}.f0{fill:#4aa3df}.l0{stroke:#4aa3df}.f2{fill:#2fbf93}.l2{stroke:#2fbf93}.f6{fill:#a78bda}.l6{stroke:#a78bda}}\
@media print{.ground{fill:#fff}.title,.subtitle,.label,.value{fill:#000}.tick,.note{fill:#333}.grid{stroke:#ccc}.axis{stroke:#333}}";

/// A picture: panels below each other.
pub struct Chart {
    pub title: String,
    /// What it shows, for who cannot see it.
    pub about: String,
    /// The names of the series, which all panels share; a single one has no legend.
    pub series: Vec<String>,
    pub panels: Vec<Panel>,
    /// What stands below.
    pub notes: Vec<String>,
}

pub struct Panel {
    pub title: String,
    pub plot: Plot,
}

pub enum Plot {
    /// Bars from left to right, for each category one of every series.
    Bars(Vec<Category>),
    Lines(Lines),
    /// Bars from below that touch each other.
    Histogram(Histogram),
}

pub struct Category {
    pub name: String,
    pub bars: Vec<Bar>,
}

pub struct Bar {
    pub value: Option<f64>,
    /// What stands beside it; why there is no value, where there is none.
    pub label: String,
}

pub struct Lines {
    pub scale: Scale,
    /// The places of each series from left to right, and how high it is there.
    pub points: Vec<Vec<(f64, f64)>>,
}

pub struct Histogram {
    pub scale: Scale,
    /// Where each part begins and ends, and how high it is.
    pub parts: Vec<(f64, f64, f64)>,
}

impl Bar {
    pub fn new(value: f64) -> Self {
        Self {
            value: Some(value),
            label: shown(value),
        }
    }
}

/// A value with the digits that people compare it by.
pub fn shown(value: f64) -> String {
    let digits = match value.abs() {
        _ if value.fract() == 0.0 => 0,
        100.0.. => 1,
        1.0.. => 2,
        0.001.. => 4,
        _ => 13,
    };
    number(value, digits)
}

/// A part of the picture that is drawn, in which a plot has its place.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
}

impl Chart {
    pub fn svg(&self) -> String {
        let mut inner = Svg::default();
        let mut top = MARGIN + TITLE;
        let room = WIDTH - 2.0 * MARGIN;
        inner.text(
            (MARGIN, top),
            "title",
            Anchor::Start,
            &cut(&self.title, TITLE * 1.05, room),
        );
        top += 12.0;
        top = self.legend(&mut inner, top);
        for panel in &self.panels {
            top += 10.0 + SUBTITLE;
            let title = cut(&panel.title, SUBTITLE * 1.05, room);
            inner.text((MARGIN, top), "subtitle", Anchor::Start, &title);
            top += 10.0;
            let frame = Frame {
                left: MARGIN,
                right: WIDTH - MARGIN,
                top,
            };
            top = match &panel.plot {
                Plot::Bars(categories) => frame.bars(&mut inner, categories, &self.series),
                Plot::Lines(lines) => frame.lines(&mut inner, lines, &self.series),
                Plot::Histogram(histogram) => frame.histogram(&mut inner, histogram),
            };
        }
        for note in &self.notes {
            top += 16.0;
            inner.text((MARGIN, top), "note", Anchor::Start, &cut(note, 11.0, room));
        }
        let height = top + MARGIN;
        let mut svg = Svg::default();
        svg.open(WIDTH, height);
        svg.say("title", &self.title);
        svg.say("desc", &self.about);
        svg.raw("<style>").raw(STYLE).raw("</style>\n");
        svg.rect("ground", (0.0, 0.0), (WIDTH, height), None);
        svg.append(inner);
        svg.close()
    }

    /// The names of the series with their colours, in as many lines as they need.
    fn legend(&self, svg: &mut Svg, top: f64) -> f64 {
        if self.series.len() < 2 {
            return top;
        }
        let (mut left, mut line) = (MARGIN, top + LABEL + 4.0);
        for (at, name) in self.series.iter().enumerate() {
            let name = cut(name, LABEL, 240.0);
            let needed = 16.0 + width(&name, LABEL) + 18.0;
            if left > MARGIN && left + needed > WIDTH - MARGIN {
                (left, line) = (MARGIN, line + 18.0);
            }
            svg.rect(&class("f", at), (left, line - 10.0), (11.0, 11.0), None);
            svg.text((left + 16.0, line), "label", Anchor::Start, &name);
            left += needed;
        }
        line + 4.0
    }
}

/// The class of a series: `f` fills, `l` draws a line.
fn class(kind: &str, series: usize) -> String {
    format!("{kind}{}", series % MOST_SERIES)
}

/// The places of an axis that has all values, and how to get from a value to a place in the
/// picture.
struct Axis {
    scale: Scale,
    rounds: Rounds,
    from: f64,
    to: f64,
    begin: f64,
    end: f64,
    /// Numbers such as years have no commas.
    is_plain: bool,
}

impl Axis {
    /// An axis from zero, or from the values, to the next round place on either side.
    fn of_values(values: impl Iterator<Item = f64> + Clone, has_zero: bool) -> Option<Self> {
        let zero = has_zero.then_some(0.0);
        let (from, to) = extent(values.clone().chain(zero))?;
        let (from, to) = match from < to {
            true => (from, to),
            false => (from - 0.5, to + 0.5),
        };
        // Between whole numbers there are none.
        let is_whole = values.clone().all(|value| value.fract() == 0.0);
        let scale = if is_whole {
            Scale::Whole
        } else {
            Scale::Number
        };
        let mut rounds = scale.rounds(from, to, 5);
        // The last place but one is enough where the values end there.
        if rounds
            .at
            .iter()
            .rev()
            .nth(1)
            .is_some_and(|last| *last >= to)
        {
            rounds.at.pop();
        }
        let (from, to) = match (rounds.at.first(), rounds.at.last()) {
            (Some(first), Some(last)) if first < last => (*first, *last),
            _ => (from, to),
        };
        Some(Self {
            scale,
            rounds,
            from,
            to,
            begin: 0.0,
            end: 0.0,
            is_plain: false,
        })
    }

    /// An axis that begins and ends with the values, with ticks at the round places between.
    fn between(scale: Scale, from: f64, to: f64, parts: u32) -> Self {
        let mut rounds = scale.rounds(from, to, parts);
        rounds.at.retain(|at| (from..=to).contains(at));
        let (from, to) = match from < to {
            true => (from, to),
            false => (from - 0.5, to + 0.5),
        };
        let is_plain = scale == Scale::Whole && rounds.at.iter().all(|at| at.abs() < 1e4);
        Self {
            scale,
            rounds,
            from,
            to,
            begin: 0.0,
            end: 0.0,
            is_plain,
        }
    }

    fn over(mut self, begin: f64, end: f64) -> Self {
        (self.begin, self.end) = (begin, end);
        self
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value - self.from) / (self.to - self.from);
        self.begin + share * (self.end - self.begin)
    }

    /// Each tick with its label.
    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let ticks = self.rounds.at.iter();
        ticks.map(|at| {
            let label = self.scale.label(&self.rounds, *at);
            match self.is_plain {
                true => (self.place(*at), label.replace(',', "")),
                false => (self.place(*at), label),
            }
        })
    }

    fn widest(&self) -> f64 {
        let widths = self.ticks().map(|(_, label)| width(&label, LABEL));
        widths.fold(0.0, f64::max)
    }
}

/// The least and the largest.
fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |extent, value| match extent {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

#[cfg(test)]
mod tests;
