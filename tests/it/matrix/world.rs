//! What a call of the matrix is made in: people, and what is theirs, all of it new for every call,
//! so that no call sees what the one before has done.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use chartroom::kernel::types::{PrincipalId, SessionId};
use chrono::Utc;
use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::calls::{self, Call};
use super::links;
use crate::support::app::{Answer, TestApp};
use crate::support::model_runner::ModelRunner;

const JSON: (&str, &str) = ("content-type", "application/json");
pub(super) const PASSWORD: &str = "correct horse battery";

/// In the order of the table's columns.
pub(super) const CALLERS: [&str; 8] = [
    "anonymous",
    "outsider",
    "other owner",
    "viewer",
    "editor",
    "owner",
    "admin",
    "disabled",
];

/// The application, and who looks after it: none of them ever calls for the table.
pub(crate) struct Stage {
    pub app: TestApp,
    /// Its models are not ONNX files.
    _runner: ModelRunner,
    session: tokio_postgres::Client,
    password_hash: String,
    root: Person,
}

#[derive(Clone)]
pub(crate) struct Person {
    pub id: Uuid,
    pub login: String,
    /// The one that `access` belongs to, and one more.
    pub sessions: [Uuid; 2],
    pub tokens: [Uuid; 2],
    pub access: String,
    is_admin: bool,
}

/// A project with a member besides its owner, and what is written in it.
struct Shared {
    project: Uuid,
    owner: Uuid,
    mate: Uuid,
    visibility: &'static str,
    invitation: Uuid,
    post: Uuid,
    draft: Uuid,
    dataset: Uuid,
    import: Uuid,
    model: Uuid,
}

/// What the placeholders of a path stand for.
#[derive(Clone, Copy)]
pub(crate) struct Things {
    pub project: Uuid,
    pub invitation: Uuid,
    pub post: Uuid,
    pub dataset: Uuid,
    pub import: Uuid,
    pub model: Uuid,
    pub user: Uuid,
    pub session: Uuid,
    pub token: Uuid,
    pub identity: Uuid,
    /// A dead one, so that it can be sent back.
    pub job: i64,
    /// A member of the project, or who is looked for among its members.
    pub principal: Uuid,
}

pub(crate) struct World {
    pub caller: Option<Person>,
    pub things: Things,
    /// The kind that was asked for.
    pub id: String,
}

/// Those of all datasets: a number, and what the answers of the models become.
const DATASET_COLUMNS: &str = r#"[{"name": "n", "field": "n", "type": "int", "nullable": true},
    {"name": "y_0", "field": "y_0", "type": "float64", "nullable": true},
    {"name": "y_1", "field": "y_1", "type": "float64", "nullable": true},
    {"name": "predicted_at", "field": "predicted_at", "type": "timestamp", "nullable": true},
    {"name": "model_version", "field": "model_version", "type": "bigint", "nullable": true},
    {"name": "request_id", "field": "request_id", "type": "text", "nullable": true},
    {"name": "latency_ms", "field": "latency_ms", "type": "float64", "nullable": true},
    {"name": "x_0", "field": "x_0", "type": "float64", "nullable": true},
    {"name": "x_1", "field": "x_1", "type": "float64", "nullable": true}]"#;

