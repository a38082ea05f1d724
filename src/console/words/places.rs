//! What the pages say about the start, projects and posts.

use super::said;

said! {
    needs_you: "What needs you" / "Was Sie braucht";
    all_quiet: "Nothing needs you at the moment." / "Im Augenblick braucht Sie nichts.";
    your_projects: "Your projects" / "Ihre Projekte";
    all_projects: "All your projects" / "Alle Ihre Projekte";
    welcome: "Welcome" / "Willkommen";
    three_steps: "Three steps to begin with" / "Drei Schritte für den Anfang";
    step_sample: "See what a dataset looks like" / "Sehen Sie, wie ein Datensatz aussieht";
    step_sample_why:
        "Incomes by age, year, race and sex, from the U.S. Census Bureau; it takes some seconds."
        / "Einkommen nach Alter, Jahr, Race und Geschlecht vom U.S. Census Bureau; es dauert einige Sekunden.";
    load_sample: "Load the sample" / "Das Beispiel laden";
    step_project: "Make a project of your own" / "Machen Sie ein eigenes Projekt";
    step_project_why: "Datasets, posts and people are together in it."
        / "Darin sind Datensätze, Beiträge und Leute beisammen.";
    step_token: "Let a program in" / "Lassen Sie ein Programm herein";
    step_token_why: "Everything here can be done by the API as well."
        / "Alles hier geht auch über die API.";
    expires_on(when): "Expires on {when}" / "Läuft am {when} ab";
    expired_on(when): "Expired on {when}" / "Am {when} abgelaufen";
    extend: "Extend" / "Verlängern";
    extend_30: "Extend by 30 days" / "Um 30 Tage verlängern";
    extend_90: "Extend by 90 days" / "Um 90 Tage verlängern";
    never_expires: "Let it never expire" / "Nie ablaufen lassen";
    import_failed(file): "An import into {file} has failed"
        / "Ein Import in {file} ist gescheitert";
    new_project: "New project" / "Neues Projekt";
    no_projects: "You have no project yet." / "Sie haben noch kein Projekt.";
    search_projects: "Search in names and descriptions" / "In Namen und Beschreibungen suchen";
    status: "Status" / "Stand";
    active: "active" / "aktiv";
    expired: "expired" / "abgelaufen";
    expired_banner: "This project has expired: it can be read, and nothing in it can be changed."
        / "Dieses Projekt ist abgelaufen: Es ist lesbar, aber nichts darin lässt sich ändern.";
    ask_owner: "An owner can extend it." / "Ein Besitzer kann es verlängern.";
    visibility: "Who may read it" / "Wer es lesen darf";
    private: "only its members" / "nur seine Mitglieder";
    internal: "everybody who is signed in" / "alle, die angemeldet sind";
    private_word: "private" / "privat";
    internal_word: "internal" / "intern";
    expires_at: "Expires at (UTC)" / "Läuft ab um (UTC)";
    expires_hint: "Empty: never." / "Leer: nie.";
    reminders: "Reminders before the end" / "Erinnerungen vor dem Ende";
    reminders_hint: "As ISO 8601 durations with commas between them, such as P7D,P1D."
        / "Als ISO-8601-Dauern mit Kommas dazwischen, etwa P7D,P1D.";
    no_description: "Nothing is said about it yet." / "Dazu steht noch nichts da.";
    members: "Members" / "Mitglieder";
    member: "Member" / "Mitglied";
    member_since: "Since" / "Seit";
    add_member: "Add a member" / "Mitglied hinzufügen";
    member_hint: "A username, an id, or k8s:namespace/service-account."
        / "Ein Benutzername, eine Id oder k8s:namespace/service-account.";
    invitations: "Invitations" / "Einladungen";
    invite: "Invite by mail" / "Per Mail einladen";
    invite_hint: "A letter with a link goes there; whoever has the link may accept."
        / "Dorthin geht ein Brief mit einem Link; wer den Link hat, kann annehmen.";
    invitation_ends_hint: "Within seven days. Empty: in seven days."
        / "Binnen sieben Tagen. Leer: in sieben Tagen.";
    no_invitations: "No invitation is open." / "Es ist keine Einladung offen.";
    letter: "Letter" / "Brief";
    letter_waiting: "on its way" / "unterwegs";
    letter_sent: "sent" / "gesendet";
    letter_refused: "not taken there" / "dort nicht angenommen";
    withdraw: "Withdraw" / "Zurückziehen";
    role_viewer: "viewer" / "Leser";
    role_editor: "editor" / "Bearbeiter";
    role_owner: "owner" / "Besitzer";
    role_none: "no member" / "kein Mitglied";
    your_role: "Your role" / "Ihre Rolle";
    workload: "workload" / "Programm im Cluster";
    it_is_you: "you" / "Sie";
    leave: "Leave" / "Verlassen";
    edit_project: "Edit the project" / "Projekt bearbeiten";
    delete_project: "Delete the project" / "Projekt löschen";
    delete_project_why: "Deletes all that is in it: datasets, models, posts, memberships."
        / "Löscht alles darin: Datensätze, Modelle, Beiträge, Mitgliedschaften.";
    no_datasets_here: "No dataset yet." / "Noch kein Datensatz.";
    no_posts_here: "No post yet." / "Noch kein Beitrag.";
    new_post: "New post" / "Neuer Beitrag";
    edit_post: "Edit the post" / "Beitrag bearbeiten";
    title: "Title" / "Titel";
    content: "Content" / "Inhalt";
    markdown: "Markdown" / "Markdown";
    preview: "Preview" / "Vorschau";
    published: "Published" / "Veröffentlicht";
    draft: "draft" / "Entwurf";
    publish: "Publish it" / "Veröffentlichen";
    in_project: "In the project" / "Im Projekt";
    in_none: "in none" / "in keinem";
    votes(count): "{count} votes" / "{count} Stimmen";
    vote: "Vote" / "Stimmen";
    unvote: "Take the vote back" / "Stimme zurücknehmen";
    most_votes: "Most votes" / "Meiste Stimmen";
    best_match: "Best match" / "Beste Treffer";
    search_posts: "Search posts" / "Beiträge suchen";
    search_posts_hint: "Words, \"a phrase\", or -without."
        / "Wörter, \"eine Wendung\" oder -ohne.";
    no_posts: "There is no post yet." / "Es gibt noch keinen Beitrag.";
    somebody_gone: "a deleted account" / "ein gelöschtes Konto";
    by_author(name): "by {name}" / "von {name}";
}
