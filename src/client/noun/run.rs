//! How a verb goes: its arguments into a request, and the answer into what is shown.

use std::io::{self, Read as _};

use bytes::Bytes;
use clap::ArgMatches;
use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::super::account;
use super::super::call::Site;
use super::super::error::ClientError;
use super::super::names::{dataset_id, segment};
use super::super::output::say;
use super::super::shown::{Output, rows_of, show_list, show_one};
use super::command::Common;
use super::{Arg, Condition, Does, Form, Goes, Id, Kind, Method, Noun, Verb, edit, own};

/// What the service gives at once at most.
const PAGE: usize = 200;
const USUAL: usize = 50;

/// A request, of which the arguments are in their places.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    /// Parameters whose names are told by who asks.
    pub(super) more: Vec<(String, String)>,
    pub(super) body: Map<String, Value>,
}

/// All that a verb has at hand.
pub(super) struct Job<'a> {
    pub(super) site: &'a Site,
    pub(super) noun: &'static Noun,
    pub(super) verb: &'static Verb,
    pub(super) given: &'a ArgMatches,
    pub(super) common: Common,
    pub(super) call: Call,
}

pub(super) async fn run(
    noun: &'static Noun,
    verb: &'static Verb,
    given: &ArgMatches,
    common: Common,
    context: Option<&str>,
) -> Result<(), ClientError> {
    let site = account::open(context)?;
    let mut several = verb.args.iter();
    let several = several.find(|arg| arg.is_many && matches!(arg.goes, Goes::Path(_)));
    let each: Vec<Option<&str>> = match several {
        Some(arg) => texts(given, arg.name).map(Some).collect(),
        None => vec![None],
    };
    for one in each {
        let call = call(&site, verb, given, one).await?;
        let job = Job {
            site: &site,
            noun,
            verb,
            given,
            common,
            call,
        };
        let ended = Box::pin(job.run()).await;
        if let Err(ClientError::Answered { status, .. }) = &ended
            && *status == StatusCode::FORBIDDEN
            && noun.wants_session
        {
            say("API tokens neither administer nor manage tokens: `chartroom login --session`");
        }
        ended?;
    }
    Ok(())
}

pub(super) fn texts<'a>(given: &'a ArgMatches, name: &str) -> impl Iterator<Item = &'a str> {
    let values = given.try_get_many::<String>(name).ok().flatten();
    values.into_iter().flatten().map(String::as_str)
}

async fn call(
    site: &Site,
    verb: &Verb,
    given: &ArgMatches,
    one: Option<&str>,
) -> Result<Call, ClientError> {
    let mut call = Call {
        path: verb.path.to_owned(),
        ..Call::default()
    };
    for arg in verb.args {
        if arg.form == Form::Switch {
            if given.get_flag(arg.name) {
                switched(&mut call, arg.goes);
            }
            continue;
        }
        let all: Vec<&str> = match (one, arg.goes) {
            (Some(one), Goes::Path(_)) if arg.is_many => vec![one],
            _ => texts(given, arg.name).collect(),
        };
        for value in all {
            put(site, &mut call, arg, value).await?;
        }
    }
    Ok(call)
}

fn switched(call: &mut Call, goes: Goes) {
    match goes {
        Goes::Query(name, _) => call.query.push((name, "true".to_owned())),
        Goes::Body(name, Kind::Switch(value)) => {
            call.body.insert(name.to_owned(), value.into());
        }
        Goes::Body(..) | Goes::Path(_) | Goes::Own => {}
    }
}

async fn put(site: &Site, call: &mut Call, arg: &Arg, value: &str) -> Result<(), ClientError> {
    match arg.goes {
        Goes::Path(id) => {
            let id = id_of(site, id, value).await?;
            call.path = call
                .path
                .replace(&format!("{{{}}}", arg.name), &segment(&id));
        }
        Goes::Query(name, id) => call.query.push((name, id_of(site, id, value).await?)),
        Goes::Body(name, kind) => {
            let value = match kind {
                Kind::Text | Kind::Switch(_) => Value::from(value),
                Kind::Json => json_of(arg.name, value)?,
                Kind::File => Value::from(file_text(value)?),
                Kind::Id(lookup) => Value::from(lookup.id(site, value).await?),
            };
            call.body.insert(name.to_owned(), value);
        }
        Goes::Own => {}
    }
    Ok(())
}

async fn id_of(site: &Site, id: Id, value: &str) -> Result<String, ClientError> {
    match id {
        Id::AsIs => Ok(value.to_owned()),
        Id::Named(lookup) => lookup.id(site, value).await,
        Id::Dataset => dataset_id(site, value).await,
    }
}

pub(super) fn json_of(name: &str, text: &str) -> Result<Value, ClientError> {
    serde_json::from_str(text)
        .map_err(|error| ClientError::Usage(format!("--{name}: expected JSON: {error}")))
}

/// The bytes of a file; `-` is standard input.
pub(in super::super) fn file_bytes(path: &str) -> Result<Bytes, ClientError> {
    let mut bytes = Vec::new();
    let read = match path {
        "-" => io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
        path => std::fs::read(path),
    };
    let read = read.map_err(|error| ClientError::Usage(format!("the file {path}: {error}")));
    read.map(Bytes::from)
}

pub(super) fn file_text(path: &str) -> Result<String, ClientError> {
    String::from_utf8(file_bytes(path)?.into())
        .map_err(|_no_text| ClientError::Usage(format!("the file {path}: expected text in UTF-8")))
}

