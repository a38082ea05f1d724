//! Whose account it is that a provider has signed somebody in to: found, linked by email or made,
//! with the rights that groups give.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;

use super::id_token::{Proven, Said};
use super::refusal::refused;
use crate::config::{GroupRole, OidcProvider};
use crate::db::transaction::{Failure, Tx, Work};
use crate::events::Event;
use crate::identity::account::names::{self, PersonName, Username, key_of};
use crate::identity::account::rights;
use crate::identity::account::{Account, NewUser, User};
use crate::identity::end::end_everything;
use crate::identity::password::NO_PASSWORD;
use crate::kernel::error::{ApiError, Code};
use crate::kernel::types::PrincipalId;
use crate::kernel::values::Checked as _;
use crate::schema::{user_identities, users};

/// Usernames that are tried before somebody has none: the one that fits, and with numbers.
const TRIES: usize = 50;

/// From now on an administrator has decided whether the user administers, and groups take nothing
/// away.
pub async fn given_by_hand(
    connection: &mut AsyncPgConnection,
    user: PrincipalId,
) -> QueryResult<()> {
    let given = user_identities::table
        .filter(user_identities::user_id.eq(user))
        .filter(user_identities::gives_admin);
    diesel::update(given)
        .set(user_identities::gives_admin.eq(false))
        .execute(connection)
        .await
        .map(|_| ())
}

/// The account of an identity that is known, and whether that makes it administer.
pub async fn known(
    connection: &mut AsyncPgConnection,
    provider: &OidcProvider,
    who: &Proven,
) -> QueryResult<Option<(User, bool)>> {
    user_identities::table
        .inner_join(users::table)
        .filter(user_identities::issuer.eq(&provider.issuer))
        .filter(user_identities::subject.eq(&who.subject))
        .select((User::as_select(), user_identities::gives_admin))
        .first(connection)
        .await
        .optional()
}

/// The email by which somebody may come to an account: one that the provider has verified.
pub fn verified_email(provider: &OidcProvider, said: &Said) -> Result<String, ApiError> {
    let name = &provider.name;
    let email = said.email().and_then(|email| names::email(email).ok());
    let Some(email) = email else {
        return Err(refused(format!(
            "{name} does not tell your email, without which there is no account; give your account there one, or ask who operates this service"
        )));
    };
    match said.is_email_verified().unwrap_or(provider.trust_email) {
        true => Ok(email),
        false => Err(refused(format!(
            "{name} does not say that your email is verified; verify it there, then begin again at /sign-in"
        ))),
    }
}

/// Whether somebody may sign in at all, and whether they administer, by their groups.
pub fn is_admin(provider: &OidcProvider, said: &Said) -> Result<bool, ApiError> {
    let theirs = said.groups();
    let roles: Vec<GroupRole> = provider
        .groups
        .iter()
        .filter(|(group, _)| theirs.contains(group.as_str()))
        .map(|(_, role)| *role)
        .collect();
    let is_closed = provider
        .groups
        .values()
        .any(|role| *role == GroupRole::User);
    if is_closed && roles.is_empty() {
        return Err(refused(format!(
            "you are in no group of {} that may sign in here; ask who administers it",
            provider.name
        )));
    }
    Ok(roles.contains(&GroupRole::Admin))
}

/// Who has an email already.
pub async fn owner(
    connection: &mut AsyncPgConnection,
    email: &str,
) -> QueryResult<Option<PrincipalId>> {
    let found = users::table.filter(users::email_key.eq(key_of(email)));
    let id = found.select(users::id).first(connection).await;
    id.optional()
}

/// To whose account somebody comes for the first time.
pub struct First<'a> {
    pub who: &'a Proven,
    pub email: &'a str,
    /// Of the account, which is there or is to be made.
    pub id: PrincipalId,
    pub is_there: bool,
}

/// Ties an identity to the account that it leads to from now on.
pub async fn tie(tx: &mut Tx<'_>, provider: &OidcProvider, first: &First<'_>) -> Work<User> {
    let user = match first.is_there {
        true => adopt(tx, provider, first).await?,
        false => make(tx, provider, first).await?,
    };
    diesel::insert_into(user_identities::table)
        .values((
            user_identities::issuer.eq(&provider.issuer),
            user_identities::subject.eq(&first.who.subject),
            user_identities::user_id.eq(user.id),
        ))
        .execute(tx.connection())
        .await
        .map_err(twice)?;
    tx.tell(Event::UserLinked {
        user: user.id,
        provider: provider.id.clone(),
    })
    .await?;
    Ok(user)
}

/// The account that has the email already. Where nobody has confirmed the email here, whoever made
/// the account may be somebody else, who waits for its owner: then all by which it could be signed
/// in to until now ends.
async fn adopt(tx: &mut Tx<'_>, provider: &OidcProvider, first: &First<'_>) -> Work<User> {
    if !provider.link_by_email {
        return Err(refused(
            "there is an account with your email already, to which a provider does not lead here; sign in with its password, or ask an administrator",
        )
        .into());
    }
    // Rights may follow, whose locks come in one order.
    rights::lock(tx, first.id).await?;
    // It may have got another email since it was looked for.
    let there: Option<User> = users::table
        .find(first.id)
        .filter(users::email_key.eq(key_of(first.email)))
        .select(User::as_select())
        .first(tx.connection())
        .await
        .optional()?;
    let user = there.ok_or_else(at_once)?;
    enabled(&user)?;
    if user.email_verified_at.is_some() {
        return Ok(user);
    }
    end_everything(tx, user.id, "linked").await?;
    verified(tx, user.id, Some(NO_PASSWORD)).await
}

