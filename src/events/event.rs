//! What can happen: one list of the events of all features, each with its name, what it is about
//! and what else it says. Those with a `feed` are for the members of a project too; what they say
//! is a format that others rely on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::PartialSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use uuid::Uuid;

use crate::kernel::types::{
    ApiTokenId, DatasetId, Instant, InvitationId, ModelId, PostId, PrincipalId, ProjectId,
    SessionId,
};

/// What an event of the feed says besides its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub kind: &'static str,
    /// Whose members may read it; `None` where the statement that tells it finds out.
    pub project: Option<Uuid>,
    /// A path below `/api/v1`.
    pub subject: String,
}

/// A kind of event of the feed.
pub struct EventKind {
    /// `chartroom.<thing>.<deed>`
    pub name: &'static str,
    pub description: &'static str,
    pub data: Schema,
}

/// What an event is about.
trait Subject {
    fn id(&self) -> Option<Uuid>;
}

macro_rules! subjects {
    ($($id:ty),+) => {
        $(impl Subject for $id {
            fn id(&self) -> Option<Uuid> {
                Some(self.0)
            }
        })+
    };
}

subjects!(ApiTokenId, PrincipalId, ProjectId, SessionId);

impl<S: Subject> Subject for Option<S> {
    fn id(&self) -> Option<Uuid> {
        self.as_ref().and_then(Subject::id)
    }
}

/// `None` where an event is for the trail alone.
macro_rules! published {
    ($kind:literal) => {
        None
    };
    ($kind:literal $project:ident $path:literal) => {
        Some(Published {
            kind: concat!("chartroom.", $kind),
            project: $project.id(),
            subject: format!($path),
        })
    };
}

macro_rules! kind_name {
    ($kind:literal) => {
        None
    };
    ($kind:literal $path:literal) => {
        Some(concat!("chartroom.", $kind))
    };
}

macro_rules! kind {
    ($kind:literal ($($doc:literal)+) $data:expr,) => {
        None
    };
    ($kind:literal ($($doc:literal)+) $data:expr, $path:literal) => {
        Some(EventKind {
            name: concat!("chartroom.", $kind),
            description: concat!($($doc),+).trim_ascii(),
            data: Schema::Object($data.build()),
        })
    };
}

/// Each is `Name "thing.deed" (subject: its type) { what it says } maybe { what it may say }`, and
/// `feed(project) "path of what it is about"` where the members of the project may follow it.
macro_rules! events {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $action:literal ($subject:ident: $subject_type:ty)
        { $($field:ident: $type:ty),* }
        $(maybe { $($option:ident: $option_type:ty),+ })?
        $(feed($project:ident) $path:literal)?
    )+) => {
        #[derive(Clone, Debug)]
        pub enum Event {
            $(
                $(#[doc = $doc])+
                $name { $subject: $subject_type, $($field: $type,)* $($($option: $option_type,)+)? },
            )+
        }

        impl Event {
            /// `<thing>.<deed>`, such as `session.started`.
            pub fn action(&self) -> &'static str {
                match self { $(Self::$name { .. } => $action,)+ }
            }

            pub(super) fn subject(&self) -> Option<Uuid> {
                match self { $(Self::$name { $subject, .. } => $subject.id(),)+ }
            }

            /// How the feed tells it, if it does.
            pub fn published(&self) -> Option<Published> {
                match self {
                    $(Self::$name { $subject, $($field,)* $($($option,)+)? } => {
                        let _ = ($subject, $($field,)* $($($option,)+)?);
                        published!($action $($project $path)?)
                    })+
                }
            }

            /// Whether the feed tells events of a kind with this name.
            pub fn is_kind(name: &str) -> bool {
                let names: &[Option<&str>] = &[$(kind_name!($action $($path)?),)+];
                names.contains(&Some(name))
            }

            /// Every kind of event that the feed tells, for those who describe them.
            pub fn kinds() -> Vec<EventKind> {
                let kinds: Vec<Option<EventKind>> = vec![$(kind!(
                    $action ($($doc)+)
                    ObjectBuilder::new()
                        $(.property(stringify!($field), <$type>::schema()).required(stringify!($field)))*
                        $($(.property(stringify!($option), <$option_type>::schema()))+)?,
                    $($path)?
                ),)+];
                kinds.into_iter().flatten().collect()
            }

            /// What it says besides who, when, where and about what.
            pub(super) fn detail(&self) -> Value {
                match self {
                    $(Self::$name { $subject: _, $($field,)* $($($option,)+)? } => {
                        let members: &[(&str, Option<Value>)] = &[
                            $((stringify!($field), Some(json!($field))),)*
                            $($((stringify!($option), $option.as_ref().map(|it| json!(it))),)+)?
                        ];
                        let said = members.iter().filter_map(|(name, value)| {
                            Some(((*name).to_owned(), value.clone()?))
                        });
                        Value::Object(said.collect())
                    })+
                }
            }
        }
    };
}

