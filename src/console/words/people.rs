//! What the pages say about accounts, sessions, tokens and administration.

use super::said;

said! {
    email: "Email" / "E-Mail";
    email_or_username: "Email or username" / "E-Mail oder Benutzername";
    username: "Username" / "Benutzername";
    password: "Password" / "Passwort";
    show_password: "Show the password" / "Passwort zeigen";
    wrong_password: "The name or the password is not good."
        / "Name oder Passwort stimmen nicht.";
    make_account: "Make an account" / "Konto anlegen";
    first_account: "Make the first account" / "Das erste Konto anlegen";
    first_account_why: "Nobody has an account here yet. This one will administer the service."
        / "Hier hat noch niemand ein Konto. Dieses wird den Dienst verwalten.";
    no_account_yet: "No account yet?" / "Noch kein Konto?";
    have_account: "Have an account already?" / "Schon ein Konto?";
    mail_sent: "A mail is on its way." / "Eine Mail ist unterwegs.";
    registration_mailed(email): "Read the mail to {email}: its link makes the account."
        / "Lesen Sie die Mail an {email}: Ihr Link legt das Konto an.";
    signed_out: "You are signed out." / "Sie sind abgemeldet.";
    sign_in_with(name): "Sign in with {name}" / "Mit {name} anmelden";
    providers: "Single sign-on" / "Single Sign-on";
    linked_since(name, when): "{name}, since {when}" / "{name}, seit {when}";
    unlink: "Unlink" / "Trennen";
    unlink_why: "A provider that is unlinked signs you in no more; your sessions go on."
        / "Ein getrennter Anbieter meldet Sie nicht mehr an; Ihre Sitzungen laufen weiter.";
    password_rule: "At least 8 characters; a sentence is good."
        / "Mindestens 8 Zeichen; ein Satz ist gut.";
    profile: "Profile" / "Profil";
    sessions: "Sessions" / "Sitzungen";
    sessions_why: "Everywhere you are signed in." / "Überall, wo Sie angemeldet sind.";
    this_session: "this one" / "diese hier";
    browser_session: "Browser" / "Browser";
    program_session: "Program" / "Programm";
    begun: "Begun" / "Begonnen";
    ends: "Ends" / "Endet";
    from_where: "From" / "Woher";
    end_session: "End" / "Beenden";
    end_others: "End all others" / "Alle anderen beenden";
    tokens: "Tokens" / "Tokens";
    tokens_why: "What your programs sign in with." / "Damit melden sich Ihre Programme an.";
    new_token: "New token" / "Neues Token";
    token_access: "May" / "Darf";
    may_read: "read" / "lesen";
    may_write: "read and write" / "lesen und schreiben";
    expires: "Expires" / "Läuft ab";
    make_token: "Make a token" / "Token machen";
    token_made: "Your token" / "Ihr Token";
    token_once: "Copy it now: it is shown this once."
        / "Kopieren Sie es jetzt: Es wird nur dieses eine Mal gezeigt.";
    change_password: "Change the password" / "Passwort ändern";
    change_email: "Change the email" / "E-Mail ändern";
    change_email_why:
        "It counts at once. Confirm it by the link that is mailed there; the address that you have now is told."
        / "Sie gilt sofort. Bestätigen Sie sie mit dem Link, der dorthin geht; Ihre jetzige Adresse erfährt davon.";
    new_email: "New email" / "Neue E-Mail";
    confirm_email: "Send the link that confirms it" / "Den Link senden, der sie bestätigt";
    email_confirmed: "confirmed" / "bestätigt";
    email_unconfirmed: "not confirmed" / "nicht bestätigt";
    email_paused: "takes no mail" / "nimmt keine Mail an";
    current_password: "Current password" / "Jetziges Passwort";
    new_password: "New password" / "Neues Passwort";
    password_ends: "All your other sessions end." / "Alle Ihre anderen Sitzungen enden.";
    display: "Display" / "Anzeige";
    language: "Language" / "Sprache";
    of_browser: "as the browser says" / "wie der Browser sagt";
    colours: "Colours" / "Farben";
    light: "light" / "hell";
    dark: "dark" / "dunkel";
    of_system: "as the system is" / "wie das System";
    shortcuts: "Keys of the keyboard do something" / "Tasten der Tastatur lösen etwas aus";
    what_to_tell: "What you are told" / "Was Ihnen mitgeteilt wird";
    here: "Here" / "Hier";
    by_mail: "By mail" / "Per Mail";
    at_once: "at once" / "sofort";
    daily: "once a day" / "täglich";
    off: "not at all" / "gar nicht";
    mark_read: "Mark as read" / "Als gelesen markieren";
    only_unread: "Only unread" / "Nur ungelesene";
    all_of_them: "All" / "Alle";
    no_notifications: "Nothing to tell you." / "Es gibt nichts Neues.";
    users: "Users" / "Benutzer";
    audit: "Audit" / "Protokoll";
    jobs: "Jobs" / "Aufträge";
    administers: "administers" / "verwaltet";
    disabled: "disabled" / "gesperrt";
    make_admin: "Let administer" / "Verwalten lassen";
    unmake_admin: "Administer no more" / "Nicht mehr verwalten lassen";
    disable: "Disable" / "Sperren";
    disable_why: "Ends all sessions and tokens at once."
        / "Beendet sofort alle Sitzungen und Tokens.";
    enable: "Enable" / "Entsperren";
    action: "Action" / "Aktion";
    target: "Target" / "Ziel";
    address: "Address" / "Adresse";
    details: "Details" / "Einzelheiten";
    kind: "Kind" / "Art";
    due: "Due" / "Fällig";
    failures: "Failures" / "Fehlversuche";
    last_error: "Last error" / "Letzter Fehler";
    retry: "Try again" / "Noch einmal";
    no_jobs: "Nothing waits, and nothing has failed."
        / "Nichts wartet, und nichts ist gescheitert.";
    instance: "This instance" / "Diese Instanz";
    told_expiring(project, when): "{project} expires on {when}." / "{project} läuft am {when} ab.";
    told_expired(project): "{project} has expired and can only be read."
        / "{project} ist abgelaufen und nur noch lesbar.";
    told_extended(project): "{project} has more time." / "{project} hat mehr Zeit.";
    told_added(project, role): "You are a member of {project}, as {role}."
        / "Sie sind Mitglied von {project}, als {role}.";
    told_changed(project, role): "Your role in {project} is {role} now."
        / "Ihre Rolle in {project} ist jetzt {role}.";
    told_removed(project): "You are no member of {project} any more."
        / "Sie sind kein Mitglied von {project} mehr.";
    told_post_changed: "Somebody changed a post of yours."
        / "Jemand hat einen Beitrag von Ihnen geändert.";
    told_post_deleted: "Somebody deleted a post of yours."
        / "Jemand hat einen Beitrag von Ihnen gelöscht.";
    a_project: "A project" / "Ein Projekt";
    kind_expiring: "A project of mine expires soon" / "Ein Projekt läuft bald ab";
    kind_expired: "A project of mine has expired" / "Ein Projekt ist abgelaufen";
    kind_extended: "A project of mine got more time" / "Ein Projekt hat mehr Zeit bekommen";
    kind_added: "I became a member" / "Ich wurde Mitglied";
    kind_changed: "My role has changed" / "Meine Rolle hat sich geändert";
    kind_removed: "I am no member any more" / "Ich bin kein Mitglied mehr";
    kind_post_changed: "Somebody changed a post of mine" / "Jemand hat einen Beitrag geändert";
    kind_post_deleted: "Somebody deleted a post of mine" / "Jemand hat einen Beitrag gelöscht";
}