impl Stage {
    pub(crate) async fn new() -> Self {
        let limits = [
            "--signin-per-address-burst=1000000",
            "--signin-per-address-per-minute=1000000",
            "--signin-per-account-per-hour=1000000",
            "--signin-per-pair-burst=1000000",
            "--signin-per-pair-per-hour=1000000",
            // Nobody works here, so nothing is sent.
            "--smtp-host=localhost",
            "--mail-from=chartroom@example.com",
            "--public-url=http://localhost",
        ];
        let runner = ModelRunner::start();
        let setting = runner.setting();
        let limits: Vec<&str> = limits.into_iter().chain([setting.as_str()]).collect();
        let app = TestApp::with(&limits, Default::default()).await;
        // Nobody watches the database here.
        app.app.health.good();
        let session = app.database.session().await;
        // Hashed once, for everybody.
        let body = json!({ "email": "first@example.com", "password": PASSWORD });
        let answer = app.post_json("/api/v1/users", body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let row = session
            .query_one("SELECT password_hash FROM users", &[])
            .await
            .unwrap();
        let root = Person::new(&app, "root", true);
        let stage = Self {
            app,
            _runner: runner,
            session,
            password_hash: row.get(0),
            root,
        };
        stage.insert(&[&stage.root], &[]).await;
        stage
    }

    pub(super) async fn sql(&self, statement: &str) {
        self.session.batch_execute(statement).await.unwrap();
    }

    /// An alias of a model, which has been moved twice. Not there from the beginning, because it
    /// keeps the model and its project from being deleted.
    pub(super) async fn give_alias(&self, model: Uuid) {
        let of = format!(
            "FROM models CROSS JOIN (VALUES ('kept'), ('production')) AS aliases (alias) \
             WHERE id = '{model}' ON CONFLICT DO NOTHING"
        );
        let given = format!(
            "INSERT INTO model_alias_moves (model_id, number, alias, weights) OVERRIDING SYSTEM VALUE \
                SELECT id, move, alias, '{{\"1\": 1}}' FROM models CROSS JOIN (VALUES (-2), (-1)) AS moves (move) \
                CROSS JOIN (VALUES ('kept'), ('production')) AS aliases (alias) \
                WHERE id = '{model}' ON CONFLICT DO NOTHING; \
             INSERT INTO model_aliases SELECT id, alias, -1 {of}; \
             INSERT INTO model_alias_targets SELECT id, alias, 1, 1 {of};"
        );
        self.sql(&given).await;
    }

    /// Names of all columns.
    pub(super) async fn columns(&self) -> BTreeSet<String> {
        let all = "SELECT DISTINCT column_name::text FROM information_schema.columns WHERE table_schema = 'public'";
        let rows = self.session.query(all, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Of what somebody has, as it is in the database.
    pub(super) async fn digest(&self, who: &Person) -> String {
        let rows = |of: &str| {
            format!("(SELECT coalesce(string_agg(t::text, ';' ORDER BY t::text), '') FROM {of})")
        };
        let id = who.id;
        let mine = format!("SELECT project_id FROM project_members WHERE principal_id = '{id}'");
        let all = [
            rows(&format!("users t WHERE id = '{id}'")),
            rows(&format!("sessions t WHERE user_id = '{id}'")),
            rows(&format!("api_tokens t WHERE user_id = '{id}'")),
            rows(&format!("posts t WHERE author_id = '{id}'")),
            rows(&format!("jobs t WHERE owner = '{id}'")),
            rows(&format!("dead_jobs t WHERE owner = '{id}'")),
            rows(&format!("notifications t WHERE user_id = '{id}'")),
            rows(&format!("preferences t WHERE user_id = '{id}'")),
            rows(&format!("projects t WHERE id IN ({mine})")),
            rows(&format!("project_members t WHERE project_id IN ({mine})")),
            rows(&format!(
                "project_invitations t WHERE project_id IN ({mine})"
            )),
            rows(&format!("datasets t WHERE project_id IN ({mine})")),
            rows(&format!("models t WHERE project_id IN ({mine})")),
        ];
        let query = format!("SELECT md5({})", all.join(" || "));
        self.session.query_one(&query, &[]).await.unwrap().get(0)
    }

    /// In one round trip, as this is done for every call.
    async fn insert(&self, people: &[&Person], projects: &[(&Shared, &[(Uuid, &str)])]) {
        let (mut made, mut last) = (String::new(), String::new());
        let mut rows = [const { String::new() }; 22];
        let [
            principals,
            users,
            sessions,
            tokens,
            shared,
            members,
            invitations,
            invitation_links,
            posts,
            jobs,
            notifications,
            datasets,
            imports,
            versions,
            pins,
            models,
            model_versions,
            model_logs,
            mail_links,
            unsubscribe_keys,
            registrations,
            identities,
        ] = &mut rows;
        for person in people {
            let Person {
                id,
                login,
                sessions: theirs,
                tokens: kept,
                is_admin,
                ..
            } = person;
            write!(principals, ",('{id}', 'user')").unwrap();
            let job = job_of(*id);
            write!(jobs, ",({job}, 1, 'some.job.1', '{{}}', '{id}', now(), 3, 3, 2, 0, now(), 'it failed too often')").unwrap();
            // The same number for both.
            write!(notifications, ",({job}, '{id}', gen_random_uuid(), 'chartroom.member.added', gen_random_uuid(), 's', '{{}}', now())").unwrap();
            let hash = &self.password_hash;
            write!(users, ",('{id}', '{login}@example.com', '{login}@example.com', '{login}', '{login}', '{hash}', {is_admin}, now())").unwrap();
            *mail_links += &links::rows(*id);
            *unsubscribe_keys += &links::key(*id);
            *identities += &links::identity_row(*id);
            *registrations += &links::registration_row(*id);
            for (session, token) in theirs.iter().zip(kept) {
                write!(sessions, ",('{session}', '{id}', 'bearer', now() + interval '1 hour', now() + interval '1 hour')").unwrap();
                write!(
                    tokens,
                    ",('{token}', '{id}', 'a token', 'read', '\\x{}')",
                    token.simple()
                )
                .unwrap();
            }
        }
        for (project, more) in projects {
            let Shared {
                project,
                owner,
                mate,
                visibility,
                invitation,
                post,
                draft,
                dataset,
                import,
                model,
            } = project;
            write!(invitations, ",('{invitation}', '{project}', '{invitation}@example.net', '{invitation}@example.net', 'viewer', '{owner}', now() + interval '1 day')").unwrap();
            *invitation_links += &links::invitation_row(*invitation);
            write!(shared, ",('{project}', 'A project', '{visibility}')").unwrap();
            write!(datasets, r#",('{dataset}', '{project}', 'A dataset', '{DATASET_COLUMNS}', '{{}}', 1, {}, 1, 2, now(), now())"#, job_of(*dataset)).unwrap();
            write!(imports, ",('{import}', '{dataset}', '{owner}', 'receiving', 'append', false, false, '[]', now(), now(), 1)").unwrap();
            // Its table is named by a number, which is taken from its id.
            let table = job_of(*dataset);
            write!(
                versions,
                ",('{dataset}', 1, {table}, 0, 'edit', now(), 1, 0, 0, 1)"
            )
            .unwrap();
            write!(pins, ",('{dataset}', 'kept', 1)").unwrap();
            write!(made, "CREATE TABLE dataset_rows.g{table} (rid bigint NOT NULL, came bigint NOT NULL, gone bigint, c1 bigint, c2 double precision, c3 double precision, \
                c4 timestamptz, c5 bigint, c6 text, c7 double precision, c8 double precision, c9 double precision); \
                INSERT INTO dataset_rows.g{table} VALUES (1, 0, NULL, 1); GRANT ALL ON dataset_rows.g{table} TO PUBLIC;").unwrap();
            write!(
                made,
                "INSERT INTO blobs (id, size, sha256) VALUES ('{dataset}', 1, '\\x00'); \
                INSERT INTO blob_parts VALUES ('{dataset}', 0, '\\x00');"
            )
            .unwrap();
            write!(
                last,
                "INSERT INTO dataset_files VALUES ('{dataset}', 1, '{dataset}');"
            )
            .unwrap();
            write!(
                models,
                ",('{model}', '{project}', 'm-{model}', 1, now(), now())"
            )
            .unwrap();
            write!(
                made,
                "INSERT INTO blobs (id, size, sha256) VALUES ('{model}', 12, '\\x00'); \
                INSERT INTO blob_parts VALUES ('{model}', 0, '{{\"factor\":1}}');"
            )
            .unwrap();
            let golden = calls::golden();
            let signature = json!({
                "inputs": [{ "name": "x", "datatype": "FP32", "shape": [-1, 2] }],
                "outputs": [{ "name": "y", "datatype": "FP32", "shape": [-1, 2] }],
                "opset": 18, "producer": "", "runtime": "onnxruntime 0", "batches": false, "notes": [], "memory": 1,
            });
            write!(
                model_versions,
                ",('{model}', 1, '{model}', 12, '\\x00', 'ready', '{signature}', '{golden}', 'passed')"
            )
            .unwrap();
            write!(
                model_logs,
                ",('{model}', '{dataset}', 0.5, '{owner}', now())"
            )
            .unwrap();
            let own = [(*owner, "owner"), (*mate, "viewer")];
            for (member, role) in own.iter().chain(*more) {
                write!(members, ",('{project}', '{member}', '{role}')").unwrap();
            }
            for (post, is_published) in [(post, true), (draft, false)] {
                write!(posts, ",('{post}', '{owner}', '{project}', 'A title', 'Some content', {is_published}, 'english', now())").unwrap();
            }
        }
        let tables = [
            "principals (id, kind)",
            "users (id, email, email_key, username, username_key, password_hash, is_admin, email_verified_at)",
            "sessions (id, user_id, kind, idle_ends_at, ends_at)",
            "api_tokens (id, user_id, name, access, secret_hash)",
            "projects (id, name, visibility)",
            "project_members (project_id, principal_id, role)",
            "project_invitations (id, project_id, email, email_key, role, invited_by, expires_at)",
            "invitation_links (hash, invitation_id)",
            "posts (id, author_id, project_id, title, content, published, language, created_at)",
            "dead_jobs (id, lane, kind, args, owner, due_at, claims, failures, max_failures, lost, created_at, reason)",
            "notifications (id, user_id, event_id, kind, project_id, subject, data, at)",
            "datasets (id, project_id, name, column_list, key_fields, version, generation, row_count, next_rid, created_at, updated_at)",
            "dataset_imports (id, dataset_id, started_by, state, mode, is_dry_run, skips_errors, options, started_at, seen_at, rejected_rows)",
            "dataset_versions (dataset_id, version, generation, change, kind, made_at, added, removed, changed, row_count)",
            "dataset_pins (dataset_id, name, version)",
            "models (id, project_id, name, last_version, created_at, updated_at)",
            "model_versions (model_id, version, blob_id, size, sha256, state, signature, golden, golden_state)",
            "model_logs (model_id, dataset_id, share, set_by, loaded_at)",
            "mail_links (hash, user_id, purpose, expires_at)",
            "unsubscribe_keys",
            "registrations (id, email, email_key, profile, password_hash, link, expires_at)",
            "user_identities (issuer, subject, user_id)",
        ];
        let mut batch = made;
        for (table, rows) in tables.iter().zip(&rows) {
            if let Some(rows) = rows.strip_prefix(',') {
                write!(batch, "INSERT INTO {table} VALUES {rows};").unwrap();
            }
        }
        batch += &last;
        self.session.batch_execute(&batch).await.unwrap();
    }

    /// Everything that a call may be about, as `caller` finds it. What `id` and `principal` mean,
    /// the table says.
    pub(super) async fn world(&self, caller: &str, id: &str) -> World {
        let (id, principal) = id.split_once('/').unwrap_or((id, ""));
        let person = |name: &str| Person::new(&self.app, name, name == "admin");
        let [owner, other, mate, friend, bystander, leaver] =
            ["owner", "other", "mate", "friend", "bystander", "leaver"].map(person);
        let called = match caller {
            "anonymous" => None,
            "owner" => Some(owner.clone()),
            "other owner" => Some(other.clone()),
            name => Some(person(name)),
        };
        let shared = |owner: &Person, mate: &Person, visibility| Shared {
            project: Uuid::now_v7(),
            owner: owner.id,
            mate: mate.id,
            visibility,
            invitation: Uuid::now_v7(),
            post: Uuid::now_v7(),
            draft: Uuid::now_v7(),
            dataset: Uuid::now_v7(),
            import: Uuid::now_v7(),
            model: Uuid::now_v7(),
        };
        let ours = shared(&owner, &mate, "private");
        let theirs = shared(&other, &friend, "private");
        let internal = shared(&other, &friend, "internal");
        let role = match caller {
            "viewer" => "viewer",
            "editor" => "editor",
            // What they could do is what they may not do any more.
            "disabled" => "owner",
            _ => "",
        };
        let joined = called.as_ref().filter(|_| !role.is_empty());
        let joined: Vec<_> = joined.map(|person| (person.id, role)).into_iter().collect();
        let projects: [(&Shared, &[(Uuid, &str)]); 3] =
            [(&ours, &joined), (&theirs, &[]), (&internal, &[])];
        let mut people = vec![&owner, &other, &mate, &friend, &bystander, &leaver];
        people.extend(
            called
                .as_ref()
                .filter(|called| !["owner", "other"].contains(&called.name())),
        );
        self.insert(&people, &projects).await;
        let free = Uuid::now_v7();
        if id == "free" {
            let author = other.id;
            let insert = format!(
                "INSERT INTO posts (id, author_id, title, content, language, created_at) \
                 VALUES ('{free}', '{author}', 'A title', 'Some content', 'english', now())"
            );
            self.session.batch_execute(&insert).await.unwrap();
        }
        // What is a person's is the caller's own; of nobody it is the owner's.
        let me = called.as_ref().unwrap_or(&owner);
        let mut things = Things {
            project: ours.project,
            invitation: ours.invitation,
            post: ours.post,
            dataset: ours.dataset,
            import: ours.import,
            model: ours.model,
            user: me.id,
            session: me.sessions[0],
            token: me.tokens[0],
            identity: links::identity(me.id),
            job: job_of(me.id),
            principal: mate.id,
        };
        match id {
            "-" | "own" => {}
            "draft" => things.post = ours.draft,
            "free" => things.post = free,
            "internal" => {
                (things.project, things.post) = (internal.project, internal.post);
                (things.dataset, things.import) = (internal.dataset, internal.import);
                (things.invitation, things.model) = (internal.invitation, internal.model);
                things.principal = friend.id;
            }
            "foreign" => {
                things = Things {
                    project: theirs.project,
                    invitation: theirs.invitation,
                    post: theirs.post,
                    dataset: theirs.dataset,
                    import: theirs.import,
                    model: theirs.model,
                    user: bystander.id,
                    session: bystander.sessions[0],
                    token: bystander.tokens[0],
                    identity: links::identity(bystander.id),
                    job: job_of(bystander.id),
                    principal: friend.id,
                }
            }
            "random" => {
                things = Things {
                    principal: mate.id,
                    ..Things::random()
                }
            }
            "deleted" => {
                (things.session, things.token) = (me.sessions[1], me.tokens[1]);
                things.user = leaver.id;
                let Things {
                    project,
                    post,
                    dataset,
                    model,
                    session,
                    token,
                    identity,
                    job,
                    ..
                } = things;
                self.delete(&owner, &format!("posts/{post}")).await;
                self.delete(&owner, &format!("datasets/{dataset}")).await;
                self.delete(&owner, &format!("models/m-{model}")).await;
                self.delete(&owner, &format!("projects/{project}")).await;
                self.delete(me, &format!("jobs/{job}")).await;
                // Nobody can, but they go when they are old.
                let gone = format!("DELETE FROM notifications WHERE id = {job}");
                self.session.batch_execute(&gone).await.unwrap();
                self.delete(me, &format!("me/sessions/{session}")).await;
                self.delete(me, &format!("me/tokens/{token}")).await;
                self.delete(me, &format!("me/identities/{identity}")).await;
            }
            _ => panic!("what is the id {id:?}?"),
        }
        things.principal = match principal {
            "" => things.principal,
            "self" => me.id,
            "account" => bystander.id,
            "random" => Uuid::now_v7(),
            "deleted" => leaver.id,
            _ => panic!("what is the principal {principal:?}?"),
        };
        if [things.user, things.principal].contains(&leaver.id) {
            self.delete(&self.root, &format!("users/{}", leaver.id))
                .await;
        }
        if caller == "disabled" {
            let target = format!("/api/v1/users/{}", me.id);
            let body = json!({ "disabled": true }).to_string();
            let answer = self
                .send(
                    Some(&self.root),
                    Method::PATCH,
                    &target,
                    &[JSON],
                    body.into(),
                )
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        World {
            caller: called,
            things,
            id: id.to_owned(),
        }
    }

    /// The world of who may do it, to what is theirs.
    pub(crate) async fn permitted(&self, call: &Call) -> Arc<World> {
        let administered = ["/users/{id}", "/api/v1/audit", "/api/v1/jobs"];
        let is_admins = administered
            .iter()
            .any(|path| call.operation.contains(path));
        let id = call.ids.iter().find(|id| **id == "own").unwrap_or(&"-");
        let caller = if is_admins { "admin" } else { "owner" };
        let world = self.world(caller, id).await;
        if call.operation.contains("{alias}") || call.operation.contains(" /v2/models") {
            self.give_alias(world.things.model).await;
        }
        Arc::new(world)
    }

    async fn delete(&self, who: &Person, what: &str) {
        let target = format!("/api/v1/{what}");
        let answer = self
            .send(Some(who), Method::DELETE, &target, &[], Body::empty())
            .await;
        assert_eq!(answer.status, 204, "{target}: {}", answer.text());
    }

    pub(crate) async fn send(
        &self,
        who: Option<&Person>,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        if headers.iter().any(|(name, _)| *name == "content-type") {
            all.clear();
        }
        let bearer = who.map(|who| format!("Bearer {}", who.access));
        all.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        all.extend(headers);
        self.app.send(method, target, &all, body).await
    }
}

impl Person {
    fn new(app: &TestApp, name: &str, is_admin: bool) -> Self {
        let id = Uuid::now_v7();
        let sessions = [SessionId::fresh().0, SessionId::fresh().0];
        let is_admin = is_admin || name == "root";
        let issued = app.app.identity.tokens.issue(
            PrincipalId(id),
            SessionId(sessions[0]),
            is_admin,
            Utc::now(),
            600,
        );
        Self {
            id,
            login: format!("{name}-{}", id.simple()),
            sessions,
            tokens: [Uuid::now_v7(), Uuid::now_v7()],
            access: issued.unwrap(),
            is_admin,
        }
    }

    fn name(&self) -> &str {
        self.login.split('-').next().unwrap()
    }
}

impl Things {
    fn random() -> Self {
        Self {
            project: Uuid::now_v7(),
            invitation: Uuid::now_v7(),
            post: Uuid::now_v7(),
            dataset: Uuid::now_v7(),
            import: Uuid::now_v7(),
            model: Uuid::now_v7(),
            user: Uuid::now_v7(),
            session: Uuid::now_v7(),
            token: Uuid::now_v7(),
            identity: Uuid::now_v7(),
            job: job_of(Uuid::now_v7()),
            principal: Uuid::now_v7(),
        }
    }

    pub(super) fn all(&self) -> [String; 12] {
        let Self {
            project,
            invitation,
            post,
            dataset,
            import,
            model,
            user,
            session,
            token,
            identity,
            job,
            principal,
        } = *self;
        let ids = [
            project, invitation, post, dataset, import, model, user, session, token, identity,
            principal,
        ];
        let [a, b, c, d, e, f, g, h, i, j, k] = ids.map(|id| id.to_string());
        [a, b, c, d, e, f, g, h, i, j, k, job.to_string()]
    }
}

/// The id of somebody's job, which tells nothing of whose it is.
fn job_of(owner: Uuid) -> i64 {
    let (_, random) = owner.as_u64_pair();
    i64::try_from(random >> 2).unwrap()
}
