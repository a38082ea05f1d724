//! The features, each merged once, and the public service that they make together.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use http::Extensions;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::embedded::library;
use crate::app::sweep::{
    PurgeAnswers, PurgeAttempts, PurgeAudit, PurgeEvents, PurgeFormerAddresses, PurgeInvitations,
    PurgeMailLinks, PurgeNotifications, PurgeRefusedAddresses, PurgeRegistrations,
    PurgeRevocations, PurgeSessions,
};
use crate::config::models::ModelsRunner;
use crate::config::{Config, Console};
use crate::console::errors::ConsoleErrors;
use crate::datasets::files::WriteVersion;
use crate::datasets::profile::kept::ProfileVersion;
use crate::datasets::retention::{PurgeVersions, Retention};
use crate::datasets::sweep::SweepDatasets;
use crate::db::transaction::Work;
use crate::events::sequencer::Sink;
use crate::http::shell::Shell;
use crate::http::shell::pages::ErrorPages;
use crate::http::shell::routes::Routes;
use crate::http::{openapi, site, version};
use crate::identity::account::deletion::EndOfAccount;
use crate::identity::api::{AppState, Feature};
use crate::jobs::kind::Kinds;
use crate::jobs::periods::PurgePeriods;
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::mail::Mailer;
use crate::mail::letter::Deliver;
use crate::models::check::CheckVersion;
use crate::models::log::load::LoadPredictions;
use crate::models::scoring::job::{ScoreDataset, Tools};
use crate::models::serving::Serving;
use crate::notifications::mail::{DigestMail, NotificationMail};
use crate::process::Runner;
use crate::process::models::ModelRunner;
use crate::projects::access::{ProjectAccess, Viewer};
use crate::projects::invitations::letter::InvitationMail;
use crate::projects::reminders::Remind;
use crate::state::Core;
use crate::telemetry::metrics::Metrics;
use crate::users::former::AddressChangedMail;
use crate::users::letters::{EmailConfirmMail, PasswordResetMail};
use crate::users::registration::RegistrationMail;
use crate::{
    activity, audit, console, datasets, feed, identity, jobs, mail, models, notifications, posts,
    projects, users,
};

/// The middleware around the API.
pub type PublicShell = Shell<AppState>;

/// In the order of the document's reader.
const FEATURES: &[fn() -> Feature] = &[
    identity::feature,
    users::feature,
    projects::feature,
    posts::feature,
    datasets::feature,
    models::feature,
    audit::feature,
    jobs::feature,
    activity::feature,
    feed::feature,
    notifications::feature,
];

/// What features do when an account ends.
pub fn endings() -> Vec<EndOfAccount> {
    let endings = FEATURES.iter().map(|feature| feature().ending);
    endings.flatten().collect()
}

/// What handlers of a feature share.
pub fn shared(core: &Core) -> Extensions {
    let mut shared = Extensions::new();
    shared.insert(Arc::new(Serving::new(core)));
    shared
}

/// What features write when events are numbered.
const SINKS: &[Sink] = &[notifications::sink::notify];
const SINKS_WITH_MAIL: &[Sink] = &[notifications::sink::notify_and_mail];

