use super::*;

fn chart(panels: Vec<Plot>, series: &[&str]) -> Chart {
    Chart {
        title: "A <title> & \"more\"".to_owned(),
        about: "What it shows".to_owned(),
        series: series.iter().map(|it| (*it).to_owned()).collect(),
        panels: panels
            .into_iter()
            .map(|plot| Panel {
                title: "</text><script>alert(1)</script>".to_owned(),
                plot,
            })
            .collect(),
        notes: vec!["a note\u{0}".to_owned()],
    }
}

/// The values of an attribute of all elements of a name.
fn attributes(svg: &str, element: &str, attribute: &str) -> Vec<f64> {
    let begin = format!("<{element} ");
    let elements = svg.split(&begin).skip(1);
    let values = elements.filter_map(|text| {
        let (tag, _) = text.split_once('>')?;
        let (_, rest) = tag.split_once(&format!(" {attribute}=\""))?;
        rest.split_once('"')?.0.parse().ok()
    });
    values.collect()
}

#[test]
fn a_picture_says_what_it_is_and_no_text_is_markup() {
    let svg = chart(vec![Plot::Bars(Vec::new())], &[]).svg();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "));
    assert!(svg.contains("<title id=\"title\">A &lt;title&gt; &amp; &quot;more&quot;</title>"));
    assert!(svg.contains("<desc id=\"desc\">What it shows</desc>"));
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.contains("a note\u{fffd}") && svg.contains("no values"));
    assert!(!svg.contains(" style="));
}

#[test]
fn bars_begin_at_zero_and_are_as_long_as_their_values() {
    let bar = |value: f64| Category {
        name: value.to_string(),
        bars: vec![Bar::new(value)],
    };
    let svg = chart(
        vec![Plot::Bars([40.0, 20.0, -20.0, 0.0].map(bar).into())],
        &[],
    )
    .svg();
    let (left, wide) = (
        attributes(&svg, "rect", "x"),
        attributes(&svg, "rect", "width"),
    );
    // The first is the ground.
    let [_, forty, twenty, minus, zero] = wide.as_slice() else {
        panic!("{svg}")
    };
    assert!((forty - 2.0 * twenty).abs() < 0.3 && (twenty - minus).abs() < 0.3);
    assert!((zero - 1.0).abs() < 1e-9);
    assert!((left[3] + minus - left[1]).abs() < 0.3, "{svg}");
    assert!(svg.contains(">\u{2212}20</text>"));
    assert!(
        left.iter()
            .zip(&wide)
            .all(|(x, width)| *x >= 0.0 && x + width <= WIDTH)
    );
}

#[test]
fn a_value_that_is_missing_says_why() {
    let bars = vec![
        Bar::new(1.0),
        Bar {
            value: None,
            label: "no records".to_owned(),
        },
    ];
    let name = "x".repeat(300);
    let svg = chart(vec![Plot::Bars(vec![Category { name, bars }])], &["a", "b"]).svg();
    assert!(svg.contains(">no records</text>"));
    assert!(svg.contains("xx\u{2026}</text>"));
    // The ground, two colours of the legend, one bar.
    assert_eq!(attributes(&svg, "rect", "x").len(), 4);
}

#[test]
fn lines_stay_within_their_frame_and_labels_do_not_touch() {
    let points = (0..200).map(|at| (f64::from(at) * 86_400.0, (f64::from(at) / 9.0).sin()));
    let lines = Lines {
        scale: Scale::Second,
        points: vec![points.collect(), vec![(0.0, 0.5), (1e7, -0.5)]],
    };
    let svg = chart(vec![Plot::Lines(lines)], &["wave", "two"]).svg();
    assert_eq!(svg.matches("<polyline").count(), 2);
    // The long line has none.
    assert_eq!(svg.matches("<circle").count(), 2);
    for polyline in svg.split("points=\"").skip(1) {
        let points = polyline.split_once('"').unwrap().0;
        for point in points.split(' ') {
            let (x, y) = point.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!(
                (0.0..=WIDTH).contains(&x) && (0.0..=400.0).contains(&y),
                "{x} {y}"
            );
        }
    }
    assert!(svg.contains(">1970-02</text>"), "{svg}");
    let years = Lines {
        scale: Scale::Whole,
        points: vec![vec![(2002.0, 1000.0), (2019.0, 4000.0)]],
    };
    let svg = chart(vec![Plot::Lines(years)], &[]).svg();
    assert!(svg.contains(">2010</text>") && svg.contains(">3,000</text>"));
}

#[test]
fn extreme_values_make_a_picture_all_the_same() {
    for values in [
        vec![1e300, -1e300],
        vec![0.0],
        vec![1e-300],
        vec![5.0; 3],
        vec![f64::MIN_POSITIVE, 1e308],
    ] {
        let categories = values.iter().map(|value| Category {
            name: "c".to_owned(),
            bars: vec![Bar::new(*value)],
        });
        let points = values.iter().enumerate().map(|(at, value)| {
            let at = u32::try_from(at).unwrap();
            (f64::from(at), *value)
        });
        let lines = Lines {
            scale: Scale::Number,
            points: vec![points.collect()],
        };
        let plots = vec![Plot::Bars(categories.collect()), Plot::Lines(lines)];
        let svg = chart(plots, &[]).svg();
        assert!(
            !svg.contains("NaN") && !svg.contains("inf"),
            "{values:?}: {svg}"
        );
    }
}

#[test]
fn parts_of_a_histogram_stand_on_the_axis() {
    let histogram = Histogram {
        scale: Scale::Whole,
        parts: vec![(0.0, 10.0, 4.0), (10.0, 20.0, 0.0), (20.0, 30.0, 8.0)],
    };
    let svg = chart(vec![Plot::Histogram(histogram)], &[]).svg();
    let (top, high) = (
        attributes(&svg, "rect", "y"),
        attributes(&svg, "rect", "height"),
    );
    assert!((high[3] - 2.0 * high[1]).abs() < 0.3 && high[2] == 0.0);
    assert!((top[1] + high[1] - top[3] - high[3]).abs() < 0.3);
    assert!(svg.contains("<title>20 to 30: 8</title>"));
}
