//! Accepting an invitation, by whoever has its link.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::db::transaction::{Tx, Work, transaction};
use crate::events::Event;
use crate::http::answer::Answer;
use crate::http::answer::idempotency::{Once, OnceJson, idempotent};
use crate::http::body::json::mistake;
use crate::http::caller::MaybeSigned;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::names::{self, PersonName, Username};
use crate::identity::account::{Account, NewUser, User, taken};
use crate::identity::api::{Api, AppState};
use crate::identity::password::NewPassword;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::mail::links::LinkToken;
use crate::mail::{self, address};
use crate::projects::access::Role;
use crate::projects::invitations::accept::{Invited, Joined, ended};
use crate::schema::users;

/// The link of an invitation and, for a new account, what registration asks for
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    token: LinkToken,
    /// For a new account, whose email is the address of the invitation
    password: Option<NewPassword>,
    username: Option<Username>,
    name: Option<PersonName>,
}

/// What you have become by an invitation
#[derive(Serialize, ToSchema)]
pub struct AcceptedInvitation {
    project_id: ProjectId,
    /// The name of the project
    project: String,
    /// Your id
    principal: PrincipalId,
    /// Your role in the project, which may have been a higher one before
    role: Role,
}

/// Accept an invitation to a project
///
/// The link is what counts: if you are signed in, you become a member, whatever your own address
/// is. A member gets the role of the invitation if it is higher than theirs, and keeps theirs if it
/// is not. If you are not signed in, give a `password`: an account is made with the address of the
/// invitation, which counts as confirmed, unless the service makes no accounts (403). If that
/// address has an account already, the answer is 409: sign in and accept then. The link is good
/// once; with an `Idempotency-Key` somebody signed in is given the same answer again. A service
/// that sends no mail answers 404 `mail-off`.
#[utoipa::path(
    post,
    path = "/auth/invitations/accept",
    tag = "projects",
    security(("optional" = [])),
    request_body = AcceptInvitation,
    responses(
        (status = OK, body = AcceptedInvitation, description = "You are a member of the project."),
        ApiError,
    ),
)]
pub async fn accept_invitation(
    MaybeSigned(who): MaybeSigned,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    OnceJson { once, body }: OnceJson<AcceptInvitation>,
) -> ApiResult<Answer> {
    mail::required(&app.config)?;
    let AcceptInvitation {
        token,
        password,
        username,
        name,
    } = body;
    // A wrong link counts as a guess from its network, and so does a name that is found taken.
    let guess = app.identity.limiter.registration(&app.db, address.0);
    let guess = guess.await?;
    let fields = Fields {
        password,
        username,
        name,
    };
    let joined = match who {
        Some(who) => by_account(&app, &actor, &once, &token, who.id, fields).await,
        None => by_newcomer(&app, actor, &token, fields).await,
    };
    if !matches!(&joined, Err(error) if is_telling(error)) {
        guess.give_back(&app.db).await;
    }
    joined
}

/// Whether a refusal has told something of a link or a name.
fn is_telling(error: &ApiError) -> bool {
    let is_about_link = error.errors.iter().any(|one| one.pointer == "/token");
    error.code == Code::Conflict || is_about_link
}

fn accepted(principal: PrincipalId, joined: Joined) -> ApiResult<Answer> {
    let Joined {
        project,
        name,
        role,
    } = joined;
    let answer = Answer::ok(&AcceptedInvitation {
        project_id: project,
        project: name,
        principal,
        role,
    })?;
    Ok(answer.of_project(Some(project)))
}

/// What a new account is made of.
struct Fields {
    password: Option<NewPassword>,
    username: Option<Username>,
    name: Option<PersonName>,
}

impl Fields {
    /// Ignored, they would leave somebody to believe that there is an account with this password.
    fn are_none(&self) -> ApiResult<()> {
        let given = [
            ("/password", self.password.is_some()),
            ("/username", self.username.is_some()),
            ("/name", self.name.is_some()),
        ];
        let given = given.iter().filter(|(_, is_given)| *is_given);
        let detail = "is for a new account, and you are signed in: leave it out, or sign out first";
        let mistakes: Vec<_> = given
            .map(|(pointer, _)| mistake(pointer, "not-needed", detail))
            .collect();
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(ApiError::validation(mistakes)),
        }
    }
}

/// Under a key, a repetition is answered as the first time: the link itself is gone by then.
async fn by_account(
    app: &Api,
    actor: &Actor,
    once: &Once,
    token: &LinkToken,
    who: PrincipalId,
    fields: Fields,
) -> ApiResult<Answer> {
    fields.are_none()?;
    idempotent(&app.db, actor, once, async |tx| {
        let invited = Invited::find(tx, token).await?.ok_or_else(ended)?;
        // First, as whoever ends the account does.
        User::lock(tx, who).await?;
        let redeemed = invited.redeem(tx).await?;
        verify_own(tx, who, &invited).await?;
        Ok(accepted(who, redeemed.join(tx, who).await?)?)
    })
    .await
}

/// The link has shown that the account's own address is read, where it is the one that was invited.
async fn verify_own(tx: &mut Tx<'_>, who: PrincipalId, invited: &Invited) -> Work<()> {
    let unknown: i64 = users::table
        .find(who)
        .filter(users::email_key.eq(&invited.email_key))
        .filter(users::email_verified_at.is_null())
        .count()
        .get_result(tx.connection())
        .await?;
    match unknown {
        0 => Ok(()),
        _ => address::verified(tx, who).await,
    }
}

async fn by_newcomer(
    app: &Api,
    actor: Actor,
    token: &LinkToken,
    fields: Fields,
) -> ApiResult<Answer> {
    let find = async |connection: &mut AsyncPgConnection| Invited::find(connection, token).await;
    let invited = app.db.read_primary(find).await?.ok_or_else(ended)?;
    if invited.has_account {
        return Err(ApiError::new(
            Code::Conflict,
            "there is an account with the address of this invitation: sign in, and accept it then",
        ));
    }
    if !app.config.registration().admits_invited() {
        return Err(ApiError::new(
            Code::Forbidden,
            "registration is closed here: sign in to accept the invitation, or ask an administrator for an account",
        ));
    }
    let Fields {
        password,
        username,
        name,
    } = fields;
    let Some(NewPassword(password)) = password else {
        let detail = "a new account needs one; sign in to accept with an account that you have";
        return Err(ApiError::validation(vec![mistake(
            "/password",
            "missing",
            detail,
        )]));
    };
    let username = username.map(String::from);
    let new = NewUser {
        id: PrincipalId::fresh(),
        email: invited.email.clone(),
        email_key: invited.email_key.clone(),
        username_key: username.as_deref().map(names::key_of),
        username,
        name: name.and_then(PersonName::or_none),
        profile: json!({}),
        password_hash: app.identity.passwords.hash(password).await?,
        is_admin: false,
    };
    let (who, actor) = (new.id, actor.acting_as(new.id));
    transaction(&app.db, &actor, async |tx| {
        let redeemed = invited.redeem(tx).await?;
        Account::insert(tx, &new).await.map_err(taken)?;
        tx.tell(Event::UserRegistered { user: who }).await?;
        address::verified(tx, who).await?;
        Ok(accepted(who, redeemed.join(tx, who).await?)?)
    })
    .await
}
