// Made by generate.mjs from the service's OpenAPI document; do not edit.
export interface paths {
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The keys that our access tokens verify with
         * @description A JSON Web Key Set (RFC 7517). Other services check our access tokens with it and need not call
         *     us for each. It changes when the keys of the service do, so read it again when a token names a
         *     key that you do not have.
         */
        get: operations["get_keys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/oauth-authorization-server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where to sign in, and how
         * @description The metadata of the authorization server (RFC 8414): its endpoints and the grants that they
         *     take. Libraries for OAuth 2 configure themselves from it.
         */
        get: operations["get_metadata"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happened in the service, newest first
         * @description Sign-ins, refusals and what administrators did. Events are never changed or deleted. Refusals
         *     and passwords that were sent with a request appear some seconds later; several of one kind are
         *     one event with a `count` in `detail`.
         */
        get: operations["list_audit_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The datasets that you may read
         * @description Those in your projects and in internal projects.
         */
        get: operations["list_datasets"];
        put?: never;
        /**
         * Make a dataset
         * @description You need the role `editor` in its project. Its columns are declared here, or made of the first
         *     file that is imported. The name is alone in the project: if it is taken, the answer is 409.
         */
        post: operations["create_dataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A dataset
         * @description Its `ETag` changes with every change to its records or to what it says of itself.
         */
        get: operations["get_dataset"];
        put?: never;
        post?: never;
        /**
         * Delete a dataset
         * @description Deletes its records, all its versions and its imports. You need the role `owner` in the project.
         */
        delete: operations["delete_dataset"];
        options?: never;
        head?: never;
        /**
         * Change what a dataset says of itself
         * @description A merge patch: members that you leave out stay as they are. You need the role `editor` in the
         *     project, and `owner` for how long versions are kept. With `If-Match` nobody's change is
         *     overwritten.
         *
         *     A change of rules is a version. If records break a rule that is to be set, the answer is 409
         *     `rules-broken`, and `errors` says how many.
         */
        patch: operations["update_dataset"];
        trace?: never;
    };
    "/api/v1/datasets/{id}/aggregate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Groups of records, and what is computed of each
         * @description In the order of the fields that make the groups. A picture has lines over numbers and times and
         *     bars for all else, and a second field makes a series of each of its values. Sums of whole
         *     numbers and decimals are exact, and texts in JSON where the field is.
         */
        get: operations["get_aggregate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/compare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compare groups
         * @description The values of groups beside each other at one time, with the difference of the first two and the
         *     group with the largest; and how each has changed since `base`. Where a group has several records
         *     and `agg` does not say what to make of them, the answer is 422.
         */
        get: operations["get_comparison"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/croissant.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A dataset as Croissant describes it
         * @description JSON-LD of MLCommons Croissant 1.0 with the fields of the records, where they are as CSV, and
         *     what the dataset says of itself. Whoever reads the records needs credentials of their own.
         */
        get: operations["get_croissant"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/datapackage.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A dataset as a Frictionless Data Package
         * @description `datapackage.json` with the schema of the records, where they are as CSV, and what the dataset
         *     says of itself. Whoever reads the records needs credentials of their own.
         */
        get: operations["get_data_package"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The records that are different in two versions
         * @description Those that were added, then those that were removed, then those that have changed, as they were
         *     and as they are. Records are the same by the key of the dataset; without one by their id, and
         *     where all were replaced by all their values. In CSV a record that has changed has two lines,
         *     `before` and `after`.
         */
        get: operations["list_differences"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/diff/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How much is different in two versions
         * @description How many records were added, removed and changed, and in how many each field has changed.
         */
        get: operations["get_diff_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The imports of a dataset
         * @description Also those under way, with how far they are.
         */
        get: operations["list_imports"];
        put?: never;
        /**
         * Import a file
         * @description Sends a file of records; all of them become part of the dataset, or none. You need the role
         *     `editor` in the project. A dataset without columns gets those of the file, whose types are
         *     guessed so that nothing is lost; `dry_run=true` shows them, and every mistake, without loading
         *     anything, and `type` says what a column is to be instead. CSV is UTF-8, UTF-16 with a byte order
         *     mark, or what `charset` in its `Content-Type` says.
         *
         *     If the import is done within a few seconds of the last byte, the answer is 201, and 422 if
         *     records cannot be taken; `errors` has the first of them, and the import at `Location` more. If
         *     it takes longer, the answer is 202 and the import says how far it is. A repetition with the
         *     same `Idempotency-Key` loads nothing twice.
         */
        post: operations["create_import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/imports/{import}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An import
         * @description How far it is, and what became of it.
         */
        get: operations["get_import"];
        put?: never;
        post?: never;
        /**
         * Stop an import
         * @description Nothing of it is loaded. An import that has ended stays as it is: the answer is 409.
         */
        delete: operations["cancel_import"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/imports/{import}/rejected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The records that an import could not take
         * @description As CSV, each after the columns `_rejected_row`, `_rejected_column` and `_rejected_code`, which
         *     say where it stood and what is wrong with it. Repaired, the file can be imported as it is: these
         *     columns are left out, and those that `section_column` and `set` had added are in it, so it needs
         *     neither them nor `columns` and `skip_rows`. It is kept for 30 days. You need the role `editor`
         *     in the project.
         */
        get: operations["get_rejected_records"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/pins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The pins of a dataset
         * @description Each keeps a version for good, whatever becomes of the others.
         */
        get: operations["list_pins"];
        put?: never;
        /**
         * Keep a version for good
         * @description Until the pin is removed, the version is not purged. You need the role `owner` in the project.
         *     The name is alone in the dataset: if it is taken, the answer is 409. If the version was purged
         *     already, it is 410.
         */
        post: operations["create_pin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/pins/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A pin
         * @description Its `ETag` is made of its version, and never changes.
         */
        get: operations["get_pin"];
        put?: never;
        post?: never;
        /**
         * Remove a pin
         * @description Its version is kept for as long as others of its age. You need the role `owner` in the project.
         */
        delete: operations["delete_pin"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/profile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the columns of a version hold
         * @description For each column how many values there are, the least and the largest, which are frequent and how
         *     they are spread. A profile is computed once for a version. That of a large version is computed
         *     after the first request for it, which is answered 202 until it is there.
         */
        get: operations["get_profile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/records": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The records of a dataset
         * @description In pages, by filters on any field. `format`, or an `Accept` that prefers CSV, NDJSON, Parquet or
         *     Arrow, answers with a file of all records that match, as they are at one moment; if making it
         *     fails, the connection breaks off, so that half a file never looks whole.
         */
        get: operations["list_records"];
        put?: never;
        /**
         * Add records
         * @description All of them, or none: what is wrong is listed by record and field. You need the role `editor` in
         *     the project. A record whose key another has is refused with 409, and so is one with which the
         *     dataset would break a rule of all its records.
         */
        post: operations["create_record"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/records/{rid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A record
         * @description Its `ETag` changes when the record does.
         */
        get: operations["get_record"];
        put?: never;
        post?: never;
        /**
         * Remove a record
         * @description Versions before this keep it. You need the role `editor` in the project.
         */
        delete: operations["delete_record"];
        options?: never;
        head?: never;
        /**
         * Change a record
         * @description A merge patch: fields that you leave out stay as they are. You need the role `editor` in the
         *     project. With `If-Match` nobody's change is overwritten.
         */
        patch: operations["update_record"];
        trace?: never;
    };
    "/api/v1/datasets/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The versions of a dataset
         * @description Every committed change to its records is a version: an import, or an edit. What is read with
         *     `version` is as it was then.
         */
        get: operations["list_dataset_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{id}/versions/{version}/data.parquet": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A version as a Parquet file
         * @description All its records, with a length, a strong `ETag` and ranges, so that programs read what they need
         *     of it by its URL. It is made when it is asked for the first time, which the answer waits for; if
         *     that takes too long, it is 503 `file-pending`. From then on it stays the same, for as long as
         *     the version is kept.
         */
        get: operations["get_version_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read or follow what happens
         * @description What happened in the projects that you can read, oldest first. A page says where the next one
         *     begins, also when there is nothing more yet: ask again from there, and you miss nothing. Events
         *     are kept for 30 days, unless the operator has set another time; who comes back later is answered
         *     410 and has to read the resources themselves.
         *
         *     With `Accept: text/event-stream` the answer is a stream of Server-Sent Events that goes on. Each
         *     has its `sequence` as its id; send the last one in `Last-Event-ID`, as browsers do, to go on
         *     where a stream ended. A stream ends by itself after about half an hour, when the service stops,
         *     and when you lose the access that it needs. A message `place` says where a stream begins, and
         *     `resync` that older events than the one you named are not kept any more.
         */
        get: operations["list_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Jobs that are to be done or being done, and dead ones, newest first
         * @description A job that is done is in no list: the log and the metrics tell of it.
         */
        get: operations["list_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A job
         * @description For administrators and for who started it. For everybody else it is answered 404, and so is one
         *     that is done.
         */
        get: operations["get_job"];
        put?: never;
        post?: never;
        /**
         * Cancel a job
         * @description A job that waits is gone, and so is a dead one. One that is being worked on is asked to stop. It
         *     shows `cancelled` until then; if it is done before it hears of it, it is done.
         */
        delete: operations["cancel_job"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a dead job back into the queue
         * @description It is tried again from the beginning, as often as a new one. A job that is not dead is a
         *     `conflict`, and so is one whose place another job has taken meanwhile.
         */
        post: operations["retry_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/lineage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where a version came from, and what came from it
         * @description Walks both ways from a version of a dataset or of a model: what it was trained on or made from
         *     and by which model, and so on, and what was made of it. What you may not see, and what is gone,
         *     is a node without a name; what lies beyond it is shown if you may see that. At most 10 steps
         *     away, 1,000 nodes and 5,000 edges.
         */
        get: operations["get_lineage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Your account
         * @description Shows the account of the person who calls, also when an API token calls for them. A workload has
         *     no account and is answered 403.
         */
        get: operations["get_me"];
        put?: never;
        post?: never;
        /**
         * Delete your account
         * @description Asks for your password. Your sessions and API tokens end at once, and there is no way back. If
         *     you are the only owner of a project, or the only administrator, the answer is 409 and nothing is
         *     deleted.
         */
        delete: operations["delete_me"];
        options?: never;
        head?: never;
        /**
         * Change your account
         * @description A merge patch: members that you leave out stay as they are. A new `email` needs
         *     `current_password`, and an API token cannot change it. It counts at once, and is `unverified`
         *     until you confirm it by the link that is mailed there; the address that you had confirmed before
         *     is told. A taken `email` or `username` is answered 409.
         */
        patch: operations["update_me"];
        trace?: never;
    };
    "/api/v1/me/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What your account did, newest first
         * @description Your sign-ins and changes, each with the address and the request that it came from. If you find
         *     something here that was not you, change your password and end your other sessions.
         */
        get: operations["list_activity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/email/confirmation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a link that confirms your address
         * @description It is mailed to you unless the address is confirmed already, and is good for a day. A new
         *     account, and one that changes its address, is sent one without asking. No more than three are
         *     good at once; while there are as many, none is sent.
         */
        post: operations["request_email_confirmation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The providers that sign you in
         * @description Single sign-on: each has said at least once that you are who has this account.
         */
        get: operations["list_identities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/identities/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Stop a provider from signing you in
         * @description Your sessions go on. Where you have neither a password nor another provider, the answer is 409
         *     `last-way-in`. If a group of the provider lets you administer, you do no more.
         */
        delete: operations["delete_identity"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What you are told, newest first
         * @description The end of a project that you own or edit, your own roles in projects, and what others did to
         *     your posts. Notifications are kept for 90 days.
         */
        get: operations["list_notifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Mark a notification as read
         * @description Or as not read. Marking it twice changes nothing.
         */
        patch: operations["update_notification"];
        trace?: never;
    };
    "/api/v1/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change your password
         * @description Asks for the current one. All your other sessions end; your API tokens stay. Wrong passwords
         *     count against the limits on sign-ins.
         */
        post: operations["change_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/preferences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What you want to be told
         * @description One for each type of event that people are told of, chosen or not.
         */
        get: operations["list_preferences"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/preferences/{type}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Choose whether to be told of a type of event
         * @description It counts for what happens from now on. No mail is sent where you have not asked for it, where
         *     your address is not confirmed, or where the service sends none at all.
         */
        put: operations["put_preference"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Your sessions
         * @description Every sign-in that has not ended, newest first, with the address and the program that it came
         *     from. The one that asks is marked `current`.
         */
        get: operations["list_sessions"];
        put?: never;
        post?: never;
        /**
         * End all your other sessions
         * @description The session that asks stays, and so do your API tokens. Every process of the service refuses the
         *     ended sessions within 5 seconds.
         */
        delete: operations["delete_sessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one of your sessions
         * @description Every process of the service refuses it within 5 seconds. A session that has ended already is
         *     answered 404.
         */
        delete: operations["delete_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Your API tokens, newest first
         * @description Shows what each may do and when it ends, never its secret. Expired ones stay in the list until
         *     you delete them.
         */
        get: operations["list_api_tokens"];
        put?: never;
        /**
         * Make an API token
         * @description The answer shows the secret, and nothing shows it again. Send it as `Authorization: Bearer`, or
         *     as the password of HTTP Basic. You can have 100 tokens; one more is answered 409.
         */
        post: operations["create_api_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One of your API tokens
         * @description Shows what it may do and when it ends, never its secret.
         */
        get: operations["get_api_token"];
        put?: never;
        post?: never;
        /**
         * End one of your API tokens
         * @description Every process of the service refuses it within 5 seconds.
         */
        delete: operations["delete_api_token"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The models that you may read
         * @description Those in your projects and in internal projects.
         */
        get: operations["list_models"];
        put?: never;
        /**
         * Make a model
         * @description You need the role `editor` in its project. The name is part of the path by which programs ask
         *     the model, so it is alone in the service: if it is taken, also in a project that you cannot see,
         *     the answer is 409.
         */
        post: operations["create_model"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A model
         * @description Its `ETag` changes with its description and with every version that comes or goes.
         */
        get: operations["get_model"];
        put?: never;
        post?: never;
        /**
         * Delete a model
         * @description Deletes all its versions and the history of its aliases. You need the role `owner` in the
         *     project. For as long as an alias is there, the answer is 409: remove the alias first.
         */
        delete: operations["delete_model"];
        options?: never;
        head?: never;
        /**
         * Change a model
         * @description A merge patch: members that you leave out stay as they are. You need the role `editor`.
         */
        patch: operations["update_model"];
        trace?: never;
    };
    "/api/v1/models/{name}/aliases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The aliases of a model
         * @description By an alias programs ask a model without knowing the number of its version. Without any word
         *     they ask `production`.
         */
        get: operations["list_aliases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/aliases/{alias}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An alias
         * @description Where it leads, since when and why. Its `ETag` changes with every move.
         */
        get: operations["get_alias"];
        /**
         * Move an alias
         * @description Makes the alias where there is none. From then on, within about a second, requests by the alias
         *     are answered by where it leads. You need the role `owner`. Every version that it leads to has to
         *     be ready, and its golden test, if it has one, is tried before the alias moves.
         */
        put: operations["move_alias"];
        post?: never;
        /**
         * Remove an alias
         * @description Requests by it are refused from then on. Its moves are kept. You need the role `owner`.
         */
        delete: operations["delete_alias"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/aliases/{alias}/back": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Move an alias back
         * @description To where it led before its last move. You need the role `owner`. Repeated, it goes to and fro.
         *     The versions are loaded first, unless that takes longer than 5 seconds; no golden test is tried.
         */
        post: operations["move_alias_back"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/aliases/{alias}/moves": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The moves of an alias
         * @description Every one there was, the newest first: who moved it, when, where to and why. They are kept when
         *     the alias is removed, for as long as the model is there.
         */
        get: operations["list_alias_moves"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Score a dataset
         * @description Asks a version of the model about every record of a version of a dataset, and loads the records
         *     with the answers into the dataset `into` as one import, all of them or none. An output of the
         *     shape `[-1]` or `[-1, 1]` is the column of its name, and one of the shape `[-1, n]` the columns
         *     `name_0` to `name_(n-1)`. You have to be able to read the model and the dataset, and need the
         *     role `editor` in the project of `into`.
         *
         *     A job does it. The import at `Location` says how far it is and what became of it, and is stopped
         *     by `DELETE`. A record without a value that the model needs, or with one that it cannot take,
         *     refuses all, and `problem` says which. Where models run nowhere, the answer is 503.
         */
        post: operations["score_dataset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The log of a model's predictions
         * @description Which share of the answers is kept in which dataset, how many records that were, and why the
         *     last ones were not loaded, if they were not. Its `ETag` changes also when records are loaded.
         *     404 says that no answers are kept.
         */
        get: operations["get_model_log"];
        /**
         * Keep a share of a model's answers
         * @description From then on, within about a second, this share of the questions is kept with its answers, and
         *     within a minute they are records of the dataset: when the model was asked, by which version,
         *     with which `id`, in how many milliseconds, the inputs and the outputs, a record for each row. A
         *     tensor of the shape `[-1]` or `[-1, 1]` is the column of its name, and one of the shape `[-1,
         *     n]` the columns `name_0` to `name_(n-1)`. You need the role `owner`, and records are loaded as
         *     yours.
         *
         *     Questions that are answered faster than they can be kept are left out, and so is one with more
         *     than 200,000 values.
         */
        put: operations["set_model_log"];
        post?: never;
        /**
         * Keep no answers of a model any more
         * @description Records that are in the dataset stay there; those that still wait to be loaded are dropped. You
         *     need the role `owner`.
         */
        delete: operations["delete_model_log"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How a model does
         * @description What the process that answers you has counted of it since it started: what became of questions,
         *     how long they waited, how long the model took. Each process counts for itself, and for the first
         *     100 models that it is asked; /metrics has the same for all.
         */
        get: operations["get_model_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The versions of a model
         * @description A number is given once, so those of deleted versions are missing.
         */
        get: operations["list_model_versions"];
        put?: never;
        /**
         * Upload a version
         * @description The body is an ONNX file. You need the role `editor` in the project. Its bytes never change from
         *     then on; a correction is another version. `Content-Digest` is checked where it is sent.
         *
         *     The file is loaded once, apart from the service, to find out what it takes and gives. If that is
         *     done within a few seconds, the answer shows the version as `ready`, or as `failed` with its
         *     `problem`; else as `checking`. Where models run nowhere, it is 503. A repetition with the same
         *     `Idempotency-Key` makes no other version.
         */
        post: operations["create_model_version"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/versions/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A version of a model
         * @description Its bytes never change. Its `ETag` changes with its state and with what it says of itself.
         */
        get: operations["get_model_version"];
        put?: never;
        post?: never;
        /**
         * Delete a version
         * @description Deletes its bytes for good; its number is not given again. You need the role `editor`. For as
         *     long as an alias leads to it, the answer is 409.
         */
        delete: operations["delete_model_version"];
        options?: never;
        head?: never;
        /**
         * Describe a version
         * @description A merge patch: members that you leave out stay as they are. You need the role `editor`.
         */
        patch: operations["update_model_version"];
        trace?: never;
    };
    "/api/v1/models/{name}/versions/{version}/bytes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The bytes of a version
         * @description The ONNX file as it was uploaded, with its length, a strong `ETag` and ranges.
         */
        get: operations["get_model_bytes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/versions/{version}/golden": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The golden test of a version
         * @description What the version is asked, and what it has to answer. Whether it does is `golden_state` of the
         *     version.
         */
        get: operations["get_model_golden"];
        /**
         * Set the golden test of a version
         * @description The version is asked at once, and `golden_state` of the answer says whether it answered as
         *     expected; where it did not, `golden_problem` says where. It is asked again by `verify`, and
         *     before an alias is moved to it: no alias moves to a version that fails its golden test (409
         *     `golden-failed`). The version has to be ready. You need the role `editor`.
         */
        put: operations["set_model_golden"];
        post?: never;
        /**
         * Take the golden test of a version away
         * @description You need the role `editor`.
         */
        delete: operations["delete_model_golden"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}/versions/{version}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check a version again
         * @description Loads the version anew and runs its golden test, as after a new release of the runtime. A
         *     version that is ready goes on answering meanwhile, whatever is found; one that has failed is
         *     `checking`. You need the role `editor`. Look at the version in `Location` for what was found.
         */
        post: operations["verify_model_version"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/posts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The posts that you may read
         * @description Posts in your projects, in internal projects and by themselves, and your own drafts. `q`
         *     searches title and content; with it, `sort=-rank` puts the best matches first. Where the service
         *     allows it, callers who are not signed in read published posts that are in no project.
         */
        get: operations["list_posts"];
        put?: never;
        /**
         * Write a post
         * @description In a project you need the role `editor`. Without `project_id` the post stands by itself and is
         *     yours alone to change. In a project that has expired the answer is 409.
         */
        post: operations["create_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/posts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A post
         * @description Its `ETag` also changes with the votes, your role and the name of the author. `If-Match` looks
         *     only at the version of the post, so a vote never makes your change fail.
         */
        get: operations["get_post"];
        put?: never;
        post?: never;
        /**
         * Delete a post
         * @description Deletes its votes too. In a project you need the role `editor`; a post that is in no project is
         *     deleted by its author.
         */
        delete: operations["delete_post"];
        options?: never;
        head?: never;
        /**
         * Change a post
         * @description A merge patch: members that you leave out stay as they are. Send the `ETag` that you have in
         *     `If-Match`, and nobody's change is overwritten: if the post has changed since, the answer is
         *     412. In a project you need the role `editor`.
         */
        patch: operations["update_post"];
        trace?: never;
    };
    "/api/v1/posts/{id}/vote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Vote for a post
         * @description Voting again changes nothing. You can vote for what you can read, once it is published; a draft
         *     is answered 409.
         */
        put: operations["put_vote"];
        post?: never;
        /**
         * Take your vote back
         * @description Succeeds also if you have not voted.
         */
        delete: operations["delete_vote"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/posts/{id}/votes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who voted for a post
         * @description In the order of the ids of the voters.
         */
        get: operations["list_votes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The projects that you are a member of
         * @description Internal projects of others are not in the list, although you may read them. Filters can be
         *     combined; each of them narrows the list.
         */
        get: operations["list_projects"];
        put?: never;
        /**
         * Make a project
         * @description You become its owner. Workloads cannot make projects. Send an `Idempotency-Key`, and a
         *     repetition after a lost answer makes no second project.
         */
        post: operations["create_project"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A project
         * @description Its members see it, and everybody who is signed in if it is internal. For everybody else it is
         *     answered 404, as if it were not there.
         */
        get: operations["get_project"];
        put?: never;
        post?: never;
        /**
         * Delete a project
         * @description Deletes all that is in it. You need the role `owner`. Its audit trail stays, for administrators.
         */
        delete: operations["delete_project"];
        options?: never;
        head?: never;
        /**
         * Change a project
         * @description A merge patch: members that you leave out stay as they are. You need the role `owner`. Send the
         *     `ETag` that you have in `If-Match`, and nobody's change is overwritten: if the project has
         *     changed since, the answer is 412. A project that has expired takes nothing but a change of
         *     `expires_at`.
         */
        patch: operations["update_project"];
        trace?: never;
    };
    "/api/v1/projects/{id}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happened to a project, newest first
         * @description Who made, changed and shared it, and by which request. You need the role `owner`.
         */
        get: operations["list_project_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{id}/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The open invitations to a project, newest first
         * @description Those that can still be accepted. You need the role `owner`.
         */
        get: operations["list_invitations"];
        put?: never;
        /**
         * Invite somebody to a project by mail
         * @description A letter with a link goes to the address, and whoever has the link becomes a member with this
         *     role: with the account that they sign in with, or with a new one of that address. The link is
         *     good once, for seven days, and for as long as you are an owner. You need the role `owner`, and
         *     your own address has to be confirmed. Nothing in the answer says whether the address has an
         *     account or is a member's. An open invitation to the same address is replaced, and its link
         *     ends. A project has 100 open invitations at most; one more is answered 409. Of one caller, and
         *     to one address, there are limits for each day. A service that sends no mail answers 404
         *     `mail-off`.
         */
        post: operations["create_invitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{id}/invitations/{iid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An invitation to a project
         * @description Shows what became of its letter. You need the role `owner`. One that was accepted, was withdrawn
         *     or has ended is answered 404.
         */
        get: operations["get_invitation"];
        put?: never;
        post?: never;
        /**
         * Withdraw an invitation
         * @description Its link ends at once. You need the role `owner`.
         */
        delete: operations["delete_invitation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The members of a project, oldest first
         * @description People and workloads, each with a role.
         */
        get: operations["list_members"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{id}/members/{principal}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A member of a project
         * @description Shows the role. Somebody who is no member is answered 404.
         */
        get: operations["get_member"];
        /**
         * Add a member, or change a role
         * @description You need the role `owner`. The answer is 201 for a new member and 200 for one who was a member
         *     before. With `If-None-Match: *` nobody's role is changed by mistake: if they are a member
         *     already, the answer is 412. What would leave the project without an owner is answered 409.
         */
        put: operations["put_member"];
        post?: never;
        /**
         * Remove a member, or leave a project
         * @description Owners can remove everybody, and everybody can remove themselves. Succeeds also if they are no
         *     member. What would leave the project without an owner is answered 409.
         */
        delete: operations["delete_member"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The users of the service
         * @description `q` finds users by how their username, their name or a word in it begins. Only administrators
         *     see disabled accounts in the list.
         */
        get: operations["list_users"];
        put?: never;
        /**
         * Make an account
         * @description Anybody can, where the service is open for registration; otherwise the answer is 403. Then
         *     accounts are made by accepting an invitation to a project, or by an administrator. A taken
         *     `email` or `username` is answered 409. Where addresses are confirmed first, the answer is 202
         *     and has no body, whether the `email` is taken or not: a mail goes there, with a link that makes
         *     the account, or the word that there is one.
         */
        post: operations["create_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A user
         * @description Everybody who is signed in sees the id, the username and the name. Administrators see the email,
         *     the rights and when the account was made.
         */
        get: operations["get_user"];
        put?: never;
        post?: never;
        /**
         * Delete an account
         * @description For administrators. Its sessions and API tokens end at once, and there is no way back. The only
         *     owner of a project and the last administrator are answered 409.
         */
        delete: operations["delete_user"];
        options?: never;
        head?: never;
        /**
         * Change the rights of an account
         * @description For administrators. Disabling an account ends its sessions and API tokens; a change of `admin`
         *     ends its sessions. What would leave no administrator is answered 409.
         */
        patch: operations["update_user"];
        trace?: never;
    };
    "/api/v1/users/{id}/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The providers that sign a user in
         * @description For administrators.
         */
        get: operations["list_user_identities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/identities/{identity}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Stop a provider from signing a user in
         * @description For administrators. Where the user has neither a password nor another provider, the answer is
         *     409 `last-way-in`: disable the account instead.
         */
        delete: operations["delete_user_identity"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End all sessions of a user
         * @description For administrators. The API tokens of the user stay.
         */
        delete: operations["delete_user_sessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Which version of the service answers
         * @description Needs no sign-in, so it also shows whether the service can be reached.
         */
        get: operations["get_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/email/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm an address by a link
         * @description `email_state` of the account becomes `ok`, and notifications can be mailed to it. A changed
         *     address has to be confirmed again.
         */
        post: operations["confirm_email"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/introspect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask what a token stands for
         * @description Token introspection (RFC 7662), for administrators and workloads. Of a token that is not good,
         *     the answer says only `"active": false`.
         */
        post: operations["introspect_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Accept an invitation to a project
         * @description The link is what counts: if you are signed in, you become a member, whatever your own address
         *     is. A member gets the role of the invitation if it is higher than theirs, and keeps theirs if it
         *     is not. If you are not signed in, give a `password`: an account is made with the address of the
         *     invitation, which counts as confirmed, unless the service makes no accounts (403). If that
         *     address has an account already, the answer is 409: sign in and accept then. The link is good
         *     once; with an `Idempotency-Key` somebody signed in is given the same answer again. A service
         *     that sends no mail answers 404 `mail-off`.
         */
        post: operations["accept_invitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign in with a cookie
         * @description For browsers: the answer sets a session cookie. With `next` and `Accept: text/html` it redirects
         *     there. Forms of other sites are refused with 403.
         */
        post: operations["create_cookie"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End this session
         * @description Signs out: the session that calls ends, and a browser is told to forget its cookie. An API token
         *     has no session and is answered 400.
         */
        post: operations["end_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/oidc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the providers of single sign-on
         * @description Whom people can sign in by here (OpenID Connect), for pages that offer it. A browser is led to
         *     one by its `sign_in`, and comes back with a session cookie.
         */
        get: operations["list_providers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a link to a new password
         * @description If there is an account with this email, a link is mailed to it, which is good for 15 minutes.
         *     The answer is the same where there is none, and takes as long. Requests count against limits of
         *     your network and of the email. A service that sends no mail answers 404 `mail-off`.
         */
        post: operations["request_password_reset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/password-reset/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set a new password by a link
         * @description All sessions of the account end; its API tokens stay. The link is good once. The address counts
         *     as confirmed, because its mail was read.
         */
        post: operations["reset_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/registration/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make the account that a mail has confirmed
         * @description With what was asked for at `POST /api/v1/users`; its address counts as confirmed. The link is
         *     good once, for a day. A `username` that somebody else has taken since is answered 409: register
         *     again with another. A service that sends no mail answers 404 `mail-off`.
         */
        post: operations["confirm_registration"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a token
         * @description Token revocation (RFC 7009). An access token or a refresh token ends its session, an API token
         *     itself. A token that is not known is no error.
         */
        post: operations["revoke_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get tokens for a password or a refresh token
         * @description The token endpoint of OAuth 2 (RFC 6749). A refresh token is good once, and the answer has the
         *     next one. Failures have the members `error` and `error_description` beside those of a problem.
         */
        post: operations["create_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/mail/unsubscribe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop mails
         * @description What a mail program does for you when you unsubscribe (RFC 8058), and the page that the link in
         *     the mail leads to. The link says whose mails of which kind stop; it can be used again and again.
         *     Nothing is asked in the body, and what is in it is ignored. A GET stops nothing.
         */
        post: operations["stop_mails"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The inference server
         * @description What it is called, and which extensions of the Open Inference Protocol it has.
         */
        get: operations["get_inference_server"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the server lives
         * @description Always, where an answer comes.
         */
        get: operations["get_inference_live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the server is ready
         * @description 503 where the process has not begun to serve, or is stopping.
         */
        get: operations["get_inference_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/models/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a model takes and gives
         * @description Without a version, that to which the alias `production` leads; of several that with
         *     the largest share.
         */
        get: operations["get_inference_model"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/models/{name}/infer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask a model
         * @description The body is a request of the Open Inference Protocol: tensors as JSON, or as bytes
         *     behind the JSON, whose length `Inference-Header-Content-Length` says. Every viewer
         *     of the model's project may ask. Without a version, the alias `production` answers;
         *     where it leads to several by weight, the same `id`, or the same
         *     `X-Chartroom-Sticky`, is answered by the same version. The answer names the version.
         *     503 says that too many wait, or that the answer took too long.
         */
        post: operations["infer_model"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/models/{name}/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether a model can be asked
         * @description 404 where there is none that you may ask, 409 where its version is not ready.
         */
        get: operations["get_inference_model_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/models/{name}/versions/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a model takes and gives
         * @description Without a version, that to which the alias `production` leads; of several that with
         *     the largest share.
         */
        get: operations["get_inference_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/models/{name}/versions/{version}/infer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask a model
         * @description The body is a request of the Open Inference Protocol: tensors as JSON, or as bytes
         *     behind the JSON, whose length `Inference-Header-Content-Length` says. Every viewer
         *     of the model's project may ask. Without a version, the alias `production` answers;
         *     where it leads to several by weight, the same `id`, or the same
         *     `X-Chartroom-Sticky`, is answered by the same version. The answer names the version.
         *     503 says that too many wait, or that the answer took too long.
         */
        post: operations["infer_model_version"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/models/{name}/versions/{version}/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether a model can be asked
         * @description 404 where there is none that you may ask, 409 where its version is not ready.
         */
        get: operations["get_inference_version_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "chartroom.dataset.changed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The records of a dataset changed, which made a version. */
        post: operations["on_dataset_changed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.dataset.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody made a dataset. */
        post: operations["on_dataset_created"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.dataset.deleted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A dataset and all its versions are gone. */
        post: operations["on_dataset_deleted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.dataset.described": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody changed what a dataset says of itself. */
        post: operations["on_dataset_described"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.invitation.accepted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody used the link of an invitation, and is a member with this role or a higher one. */
        post: operations["on_invitation_accepted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.invitation.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** An owner invited somebody to a project by mail. The address is not told. */
        post: operations["on_invitation_created"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.invitation.expired": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** An invitation ended before anybody used its link. */
        post: operations["on_invitation_expired"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.invitation.withdrawn": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** An owner took an invitation back: it was `deleted`, or `replaced` by one to the same address. */
        post: operations["on_invitation_withdrawn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.member.added": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody became a member of a project. The name is a workload's. */
        post: operations["on_member_added"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.member.changed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A member has another role. */
        post: operations["on_member_changed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.member.removed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody is a member no more. There is a reason where their account ended. */
        post: operations["on_member_removed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_alias.moved": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody moved an alias of a model, so that other versions answer. */
        post: operations["on_model_alias_moved"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_alias.removed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody removed an alias of a model. */
        post: operations["on_model_alias_removed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_log.removed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** No answers of a model are kept any more. */
        post: operations["on_model_log_removed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_log.set": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody set which share of the answers of a model is kept, and in which dataset. */
        post: operations["on_model_log_set"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_version.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody uploaded a version of a model, which is checked now. */
        post: operations["on_model_version_created"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_version.deleted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A version of a model and its bytes are gone. */
        post: operations["on_model_version_deleted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_version.described": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody changed what a version of a model says of itself. */
        post: operations["on_model_version_described"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_version.failed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A version of a model cannot be loaded. */
        post: operations["on_model_version_failed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model_version.ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A version of a model has been checked, and can be asked. */
        post: operations["on_model_version_ready"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody made a model. */
        post: operations["on_model_created"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model.deleted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A model and all its versions are gone. */
        post: operations["on_model_deleted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.model.described": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody changed what a model says of itself. */
        post: operations["on_model_described"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.post.changed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody changed another's post. */
        post: operations["on_post_changed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.post.deleted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Somebody deleted another's post. */
        post: operations["on_post_deleted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.project.changed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What a project says of itself, who can see it or when it expires was changed. */
        post: operations["on_project_changed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.project.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A project was made. */
        post: operations["on_project_created"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.project.deleted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A project and all that was in it are gone. */
        post: operations["on_project_deleted"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.project.expired": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A project has expired, and can only be read. */
        post: operations["on_project_expired"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.project.expiring": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A project will expire: so long before that its owners asked for a reminder. */
        post: operations["on_project_expiring"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "chartroom.project.extended": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A project expires later than it would have, or never. */
        post: operations["on_project_extended"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /** @description What you have become by an invitation */
        AcceptedInvitation: {
            /** @description Your id */
            principal: components["schemas"]["PrincipalId"];
            /** @description The name of the project */
            project: string;
            project_id: components["schemas"]["ProjectId"];
            /** @description Your role in the project, which may have been a higher one before */
            role: components["schemas"]["Role"];
        };
        /** @description The link of an invitation and, for a new account, what registration asks for */
        AcceptInvitation: {
            /** @description The name of the person, without characters that are not shown. An empty one means no name */
            name?: string | null;
            /**
             * Format: password
             * @description For a new account, whose email is the address of the invitation
             */
            password?: string | null;
            /** @description What the link has behind its `=` */
            token: string;
            /**
             * @description 2 to 64 letters of one script, digits, dots, hyphens or underscores, and not a UUID. Two that differ only in case or width are the same
             * @example ada.lovelace
             */
            username?: string | null;
        };
        /** @description Something that your account did */
        Activity: {
            /** @description `<thing>.<deed>`, such as `session.started` */
            action: string;
            /** @description Where the request came from */
            address?: string | null;
            /** Format: date-time */
            at: string;
            detail: Record<string, never>;
            /** Format: uuid */
            id: string;
            request_id?: string | null;
            /**
             * Format: uuid
             * @description The id of what it was done to
             */
            target?: string | null;
        };
        /** @description One page of a list */
        ActivityPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Activity"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -id
         * @enum {string}
         */
        ActivitySort: "id" | "-id";
        /** @description The records that were added */
        Added: {
            /** @description Their ids, in the order in which they were sent */
            rids: number[];
            /**
             * Format: int64
             * @description The version of the dataset that they made
             */
            version: number;
        };
        /** @description An API token, without its secret */
        ApiToken: {
            access: components["schemas"]["TokenAccess"];
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at?: string | null;
            id: components["schemas"]["ApiTokenId"];
            name: string;
        };
        /**
         * Format: uuid
         * @description The id of an API token.
         */
        ApiTokenId: string;
        /** @description One page of a list */
        ApiTokenPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["ApiToken"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -created_at
         * @enum {string}
         */
        ApiTokenSort: "created_at" | "-created_at";
        /** @description Who did what, when and from where */
        AuditEvent: {
            /** @description `<thing>.<deed>`, such as `session.started` */
            action: string;
            /**
             * Format: uuid
             * @description The id of who did it; null if nobody was signed in, or if it was done on the command line
             */
            actor?: string | null;
            address?: string | null;
            /** Format: date-time */
            at: string;
            detail: Record<string, never>;
            /** Format: uuid */
            id: string;
            request_id?: string | null;
            /**
             * Format: uuid
             * @description The id of what it was done to
             */
            target?: string | null;
        };
        /** @description One page of a list */
        AuditEventPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["AuditEvent"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -id
         * @enum {string}
         */
        AuditEventSort: "id" | "-id";
        /** @description Who wrote it */
        Author: {
            id: components["schemas"]["PrincipalId"];
            name?: string | null;
            /** @description For a workload, `k8s:<namespace>/<service account>` */
            username?: string | null;
        };
        /** @description A part of a histogram */
        Bin: {
            /** Format: int64 */
            count: number;
            /** @description A value as records show it; of a text, at most 200 characters */
            from: string | number | boolean | null;
            /** @description A value as records show it; of a text, at most 200 characters */
            to: string | number | boolean | null;
        };
        /** @description What a dataset says of itself, of which members that are left out stay as they are */
        CardChanges: {
            /** @description Whom to ask: a name, an address */
            contact?: string | null;
            /** @description On which terms the data may be used: an SPDX identifier such as `CC-BY-4.0`, a URL, or words */
            licence?: string | null;
            /** @description Where the data comes from: a URL, or words */
            source?: string | null;
            /** @description All of them, at most 20 */
            tags?: string[];
        };
        /** @description A new password, and the one it replaces */
        ChangePassword: {
            /** Format: password */
            current: string;
            /**
             * Format: password
             * @description 8 to 1024 bytes, and not one of the most common ones
             */
            new: string;
        };
        /** @description A choice. What is left out stays as it is */
        ChoosePreference: {
            in_app?: components["schemas"]["Mode"];
            mail?: components["schemas"]["MailMode"];
        };
        /** @description A column of a dataset */
        Column: {
            description?: string;
            /** @description What URLs and records call it */
            field: string;
            /** @description What files call it */
            name: string;
            /** @description Whether a record may have no value in it */
            nullable: boolean;
            /** @description What its values have to be; left out where they have to be nothing */
            rules?: components["schemas"]["ColumnRules"];
            type: components["schemas"]["ColumnType"];
            unit?: string;
        };
        /** @description Changes to a column */
        ColumnChanges: {
            rules?: components["schemas"]["ColumnRulesChanges"] | null;
        };
        /** @description What a column holds */
        ColumnProfile: {
            /**
             * Format: double
             * @description The standard deviation of numbers, as of a sample
             */
            deviation?: number | null;
            distinct?: components["schemas"]["Distinct"] | null;
            field: string;
            /** @description The most frequent values, at most 20 */
            frequent: components["schemas"]["Frequent"][];
            /**
             * @description How many values lie where, for numbers and times. Each part begins with `from` and ends
             *     before `to`
             */
            histogram: components["schemas"]["Bin"][];
            /** @description A value as records show it; of a text, at most 200 characters */
            max: string | number | boolean | null;
            /**
             * Format: double
             * @description Of numbers
             */
            mean?: number | null;
            /** @description A value as records show it; of a text, at most 200 characters */
            min: string | number | boolean | null;
            /**
             * Format: int64
             * @description How many records have no value in it
             */
            nulls: number;
            quantiles?: components["schemas"]["Quantiles"] | null;
            type: components["schemas"]["ColumnType"];
        };
        /** @description What the values of a column have to be. No value at all breaks none of them */
        ColumnRules: {
            /** @description The largest number, date or time */
            max?: components["schemas"]["RuleValue"];
            /**
             * Format: int64
             * @description How many characters a text has at most
             */
            max_length?: number;
            /** @description The least number, date or time */
            min?: components["schemas"]["RuleValue"];
            /**
             * Format: int64
             * @description How many characters a text has at least
             */
            min_length?: number;
            /** @description All values that there can be */
            one_of?: components["schemas"]["RuleValue"][];
            /** @description What a text matches as a whole */
            pattern?: string;
            /** @description Whether no two records have the same value */
            unique?: boolean;
        };
        /** @description Rules of a column. Those that are left out stay as they are, and null removes one */
        ColumnRulesChanges: {
            max?: components["schemas"]["RuleValue"] | null;
            /** @description How many characters a text has at most */
            max_length?: number | null;
            min?: components["schemas"]["RuleValue"] | null;
            /** @description How many characters a text has at least */
            min_length?: number | null;
            /** @description All values that there can be, at most 1,000 */
            one_of?: components["schemas"]["RuleValue"][] | null;
            /** @description A regular expression that a text matches as a whole, of at most 1,000 characters */
            pattern?: string | null;
            /** @description Whether no two records have the same value. A text is then at most 2,600 bytes long */
            unique?: boolean | null;
        };
        /**
         * @description What the values of a column are. `int` is a number in JSON, which holds whole numbers up to
         *     9007199254740991 exactly; `bigint` and `decimal` are texts there
         * @enum {string}
         */
        ColumnType: "text" | "int" | "bigint" | "float64" | "decimal" | "bool" | "date" | "timestamp" | "int_range" | "json";
        /** @description A measure of all groups */
        Compared: {
            /** Format: double */
            absolute_difference?: number | null;
            /**
             * Format: double
             * @description The value of the first group less that of the second; null where there are not two groups
             *     with a value
             */
            difference?: number | null;
            field: string;
            /** @description The group with the largest value; null where two have it or none has a value */
            head?: string | null;
            values: components["schemas"]["GroupValue"][];
        };
        /** @description A comparison */
        Comparison: {
            /** @description By which field the groups are told apart */
            by: string;
            /** @description Each measure of every group */
            measures: components["schemas"]["Compared"][];
            /**
             * Format: int64
             * @description The version of the dataset that it is of
             */
            version: number;
        };
        /** @description A link that confirms an address */
        ConfirmEmail: {
            /** @description What the link has behind its `=` */
            token: string;
        };
        /** @description A link that confirms a registration */
        ConfirmRegistration: {
            /** @description What the link has behind its `=` */
            token: string;
        };
        /** @description A new API token */
        CreateApiToken: {
            access: components["schemas"]["TokenAccess"];
            /**
             * Format: date-time
             * @description When the token ends, which is in the future. Without this it lasts until you delete it
             */
            expires_at?: string | null;
            /** @description What the token is for, without characters that are not shown */
            name: string;
        };
        /** @description An API token as it is shown once, with its secret */
        CreatedApiToken: components["schemas"]["ApiToken"] & {
            /** @description Send it as `Authorization: Bearer`, or as the password of HTTP Basic. It is not shown again */
            secret: string;
        };
        /** @description A new dataset */
        CreateDataset: {
            card?: components["schemas"]["CardChanges"];
            /** @description Left out, the first import makes them of its file */
            columns?: components["schemas"]["NewColumn"][];
            /** @description What a dataset is about, in Markdown */
            description?: string | null;
            /** @description Names or fields of columns whose values together are another's in no record */
            key?: string[];
            /** @description The name of a dataset, which is alone in its project */
            name: string;
            /** @description The project that the dataset is in, where you need the role `editor` */
            project_id: components["schemas"]["ProjectId"];
            /** @description What its records have to be together, from the first version on */
            rules?: components["schemas"]["DatasetRulesChanges"];
        };
        /** @description Whom to invite, and as what */
        CreateInvitation: {
            /** @description An email address without characters that are not shown. Two that differ only in case or width are the same */
            email: string;
            /**
             * Format: date-time
             * @description When the invitation ends: within seven days, which it has if this is left out
             */
            expires_at?: string | null;
            role: components["schemas"]["Role"];
        };
        /** @description A new model */
        CreateModel: {
            /** @description What a model is about, in Markdown */
            description?: string | null;
            /** @description The name of a model, which no other model of the service has */
            name: string;
            /** @description The project that the model is in, where you need the role `editor` */
            project_id: components["schemas"]["ProjectId"];
        };
        /** @description A version that is to be kept for good */
        CreatePin: {
            /** @description The name of a pin, which is alone in its dataset */
            name: string;
            version: number;
        };
        /** @description A new post */
        CreatePost: {
            /** @description What a post says */
            content: string;
            project_id?: components["schemas"]["ProjectId"] | null;
            /** @description Whether to publish the post; if not, it is a draft */
            published?: boolean;
            /** @description The title of a post */
            title: string;
        };
        /** @description A new project */
        CreateProject: {
            /** @description What a project is about */
            description?: string | null;
            /**
             * Format: date-time
             * @description When the project expires, which is in the future. It never does if this is null
             */
            expires_at?: string | null;
            /** @description The name of a project */
            name: string;
            /**
             * @description How long before its end the project reminds its owners and editors, as ISO 8601 durations. Each is there once, the longest first
             * @default [
             *       "P30D",
             *       "P7D",
             *       "P1D"
             *     ]
             */
            reminders?: string[];
            visibility?: components["schemas"]["Visibility"];
        };
        /** @description A dataset as MLCommons Croissant 1.0 describes it, in JSON-LD */
        CroissantDataset: {
            [key: string]: unknown;
        };
        /** @description A Frictionless Data Package, version 2 */
        DataPackage: {
            [key: string]: unknown;
        };
        /** @description A dataset, as its reader sees it */
        Dataset: {
            card: components["schemas"]["DatasetCard"];
            /** @description None until they are declared or a file has brought them */
            columns: components["schemas"]["Column"][];
            /** Format: date-time */
            created_at: string;
            description?: string | null;
            id: components["schemas"]["DatasetId"];
            /**
             * Format: int32
             * @description For how many days a version is kept after another has taken its place; null for what the
             *     service keeps. A version is kept for as long as one of both says so
             */
            keep_days?: number | null;
            /**
             * Format: int32
             * @description How many of the newest versions are kept; null for what the service keeps
             */
            keep_versions?: number | null;
            /** @description The fields by which a record is found; an import with `mode=upsert` replaces by them */
            key: string[];
            name: string;
            project_id: components["schemas"]["ProjectId"];
            role?: components["schemas"]["Role"] | null;
            /**
             * Format: int64
             * @description How many records there are
             */
            rows: number;
            /** @description What its records have to be together; what the values of a column have to be stands there */
            rules: components["schemas"]["DatasetRules"];
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: int64
             * @description How many changes its records have had; 0 before the first
             */
            version: number;
        };
        /** @description What a dataset says of itself */
        DatasetCard: {
            /** @description Whom to ask */
            contact?: string | null;
            /** @description On which terms the data may be used */
            licence?: string | null;
            /** @description Where the data comes from */
            source?: string | null;
            /** @description Words by which the dataset is found, in their order */
            tags: string[];
        };
        /**
         * Format: uuid
         * @description The id of a dataset.
         */
        DatasetId: string;
        /** @description One page of a list */
        DatasetPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Dataset"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /** @description What the columns of a version hold */
        DatasetProfile: {
            columns: components["schemas"]["ColumnProfile"][];
            /**
             * Format: int64
             * @description How many records there are
             */
            rows: number;
            /**
             * Format: int64
             * @description Where there are more than 1,000,000 records, of about how many of them, chosen by chance,
             *     `distinct`, `frequent`, `quantiles` and `histogram` are. Their counts are then estimates for
             *     all records. Null where they are of all
             */
            sampled?: number | null;
            /**
             * Format: int64
             * @description The version of the dataset that it is of
             */
            version: number;
        };
        /** @description What the records of a dataset have to be together */
        DatasetRules: {
            /** @description By fields, the largest share of the records that may have no value there: 0.05 is one in 20 */
            null_share_max?: {
                [key: string]: number;
            };
            /**
             * Format: int64
             * @description How many records there are at most
             */
            rows_max?: number;
            /**
             * Format: int64
             * @description How many records there are at least
             */
            rows_min?: number;
        };
        /** @description Rules of a dataset. Those that are left out stay as they are, and null removes one */
        DatasetRulesChanges: {
            /** @description By fields, the largest share of the records that may have no value there. Null removes that of a field, or all of them */
            null_share_max?: {
                [key: string]: number | null;
            } | null;
            /** @description How many records there are at most */
            rows_max?: number | null;
            /** @description How many records there are at least */
            rows_min?: number | null;
        };
        /**
         * @default -created_at
         * @enum {string}
         */
        DatasetSort: "created_at" | "-created_at" | "name" | "-name";
        /** @description A version of a dataset */
        DatasetVersion: {
            /**
             * Format: int64
             * @description How many records came with it
             */
            added: number;
            /**
             * Format: int64
             * @description How many records it changed
             */
            changed: number;
            import_id?: components["schemas"]["ImportId"] | null;
            kind: components["schemas"]["VersionKind"];
            /** Format: date-time */
            made_at: string;
            made_by?: components["schemas"]["PrincipalId"] | null;
            message?: string | null;
            /** @description Whether a pin keeps it for good */
            pinned: boolean;
            /**
             * Format: date-time
             * @description Since when its records cannot be read any more; null while it is kept
             */
            purged_at?: string | null;
            /**
             * Format: int64
             * @description How many records went with it
             */
            removed: number;
            /**
             * Format: int64
             * @description How many records there are in it
             */
            rows: number;
            /** Format: int64 */
            version: number;
        };
        /** @description One page of a list */
        DatasetVersionPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["DatasetVersion"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -version
         * @enum {string}
         */
        DatasetVersionSort: "version" | "-version";
        /** @description Your password, which confirms that it is you */
        DeleteMe: {
            /** Format: password */
            password: string;
        };
        /**
         * @description What became of a record
         * @enum {string}
         */
        Difference: "added" | "removed" | "changed";
        /** @description A record that is different */
        DifferentRecord: {
            /** @description The record as it is; null if it was removed */
            after?: Record<string, never> | null;
            /** @description The record as it was; null if it was added */
            before?: Record<string, never> | null;
            change: components["schemas"]["Difference"];
            /** @description The fields that have changed */
            fields: string[];
            /**
             * Format: int64
             * @description Its id; after the change, if it was replaced
             */
            rid: number;
        };
        /** @description One page of a list */
        DifferentRecordPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["DifferentRecord"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default change
         * @enum {string}
         */
        DifferentRecordSort: "change" | "-change";
        /** @description How much is different */
        DiffSummary: {
            /**
             * Format: int64
             * @description How many records were added
             */
            added: number;
            /**
             * Format: int64
             * @description How many have changed
             */
            changed: number;
            /** @description In how many of those each field has changed, without fields that have not */
            fields: components["schemas"]["FieldDifference"][];
            /**
             * Format: int64
             * @description The version that is compared with; 0 is before the first
             */
            from: number;
            /**
             * Format: int64
             * @description How many were removed
             */
            removed: number;
            /**
             * Format: int64
             * @description The version that is compared
             */
            to: number;
        };
        /** @description How many different values there are */
        Distinct: {
            /** Format: int64 */
            count: number;
            /**
             * @description Whether it is the number. Otherwise there are at least so many, since not all records were
             *     looked at
             */
            exact: boolean;
        };
        /**
         * @description Whether mail reaches you
         * @enum {string}
         */
        EmailState: "ok" | "unverified" | "paused";
        /** @description Something that happened, as CloudEvents 1.0 write it */
        Event: {
            /**
             * Format: uuid
             * @description Who did it, where it was somebody
             */
            actorid?: string;
            /** @description What else there is to say; the document's `webhooks` list it for each type */
            data: Record<string, never>;
            /** @description The type of `data` */
            datacontenttype: string;
            /** Format: uuid */
            id: string;
            /**
             * Format: uuid
             * @description The project that it happened in
             */
            projectid: string;
            /** @description The place in the feed: later events have larger ones, and none is left out */
            sequence: string;
            /**
             * Format: uri
             * @description The service that it happened in
             */
            source: string;
            /** @description The version of CloudEvents */
            specversion: string;
            /** @description What it is about: a path below `/api/v1` */
            subject: string;
            /** Format: date-time */
            time: string;
            /**
             * Format: date-time
             * @description The same as `time`, by the name that Standard Webhooks give it
             */
            timestamp: string;
            /** @description `chartroom.<thing>.<deed>` */
            type: string;
        };
        /** @description A page of the feed */
        EventPage: {
            items: components["schemas"]["Event"][];
            /** @description Whether there is more already */
            more: boolean;
            /**
             * Format: int64
             * @description Give it as `after` to go on from here. A page can be empty although there is more
             */
            next: number;
        };
        /** @description In how many records a field has changed */
        FieldDifference: {
            /** Format: int64 */
            changed: number;
            field: string;
        };
        /** @description One thing wrong with a body. */
        FieldError: {
            /** @description What kind of mistake it is, for programs */
            code: string;
            /** @description What is wrong, for people */
            detail: string;
            /** @description JSON pointer (RFC 6901) to the value; empty for the body itself */
            pointer: string;
        };
        /** @description A value that is frequent */
        Frequent: {
            /** Format: int64 */
            count: number;
            /** @description A value as records show it; of a text, at most 200 characters */
            value: string | number | boolean | null;
        };
        /**
         * @description What became of the golden test of a version
         * @enum {string}
         */
        GoldenState: "passed" | "failed";
        /** @description Groups of records */
        GroupList: {
            /** @description Each with the fields that make it and its measures, such as `avg_income` */
            groups: Record<string, never>[];
            /** @description Whether there are more than 1,000 groups, of which these are the first */
            truncated: boolean;
            /**
             * Format: int64
             * @description The version of the dataset that they are of
             */
            version: number;
        };
        /** @description A measure of one group */
        GroupValue: {
            /**
             * Format: double
             * @description The value at `base`
             */
            base?: number | null;
            group: string;
            /**
             * Format: double
             * @description By how many percent the value is more than the one at `base`
             */
            percent_change?: number | null;
            /** @description Why `value` or `percent_change` is null: `no-records`, `no-value`, `no-base`, `base-is-zero` */
            reason?: string | null;
            /** Format: double */
            value?: number | null;
        };
        /**
         * Format: uuid
         * @description The id of a provider's word for who somebody is.
         */
        IdentityId: string;
        /** @description An import, as its reader sees it */
        Import: {
            /**
             * Format: int64
             * @description Bytes of the file that were read, after decompression
             */
            bytes: number;
            dataset_id: components["schemas"]["DatasetId"];
            dry_run: boolean;
            /** Format: date-time */
            ended_at?: string | null;
            /** @description The first 1,000 mistakes */
            errors: components["schemas"]["RowError"][];
            id: components["schemas"]["ImportId"];
            /** @description The columns that were made of the file, where the dataset had none */
            inferred?: components["schemas"]["Column"][] | null;
            /**
             * Format: int64
             * @description The job that brings its rows, where nobody sends a file
             */
            job?: number | null;
            message?: string | null;
            mode: components["schemas"]["ImportMode"];
            /** @description What the request said of the file, as a list of names and values */
            options: string[][];
            problem?: components["schemas"]["ImportProblem"] | null;
            /**
             * Format: int64
             * @description How many of them are in the file of rejected records, which is kept for 30 days and has at
             *     most 16 MiB
             */
            rejected_rows: number;
            /**
             * Format: int64
             * @description Records that could not be taken
             */
            rows_failed: number;
            /**
             * Format: int64
             * @description Rows of the file that are records, up to now
             */
            rows_read: number;
            /**
             * Format: int64
             * @description Records that were loaded, or would be
             */
            rows_written: number;
            /** Format: date-time */
            started_at: string;
            started_by?: components["schemas"]["PrincipalId"] | null;
            state: components["schemas"]["ImportState"];
            /**
             * Format: int64
             * @description The version of the dataset that it made
             */
            version?: number | null;
        };
        /**
         * Format: uuid
         * @description The id of an import into a dataset.
         */
        ImportId: string;
        /**
         * @description What becomes of the records that are there: they stay, they go, or those with the same key
         *     go
         * @enum {string}
         */
        ImportMode: "append" | "replace" | "upsert";
        /** @description One page of a list */
        ImportPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Import"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /** @description Why an import was refused or has failed */
        ImportProblem: {
            /** @description The kind of problem, for programs */
            code: string;
            /** @description What is wrong and what to do */
            detail: string;
        };
        /**
         * @default -started_at
         * @enum {string}
         */
        ImportSort: "started_at" | "-started_at";
        /**
         * @description How far an import is: it arrives, it is completed, it is loaded, it was checked without
         *     being loaded, its file does not fit, it could not be done, somebody stopped it
         * @enum {string}
         */
        ImportState: "receiving" | "loading" | "ready" | "checked" | "refused" | "failed" | "cancelled";
        /** @description What a model answers, as the Open Inference Protocol says it */
        InferenceAnswer: {
            /** @description That of the question, if it had one */
            id?: string;
            /** @description Name of the model */
            model_name: string;
            /** @description The version that answered */
            model_version: string;
            outputs: {
                /** @description The values, in row-major order */
                data?: (boolean | number | string)[];
                /** @description `FP32`, `INT64`, `BYTES` and others */
                datatype: string;
                /** @description Name of the tensor */
                name: string;
                shape: number[];
            }[];
        };
        /** @description Whether the server lives */
        InferenceLive: {
            live: boolean;
        };
        /** @description What a model takes and gives, for the inference protocol */
        InferenceModel: {
            inputs: components["schemas"]["TensorType"][];
            name: string;
            outputs: components["schemas"]["TensorType"][];
            platform: string;
            /** @description Those that the word leads to which was asked for */
            versions: string[];
        };
        /** @description A question to a model, as the Open Inference Protocol says it */
        InferenceQuestion: {
            /** @description Given back in the answer */
            id?: string;
            inputs: {
                /** @description The values, in row-major order, in one list or in lists within lists */
                data?: ((boolean | number | string) | ((boolean | number | string) | ((boolean | number | string) | (boolean | number | string)[])[])[])[];
                /** @description `FP32`, `INT64`, `BYTES` and others */
                datatype: string;
                /** @description Name of the tensor */
                name: string;
                shape: number[];
            }[];
            outputs?: {
                /** @description Name of an output */
                name: string;
            }[];
        };
        /** @description Whether the server or a model can be asked */
        InferenceReady: {
            ready: boolean;
        };
        /** @description The server of the inference protocol */
        InferenceServer: {
            extensions: string[];
            name: string;
            version: string;
        };
        /** @description A tensor with its values */
        InferenceTensor: {
            /** @description The values, in row-major order, in one list or in lists within lists */
            data?: ((boolean | number | string) | ((boolean | number | string) | ((boolean | number | string) | (boolean | number | string)[])[])[])[];
            /** @description `FP32`, `INT64`, `BYTES` and others */
            datatype: string;
            /** @description Name of the tensor */
            name: string;
            shape: number[];
        };
        /** @description What a token stands for (RFC 7662, 2.2). Of a token that is not good, only `active` is there */
        Introspection: {
            active: boolean;
            aud?: string | null;
            client_id?: string | null;
            /** Format: int64 */
            exp?: number | null;
            /** Format: int64 */
            iat?: number | null;
            iss?: string | null;
            /** Format: uuid */
            jti?: string | null;
            scope?: string | null;
            sub?: components["schemas"]["PrincipalId"] | null;
            /** @description `Bearer` or `refresh_token` */
            token_type?: string | null;
        };
        /** @description An invitation to a project that can still be accepted */
        Invitation: {
            /** Format: date-time */
            created_at: string;
            /** @description Where the letter goes */
            email: string;
            /** Format: date-time */
            expires_at: string;
            id: components["schemas"]["InvitationId"];
            /** @description Who invited, by id. The invitation ends when they are no owner any more */
            invited_by: components["schemas"]["PrincipalId"];
            letter: components["schemas"]["LetterState"];
            /** @description What whoever accepts becomes */
            role: components["schemas"]["Role"];
        };
        /**
         * Format: uuid
         * @description The id of an invitation to a project.
         */
        InvitationId: string;
        /** @description One page of a list */
        InvitationPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Invitation"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -created_at
         * @enum {string}
         */
        InvitationSort: "created_at" | "-created_at";
        /** @description Work that is done outside of requests */
        Job: {
            args: Record<string, never>;
            /** @description Whether its worker has been asked to stop */
            cancelled: boolean;
            /**
             * Format: int32
             * @description How often a worker took it
             */
            claims: number;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            died_at?: string | null;
            /**
             * Format: date-time
             * @description When it is or was to be begun
             */
            due_at: string;
            /** Format: int32 */
            failures: number;
            /** Format: int64 */
            id: number;
            /** @description What is done, with the version of its arguments, such as `sessions.purge.1` */
            kind: string;
            /** @description The queue it stands in: `urgent`, `normal`, `bulk` or `long` */
            lane: string;
            /** @description Why it failed the last time; null for all but administrators */
            last_error?: string | null;
            /**
             * Format: int32
             * @description With one failure more, it is dead
             */
            max_failures: number;
            /**
             * Format: uuid
             * @description The id of who started it, or of what it is done for
             */
            owner?: string | null;
            /** @description How far it is, in words of its kind */
            progress?: Record<string, never> | null;
            /** @description Why it is dead */
            reason?: string | null;
            state: components["schemas"]["JobState"];
        };
        /** @description One page of a list */
        JobPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Job"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -id
         * @enum {string}
         */
        JobSort: "id" | "-id";
        /**
         * @description What stands between a job and its end
         * @enum {string}
         */
        JobState: "scheduled" | "ready" | "running" | "dead";
        /** @description A public key as a JSON Web Key (RFC 7517) */
        Jwk: {
            alg: string;
            crv: string;
            kid: string;
            kty: string;
            use: string;
            x: string;
            y: string;
        };
        /** @description Public keys (RFC 7517) */
        Jwks: {
            keys: components["schemas"]["Jwk"][];
        };
        /**
         * @description What became of the letter
         * @enum {string}
         */
        LetterState: "waiting" | "sent" | "refused";
        /** @description What a version came from, and what came from it */
        Lineage: {
            edges: components["schemas"]["LineageEdge"][];
            nodes: components["schemas"]["LineageNode"][];
            /**
             * @description Whether there is more than is shown, which is at most 10 steps away, 1,000 nodes and 5,000
             *     edges
             */
            truncated: boolean;
        };
        /** @description That one version came from another */
        LineageEdge: {
            /**
             * Format: date-time
             * @description Null if you may not see what came of it
             */
            at?: string | null;
            by?: components["schemas"]["PrincipalId"] | null;
            /**
             * Format: int64
             * @description The node that was there before
             */
            from: number;
            kind: components["schemas"]["LineageKind"];
            /**
             * Format: int64
             * @description The node that came from it
             */
            to: number;
        };
        /**
         * @description How one came from the other: the model was trained on the dataset, the model scored what
         *     became the dataset, the dataset was made from the other by being scored
         * @enum {string}
         */
        LineageKind: "trained_on" | "scored" | "made_from";
        /** @description A version of a dataset or a model */
        LineageNode: {
            /**
             * Format: uuid
             * @description Null, as all that follows, where you may not see it or it is gone
             */
            id?: string | null;
            name?: string | null;
            /**
             * Format: int64
             * @description By this number edges name it, in this answer alone; 1 is what was asked about
             */
            node: number;
            project_id?: components["schemas"]["ProjectId"] | null;
            type: components["schemas"]["LineageType"];
            /** Format: int64 */
            version?: number | null;
        };
        /**
         * @description What a node of the lineage is
         * @enum {string}
         */
        LineageType: "dataset" | "model";
        /** @description All of an account, the oldest first */
        LinkedIdentities: {
            items: components["schemas"]["LinkedIdentity"][];
        };
        /** @description A provider's word for who somebody is, which signs them in */
        LinkedIdentity: {
            /**
             * Format: date-time
             * @description Since when it signs in to the account
             */
            created_at: string;
            id: components["schemas"]["IdentityId"];
            issuer: string;
            /** @description What people call the provider */
            name: string;
            /** @description The provider's part of paths, or null where it is not set up any more */
            provider?: string | null;
            /** @description What the provider calls the person (`sub`) */
            subject: string;
        };
        /** @description A sign-in for browsers */
        LoginForm: {
            /** @description The path of this site to go to afterwards */
            next?: string;
            /** Format: password */
            password: string;
            /** @description Email or username */
            username: string;
        };
        /**
         * @description Whether you are told by mail. No mail goes to an address that you have not confirmed
         * @enum {string}
         */
        MailMode: "now" | "daily" | "off";
        /** @description A user, as they see themselves */
        Me: {
            admin: boolean;
            /** Format: date-time */
            created_at: string;
            email: string;
            /** @description What the mail server said of the address, where it is `paused` */
            email_problem?: string | null;
            email_state: components["schemas"]["EmailState"];
            /**
             * Format: date-time
             * @description When you confirmed the address; null while you have not
             */
            email_verified_at?: string | null;
            id: components["schemas"]["PrincipalId"];
            name?: string | null;
            profile: Record<string, never>;
            /** Format: date-time */
            updated_at: string;
            username?: string | null;
        };
        /** @description A member of a project */
        Member: {
            id: components["schemas"]["PrincipalId"];
            name?: string | null;
            role: components["schemas"]["Role"];
            /** Format: date-time */
            since: string;
            /** @description For a workload, `k8s:<namespace>/<service account>` */
            username?: string | null;
        };
        /** @description One page of a list */
        MemberPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Member"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default since
         * @enum {string}
         */
        MemberSort: "since" | "-since";
        /** @description Where the sign-in's endpoints are, and what they take (RFC 8414, 2) */
        Metadata: {
            grant_types_supported: string[];
            introspection_endpoint: string;
            issuer: string;
            jwks_uri: string;
            response_types_supported: string[];
            revocation_endpoint: string;
            scopes_supported: string[];
            token_endpoint: string;
            token_endpoint_auth_methods_supported: string[];
        };
        /**
         * @description Whether you are told
         * @enum {string}
         */
        Mode: "now" | "off";
        /** @description A model, as its reader sees it */
        Model: {
            /** Format: date-time */
            created_at: string;
            description?: string | null;
            id: components["schemas"]["ModelId"];
            /**
             * Format: int64
             * @description The number of the version that was uploaded last; 0 before the first
             */
            last_version: number;
            name: string;
            project_id: components["schemas"]["ProjectId"];
            role?: components["schemas"]["Role"] | null;
            /** Format: date-time */
            updated_at: string;
        };
        /** @description An alias and where it leads */
        ModelAlias: {
            /**
             * Format: int64
             * @description The number of the move, by which later ones are told from earlier ones
             */
            move: number;
            /** Format: date-time */
            moved_at: string;
            moved_by?: components["schemas"]["PrincipalId"] | null;
            name: string;
            /** @description Why it was moved there */
            reason?: string | null;
            /** @description The request that moved it */
            request_id?: string | null;
            /**
             * Format: int64
             * @description The version that gets a copy of every request, whose answers nobody sees
             */
            shadow?: number | null;
            /** @description Shares of the requests by version; one version has all of them */
            weights: {
                [key: string]: number;
            };
        };
        /** @description One page of a list */
        ModelAliasPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["ModelAlias"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -move
         * @enum {string}
         */
        ModelAliasSort: "move" | "-move";
        /** @description What a version is asked, and what it has to answer */
        ModelGolden: {
            /** @description A value for each input, as in a question */
            inputs: components["schemas"]["InferenceTensor"][];
            /** @description Values of the outputs that are compared, as in an answer */
            outputs: components["schemas"]["InferenceTensor"][];
            /**
             * Format: double
             * @description How far a number may be away: `tolerance` and that share of what is expected. 0.00001 where
             *     it is left out; numbers that are no fractions, and texts, are compared exactly
             */
            tolerance?: number;
        };
        /**
         * Format: uuid
         * @description The id of a model.
         */
        ModelId: string;
        /** @description One page of a list */
        ModelPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Model"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /** @description What a version of a model takes and gives */
        ModelSignature: {
            /**
             * @description Whether requests of several callers may be answered by one run, because the rows of a batch
             *     do not depend on each other
             */
            batches: boolean;
            inputs: components["schemas"]["TensorType"][];
            /**
             * Format: int64
             * @description Bytes of memory that it took up when it was loaded
             */
            memory: number;
            /** @description What was changed in the file before it was loaded */
            notes: string[];
            /**
             * Format: int64
             * @description Of the standard operators of ONNX
             */
            opset: number;
            outputs: components["schemas"]["TensorType"][];
            /** @description What wrote the file, in its own words; empty where it does not say */
            producer: string;
            /** @description The runtime that read it, and its version */
            runtime: string;
        };
        /**
         * @default -created_at
         * @enum {string}
         */
        ModelSort: "created_at" | "-created_at" | "name" | "-name";
        /** @description What one process has counted of a model since it started */
        ModelStats: {
            /**
             * Format: double
             * @description Questions that were asked at once, on average
             */
            batch_size?: number | null;
            /** @description How long that took for what it was asked at once */
            inference_seconds: components["schemas"]["ModelTimes"];
            /** @description How long questions waited for the process of the model */
            queue_seconds: components["schemas"]["ModelTimes"];
            /**
             * @description Questions by what became of them: `answered`, `invalid`, `busy`, `late`, `failed`,
             *     `unavailable`
             */
            requests: {
                [key: string]: number;
            };
        };
        /** @description Times, as precisely as the buckets of a histogram know them */
        ModelTimes: {
            /** Format: int64 */
            count: number;
            /** Format: double */
            p50?: number | null;
            /** Format: double */
            p99?: number | null;
        };
        /** @description A version of a model */
        ModelVersion: {
            /** Format: date-time */
            created_at: string;
            created_by?: components["schemas"]["PrincipalId"] | null;
            /** @description What it is, in Markdown */
            description?: string | null;
            /** @description Where they differ */
            golden_problem?: string | null;
            golden_state?: components["schemas"]["GoldenState"] | null;
            /** @description On which terms it may be used */
            licence?: string | null;
            /** @description What its author measured, by name */
            metrics: {
                [key: string]: number;
            };
            /**
             * @description Why it has failed, or why it is still being checked; where it is ready, what its last check
             *     found
             */
            problem?: string | null;
            sha256: string;
            signature?: components["schemas"]["ModelSignature"] | null;
            /**
             * Format: int64
             * @description Bytes of the file
             */
            size: number;
            state: components["schemas"]["VersionState"];
            /** @description Words by which it is found */
            tags: string[];
            /** Format: int64 */
            version: number;
        };
        /** @description One page of a list */
        ModelVersionPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["ModelVersion"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -version
         * @enum {string}
         */
        ModelVersionSort: "version" | "-version";
        /** @description Where an alias is to lead: to one `version`, or by `weights` to several */
        MoveAlias: {
            /** @description What a move of an alias is for */
            reason?: string | null;
            /** @description The version that gets a copy of every request, whose answers nobody sees */
            shadow?: number | null;
            /** @description The version that gets all requests */
            version?: number | null;
            /** @description Shares of the requests by version, such as `{"3": 90, "4": 10}`; at most 10 versions */
            weights?: {
                [key: string]: number;
            } | null;
        };
        /** @description Why an alias goes back */
        MoveAliasBack: {
            /** @description What a move of an alias is for */
            reason?: string | null;
        };
        /** @description What is to be scored, by what, and where the records go */
        NewBatch: {
            /**
             * @description An alias of the model that leads to one version, instead of `version`; `production` unless
             *     told
             */
            alias?: string;
            /** @description The columns that go along, by their names or fields; all of them unless told */
            columns?: string[];
            /** @description The dataset whose records the model is asked about */
            dataset: components["schemas"]["DatasetId"];
            /** @description Its version; the one of now unless told */
            dataset_version?: number;
            /**
             * @description The columns that the model is asked by, in its order. Unless told, they are those that are
             *     called as its inputs, or all columns of numbers where it has one input of as many
             */
            inputs?: string[];
            /** @description The dataset that the records go into with the answers */
            into: components["schemas"]["DatasetId"];
            /** @description What the change is for, which the version shows */
            message?: string;
            /**
             * @description What becomes of the records that are in `into`
             * @default append
             */
            mode?: components["schemas"]["ImportMode"];
            /** @description The number of the version of the model */
            version?: number;
        };
        /** @description A column of a new dataset */
        NewColumn: {
            /** @description What the column says */
            description?: string;
            /**
             * @description What URLs and records call it: lower-case letters, digits and `_`, at most 63. Made of the
             *     name unless told
             */
            field?: string;
            /** @description What a file calls the column */
            name: string;
            /** @default true */
            nullable?: boolean;
            /** @description What its values have to be */
            rules?: components["schemas"]["ColumnRulesChanges"];
            type: components["schemas"]["ColumnType"];
            /** @description What a number of the column counts, such as `USD` or `km` */
            unit?: string;
        };
        NewRecords: {
            [key: string]: unknown;
        } | {
            [key: string]: unknown;
        }[];
        /** @description Something that you are told */
        Notification: {
            /**
             * Format: uuid
             * @description Who did it, where it was somebody
             */
            actor?: string | null;
            /** Format: date-time */
            at: string;
            /** @description What else there is to say, as the event has it */
            data: Record<string, never>;
            /** Format: int64 */
            id: number;
            /**
             * Format: uuid
             * @description The project that it is about, which may be gone
             */
            project_id: string;
            /**
             * Format: date-time
             * @description When you first marked it as read; null while you have not
             */
            read_at?: string | null;
            /** @description What it is about: a path below `/api/v1` */
            subject: string;
            /** @description The type of the event, such as `chartroom.project.expiring` */
            type: string;
        };
        /** @description One page of a list */
        NotificationPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Notification"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -id
         * @enum {string}
         */
        NotificationSort: "id" | "-id";
        /** @description A profile that is not there yet */
        PendingProfile: {
            state: components["schemas"]["ProfileState"];
            /**
             * Format: int64
             * @description The version of the dataset that it is of
             */
            version: number;
        };
        /** @description A version that is kept for good */
        Pin: {
            /** Format: date-time */
            made_at: string;
            made_by?: components["schemas"]["PrincipalId"] | null;
            name: string;
            /** Format: int64 */
            version: number;
        };
        /** @description One page of a list */
        PinPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Pin"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default name
         * @enum {string}
         */
        PinSort: "name" | "-name";
        /** @description A post, as its reader sees it */
        Post: {
            author?: components["schemas"]["Author"] | null;
            content: string;
            /** Format: date-time */
            created_at: string;
            id: components["schemas"]["PostId"];
            project_id?: components["schemas"]["ProjectId"] | null;
            /**
             * @description Whether the post is published. Only its author and the editors of its project see a
             *     draft
             */
            published: boolean;
            role?: components["schemas"]["Role"] | null;
            title: string;
            /** Format: date-time */
            updated_at: string;
            /** @description Whether you voted for it */
            voted: boolean;
            /** Format: int64 */
            votes: number;
        };
        /**
         * Format: uuid
         * @description The id of a post.
         */
        PostId: string;
        /** @description One page of a list */
        PostPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Post"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -created_at
         * @enum {string}
         */
        PostSort: "created_at" | "-created_at" | "votes" | "-votes" | "rank" | "-rank";
        /** @description Which answers of a model are kept, and what became of them */
        PredictionLog: {
            /** @description The dataset that they are records of */
            dataset: components["schemas"]["DatasetId"];
            /**
             * Format: int64
             * @description Records since then that the dataset did not take
             */
            left_out: number;
            /**
             * Format: int64
             * @description Records that were loaded since then
             */
            loaded: number;
            /** Format: date-time */
            loaded_at?: string | null;
            /**
             * @description Why the last records were not loaded, or not all of them; null where they were. Records that
             *     could be loaded later wait, up to 100,000
             */
            problem?: string | null;
            /** Format: date-time */
            set_at: string;
            set_by?: components["schemas"]["PrincipalId"] | null;
            /**
             * Format: double
             * @description Which share of the questions is kept
             */
            share: number;
        };
        /** @description What you want to be told of a type of event */
        Preference: {
            in_app: components["schemas"]["Mode"];
            mail: components["schemas"]["MailMode"];
            type: string;
        };
        /** @description All that you can choose */
        Preferences: {
            items: components["schemas"]["Preference"][];
        };
        /**
         * Format: uuid
         * @description The id of a user or of a workload.
         */
        PrincipalId: string;
        /** @description A problem document (RFC 9457). */
        Problem: {
            /** @description The kind of problem, for programs: the last segment of `type` */
            code: components["schemas"]["ProblemCode"];
            /** @description What is wrong with this request and what to do */
            detail: string;
            /**
             * @description At the token endpoints: the code of RFC 6749, 5.2; at those of the inference protocol: the
             *     same as `detail`
             */
            error?: string | null;
            /** @description At the token endpoints: the same as `detail` */
            error_description?: string | null;
            /** @description Every field that is wrong */
            errors?: components["schemas"]["FieldError"][];
            /** @description The request id, as in the header `x-request-id` and in the log */
            instance: string;
            /**
             * Format: int32
             * @description The HTTP status
             */
            status: number;
            /** @description The kind of problem in a few words */
            title: string;
            /** @description URL of a page about this kind of problem */
            type: string;
        };
        /**
         * @description The kind of problem, for programs. There may be new ones: treat one that you do not know by its status
         * @example validation-failed
         */
        ProblemCode: string;
        /**
         * @description What becomes of a profile that is not there yet
         * @enum {string}
         */
        ProfileState: "computing";
        /** @description A project, as its reader sees it */
        Project: {
            /** Format: date-time */
            created_at: string;
            description?: string | null;
            /**
             * Format: date-time
             * @description When the project expires; null if it never does. An expired project can be read but not
             *     changed, until an owner extends it
             */
            expires_at?: string | null;
            id: components["schemas"]["ProjectId"];
            name: string;
            /** @description How long before its end the project reminds its owners and editors, as ISO 8601 durations */
            reminders: string[];
            role?: components["schemas"]["Role"] | null;
            /** Format: date-time */
            updated_at: string;
            visibility: components["schemas"]["Visibility"];
        };
        /** @description Who did what to a project, and when */
        ProjectEvent: {
            /** @description `<thing>.<deed>`, such as `member.added` */
            action: string;
            /**
             * Format: uuid
             * @description The id of who did it; null if it was done on the command line
             */
            actor?: string | null;
            /** Format: date-time */
            at: string;
            detail: Record<string, never>;
            /** Format: uuid */
            id: string;
            request_id?: string | null;
        };
        /** @description One page of a list */
        ProjectEventPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["ProjectEvent"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -id
         * @enum {string}
         */
        ProjectEventSort: "id" | "-id";
        /**
         * Format: uuid
         * @description The id of a project.
         */
        ProjectId: string;
        /** @description One page of a list */
        ProjectPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Project"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -created_at
         * @enum {string}
         */
        ProjectSort: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "name" | "-name";
        /** @description Numbers as records show them */
        Quantiles: {
            /** @description A value as records show it; of a text, at most 200 characters */
            p5: string | number | boolean | null;
            /** @description A value as records show it; of a text, at most 200 characters */
            p25: string | number | boolean | null;
            /** @description A value as records show it; of a text, at most 200 characters */
            p50: string | number | boolean | null;
            /** @description A value as records show it; of a text, at most 200 characters */
            p75: string | number | boolean | null;
            /** @description A value as records show it; of a text, at most 200 characters */
            p95: string | number | boolean | null;
        };
        /** @description The values of a record by its fields, and its `rid` */
        Record: {
            [key: string]: unknown;
        };
        /** @description A page of records */
        RecordList: {
            /**
             * Format: int64
             * @description How many records there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more records than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            /** @description Each with its `rid` and the fields that are selected */
            items: Record<string, never>[];
            /** @description The `cursor` of the next page; null on the last one */
            next?: string | null;
            /**
             * Format: int64
             * @description The version of the dataset that they are of
             */
            version: number;
        };
        /** @description The values of a record by its fields */
        RecordPatch: {
            [key: string]: unknown;
        };
        /** @description A new account */
        Register: {
            /** @description An email address without characters that are not shown. Two that differ only in case or width are the same */
            email: string;
            /** @description The name of the person, without characters that are not shown. An empty one means no name */
            name?: string | null;
            /**
             * Format: password
             * @description 8 to 1024 bytes, and not one of the most common ones
             */
            password: string;
            /**
             * @description Anything else that you want to keep about the person: at most 8 KiB as JSON, of at most 16
             *     levels
             */
            profile?: Record<string, never>;
            /**
             * @description 2 to 64 letters of one script, digits, dots, hyphens or underscores, and not a UUID. Two that differ only in case or width are the same
             * @example ada.lovelace
             */
            username?: string | null;
        };
        /** @description Whose password is to be set */
        RequestPasswordReset: {
            /** @description An email address without characters that are not shown. Two that differ only in case or width are the same */
            email: string;
        };
        /** @description A new password, and the link that admits it */
        ResetPassword: {
            /**
             * Format: password
             * @description 8 to 1024 bytes, and not one of the most common ones
             */
            new: string;
            /** @description What the link has behind its `=` */
            token: string;
        };
        /**
         * @description What a member may do: each role may do what the one before may, and more
         * @enum {string}
         */
        Role: "viewer" | "editor" | "owner";
        /** @description A value, or a row, that could not be taken */
        RowError: {
            /** @description What kind of mistake it is, for programs */
            code: string;
            /** @description The name of the column; none where it is about the whole row */
            column?: string;
            /**
             * Format: int64
             * @description The line on which it begins, in a file that has lines
             */
            line?: number;
            /**
             * Format: int64
             * @description The number of the row in the file, counted from 1 with the header
             */
            row: number;
            /** @description The beginning of the value */
            value?: string;
        };
        /** @description A value as records of the dataset show it */
        RuleValue: string | number | boolean;
        /** @description A session, which a sign-in begins */
        Session: {
            address?: string | null;
            /** Format: date-time */
            created_at: string;
            /** @description Whether this is the session that asks */
            current: boolean;
            /**
             * Format: date-time
             * @description When the session ends in any case
             */
            ends_at: string;
            id: components["schemas"]["SessionId"];
            /**
             * Format: date-time
             * @description When the session ends if it is not used before then
             */
            idle_ends_at: string;
            /** @description `bearer` or `cookie` */
            kind: string;
            user_agent?: string | null;
        };
        /**
         * Format: uuid
         * @description The id of a session.
         */
        SessionId: string;
        /** @description One page of a list */
        SessionPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Session"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default -created_at
         * @enum {string}
         */
        SessionSort: "created_at" | "-created_at";
        /** @description The role that a member has or gets */
        SetMember: {
            role: components["schemas"]["Role"];
        };
        /** @description Which answers of a model are to be kept */
        SetPredictionLog: {
            /**
             * @description The dataset that they are to be records of, where you need the role `editor` in its project.
             *     One that has no columns yet gets those of the log
             */
            dataset: components["schemas"]["DatasetId"];
            /** @description Which share of the questions is kept; 1 keeps all */
            share: number;
        };
        /** @description Who may say who somebody is */
        SignInProvider: {
            /** @description Its part of paths */
            id: string;
            /** @description What people call it */
            name: string;
            /** @description The path that leads a browser there; `?next=` is the path of this site to go to afterwards */
            sign_in: string;
        };
        /** @description The providers of single sign-on */
        SignInProviders: {
            providers: components["schemas"]["SignInProvider"][];
        };
        /** @description An input or an output of a model */
        TensorType: {
            /** @description `BOOL`, `UINT8` to `UINT64`, `INT8` to `INT64`, `FP16`, `FP32`, `FP64` or `BYTES` */
            datatype: string;
            name: string;
            /** @description The length of each axis; -1 is any */
            shape: number[];
        };
        /**
         * @description What an API token may do
         * @enum {string}
         */
        TokenAccess: "read" | "write";
        /** @description A token by itself (RFC 7009, 2.1; RFC 7662, 2.1) */
        TokenForm: {
            token: string;
            /** @description Not needed, and ignored: the service sees what a token is */
            token_type_hint?: string;
        };
        /** @description A request for tokens (RFC 6749, 4.3 and 6) */
        TokenRequest: {
            /** @enum {string} */
            grant_type: "password" | "refresh_token";
            /** Format: password */
            password?: string;
            /** @description For the grant `refresh_token` */
            refresh_token?: string;
            /** @description Email or username, for the grant `password` */
            username?: string;
        };
        /** @description Tokens (RFC 6749, 5.1) */
        TokenResponse: {
            access_token: string;
            /**
             * Format: int64
             * @description In how many seconds the access token ends
             */
            expires_in: number;
            /**
             * Format: int64
             * @description In how many seconds the refresh token ends
             */
            refresh_expires_in: number;
            /** @description Good for one request, whose answer has the next refresh token */
            refresh_token: string;
            scope: string;
            /** @description Always `Bearer` */
            token_type: string;
        };
        /** @description A version of a dataset */
        TrainedOn: {
            dataset: components["schemas"]["DatasetId"];
            version: number;
        };
        /** @description Changes to a dataset */
        UpdateDataset: {
            card?: components["schemas"]["CardChanges"];
            /** @description By its field, what is to change of a column */
            columns?: {
                [key: string]: components["schemas"]["ColumnChanges"];
            };
            /** @description What a dataset is about, in Markdown */
            description?: string | null;
            /**
             * @description For how many days a version is kept after another has taken its place; null for what the
             *     service keeps. Owners set it
             */
            keep_days?: number | null;
            /** @description How many of the newest versions are kept; null for what the service keeps. Owners set it */
            keep_versions?: number | null;
            /** @description The name of a dataset, which is alone in its project */
            name?: string;
            rules?: components["schemas"]["DatasetRulesChanges"] | null;
        };
        /** @description Changes to one's account */
        UpdateMe: {
            /**
             * Format: password
             * @description Your password. It is needed to change `email`, and ignored otherwise
             */
            current_password?: string | null;
            /**
             * @description An email address without characters that are not shown. Two that differ only in case or
             *     width are the same. A change needs `current_password`, and an API token cannot make it
             */
            email?: string;
            /** @description The name of the person, without characters that are not shown. An empty one means no name */
            name?: string | null;
            /**
             * @description Merged into what is kept, member by member at every depth (RFC 7396): null deletes a member,
             *     and null for all of it empties it. The whole is at most 8 KiB as JSON, of at most 16 levels
             */
            profile?: Record<string, never> | null;
            /**
             * @description 2 to 64 letters of one script, digits, dots, hyphens or underscores, and not a UUID. Two that differ only in case or width are the same
             * @example ada.lovelace
             */
            username?: string | null;
        };
        /** @description Changes to a model */
        UpdateModel: {
            /** @description What a model is about, in Markdown */
            description?: string | null;
        };
        /** @description Changes to what a version says of itself */
        UpdateModelVersion: {
            /** @description What a version is, in Markdown: its card */
            description?: string | null;
            /** @description On which terms a model may be used: an SPDX identifier such as `Apache-2.0`, a URL, or words */
            licence?: string | null;
            /** @description All of them, at most 100: what you measured, by name */
            metrics?: {
                [key: string]: number;
            };
            /** @description All of them, at most 20 */
            tags?: string[];
            /**
             * @description All versions of datasets that it was trained on, at most 50, each of which you may see; of
             *     those that were said before, the ones that you may not see stay. Lineage shows them
             */
            trained_on?: components["schemas"]["TrainedOn"][];
        };
        /** @description Changes to a notification */
        UpdateNotification: {
            /** @description Whether you have read it */
            read?: boolean;
        };
        /** @description Changes to a post */
        UpdatePost: {
            /** @description What a post says */
            content?: string;
            published?: boolean;
            /** @description The title of a post */
            title?: string;
        };
        /** @description Changes to a project */
        UpdateProject: {
            /** @description What a project is about */
            description?: string | null;
            /**
             * Format: date-time
             * @description A time to come, or null for never; extends a project that has expired
             */
            expires_at?: string | null;
            /** @description The name of a project */
            name?: string;
            /** @description How long before its end the project reminds its owners and editors, as ISO 8601 durations. Each is there once, the longest first */
            reminders?: string[];
            visibility?: components["schemas"]["Visibility"];
        };
        /** @description Changes to somebody's account */
        UpdateUser: {
            /**
             * @description Whether the user administers the service. A change ends all sessions; the next one has the
             *     new rights
             */
            admin?: boolean;
            /** @description Whether the account is disabled. Disabling it ends all its sessions and API tokens at once */
            disabled?: boolean;
        };
        /** @description A user. Only administrators see the members after `name` */
        User: {
            admin?: boolean;
            /** Format: date-time */
            created_at?: string;
            /** @description Whether the account is disabled: nobody can sign in with it */
            disabled?: boolean;
            email?: string;
            id: components["schemas"]["PrincipalId"];
            name?: string | null;
            username?: string | null;
        };
        /** @description One page of a list */
        UserPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["User"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default id
         * @enum {string}
         */
        UserSort: "id" | "-id";
        /** @description The service that answers */
        Version: {
            /** @description Always `chartroom` */
            name: string;
            /** @description The source revision that the service was built from; null if the build did not know it */
            revision?: string | null;
            /** @description Version of the service */
            version: string;
        };
        /**
         * @description What made a version: an import in one of its modes, an edit of records, or a change of what
         *     the records have to be
         * @enum {string}
         */
        VersionKind: "append" | "replace" | "upsert" | "edit" | "schema";
        /**
         * @description How far a version is: it is being checked, it can be asked, it cannot
         * @enum {string}
         */
        VersionState: "checking" | "ready" | "failed";
        /**
         * @description Who may read a project besides its members: nobody, or everybody signed in
         * @enum {string}
         */
        Visibility: "private" | "internal";
        /** @description Somebody who voted */
        Voter: {
            id: components["schemas"]["PrincipalId"];
            name?: string | null;
            /** @description For a workload, `k8s:<namespace>/<service account>` */
            username?: string | null;
            /** Format: date-time */
            voted_at: string;
        };
        /** @description One page of a list */
        VoterPage: {
            /**
             * Format: int64
             * @description How many items there are on all pages. It is there only with `count=true`
             */
            count?: number;
            /**
             * @description Whether there are more items than `count`, which stops at 10,000. It is there only with
             *     `count=true`
             */
            count_capped?: boolean;
            items: components["schemas"]["Voter"][];
            /**
             * @description The `cursor` of the next page; null on the last one. The header `Link` has the whole URL of
             *     the next page
             */
            next?: string | null;
        };
        /**
         * @default id
         * @enum {string}
         */
        VoterSort: "id" | "-id";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Jwks"];
                };
            };
        };
    };
    get_metadata: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Metadata"];
                };
            };
        };
    };
    list_audit_events: {
        parameters: {
            query?: {
                /** @description Only this action, such as `session.started` */
                action?: string;
                /** @description Only what this principal did, by id */
                actor?: string;
                /** @description Only what happened at this time or later */
                at__gte?: string;
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["AuditEventSort"];
                /** @description Only what was done to this, by id */
                target?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEventPage"];
                };
            };
        };
    };
    list_datasets: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description Only datasets with exactly this name */
                name?: string;
                /** @description A part of the name, in upper or lower case, which it must have */
                name__contains?: string;
                /** @description Only datasets in this project */
                project_id?: string;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["DatasetSort"];
                /** @description Only datasets with this tag */
                tag?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetPage"];
                };
            };
        };
    };
    create_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateDataset"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
        };
    };
    get_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
        };
    };
    delete_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dataset is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateDataset"];
                "application/merge-patch+json": components["schemas"]["UpdateDataset"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dataset"];
                };
            };
        };
    };
    get_aggregate: {
        parameters: {
            query?: {
                /** @description Conditions on the fields, as for records */
                filters?: {
                    [key: string]: string;
                };
                /** @description `svg` for a picture, which an `Accept` that prefers `image/svg+xml` asks for as well */
                format?: string;
                /**
                 * @description The fields whose values make the groups, with commas between them; none makes one group of
                 *     all
                 */
                group_by?: string;
                /**
                 * @description What is computed of each group: `count` and `function:field`, with commas between them. The
                 *     functions are `count`, `distinct`, `sum`, `avg`, `min`, `max`, `median` and `stddev`.
                 *     `count` unless told
                 */
                measures?: string;
                /** @description The version of the records, which is the last one unless told */
                version?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The groups, or a picture of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GroupList"];
                    "image/svg+xml": string;
                };
            };
        };
    };
    get_comparison: {
        parameters: {
            query: {
                /**
                 * @description How to make one value of several records: `sum`, `avg`, `min`, `max`, `median`, `count` or
                 *     `distinct`. Without it, a group that has several is an error
                 */
                agg?: string;
                /** @description The time at which the groups are compared */
                at?: string;
                /** @description An earlier time, against which the change of each group is computed */
                base?: string;
                /** @description The field that tells the groups apart */
                by: string;
                /** @description Conditions on the fields, as for records */
                filters?: {
                    [key: string]: string;
                };
                /** @description `svg` for a picture, which an `Accept` that prefers `image/svg+xml` asks for as well */
                format?: string;
                /** @description Its values that are compared, with commas between them */
                groups: string;
                /** @description The fields whose values are compared, with commas between them */
                measures: string;
                /** @description The field with the time */
                period?: string;
                /** @description The version of the records, which is the last one unless told */
                version?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The comparison, or a picture of it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                    "image/svg+xml": string;
                };
            };
        };
    };
    get_croissant: {
        parameters: {
            query?: {
                /** @description The version to describe, which is the last one unless told */
                version?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/ld+json": components["schemas"]["CroissantDataset"];
                };
            };
        };
    };
    get_data_package: {
        parameters: {
            query?: {
                /** @description The version to describe, which is the last one unless told */
                version?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DataPackage"];
                };
            };
        };
    };
    list_differences: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description `csv` for a file of all differences instead of a page */
                format?: string;
                /** @description The version to compare with: the one before `to` unless told, and 0 for none */
                from?: number;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["DifferentRecordSort"];
                /** @description The version to compare, which is the last one unless told. Say it where you walk pages */
                to?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the records that are different, or a file of all of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifferentRecordPage"];
                    "text/csv": string;
                };
            };
        };
    };
    get_diff_summary: {
        parameters: {
            query?: {
                /** @description The version to compare with: the one before `to` unless told, and 0 for none */
                from?: number;
                /** @description The version to compare, which is the last one unless told. Say it where you walk pages */
                to?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiffSummary"];
                };
            };
        };
    };
    list_imports: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /**
                 * @description Only the import that you have made with this `Idempotency-Key`, written without quotes, for
                 *     who did not hear the answer
                 */
                idempotency_key?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ImportSort"];
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportPage"];
                };
            };
        };
    };
    create_import: {
        parameters: {
            query?: {
                /** @description The names of the columns of the file, in order, with commas between them; `-` leaves one out */
                columns?: string;
                /** @description What stands between two fields of CSV: a single character, or `tab`. A comma unless told */
                delimiter?: string;
                /** @description Whether to check the file only: nothing is loaded */
                dry_run?: boolean;
                /**
                 * @description The row after those that names the columns, counted from 1; 0 where none does, which is
                 *     usual with `columns`
                 */
                header_row?: number;
                /** @description What the change is for, which the version shows */
                message?: string;
                /**
                 * @description `append` unless told. `upsert` replaces the records that have the same key, which the
                 *     dataset has to have
                 */
                mode?: "append" | "replace" | "upsert";
                /** @description Texts that mean that there is no value, with commas between them, such as `NA,null` */
                null_words?: string;
                /** @description `abort` unless told */
                on_error?: "abort" | "skip";
                /**
                 * @description `NAME:REGEX`. A row whose only text matches begins a section; its first group, or else the
                 *     whole text, is the value of the column in the rows below. More than once for more columns
                 */
                section_column?: string;
                /**
                 * @description `COLUMN:VALUE`, a column that has the same value in all records. More than once for more
                 *     columns
                 */
                set?: string;
                /** @description The name of the sheet of a workbook. The first one unless told */
                sheet?: string;
                /** @description A row whose first text matches this regular expression is left out */
                skip_if?: string;
                /** @description How many rows at the beginning of the file to leave out */
                skip_rows?: number;
                /**
                 * @description `COLUMN:REGEX`. What matches is removed from the texts of the column before they are read.
                 *     More than once for more columns
                 */
                strip?: string;
                /**
                 * @description `COLUMN:TYPE`, where the dataset has no columns yet and the type would be guessed otherwise:
                 *     `text`, `int`, `bigint`, `float64`, `decimal`, `bool`, `date`, `timestamp`, `int_range` or
                 *     `json`. More than once for more columns
                 */
                type?: string;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/vnd.apache.arrow.stream": string;
                "application/vnd.apache.parquet": string;
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": string;
                "application/x-ndjson": string;
                "text/csv": string;
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Import"];
                };
            };
            /** @description The request was carried out. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    get_import: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Id of the import */
                import: components["schemas"]["ImportId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    cancel_import: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Id of the import */
                import: components["schemas"]["ImportId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The import is stopped. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_rejected_records: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Id of the import */
                import: components["schemas"]["ImportId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The records. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                };
            };
        };
    };
    list_pins: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["PinSort"];
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PinPage"];
                };
            };
        };
    };
    create_pin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreatePin"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pin"];
                };
            };
        };
    };
    get_pin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Name of the pin */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pin"];
                };
            };
        };
    };
    delete_pin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Name of the pin */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pin is removed. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_profile: {
        parameters: {
            query?: {
                /** @description Only this field. A picture is of one */
                column?: string;
                /** @description `svg` for a picture, which an `Accept` that prefers `image/svg+xml` asks for as well */
                format?: string;
                /** @description The version to profile, which is the last one unless told */
                version?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The profile, or a picture of one column. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetProfile"];
                    "image/svg+xml": string;
                };
            };
            /** @description It is being computed; ask again after `Retry-After`. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PendingProfile"];
                };
            };
        };
    };
    list_records: {
        parameters: {
            query?: {
                /** @description Whether to count the records on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters, `sort`, `select` and `version` have to be the same */
                cursor?: string;
                /**
                 * @description Conditions on the fields: `field=value` or `field__op=value`, where `op` is one of `ne`,
                 *     `lt`, `lte`, `gt`, `gte`, `in`, `contains`, `startswith`, `isnull`, `covers`
                 */
                filters?: {
                    [key: string]: string;
                };
                /**
                 * @description `csv`, `ndjson`, `parquet`, `arrow` or `arrow-stream`, for all records that match instead of
                 *     a page
                 */
                format?: string;
                /** @description How many records the page has at most */
                limit?: number;
                /** @description The fields to show, with commas between them; all of them unless told */
                select?: string;
                /** @description A field to sort by, with `-` for the largest first. Records without a value come last */
                sort?: string;
                /** @description The version to show the records of, which is the last one unless told */
                version?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of records, or a file of all of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordList"];
                    "application/vnd.apache.arrow.file": string;
                    "application/vnd.apache.arrow.stream": string;
                    "application/vnd.apache.parquet": string;
                    "application/x-ndjson": string;
                    "text/csv": string;
                };
            };
        };
    };
    create_record: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRecords"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Added"];
                };
            };
        };
    };
    get_record: {
        parameters: {
            query?: {
                /** @description The version to show the record of, which is the last one unless told */
                version?: number;
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Id of the record */
                rid: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Record"];
                };
            };
        };
    };
    delete_record: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Id of the record */
                rid: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The record is removed. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_record: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Id of the record */
                rid: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecordPatch"];
                "application/merge-patch+json": components["schemas"]["RecordPatch"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Record"];
                };
            };
        };
    };
    list_dataset_versions: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["DatasetVersionSort"];
            };
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetVersionPage"];
                };
            };
        };
    };
    get_version_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the dataset */
                id: components["schemas"]["DatasetId"];
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.apache.parquet": string;
                };
            };
            /** @description The range of it. */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.apache.parquet": string;
                };
            };
        };
    };
    list_events: {
        parameters: {
            query?: {
                /**
                 * @description Only what came after the event with this `sequence`. Without it, a page begins with the
                 *     oldest event that is kept, and a stream with the next that happens; with 0, both begin with
                 *     the oldest
                 */
                after?: number;
                /** @description How many events a page has at most; 50 unless given */
                limit?: number;
                /** @description Only what happened in this project */
                project_id?: components["schemas"]["ProjectId"];
                /** @description Only events of this type */
                type?: "chartroom.project.created" | "chartroom.project.changed" | "chartroom.project.expiring" | "chartroom.project.expired" | "chartroom.project.extended" | "chartroom.project.deleted" | "chartroom.member.added" | "chartroom.member.changed" | "chartroom.member.removed" | "chartroom.invitation.created" | "chartroom.invitation.accepted" | "chartroom.invitation.withdrawn" | "chartroom.invitation.expired" | "chartroom.dataset.created" | "chartroom.dataset.changed" | "chartroom.dataset.described" | "chartroom.dataset.deleted" | "chartroom.model.created" | "chartroom.model.described" | "chartroom.model.deleted" | "chartroom.model_log.set" | "chartroom.model_log.removed" | "chartroom.model_version.created" | "chartroom.model_version.ready" | "chartroom.model_version.failed" | "chartroom.model_version.described" | "chartroom.model_version.deleted" | "chartroom.model_alias.moved" | "chartroom.model_alias.removed" | "chartroom.post.changed" | "chartroom.post.deleted";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the feed, or the stream. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                    "text/event-stream": string;
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description Only jobs of this kind, such as `sessions.purge.1` */
                kind?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["JobSort"];
                /** @description Only jobs in this state */
                state?: components["schemas"]["JobState"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPage"];
                };
            };
        };
    };
    get_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the job */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the job */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gone, or asked to stop */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    retry_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the job */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The request was carried out. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    get_lineage: {
        parameters: {
            query: {
                /** @description A version: `dataset:{id}@{version}` or `model:{name}@{version}` */
                of: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Lineage"];
                };
            };
        };
    };
    get_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    delete_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeleteMe"];
            };
        };
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateMe"];
                "application/merge-patch+json": components["schemas"]["UpdateMe"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    list_activity: {
        parameters: {
            query?: {
                /** @description Only this action, such as `session.started` */
                action?: string;
                /** @description Only what happened at this time or later */
                at__gte?: string;
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ActivitySort"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActivityPage"];
                };
            };
        };
    };
    request_email_confirmation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description If it is needed, a mail is on its way */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_identities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkedIdentities"];
                };
            };
        };
    };
    delete_identity: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the identity */
                id: components["schemas"]["IdentityId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Unlinked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_notifications: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["NotificationSort"];
                /** @description Only those that you have not read, or only those that you have */
                unread?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationPage"];
                };
            };
        };
    };
    update_notification: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the notification */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateNotification"];
                "application/merge-patch+json": components["schemas"]["UpdateNotification"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
        };
    };
    change_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangePassword"];
            };
        };
        responses: {
            /** @description Changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_preferences: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Preferences"];
                };
            };
        };
    };
    put_preference: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Type of the event */
                type: "chartroom.project.expiring" | "chartroom.project.expired" | "chartroom.project.extended" | "chartroom.member.added" | "chartroom.member.changed" | "chartroom.member.removed" | "chartroom.post.changed" | "chartroom.post.deleted";
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChoosePreference"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Preference"];
                };
            };
        };
    };
    list_sessions: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["SessionSort"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionPage"];
                };
            };
        };
    };
    delete_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    delete_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the session */
                id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_api_tokens: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ApiTokenSort"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiTokenPage"];
                };
            };
        };
    };
    create_api_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateApiToken"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApiToken"];
                };
            };
        };
    };
    get_api_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the API token */
                id: components["schemas"]["ApiTokenId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiToken"];
                };
            };
        };
    };
    delete_api_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the API token */
                id: components["schemas"]["ApiTokenId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_models: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description Only the model with exactly this name */
                name?: string;
                /** @description A part of the name, in upper or lower case, which it must have */
                name__contains?: string;
                /** @description Only models in this project */
                project_id?: string;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ModelSort"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelPage"];
                };
            };
        };
    };
    create_model: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateModel"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Model"];
                };
            };
        };
    };
    get_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Model"];
                };
            };
        };
    };
    delete_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The model is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateModel"];
                "application/merge-patch+json": components["schemas"]["UpdateModel"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Model"];
                };
            };
        };
    };
    list_aliases: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ModelAliasSort"];
            };
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelAliasPage"];
                };
            };
        };
    };
    get_alias: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alias */
                alias: string;
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelAlias"];
                };
            };
        };
    };
    move_alias: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alias: a word that begins with a letter */
                alias: string;
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MoveAlias"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelAlias"];
                };
            };
        };
    };
    delete_alias: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alias */
                alias: string;
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The alias is removed. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    move_alias_back: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alias */
                alias: string;
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MoveAliasBack"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelAlias"];
                };
            };
        };
    };
    list_alias_moves: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ModelAliasSort"];
            };
            header?: never;
            path: {
                /** @description The alias */
                alias: string;
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelAliasPage"];
                };
            };
        };
    };
    score_dataset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBatch"];
            };
        };
        responses: {
            /** @description The request was carried out. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    get_model_log: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PredictionLog"];
                };
            };
        };
    };
    set_model_log: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetPredictionLog"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PredictionLog"];
                };
            };
        };
    };
    delete_model_log: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No answers are kept any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_model_stats: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelStats"];
                };
            };
        };
    };
    list_model_versions: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ModelVersionSort"];
                /** @description Only versions in this state */
                state?: "checking" | "ready" | "failed";
            };
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersionPage"];
                };
            };
        };
    };
    create_model_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersion"];
                };
            };
        };
    };
    get_model_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersion"];
                };
            };
        };
    };
    delete_model_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The version is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_model_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateModelVersion"];
                "application/merge-patch+json": components["schemas"]["UpdateModelVersion"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersion"];
                };
            };
        };
    };
    get_model_bytes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description The range of it. */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
        };
    };
    get_model_golden: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelGolden"];
                };
            };
        };
    };
    set_model_golden: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelGolden"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersion"];
                };
            };
        };
    };
    delete_model_golden: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The version has no golden test any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    verify_model_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of the version */
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The request was carried out. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersion"];
                };
            };
        };
    };
    list_posts: {
        parameters: {
            query?: {
                /** @description Only posts of this author */
                author_id?: string;
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description Only posts in this project */
                project_id?: string;
                /** @description Only published ones, or only drafts */
                published?: boolean;
                /** @description Words that title and content must have: `word`, `"a phrase"`, `this or that`, `-without` */
                q?: string;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["PostSort"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PostPage"];
                };
            };
        };
    };
    create_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreatePost"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Post"];
                };
            };
        };
    };
    get_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the post */
                id: components["schemas"]["PostId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Post"];
                };
            };
        };
    };
    delete_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the post */
                id: components["schemas"]["PostId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The post and its votes are deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the post */
                id: components["schemas"]["PostId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdatePost"];
                "application/merge-patch+json": components["schemas"]["UpdatePost"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Post"];
                };
            };
        };
    };
    put_vote: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the post */
                id: components["schemas"]["PostId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Your vote counts. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    delete_vote: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the post */
                id: components["schemas"]["PostId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description You have no vote for it now. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_votes: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["VoterSort"];
            };
            header?: never;
            path: {
                /** @description Id of the post */
                id: components["schemas"]["PostId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VoterPage"];
                };
            };
        };
    };
    list_projects: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description Only projects that expire after this time */
                expires_at__gt?: string;
                /** @description Only projects that expire at this time or after */
                expires_at__gte?: string;
                /** @description Only projects that never expire (`true`), or only those that do (`false`) */
                expires_at__isnull?: boolean;
                /** @description Only projects that expire before this time */
                expires_at__lt?: string;
                /** @description Only projects that expire at this time or before */
                expires_at__lte?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description Only projects with exactly this name */
                name?: string;
                /** @description A part of the name, in upper or lower case, which it must have */
                name__contains?: string;
                /** @description Words that the name or the description must have, all of them, in upper or lower case */
                q?: string;
                /** @description Only projects in which you have this role */
                role?: components["schemas"]["Role"];
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ProjectSort"];
                /** @description Whether its `expires_at` has passed */
                status?: "active" | "expired";
                /** @description Only private ones, which nobody but their members may read, or only internal ones */
                visibility?: components["schemas"]["Visibility"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectPage"];
                };
            };
        };
    };
    create_project: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateProject"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    get_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    delete_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateProject"];
                "application/merge-patch+json": components["schemas"]["UpdateProject"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    list_project_events: {
        parameters: {
            query?: {
                /** @description Only this action, such as `member.added` */
                action?: string;
                /** @description Only what this principal did, by id */
                actor?: string;
                /** @description Only what happened at this time or later */
                at__gte?: string;
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["ProjectEventSort"];
            };
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectEventPage"];
                };
            };
        };
    };
    list_invitations: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["InvitationSort"];
            };
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationPage"];
                };
            };
        };
    };
    create_invitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateInvitation"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
        };
    };
    get_invitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
                /** @description Id of the invitation */
                iid: components["schemas"]["InvitationId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
        };
    };
    delete_invitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
                /** @description Id of the invitation */
                iid: components["schemas"]["InvitationId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invitation is withdrawn. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_members: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /** @description Their role */
                role?: components["schemas"]["Role"];
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["MemberSort"];
            };
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberPage"];
                };
            };
        };
    };
    get_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
                /** @description The id or the username of somebody, or `k8s:<namespace>/<service account>`, whose slash may be encoded */
                principal: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    put_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
                /** @description The id or the username of somebody, or `k8s:<namespace>/<service account>`, whose slash may be encoded */
                principal: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetMember"];
            };
        };
        responses: {
            /** @description They were a member before, and have this role now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    delete_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the project */
                id: components["schemas"]["ProjectId"];
                /** @description The id or the username of the member, or `k8s:<namespace>/<service account>`, whose slash may be encoded. Give your own to leave the project */
                principal: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are not a member now. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_users: {
        parameters: {
            query?: {
                /** @description Whether to count the items on all pages, up to 10,000 */
                count?: boolean;
                /** @description The `next` of the page before. Filters and `sort` have to be the same */
                cursor?: string;
                /** @description How many items the page has at most. A page of large ones ends earlier, at about 1 MiB */
                limit?: number;
                /**
                 * @description How the username, the name or a word in the name begins, in upper or lower case. The users
                 *     are then sorted by what was found
                 */
                q?: string;
                /** @description What to sort by. With `-` the largest, or the latest, comes first */
                sort?: components["schemas"]["UserSort"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list, which is empty if nothing matches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPage"];
                };
            };
        };
    };
    create_user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Register"];
            };
        };
        responses: {
            /** @description The new resource. `Location` says where it is. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description A mail to the address says how it goes on */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the user */
                id: components["schemas"]["PrincipalId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    delete_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the user */
                id: components["schemas"]["PrincipalId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the user */
                id: components["schemas"]["PrincipalId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateUser"];
                "application/merge-patch+json": components["schemas"]["UpdateUser"];
            };
        };
        responses: {
            /** @description The resource as it is after the change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    list_user_identities: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the user */
                id: components["schemas"]["PrincipalId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkedIdentities"];
                };
            };
        };
    };
    delete_user_identity: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the user */
                id: components["schemas"]["PrincipalId"];
                /** @description Id of the identity */
                identity: components["schemas"]["IdentityId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Unlinked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    delete_user_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the user */
                id: components["schemas"]["PrincipalId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_version: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Version"];
                };
            };
        };
    };
    confirm_email: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfirmEmail"];
            };
        };
        responses: {
            /** @description Confirmed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    introspect_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["TokenForm"];
            };
        };
        responses: {
            /** @description The request was carried out. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Introspection"];
                };
            };
        };
    };
    accept_invitation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptInvitation"];
            };
        };
        responses: {
            /** @description You are a member of the project. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcceptedInvitation"];
                };
            };
        };
    };
    create_cookie: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["LoginForm"];
            };
        };
        responses: {
            /** @description You are signed in. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description You are signed out. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_providers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInProviders"];
                };
            };
        };
    };
    request_password_reset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RequestPasswordReset"];
            };
        };
        responses: {
            /** @description If there is such an account, a mail is on its way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    reset_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetPassword"];
            };
        };
        responses: {
            /** @description Set */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    confirm_registration: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfirmRegistration"];
            };
        };
        responses: {
            /** @description Made */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    revoke_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["TokenForm"];
            };
        };
        responses: {
            /** @description The request was carried out. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    create_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description The request was carried out. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenResponse"];
                };
            };
        };
    };
    stop_mails: {
        parameters: {
            query: {
                /** @description What the link in the mail has */
                token: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Stopped */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_inference_server: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceServer"];
                };
            };
        };
    };
    get_inference_live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceLive"];
                };
            };
        };
    };
    get_inference_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceReady"];
                };
            };
        };
    };
    get_inference_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceModel"];
                };
            };
        };
    };
    infer_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InferenceQuestion"];
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description The answer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceAnswer"];
                    "application/octet-stream": string;
                };
            };
        };
    };
    get_inference_model_ready: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceReady"];
                };
            };
        };
    };
    get_inference_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of a version, or an alias */
                version: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceModel"];
                };
            };
        };
    };
    infer_model_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of a version, or an alias */
                version: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InferenceQuestion"];
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description The answer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceAnswer"];
                    "application/octet-stream": string;
                };
            };
        };
    };
    get_inference_version_ready: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model */
                name: string;
                /** @description Number of a version, or an alias */
                version: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The resource as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InferenceReady"];
                };
            };
        };
    };
    on_dataset_changed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /** Format: int64 */
                        added: number;
                        /** Format: int64 */
                        changed: number;
                        /**
                         * Format: uuid
                         * @description The id of a dataset.
                         */
                        dataset: string;
                        kind: string;
                        /** Format: int64 */
                        removed: number;
                        /** Format: int64 */
                        version: number;
                    };
                    /** @enum {string} */
                    type?: "chartroom.dataset.changed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_dataset_created: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a dataset.
                         */
                        dataset: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.dataset.created";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_dataset_deleted: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a dataset.
                         */
                        dataset: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.dataset.deleted";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_dataset_described: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a dataset.
                         */
                        dataset: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.dataset.described";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_invitation_accepted: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of an invitation to a project.
                         */
                        invitation: string;
                        /**
                         * Format: uuid
                         * @description The id of a user or of a workload.
                         */
                        principal: string;
                        role: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.invitation.accepted";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_invitation_created: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of an invitation to a project.
                         */
                        invitation: string;
                        role: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.invitation.created";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_invitation_expired: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of an invitation to a project.
                         */
                        invitation: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.invitation.expired";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_invitation_withdrawn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of an invitation to a project.
                         */
                        invitation: string;
                        reason: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.invitation.withdrawn";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_member_added: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        name?: null | string;
                        /**
                         * Format: uuid
                         * @description The id of a user or of a workload.
                         */
                        principal: string;
                        role: string;
                        was: null | string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.member.added";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_member_changed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        name?: null | string;
                        /**
                         * Format: uuid
                         * @description The id of a user or of a workload.
                         */
                        principal: string;
                        role: string;
                        was: null | string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.member.changed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_member_removed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        name?: null | string;
                        /**
                         * Format: uuid
                         * @description The id of a user or of a workload.
                         */
                        principal: string;
                        reason?: null | string;
                        was: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.member.removed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_alias_moved: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        alias: string;
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                        shadow: null | number;
                        weights: {
                            [key: string]: number;
                        };
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_alias.moved";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_alias_removed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        alias: string;
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_alias.removed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_log_removed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_log.removed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_log_set: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a dataset.
                         */
                        dataset: string;
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                        /** Format: double */
                        share: number;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_log.set";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_version_created: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                        /** Format: int64 */
                        version: number;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_version.created";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_version_deleted: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                        /** Format: int64 */
                        version: number;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_version.deleted";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_version_described: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                        /** Format: int64 */
                        version: number;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_version.described";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_version_failed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                        problem: string;
                        /** Format: int64 */
                        version: number;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_version.failed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_version_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                        /** Format: int64 */
                        version: number;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model_version.ready";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_created: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model.created";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_deleted: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model.deleted";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_model_described: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: uuid
                         * @description The id of a model.
                         */
                        model: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.model.described";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_post_changed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        author?: null | string;
                        changed: string[];
                        /**
                         * Format: uuid
                         * @description The id of a post.
                         */
                        post: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.post.changed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_post_deleted: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        author?: null | string;
                        /**
                         * Format: uuid
                         * @description The id of a post.
                         */
                        post: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.post.deleted";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_project_changed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        changed: string[];
                    };
                    /** @enum {string} */
                    type?: "chartroom.project.changed";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_project_created: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.project.created";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_project_deleted: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.project.deleted";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_project_expired: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        /**
                         * Format: date-time
                         * @description An instant that always shows itself so.
                         */
                        expires_at: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.project.expired";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_project_expiring: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        before: string;
                        /**
                         * Format: date-time
                         * @description An instant that always shows itself so.
                         */
                        expires_at: string;
                        name: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.project.expiring";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    on_project_extended: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/cloudevents+json": components["schemas"]["Event"] & {
                    data?: {
                        expires_at: null | string;
                        name: string;
                        /**
                         * Format: date-time
                         * @description An instant that always shows itself so.
                         */
                        was: string;
                    };
                    /** @enum {string} */
                    type?: "chartroom.project.extended";
                };
            };
        };
        responses: {
            /** @description The receiver has it. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