pub(super) fn sinks(config: &Config) -> &'static [Sink] {
    match config.mail_server() {
        Some(_) => SINKS_WITH_MAIL,
        None => SINKS,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// The kinds of jobs that a process of this build does, and how often those come that nobody asks
/// for.
pub fn kinds(config: &Config, metrics: &Arc<Metrics>) -> Kinds {
    let memory = config.runner.runner_memory.map(|size| size.0);
    let kinds = Kinds::default()
        .every::<PurgeEvents>(MINUTE, config.jobs.event_retention.0)
        .every::<PurgeAttempts>(MINUTE, ())
        .every::<PurgeSessions>(MINUTE, ())
        .every::<PurgeRevocations>(MINUTE, ())
        .every::<PurgeAnswers>(MINUTE, ())
        .every::<PurgeAudit>(MINUTE, ())
        .every::<PurgeNotifications>(MINUTE, ())
        .every::<PurgeMailLinks>(MINUTE, ())
        .every::<PurgeInvitations>(MINUTE, ())
        .every::<PurgeRegistrations>(MINUTE, ())
        .every::<PurgeFormerAddresses>(MINUTE, ())
        .every::<PurgeRefusedAddresses>(MINUTE, ())
        .every::<PurgePeriods>(60 * MINUTE, ())
        .every::<SweepDatasets>(MINUTE, ())
        .every::<PurgeVersions>(10 * MINUTE, retention(config))
        .every::<LoadPredictions>(MINUTE, ())
        .with::<Remind>(())
        .with::<ProfileVersion>(())
        .with::<WriteVersion>(Arc::new(Runner::new(memory, metrics.clone())));
    let kinds = match config.models.models_runner {
        // Where models run nowhere, their jobs wait for a process where they do.
        ModelsRunner::Off => kinds,
        _ => {
            let runner = || ModelRunner::of(&config.models, library(config));
            kinds
                .with::<CheckVersion>(runner().into())
                .with::<ScoreDataset>(Tools {
                    runner: runner(),
                    metrics: metrics.clone(),
                })
        }
    };
    match Mailer::new(config, metrics.clone()) {
        Some(mailer) => with_mail(kinds, &Arc::new(mailer)),
        None => kinds,
    }
}

fn retention(config: &Config) -> Retention {
    Retention {
        versions: config.jobs.dataset_keep_versions,
        days: config.jobs.dataset_keep_days,
    }
}

/// The kinds of mails. Without a mail server their jobs wait for a process that has one.
fn with_mail(kinds: Kinds, mailer: &Arc<Mailer>) -> Kinds {
    kinds
        .with::<Deliver<PasswordResetMail>>(mailer.clone())
        .with::<Deliver<EmailConfirmMail>>(mailer.clone())
        .with::<Deliver<RegistrationMail>>(mailer.clone())
        .with::<Deliver<AddressChangedMail>>(mailer.clone())
        .with::<Deliver<InvitationMail>>(mailer.clone())
        .with::<Deliver<NotificationMail>>(mailer.clone())
        .with::<Deliver<DigestMail>>(mailer.clone())
}

/// Whether a caller may still read what a kept answer shows of a project.
pub fn may_read(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
    project: ProjectId,
) -> BoxFuture<'_, Work<()>> {
    Box::pin(async move {
        ProjectAccess::<Viewer>::to_read(connection, who, project).await?;
        Ok(())
    })
}

/// The documented routes.
fn documented() -> OpenApiRouter<AppState> {
    let features: Vec<Feature> = FEATURES.iter().map(|feature| feature()).collect();
    let tags = features.iter().flat_map(|feature| feature.tags);
    let platform = OpenApiRouter::with_openapi(openapi::base(tags.copied()));
    let routes = features.into_iter().map(|feature| feature.routes);
    routes
        .fold(platform, OpenApiRouter::merge)
        .merge(version::router())
}

/// The OpenAPI document, which needs nothing that runs.
pub fn openapi(public_url: &str) -> anyhow::Result<OpenApi> {
    finish(documented().into_openapi(), public_url)
}

fn finish(mut document: OpenApi, public_url: &str) -> anyhow::Result<OpenApi> {
    document.webhooks = Some(feed::webhooks::webhooks());
    openapi::finish(document, public_url)
}

/// The public service: every route behind the middleware.
pub fn public(app: AppState) -> anyhow::Result<Arc<PublicShell>> {
    public_with(app, OpenApiRouter::new())
}

/// The same with more routes, which is how tests reach what no feature route does yet.
pub fn public_with(
    app: AppState,
    more: OpenApiRouter<AppState>,
) -> anyhow::Result<Arc<PublicShell>> {
    let more_document = more.get_openapi().clone();
    let (router, document) = documented().merge(more).split_for_parts();
    let pages = [site::UNDOCUMENTED, mail::page::PATHS].concat();
    let console = (app.config.http.console == Console::On).then(console::pages);
    let home = console.as_ref().map(|_| console::HOME);
    let errors = console
        .as_ref()
        .map(|_| -> Box<dyn ErrorPages> { Box::new(ConsoleErrors) });
    // Other pages than the console's may lead there.
    let for_people = console
        .unwrap_or_default()
        .merge(identity::handlers::oidc::pages());
    let (for_people, of_console) = for_people.split();
    let routes = Routes::new(document, &pages, &of_console)?;
    let public_url = app.public_url.clone();
    // For readers of the document alone: it takes longer to make than all else at the start.
    let readable = move || {
        let mut document = documented().into_openapi();
        document.merge(more_document.clone());
        finish(document, &public_url)
    };
    let router: Router = router
        .merge(site::router(readable, home))
        .merge(mail::page::router())
        .merge(for_people)
        .with_state(app.clone());
    let shell = Shell::new(app.core.clone(), app, router, routes, errors)?;
    Ok(Arc::new(shell))
}
