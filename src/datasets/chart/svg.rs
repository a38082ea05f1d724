//! Writes SVG: shapes with classes, and texts of which nothing is markup.

use std::fmt::Write as _;

/// A picture under way.
#[derive(Default)]
pub struct Svg(String);

/// Where a text stands by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// Markup of our own.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// An element with attributes that are ours or numbers; `inside` is what people read.
    fn element(&mut self, name: &str, attributes: &[(&str, String)], inside: Option<&str>) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            // Writing into a text does not fail.
            let _ = write!(self.0, " {attribute}=\"{value}\"");
        }
        match inside {
            Some(text) => {
                self.0.push('>');
                self.0.push_str(text);
                let _ = writeln!(self.0, "</{name}>");
            }
            None => self.0.push_str("/>\n"),
        }
    }

    pub fn open(&mut self, width: f64, height: f64) {
        let _ = writeln!(
            self.0,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"title desc\" \
             class=\"chart\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">",
            point(width),
            point(height)
        );
    }

    /// `title` or `desc`, which programs read aloud.
    pub fn say(&mut self, name: &str, text: &str) {
        self.element(name, &[("id", name.to_owned())], Some(&escaped(text)));
    }

    pub fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: Anchor, text: &str) {
        let mut attributes = vec![
            ("class", class.to_owned()),
            ("x", point(x)),
            ("y", point(y)),
        ];
        match anchor {
            Anchor::Start => {}
            Anchor::Middle => attributes.push(("text-anchor", "middle".to_owned())),
            Anchor::End => attributes.push(("text-anchor", "end".to_owned())),
        }
        self.element("text", &attributes, Some(&escaped(text)));
    }

    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let attributes = [
            ("class", class.to_owned()),
            ("x1", point(from.0)),
            ("y1", point(from.1)),
            ("x2", point(to.0)),
            ("y2", point(to.1)),
        ];
        self.element("line", &attributes, None);
    }

    /// With what is shown to who points at it.
    pub fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64), tip: Option<&str>) {
        let attributes = [
            ("class", class.to_owned()),
            ("x", point(at.0)),
            ("y", point(at.1)),
            ("width", point(size.0.max(0.0))),
            ("height", point(size.1.max(0.0))),
        ];
        self.element("rect", &attributes, tip.map(tooltip).as_deref());
    }

    pub fn dot(&mut self, class: &str, at: (f64, f64), tip: &str) {
        let attributes = [
            ("class", class.to_owned()),
            ("cx", point(at.0)),
            ("cy", point(at.1)),
            ("r", "3".to_owned()),
        ];
        self.element("circle", &attributes, Some(&tooltip(tip)));
    }

    pub fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{},{}", point(*x), point(*y)))
            .collect();
        let attributes = [("class", class.to_owned()), ("points", points.join(" "))];
        self.element("polyline", &attributes, None);
    }

    /// What another has drawn.
    pub fn append(&mut self, other: Self) {
        self.0.push_str(&other.0);
    }

    pub fn close(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn tooltip(text: &str) -> String {
    format!("<title>{}</title>", escaped(text))
}

/// A tenth of a pixel is fine enough.
fn point(number: f64) -> String {
    let text = format!("{number:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// A text without markup, and without what XML has no place for.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// About how wide a text is in the usual fonts, where its letters are so large.
pub fn width(text: &str, size: f64) -> f64 {
    // Fonts differ, and a label that has room to spare looks better than one that has too little.
    text.chars().map(letter).sum::<f64>() * size * 1.06
}

fn letter(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.29,
        ' ' | 'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' => 0.37,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        'A'..='Z' => 0.7,
        '\u{300}'..='\u{36f}' => 0.0,
        '\u{1100}'.. => 1.05,
        _ => 0.58,
    }
}

/// The beginning of a text that is no wider, with an ellipsis where something is missing.
pub fn cut(text: &str, size: f64, most: f64) -> String {
    // However long it is, no more of it could be shown.
    let text: String = text.chars().take(500).collect();
    if width(&text, size) <= most {
        return text;
    }
    let mut used = size;
    let kept = text.chars().take_while(|c| {
        used += width(c.encode_utf8(&mut [0; 4]), size);
        used <= most
    });
    let kept: String = kept.collect();
    format!("{}\u{2026}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        let mut svg = Svg::default();
        svg.text(
            (1.0, 2.25),
            "label",
            Anchor::End,
            "</text><script>\"&'\u{0}\u{1b}\u{ffff}\n",
        );
        assert_eq!(
            svg.0,
            "<text class=\"label\" x=\"1\" y=\"2.2\" text-anchor=\"end\">&lt;/text&gt;&lt;script&gt;\
             &quot;&amp;&#39;\u{fffd}\u{fffd}\u{fffd} </text>\n"
        );
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(cut("short", 12.0, 100.0), "short");
        let long = cut(&"long and longer ".repeat(100), 12.0, 100.0);
        assert!(
            long.ends_with('\u{2026}') && width(&long, 12.0) <= 112.0,
            "{long}"
        );
        assert_eq!(
            cut("\u{65e5}\u{672c}\u{8a9e}", 12.0, 30.0),
            "\u{65e5}\u{2026}"
        );
    }
}