events! {
    /// Somebody made an account for themselves.
    UserRegistered "user.registered" (user: PrincipalId) {}
    /// The command line made an account.
    UserCreated "user.created" (user: PrincipalId) { by: &'static str }
    /// Somebody changed what their account says.
    UserChanged "user.changed" (user: PrincipalId) {}
    /// Somebody changed the address of their account.
    UserEmailChanged "user.email_changed" (user: PrincipalId) {}
    /// Somebody changed their password.
    UserPasswordChanged "user.password_changed" (user: PrincipalId) {}
    /// Somebody signed in did not know their password when asked for it.
    UserPasswordRefused "user.password_refused" (user: PrincipalId) {}
    /// The command line or a link in a mail replaced a password.
    UserPasswordReset "user.password_reset" (user: PrincipalId) { by: &'static str }
    /// The owner of an account has confirmed its address by a mail.
    UserEmailVerified "user.email_verified" (user: PrincipalId) {}
    /// The mail server refused the address of an account for good.
    UserMailPaused "user.mail_paused" (user: PrincipalId) {}
    /// An account became an administrator.
    UserPromoted "user.promoted" (user: PrincipalId) {}
    /// An account is an administrator no more.
    UserDemoted "user.demoted" (user: PrincipalId) {}
    /// An account was shut.
    UserDisabled "user.disabled" (user: PrincipalId) {} maybe { by: Option<&'static str> }
    /// A shut account was opened again.
    UserEnabled "user.enabled" (user: PrincipalId) {}
    /// An account and all that was its alone are gone.
    UserDeleted "user.deleted" (user: PrincipalId) { reason: &'static str }
    /// An administrator ended all sessions of an account.
    UserSignedOut "user.signed_out" (user: PrincipalId) { sessions: i64 }
    /// Somebody can sign in to an account by a provider from now on.
    UserLinked "user.linked" (user: PrincipalId) { provider: String }
    /// Somebody can sign in to an account by a provider no more. It is named by its issuer where it
    /// is not set up any more.
    UserUnlinked "user.unlinked" (user: PrincipalId) { provider: String }
    /// A sign-in failed. The user is the one whose name was tried, if there is one; the provider is
    /// that of single sign-on, where one said who it is.
    SignInRefused "sign_in.refused" (user: Option<PrincipalId>) {}
        maybe { provider: Option<String> }
    /// A sign-in succeeded, by a password or by a provider.
    SessionStarted "session.started" (session: SessionId) {} maybe { provider: Option<String> }
    /// One session was ended.
    SessionEnded "session.ended" (session: SessionId) { reason: &'static str }
    /// Several sessions of one account were ended at once.
    SessionsEnded "session.ended" (user: PrincipalId) { reason: &'static str, sessions: i64 }
    /// A refresh token came a second time, which ended its session: one of the two was stolen.
    SessionReuseDetected "session.reuse_detected" (session: SessionId) {}
    /// Somebody made an API token.
    ApiTokenCreated "api_token.created" (token: ApiTokenId) { access: &'static str }
    /// Somebody ended an API token.
    ApiTokenDeleted "api_token.deleted" (token: ApiTokenId) {}
    /// A project was made.
    ProjectCreated "project.created" (project: ProjectId) { name: String }
        feed(project) "projects/{project}"
    /// What a project says of itself, who can see it or when it expires was changed.
    ProjectChanged "project.changed" (project: ProjectId) { changed: Vec<&'static str> }
        feed(project) "projects/{project}"
    /// A project will expire: so long before that its owners asked for a reminder.
    ProjectExpiring "project.expiring" (project: ProjectId)
        { name: String, expires_at: Instant, before: String }
        feed(project) "projects/{project}"
    /// A project has expired, and can only be read.
    ProjectExpired "project.expired" (project: ProjectId)
        { name: String, expires_at: Instant }
        feed(project) "projects/{project}"
    /// A project expires later than it would have, or never.
    ProjectExtended "project.extended" (project: ProjectId)
        { name: String, expires_at: Option<Instant>, was: Instant }
        feed(project) "projects/{project}"
    /// A project and all that was in it are gone.
    ProjectDeleted "project.deleted" (project: ProjectId) { name: String }
        feed(project) "projects/{project}"
    /// Somebody became a member of a project. The name is a workload's.
    MemberAdded "member.added" (project: ProjectId)
        { principal: PrincipalId, role: &'static str, was: Option<&'static str> }
        maybe { name: Option<String> }
        feed(project) "projects/{project}/members/{principal}"
    /// A member has another role.
    MemberChanged "member.changed" (project: ProjectId)
        { principal: PrincipalId, role: &'static str, was: Option<&'static str> }
        maybe { name: Option<String> }
        feed(project) "projects/{project}/members/{principal}"
    /// Somebody is a member no more. There is a reason where their account ended.
    MemberRemoved "member.removed" (project: ProjectId)
        { principal: PrincipalId, was: &'static str }
        maybe { name: Option<String>, reason: Option<&'static str> }
        feed(project) "projects/{project}/members/{principal}"
    /// An owner invited somebody to a project by mail. The address is not told.
    InvitationCreated "invitation.created" (project: ProjectId)
        { invitation: InvitationId, role: &'static str }
        feed(project) "projects/{project}/invitations/{invitation}"
    /// Somebody used the link of an invitation, and is a member with this role or a higher one.
    InvitationAccepted "invitation.accepted" (project: ProjectId)
        { invitation: InvitationId, principal: PrincipalId, role: &'static str }
        feed(project) "projects/{project}/invitations/{invitation}"
    /// An owner took an invitation back: it was `deleted`, or `replaced` by one to the same
    /// address.
    InvitationWithdrawn "invitation.withdrawn" (project: ProjectId)
        { invitation: InvitationId, reason: &'static str }
        feed(project) "projects/{project}/invitations/{invitation}"
    /// An invitation ended before anybody used its link.
    InvitationExpired "invitation.expired" (project: ProjectId) { invitation: InvitationId }
        feed(project) "projects/{project}/invitations/{invitation}"
    /// Somebody made a dataset.
    DatasetCreated "dataset.created" (project: ProjectId) { dataset: DatasetId, name: String }
        feed(project) "datasets/{dataset}"
    /// The records of a dataset changed, which made a version.
    DatasetChanged "dataset.changed" (project: ProjectId)
        {
            dataset: DatasetId, version: i64, kind: &'static str, added: i64, removed: i64,
            changed: i64
        }
        feed(project) "datasets/{dataset}"
    /// Somebody changed what a dataset says of itself.
    DatasetDescribed "dataset.described" (project: ProjectId) { dataset: DatasetId }
        feed(project) "datasets/{dataset}"
    /// A dataset and all its versions are gone.
    DatasetDeleted "dataset.deleted" (project: ProjectId) { dataset: DatasetId, name: String }
        feed(project) "datasets/{dataset}"
    /// Somebody made a model.
    ModelCreated "model.created" (project: ProjectId) { model: ModelId, name: String }
        feed(project) "models/{name}"
    /// Somebody changed what a model says of itself.
    ModelDescribed "model.described" (project: ProjectId) { model: ModelId, name: String }
        feed(project) "models/{name}"
    /// A model and all its versions are gone.
    ModelDeleted "model.deleted" (project: ProjectId) { model: ModelId, name: String }
        feed(project) "models/{name}"
    /// Somebody set which share of the answers of a model is kept, and in which dataset.
    ModelLogSet "model_log.set" (project: ProjectId)
        { model: ModelId, name: String, dataset: DatasetId, share: f64 }
        feed(project) "models/{name}/log"
    /// No answers of a model are kept any more.
    ModelLogRemoved "model_log.removed" (project: ProjectId) { model: ModelId, name: String }
        feed(project) "models/{name}/log"
    /// Somebody uploaded a version of a model, which is checked now.
    ModelVersionCreated "model_version.created" (project: ProjectId)
        { model: ModelId, name: String, version: i64 }
        feed(project) "models/{name}/versions/{version}"
    /// A version of a model has been checked, and can be asked.
    ModelVersionReady "model_version.ready" (project: ProjectId)
        { model: ModelId, name: String, version: i64 }
        feed(project) "models/{name}/versions/{version}"
    /// A version of a model cannot be loaded.
    ModelVersionFailed "model_version.failed" (project: ProjectId)
        { model: ModelId, name: String, version: i64, problem: String }
        feed(project) "models/{name}/versions/{version}"
    /// Somebody changed what a version of a model says of itself.
    ModelVersionDescribed "model_version.described" (project: ProjectId)
        { model: ModelId, name: String, version: i64 }
        feed(project) "models/{name}/versions/{version}"
    /// A version of a model and its bytes are gone.
    ModelVersionDeleted "model_version.deleted" (project: ProjectId)
        { model: ModelId, name: String, version: i64 }
        feed(project) "models/{name}/versions/{version}"
    /// Somebody moved an alias of a model, so that other versions answer.
    ModelAliasMoved "model_alias.moved" (project: ProjectId)
        {
            model: ModelId, name: String, alias: String, weights: BTreeMap<String, i32>,
            shadow: Option<i64>
        }
        feed(project) "models/{name}/aliases/{alias}"
    /// Somebody removed an alias of a model.
    ModelAliasRemoved "model_alias.removed" (project: ProjectId)
        { model: ModelId, name: String, alias: String }
        feed(project) "models/{name}/aliases/{alias}"
    /// Somebody sent a dead job back into the queue. The owner is who started it.
    JobRetried "job.retried" (owner: Option<PrincipalId>) { job: i64, kind: String }
    /// Somebody cancelled a job, or threw a dead one away. The owner is who started it.
    JobCancelled "job.cancelled" (owner: Option<PrincipalId>) { job: i64, kind: String }
    /// Somebody changed another's post.
    PostChanged "post.changed" (project: Option<ProjectId>)
        { post: PostId, changed: Vec<&'static str> }
        maybe { author: Option<PrincipalId> }
        feed(project) "posts/{post}"
    /// Somebody deleted another's post.
    PostDeleted "post.deleted" (project: Option<ProjectId>)
        { post: PostId }
        maybe { author: Option<PrincipalId> }
        feed(project) "posts/{post}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_what_it_is_about_and_leaves_out_what_there_is_not() {
        let (principal, project) = (PrincipalId::fresh(), ProjectId::fresh());
        let mut event = Event::MemberRemoved {
            project,
            principal,
            was: "viewer",
            name: None,
            reason: None,
        };
        assert_eq!(event.action(), "member.removed");
        assert_eq!(event.subject(), Some(project.0));
        assert_eq!(
            event.detail(),
            json!({ "principal": principal, "was": "viewer" })
        );
        if let Event::MemberRemoved { reason, .. } = &mut event {
            *reason = Some("deleted_by_user");
        }
        assert_eq!(event.detail()["reason"], "deleted_by_user");
        assert_eq!(
            Event::SignInRefused {
                user: None,
                provider: None
            }
            .subject(),
            None
        );
    }

    #[test]
    fn the_feed_names_what_an_event_is_about_and_no_event_of_an_account() {
        let (principal, project) = (PrincipalId::fresh(), ProjectId::fresh());
        let event = Event::MemberChanged {
            project,
            principal,
            role: "editor",
            was: Some("viewer"),
            name: None,
        };
        let published = event.published().unwrap();
        assert_eq!(published.kind, "chartroom.member.changed");
        assert_eq!(published.project, Some(project.0));
        assert_eq!(
            published.subject,
            format!("projects/{project}/members/{principal}")
        );
        assert_eq!(
            Event::SignInRefused {
                user: None,
                provider: None
            }
            .published(),
            None
        );
        let kinds = Event::kinds();
        assert!(kinds.iter().all(|kind| kind.name.starts_with("chartroom.")));
        assert!(!kinds.iter().any(|kind| kind.name.contains("sign_in")));
    }
}
