//! Where an alias led, move by move: who moved it, when, from where to where, why, and by which
//! request.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use maud::{Markup, html};

use super::{fields, leads};
use crate::console::projects::members::called;
use crate::console::view::{View, link};
use crate::kernel::types::{ModelId, PrincipalId};
use crate::models::alias::{Alias, Target};
use crate::projects::members::people;

pub struct Timeline {
    /// The newest first, each with where the alias led before.
    steps: Vec<(Alias, Target)>,
    names: HashMap<PrincipalId, String>,
}

impl Timeline {
    /// Of moves that follow each other, the newest first.
    pub async fn of(
        connection: &mut AsyncPgConnection,
        model: ModelId,
        moves: Vec<Alias>,
    ) -> QueryResult<Self> {
        let oldest = match moves.last() {
            Some(last) => Alias::before(connection, model, &last.name, last.number).await?,
            None => None,
        };
        let ids: Vec<PrincipalId> = moves.iter().filter_map(|one| one.moved_by).collect();
        let people = people(connection, &ids).await?;
        let before = moves.iter().skip(1).map(Alias::target);
        let before: Vec<Target> = before
            .chain([oldest.map_or_else(Target::default, |oldest| oldest.target())])
            .collect();
        Ok(Self {
            steps: moves.into_iter().zip(before).collect(),
            names: people.iter().map(|one| (one.id, called(one))).collect(),
        })
    }

    /// Where the alias led before its newest move, if anywhere.
    pub fn before(&self) -> Option<&Target> {
        let (_, before) = self.steps.first()?;
        (!before.weights.is_empty()).then_some(before)
    }

    /// Owners may lead the alias to where it led once; `now` is its last move, if it is there.
    pub fn show(&self, view: &View, model: &str, owns: bool, now: Option<i64>) -> Markup {
        let lang = view.lang;
        let gone = lang.somebody_gone();
        html! {
            ol.cards {
                @for (to, from) in &self.steps {
                    @let target = to.target();
                    @let who = to.moved_by.and_then(|id| self.names.get(&id));
                    @let may_return = owns && now != Some(to.number);
                    li {
                        div.between {
                            strong {
                                (leads(lang, model, from)) " → " (leads(lang, model, &target))
                            }
                            @if may_return && !target.weights.is_empty() {
                                a.button.small href=(again(model, &to.name, &target)) {
                                    (lang.move_here_again())
                                }
                            }
                        }
                        p {
                            (view.at(to.moved_at)) ", "
                            (lang.by_author(who.map_or(gone, String::as_str)))
                        }
                        @if let Some(reason) = &to.reason {
                            p { (lang.move_reason()) ": " (reason) }
                        }
                        @if let Some(id) = &to.request_id {
                            p.hint { (lang.request_id()) ": " code { (id) } }
                        }
                    }
                }
            }
        }
    }
}

/// The form that leads an alias somewhere, filled.
pub fn again(model: &str, alias: &str, target: &Target) -> String {
    let target = fields(target)
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    let target = target.map(|(name, value)| (name.to_owned(), value));
    let alias = ("alias".to_owned(), alias.to_owned());
    let all: Vec<(String, String)> = [alias].into_iter().chain(target).collect();
    link(&format!("/models/{model}/move"), &all)
}