impl Job<'_> {
    async fn run(mut self) -> Result<(), ClientError> {
        match self.verb.does {
            Does::List => {
                let items = self.items().await?;
                self.show_list(&items)
            }
            Does::Get(rows) => {
                let answer = self.site.get(&self.target()).await?;
                self.show_rows(&answer, rows)
            }
            Does::Send(method, condition) => {
                let answer = self.send(method, condition).await?;
                self.show_made(&answer)
            }
            Does::Remove => {
                self.send(Method::Delete, Condition::None).await?;
                let last = self.call.path.rsplit('/').next().unwrap_or_default();
                self.say(&format!("removed the {} {last}", self.noun.name));
                Ok(())
            }
            Does::Edit(members) => Box::pin(edit::edit(&mut self, members)).await,
            Does::Own(what) => Box::pin(own::own(self, what)).await,
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        texts(self.given, name).next()
    }

    pub(super) fn say(&self, words: &str) {
        if !self.common.is_quiet {
            say(words);
        }
    }

    /// The path with the query.
    pub(super) fn target(&self) -> String {
        let more = self.call.more.iter();
        let more = more.map(|(name, value)| (name.as_str(), value));
        let query = self.call.query.iter().map(|(name, value)| (*name, value));
        let query: Vec<_> = query.chain(more).collect();
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}", self.call.path)
    }

    /// The items of a list, as many as are wanted.
    pub(super) async fn items(&mut self) -> Result<Vec<Value>, ClientError> {
        let wanted = match (self.common.is_all, self.common.limit) {
            (true, _) => usize::MAX,
            (false, limit) => limit.unwrap_or(USUAL),
        };
        let before = self.call.query.len();
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            self.call.query.truncate(before);
            let limit = wanted.saturating_sub(items.len()).min(PAGE);
            self.call.query.push(("limit", limit.to_string()));
            self.call.query.extend(cursor.map(|next| ("cursor", next)));
            let mut page = self.site.get(&self.target()).await?;
            let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) else {
                return Err(ClientError::Failed(format!(
                    "{} answered something else than a list; is this the URL of a Chartroom?",
                    self.site.url()
                )));
            };
            items.extend(found);
            cursor = page.get("next").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || items.len() >= wanted {
                break;
            }
        }
        if cursor.is_some() {
            let count = items.len();
            self.say(&format!(
                "these are {count}, and there are more: --all shows all"
            ));
        }
        Ok(items)
    }

    pub(super) async fn send(
        &self,
        method: Method,
        condition: Condition,
    ) -> Result<Value, ClientError> {
        let condition: Option<(HeaderName, HeaderValue)> = match condition {
            Condition::None => None,
            Condition::Fresh => Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
            Condition::There => Some((IF_MATCH, HeaderValue::from_static("*"))),
        };
        let has_body = match method {
            Method::Put | Method::Post => true,
            Method::Delete => false,
        };
        // An operation that takes no body is told of none.
        let has_body = has_body && self.verb.args.iter().any(Arg::is_of_the_body);
        let kind = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let headers = condition.into_iter().chain(has_body.then_some(kind));
        let body = match has_body {
            true => Bytes::from(Value::Object(self.call.body.clone()).to_string()),
            false => Bytes::new(),
        };
        let method = method.into();
        let target = self.target();
        let answer = self
            .site
            .exchange(method, &target, headers.collect(), body)
            .await?;
        self.site.read(&answer)
    }

    fn key(&self) -> &'static str {
        self.verb.key.unwrap_or(self.noun.key)
    }

    pub(super) fn show_list(&self, items: &[Value]) -> Result<(), ClientError> {
        let columns = self.verb.columns.unwrap_or(self.noun.columns);
        let output = self.common.output.unwrap_or(Output::Table);
        show_list(items, columns, self.key(), output)
    }

    pub(super) fn show_one(&self, item: &Value) -> Result<(), ClientError> {
        let columns = self.verb.columns.unwrap_or(self.noun.columns);
        let output = self.common.output.unwrap_or(Output::Table);
        show_one(item, columns, self.key(), output)
    }

    /// As the service sent it, or the rows that are in it.
    pub(super) fn show_rows(&self, answer: &Value, rows: &[&str]) -> Result<(), ClientError> {
        match self.common.output {
            Some(Output::Json | Output::Yaml | Output::Jsonl) => self.show_one(answer),
            _ if rows.is_empty() => self.show_one(answer),
            _ => self.show_list(&rows_of(answer, rows)),
        }
    }

    /// What was made is told by its name, which the next command takes.
    pub(super) fn show_made(&self, made: &Value) -> Result<(), ClientError> {
        let columns = self.verb.columns.unwrap_or(self.noun.columns);
        let output = self.common.output.unwrap_or(Output::Name);
        match made {
            // Nothing is told of what was done.
            Value::Null => Ok(()),
            made => show_one(made, columns, self.key(), output),
        }
    }
}

impl Arg {
    fn is_of_the_body(&self) -> bool {
        matches!(self.goes, Goes::Body(..))
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Delete => Self::DELETE,
        }
    }
}

impl Does {
    /// What is no list of its own and is shown as one.
    pub(super) fn is_rows(self) -> bool {
        matches!(self, Self::Own(own::Own::Audit | own::Own::Rows))
    }

    /// What writes a file writes it as it is.
    pub(super) fn is_file(self) -> bool {
        matches!(self, Self::Own(own::Own::Export))
    }
}