async fn make(tx: &mut Tx<'_>, provider: &OidcProvider, first: &First<'_>) -> Work<User> {
    let First { who, email, id, .. } = *first;
    let said = &who.said;
    if !provider.register {
        return Err(refused(
            "you have no account here, and none is made by signing in; ask an administrator for one",
        )
        .into());
    }
    let username = free_username(tx, &usernames(said, email)).await?;
    let name = said.name().map(|name| PersonName::checked(name.to_owned()));
    let new = NewUser {
        id,
        email: email.to_owned(),
        email_key: key_of(email),
        username_key: username.as_deref().map(key_of),
        username,
        name: name.and_then(Result::ok).and_then(PersonName::or_none),
        profile: json!({}),
        password_hash: NO_PASSWORD.to_owned(),
        is_admin: false,
    };
    Account::insert(tx, &new).await.map_err(twice)?;
    tx.tell(Event::UserRegistered { user: id }).await?;
    verified(tx, id, None).await
}

/// The provider has verified the address.
async fn verified(
    connection: &mut AsyncPgConnection,
    id: PrincipalId,
    password_hash: Option<&str>,
) -> Work<User> {
    let user = diesel::update(users::table.find(id))
        .set((
            users::email_verified_at.eq(diesel::dsl::now),
            password_hash.map(|hash| users::password_hash.eq(hash)),
            users::version.eq(users::version + 1),
            users::updated_at.eq(diesel::dsl::now),
        ))
        .returning(User::as_returning())
        .get_result(connection)
        .await?;
    Ok(user)
}

/// Somebody else did at the same time what makes this fail.
fn twice(error: diesel::result::Error) -> Failure {
    use diesel::result::{DatabaseErrorKind, Error};
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation,
            _,
        ) => at_once().into(),
        error => error.into(),
    }
}

fn at_once() -> ApiError {
    ApiError::new(
        Code::Conflict,
        "your account has just been made or changed by another request; begin again at /sign-in",
    )
}

/// Disabled is disabled, whoever says who it is.
pub fn enabled(user: &User) -> Result<(), ApiError> {
    match user.is_disabled {
        true => Err(refused("your account is disabled; ask an administrator")),
        false => Ok(()),
    }
}

/// Gives the right to administer, or takes back what a group has given. The last administrator
/// stays one.
pub async fn apply_groups(
    tx: &mut Tx<'_>,
    provider: &OidcProvider,
    who: &Proven,
    user: &User,
    is_admin: bool,
    was_given: bool,
) -> Work<()> {
    if is_admin == was_given || (is_admin && user.is_admin) {
        return Ok(());
    }
    let locked = rights::lock(tx, user.id).await?;
    if !is_admin && locked.user.is_admin && locked.others_administer().is_err() {
        tracing::warn!(
            provider = provider.id,
            "the last administrator is in no group that administers, and stays one"
        );
        return Ok(());
    }
    diesel::update(user_identities::table.find((&provider.issuer, &who.subject)))
        .set(user_identities::gives_admin.eq(is_admin))
        .execute(tx.connection())
        .await?;
    if locked.user.is_admin != is_admin {
        rights::give(tx, user.id, is_admin).await?;
    }
    Ok(())
}

/// Usernames that somebody could have, the best first.
fn usernames(said: &Said, email: &str) -> Vec<String> {
    let wanted = said.username().unwrap_or(email);
    // A provider's username may be an email.
    let local = wanted.split('@').next().unwrap_or_default();
    let plain: String = local
        .chars()
        .map(
            |c| match c.is_alphanumeric() || matches!(c, '.' | '_' | '-') {
                true => c,
                false => '-',
            },
        )
        .take(56)
        .collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() {
        return Vec::new();
    }
    let numbered = (2..=TRIES).map(|number| format!("{plain}-{number}"));
    [plain.to_owned()]
        .into_iter()
        .chain(numbered)
        .filter_map(|name| Username::checked(name).ok().map(String::from))
        .collect()
}

/// The first that nobody has.
async fn free_username(
    connection: &mut AsyncPgConnection,
    wanted: &[String],
) -> QueryResult<Option<String>> {
    #[derive(QueryableByName)]
    struct Free {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let keys: Vec<String> = wanted.iter().map(|name| key_of(name)).collect();
    let free: Option<Free> = diesel::sql_query(
        "SELECT wanted.name FROM unnest($1, $2) WITH ORDINALITY AS wanted (name, key, place) \
         WHERE NOT EXISTS (SELECT FROM users WHERE username_key = wanted.key) \
         ORDER BY wanted.place LIMIT 1",
    )
    .bind::<Array<Text>, _>(wanted)
    .bind::<Array<Text>, _>(keys)
    .get_result(connection)
    .await
    .optional()?;
    Ok(free.map(|free| free.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(username: Option<&str>, email: &str) -> Option<String> {
        let said = json!({ "preferred_username": username });
        let said: Said = serde_json::from_value(said).unwrap();
        usernames(&said, email).into_iter().next()
    }

    #[test]
    fn a_username_is_made_to_fit() {
        for (username, email, expected) in [
            (Some("ada"), "x@y.z", "ada"),
            (Some("ada@corp.example"), "x@y.z", "ada"),
            (Some("CORP\\ada l"), "x@y.z", "CORP-ada-l"),
            (None, "ada.lovelace@y.z", "ada.lovelace"),
            (Some("<script>"), "x@y.z", "script"),
            (Some("a"), "x@y.z", "a-2"),
        ] {
            assert_eq!(first(username, email).as_deref(), Some(expected));
        }
        let long = first(Some(&"x".repeat(300)), "x@y.z").unwrap();
        assert_eq!(long.len(), 56);
        // A Cyrillic letter among Latin ones, and nothing at all.
        assert_eq!(first(Some("\u{430}dmin"), "x@y.z"), None);
        assert_eq!(first(Some("@@"), "x@y.z"), None);
    }
}
