//! The Prometheus text format, read strictly: what it says about families and series, and all that
//! is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) help: String,
    pub(super) labels: BTreeSet<String>,
}

/// Every series, by name and labels.
pub(super) fn series(text: &str) -> BTreeSet<String> {
    samples(text).map(|(series, _)| series.to_owned()).collect()
}

/// The values of all series of one name together.
pub(super) fn sum(text: &str, name: &str) -> f64 {
    samples(text)
        .filter(|(series, _)| series.split('{').next() == Some(name))
        .map(|(_, value)| value.parse::<f64>().unwrap())
        .sum()
}

fn samples(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').unwrap_or((line, "")))
}

/// Families by name, or the first thing that a scraper would refuse.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut seen = BTreeSet::new();
    let mut buckets: BTreeMap<String, f64> = BTreeMap::new();
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in text.lines() {
        let wrong = |what: &str| Err(format!("{what}: {line}"));
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap_or((help, ""));
            if !is_name(name) || help.is_empty() {
                return wrong("no help");
            }
            name.clone_into(&mut current);
            let family = Family {
                help: help.to_owned(),
                ..Family::default()
            };
            if families.insert(current.clone(), family).is_some() {
                return wrong("the family comes twice");
            }
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = kind.split_once(' ') else {
                return wrong("no type");
            };
            if name != current || !["counter", "gauge", "histogram"].contains(&kind) {
                return wrong("a type out of place");
            }
            families.get_mut(name).unwrap().kind = kind.to_owned();
        } else {
            let Some((series, value)) = line.rsplit_once(' ') else {
                return wrong("no value");
            };
            let Ok(value) = value.parse::<f64>() else {
                return wrong("no number");
            };
            let (name, labels) = series
                .split_once('{')
                .map_or((series, Ok(Vec::new())), |(name, rest)| {
                    (name, labels(rest))
                });
            let Ok(labels) = labels else {
                return wrong("labels");
            };
            let Some(family) = families.get_mut(&current) else {
                return wrong("no family");
            };
            let suffix = name.strip_prefix(current.as_str());
            let fits = match family.kind.as_str() {
                "histogram" => matches!(suffix, Some("_bucket" | "_sum" | "_count")),
                _ => suffix == Some(""),
            };
            if !fits || !is_name(name) {
                return wrong("another family's sample");
            }
            if family.kind != "gauge" && value < 0.0
                || family.kind == "counter" && !name.ends_with("_total")
            {
                return wrong("no counter");
            }
            if !seen.insert(series.to_owned()) {
                return wrong("the series comes twice");
            }
            let key = labels
                .iter()
                .filter(|(name, _)| name != "le")
                .map(|(name, value)| format!("{name}={value},"))
                .collect::<String>();
            let key = format!("{current} {key}");
            if suffix == Some("_bucket") {
                let last = buckets.insert(key, value);
                if last.is_some_and(|last| last > value) {
                    return wrong("a bucket smaller than the one before");
                }
            } else if suffix == Some("_count") && buckets.get(&key) != Some(&value) {
                return wrong("the last bucket is not the count");
            }
            family.labels.extend(
                labels
                    .into_iter()
                    .map(|(name, _)| name)
                    .filter(|name| name != "le"),
            );
        }
    }
    match families.iter().find(|(_, family)| family.kind.is_empty()) {
        Some((name, _)) => Err(format!("{name} has no type")),
        None => Ok(families),
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// What stands between the braces, the closing one included.
fn labels(mut rest: &str) -> Result<Vec<(String, String)>, ()> {
    let mut labels = Vec::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").ok_or(())?;
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        let end = loop {
            match chars.next().ok_or(())? {
                (at, '"') => break at,
                (_, '\\') => value.push(
                    chars
                        .next()
                        .filter(|(_, c)| "\\\"n".contains(*c))
                        .ok_or(())?
                        .1,
                ),
                (_, c) => value.push(c),
            }
        };
        if !is_name(name) {
            return Err(());
        }
        labels.push((name.to_owned(), value));
        rest = &quoted[end + 1..];
        match rest {
            "}" => return Ok(labels),
            _ => rest = rest.strip_prefix(',').ok_or(())?,
        }
    }
}

#[test]
fn the_reader_refuses_what_a_scraper_would() {
    let good = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\\\"}\",y=\"\"} 1\na_total{x=\"2\"} 2\n";
    let families = parse(good).unwrap();
    assert_eq!(
        families["a_total"].labels,
        BTreeSet::from(["x".to_owned(), "y".to_owned()])
    );
    assert_eq!((series(good).len(), sum(good, "a_total")), (2, 3.0));
    for (from, to) in [
        ("# HELP a_total A.\n", ""),
        ("# TYPE a_total counter\n", ""),
        (" A.", ""),
        ("counter", "counters"),
        (" 1\n", " one\n"),
        ("x=\"2\"", "x=\"1\\\"}\",y=\"\""),
        ("x=\"2\"", "x=2"),
        ("x=\"2\"", "1x=\"2\""),
        ("{x=\"2\"}", "{x=\"2\""),
        (" 2\n", " -2\n"),
        (" 2\n", " 2"),
        ("a_total{x=\"2\"}", "b_total"),
    ] {
        assert!(
            parse(&good.replacen(from, to, 1)).is_err(),
            "{from:?} as {to:?}"
        );
    }
    let histogram = "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n";
    assert!(parse(histogram).is_ok());
    assert!(
        parse(&histogram.replace("1\"} 2", "1\"} 4")).is_err()
            && parse(&histogram.replace("count 3", "count 4")).is_err()
    );
}
