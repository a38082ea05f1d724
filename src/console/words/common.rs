//! What every page says.

use super::said;

said! {
    skip: "Skip to content" / "Zum Inhalt";
    home: "Home" / "Start";
    projects: "Projects" / "Projekte";
    posts: "Posts" / "Beiträge";
    datasets: "Datasets" / "Datensätze";
    notifications: "Notifications" / "Mitteilungen";
    me: "Me" / "Ich";
    administration: "Administration" / "Verwaltung";
    main_menu: "Main" / "Hauptmenü";
    you: "You" / "Sie";
    sign_in: "Sign in" / "Anmelden";
    sign_out: "Sign out" / "Abmelden";
    save: "Save" / "Speichern";
    edit: "Edit" / "Bearbeiten";
    delete: "Delete" / "Löschen";
    cancel: "Cancel" / "Abbrechen";
    search: "Search" / "Suchen";
    create: "Create" / "Anlegen";
    remove: "Remove" / "Entfernen";
    add: "Add" / "Hinzufügen";
    change: "Change" / "Ändern";
    copy: "Copy" / "Kopieren";
    copied: "Copied" / "Kopiert";
    name: "Name" / "Name";
    description: "Description" / "Beschreibung";
    created: "Created" / "Angelegt";
    updated: "Updated" / "Geändert";
    never: "never" / "nie";
    none: "none" / "keine";
    any: "Any" / "Alle";
    yes: "yes" / "ja";
    no: "no" / "nein";
    optional: "optional" / "freiwillig";
    sort_by: "Sort by" / "Sortieren nach";
    newest_first: "Newest first" / "Neueste zuerst";
    by_name: "Name" / "Name";
    last_changed: "Last changed" / "Zuletzt geändert";
    newer: "Newer" / "Neuere";
    older: "Older" / "Ältere";
    first_page: "First page" / "Erste Seite";
    next_page: "Next page" / "Nächste Seite";
    pages: "Pages" / "Seiten";
    nothing_found: "Nothing fits. Take away a filter, or search for less."
        / "Nichts passt. Nehmen Sie einen Filter weg oder suchen Sie nach weniger.";
    when: "When" / "Wann";
    what: "What" / "Was";
    who: "Who" / "Wer";
    state: "State" / "Stand";
    role: "Role" / "Rolle";
    actions: "Actions" / "Aktionen";
    api_call: "This page from a program" / "Diese Seite für Programme";
    api_help: "Make a token under Me, and put it into CHARTROOM_TOKEN."
        / "Machen Sie unter „Ich“ ein Token und setzen Sie es in CHARTROOM_TOKEN.";
    api_docs: "API documentation" / "Dokumentation der API";
    saved: "Saved." / "Gespeichert.";
    deleted: "Deleted." / "Gelöscht.";
    was_created: "Created." / "Angelegt.";
    ended: "Ended." / "Beendet.";
    merged: "Saved. Somebody else had changed other fields meanwhile; both changes are in."
        / "Gespeichert. Andere Felder hatte inzwischen jemand anders geändert; beides gilt.";
    mistakes: "This could not be saved" / "Das ließ sich nicht speichern";
    request_id: "Request id" / "Nummer der Anfrage";
    go_home: "Go to the start" / "Zum Start";
    not_found_title: "There is nothing here" / "Hier ist nichts";
    not_found_detail: "There is no such page, or you may not see it."
        / "Es gibt diese Seite nicht, oder Sie dürfen sie nicht sehen.";
    ended_title: "You are not signed in any more" / "Sie sind nicht mehr angemeldet";
    ended_detail:
        "Sign in in another tab, then reload this page to send the form again. Nothing of it is lost."
        / "Melden Sie sich in einem anderen Tab an und laden Sie diese Seite neu, damit das Formular noch einmal gesendet wird. Es geht nichts verloren.";
    sign_in_tab: "Sign in in another tab" / "In einem anderen Tab anmelden";
    try_again_in(seconds): "Try again in {seconds} seconds."
        / "Versuchen Sie es in {seconds} Sekunden noch einmal.";
    try_again_at(minutes): "Try again in {minutes} minutes."
        / "Versuchen Sie es in {minutes} Minuten noch einmal.";
    conflict_title: "Somebody else has changed this meanwhile"
        / "Das hat inzwischen jemand anders geändert";
    somebody: "somebody else" / "jemand anders";
    conflict_detail(who, when):
        "You and {who} have changed the same fields; theirs was saved at {when}. Nothing of yours is saved yet: choose for each field, then save."
        / "Sie und {who} haben dieselben Felder geändert; die andere Änderung ist seit {when} gespeichert, Ihre noch nicht. Wählen Sie für jedes Feld und speichern Sie.";
    field: "Field" / "Feld";
    yours: "Yours" / "Ihres";
    theirs: "Theirs" / "Deren";
    before: "Before" / "Vorher";
    empty: "(empty)" / "(leer)";
    keyboard: "Keyboard" / "Tastatur";
    key_search: "search" / "suchen";
    key_go: "projects, posts, datasets, models, home"
        / "Projekte, Beiträge, Datensätze, Modelle, Start";
    key_list: "next, previous, open" / "nächste Zeile, vorige Zeile, öffnen";
    key_help: "these keys" / "diese Tasten";
    close: "Close" / "Schließen";
    printed_at(when): "Printed from {when}" / "Stand: {when}";
    sure_name(name): "Type {name} to delete it for good."
        / "Geben Sie {name} ein, um es endgültig zu löschen.";
    name_differs: "The name is another one; nothing was deleted."
        / "Der Name stimmt nicht; es wurde nichts gelöscht.";
}
