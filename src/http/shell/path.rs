//! Two ways to write a path that mean the same: a trailing slash and none, the slash in a
//! workload's name and its encoding.

use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;

/// Into the one that routes know.
pub(super) fn normalize(uri: &mut Uri) {
    let path = uri.path();
    let path = match path.strip_suffix('/') {
        Some(rest) if !rest.is_empty() => rest,
        _ => path,
    };
    let path = in_one_segment(path);
    if path == uri.path() {
        return;
    }
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    if let Ok(path_and_query) = PathAndQuery::try_from(path_and_query) {
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(path_and_query);
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }
}

/// `k8s:<namespace>/<name>` is one principal, and many clients do not encode its slash, nor many
/// proxies let it pass encoded.
fn in_one_segment(path: &str) -> Cow<'_, str> {
    let begins = |segment: &str| {
        ["k8s:", "k8s%3A", "k8s%3a"]
            .iter()
            .any(|prefix| segment.starts_with(prefix))
    };
    let mut at = 0;
    for segment in path.split('/') {
        at += segment.len();
        if begins(segment) {
            break;
        }
        at += 1;
    }
    match path.split_at_checked(at) {
        Some((before, after)) if after.starts_with('/') => {
            format!("{before}%2F{}", after.get(1..).unwrap_or_default()).into()
        }
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_mean_the_same_become_one() {
        let members = "/api/v1/projects/1/members";
        for (given, expected) in [
            ("/", "/"),
            ("/docs/", "/docs"),
            ("/docs?a=/", "/docs?a=/"),
            ("/docs/?a=k8s:b/c", "/docs?a=k8s:b/c"),
            ("//", "/"),
            ("/x/k8s:a/b", "/x/k8s:a%2Fb"),
            ("/x/k8s:a/b/?q=1", "/x/k8s:a%2Fb?q=1"),
            ("/x/k8s:a%2Fb", "/x/k8s:a%2Fb"),
            ("/x/k8s%3Aa/b", "/x/k8s%3Aa%2Fb"),
            ("/x/k8s%3aa/b/c", "/x/k8s%3aa%2Fb/c"),
            ("/x/k8s:a/", "/x/k8s:a"),
            ("/x/k8s:a", "/x/k8s:a"),
            ("/x/k8s:a/b/c", "/x/k8s:a%2Fb/c"),
            ("/x/ak8s:a/b", "/x/ak8s:a/b"),
        ] {
            let mut uri: Uri = given.parse().unwrap();
            normalize(&mut uri);
            assert_eq!(uri.to_string(), expected, "{given}");
        }
        let mut uri: Uri = format!("{members}/k8s:shop/etl").parse().unwrap();
        normalize(&mut uri);
        assert_eq!(uri.path(), format!("{members}/k8s:shop%2Fetl"));
    }
}
