//! Texts in Markdown as HTML. This is the one file that writes HTML which is not escaped by the
//! templates, and it takes none from the text: tags in it are shown as they were typed.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html::push_html};

/// Where links may lead: other sites, mail, and this site. What has another scheme, such as
/// `javascript:`, is no link.
fn is_harmless(target: &str) -> bool {
    let scheme = target.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme.split_once(':') {
        None => !target.starts_with("//") && !target.contains(['\\', '\0']),
        Some((scheme, _)) => {
            ["http", "https", "mailto"].contains(&scheme.to_ascii_lowercase().as_str())
        }
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH
}

/// A post, or what a project says of itself.
pub fn markdown(text: &str) -> Markup {
    // Links that lead nowhere good, which are text; they do not stand in each other.
    let mut is_dead = false;
    let events = Parser::new_ext(text, options()).filter_map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        // Nothing is loaded from elsewhere: what an image says stands for it.
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { dest_url, .. }) => {
            is_dead = !is_harmless(&dest_url);
            (!is_dead).then(|| opened(&dest_url))
        }
        Event::End(TagEnd::Link) => {
            let was_dead = std::mem::take(&mut is_dead);
            (!was_dead).then_some(Event::InlineHtml(CowStr::Borrowed("</a>")))
        }
        event => Some(event),
    });
    let mut written = String::new();
    push_html(&mut written, events);
    html! { div.prose { (PreEscaped(written)) } }
}

/// The same without its marks, for where there is little room.
pub fn plain(text: &str, most: usize) -> String {
    let mut plain = String::new();
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Text(part) | Event::Code(part) | Event::Html(part) | Event::InlineHtml(part) => {
                plain.push_str(&part);
            }
            // What stands apart stays apart.
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::TableCell
                | TagEnd::CodeBlock,
            ) if !plain.ends_with(' ') => plain.push(' '),
            _ => {}
        }
        if plain.len() > most * 4 {
            break;
        }
    }
    let plain = plain.trim();
    match plain.chars().count() <= most {
        true => plain.to_owned(),
        false => plain.chars().take(most).chain(['…']).collect(),
    }
}

/// The beginning of a link, escaped by a template as everything else is.
fn opened(target: &str) -> Event<'static> {
    let whole = html! { a href=(target) rel="nofollow noopener" {} }.into_string();
    let begin = whole.strip_suffix("</a>").unwrap_or_default();
    Event::InlineHtml(CowStr::from(begin.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        markdown(text).into_string()
    }

    #[test]
    fn markdown_becomes_html() {
        let html = of("# A\n\n*b* [c](https://example.org/?a=1&b=\"2\") `d`\n\n|x|\n|-|\n|1|");
        for part in [
            "<h1>A</h1>",
            "<em>b</em>",
            "<a href=\"https://example.org/?a=1&amp;b=&quot;2&quot;\" rel=\"nofollow noopener\">c</a>",
            "<code>d</code>",
            "<td>1</td>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(of("[here](/projects)").contains("<a href=\"/projects\""));
    }

    #[test]
    fn a_plain_text_has_no_marks() {
        assert_eq!(plain("# A\n\n*b* `c`\nd", 100), "A b c d");
        assert_eq!(plain("[x](y). and more", 3), "x. …");
        assert_eq!(plain("|a|b|\n|-|-|\n|1|2|", 100), "a b 1 2");
    }

    #[test]
    fn nothing_of_the_text_is_html() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<a href=\"javascript:alert(1)\">x</a>",
            "![x](https://example.org/a.png)",
            "![<b>](x)",
        ] {
            let html = of(text);
            for tag in ["<script", "<img", "<a ", "<b>"] {
                assert!(!html.contains(tag), "{text}: {html}");
            }
        }
        for target in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "//elsewhere.example",
            "\\\\elsewhere.example",
            "<java\tscript:alert(1)>",
            "javascript&#58;alert(1)",
        ] {
            let html = of(&format!("[x]({target}) <y>"));
            assert!(!html.contains("<a "), "{target}: {html}");
            assert!(html.contains('x'), "{html}");
        }
        assert!(of("<https://example.org>").contains("<a href=\"https://example.org\""));
    }
}
