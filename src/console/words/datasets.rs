//! What the pages say about datasets.

use super::said;

said! {
    records(count): "{count} records" / "{count} Datenzeilen";
    version_number(version): "version {version}" / "Version {version}";
    no_datasets: "There is no dataset yet." / "Es gibt noch keinen Datensatz.";
    new_dataset: "New dataset" / "Neuer Datensatz";
    new_dataset_hint: "Its columns are made of the first file that you import."
        / "Seine Spalten entstehen aus der ersten Datei, die Sie importieren.";
    search_datasets: "Search names" / "Namen suchen";
    table: "Table" / "Tabelle";
    columns: "Columns" / "Spalten";
    versions: "Versions" / "Versionen";
    version: "Version" / "Version";
    import: "Import" / "Import";
    imports: "Imports" / "Importe";
    compare: "Compare" / "Vergleichen";
    filters: "Filters" / "Filter";
    add_filter: "Add a filter" / "Filter hinzufügen";
    value: "Value" / "Wert";
    op_is: "is" / "ist";
    op_ne: "is not" / "ist nicht";
    op_lt: "is less than" / "ist kleiner als";
    op_lte: "is at most" / "ist höchstens";
    op_gt: "is more than" / "ist größer als";
    op_gte: "is at least" / "ist mindestens";
    op_contains: "contains" / "enthält";
    op_startswith: "begins with" / "beginnt mit";
    op_isnull: "has no value (true, false)" / "hat keinen Wert (true, false)";
    op_covers: "covers" / "umfasst";
    op_in: "is one of (a,b,c)" / "ist eines von (a,b,c)";
    no_value: "no value" / "kein Wert";
    missing(count): "{count} without a value" / "{count} ohne Wert";
    distinct(count): "{count} different" / "{count} verschiedene";
    at_least_distinct(count): "at least {count} different" / "mindestens {count} verschiedene";
    mean: "Mean" / "Mittel";
    deviation: "Standard deviation" / "Standardabweichung";
    least: "Least" / "Kleinster";
    largest: "Largest" / "Größter";
    how_spread: "How they are spread" / "Wie sie verteilt sind";
    frequent: "Frequent values" / "Häufige Werte";
    count: "Count" / "Anzahl";
    profile_pending: "The profile is being computed." / "Das Profil wird gerade berechnet.";
    profile_sampled(count): "Estimated from about {count} records, chosen by chance."
        / "Geschätzt aus etwa {count} zufällig gewählten Zeilen.";
    no_records: "There are no records yet. Import a file."
        / "Es gibt noch keine Daten. Importieren Sie eine Datei.";
    no_records_fit: "No record fits the filters." / "Keine Zeile passt zu den Filtern.";
    file: "File" / "Datei";
    file_hint: "CSV, NDJSON, XLSX, Parquet or Arrow." / "CSV, NDJSON, XLSX, Parquet oder Arrow.";
    mode: "The records that are there" / "Die Daten, die da sind";
    mode_append: "stay" / "bleiben";
    mode_replace: "go" / "gehen";
    mode_upsert: "go if they have the same key" / "gehen bei gleichem Schlüssel";
    on_error: "Where a record cannot be taken" / "Wenn eine Zeile nicht passt";
    on_error_abort: "nothing is loaded" / "wird nichts geladen";
    on_error_skip: "all others are loaded" / "werden alle anderen geladen";
    dry_run: "Only check the file" / "Die Datei nur prüfen";
    message: "What it is for" / "Wofür das ist";
    send_file: "Import the file" / "Datei importieren";
    state_receiving: "arriving" / "kommt an";
    state_loading: "loading" / "wird geladen";
    state_ready: "loaded" / "geladen";
    state_checked: "checked" / "geprüft";
    state_refused: "refused" / "abgelehnt";
    state_failed: "failed" / "gescheitert";
    state_cancelled: "stopped" / "gestoppt";
    rows_read: "Rows read" / "Zeilen gelesen";
    rows_written: "Rows loaded" / "Zeilen geladen";
    rows_failed: "Rows refused" / "Zeilen abgelehnt";
    bytes_read: "Bytes read" / "Bytes gelesen";
    row: "Row" / "Zeile";
    column: "Column" / "Spalte";
    reason: "Why" / "Warum";
    stop_import: "Stop it" / "Stoppen";
    rejected_file: "Download the refused rows as CSV, to repair and import"
        / "Die abgelehnten Zeilen als CSV laden, reparieren und importieren";
    still_running:
        "It is still running; this page looks again by itself. You may leave and come back."
        / "Er läuft noch; diese Seite schaut von selbst wieder nach. Sie können gehen und wiederkommen.";
    inferred_types: "Types that were made of the file" / "Typen, die aus der Datei entstanden";
    type_word: "Type" / "Typ";
    made_by_version(version): "It made version {version}." / "Daraus wurde Version {version}.";
    what_changed: "What it did" / "Was sie tat";
    added: "added" / "neu";
    removed: "removed" / "weg";
    changed: "changed" / "geändert";
    difference: "Difference" / "Unterschied";
    difference_of(from, to): "From version {from} to {to}" / "Von Version {from} zu {to}";
    version_gone: "not kept any more" / "nicht mehr aufbewahrt";
    pinned: "pinned" / "festgehalten";
    show_version: "Records" / "Daten";
    shown_version(version): "You see version {version}, as it was."
        / "Sie sehen Version {version}, wie sie war.";
    show_newest: "Show the newest" / "Die neueste zeigen";
    compare_by: "Groups by" / "Gruppen nach";
    compare_groups: "Groups, with commas" / "Gruppen, mit Kommas";
    compare_measure: "Compared value" / "Verglichener Wert";
    compare_period: "Time" / "Zeit";
    compare_at: "At" / "Zum Zeitpunkt";
    compare_base: "Compared with" / "Verglichen mit";
    compare_agg: "Several records in a group" / "Mehrere Zeilen in einer Gruppe";
    agg_none: "are refused" / "werden abgelehnt";
    more_than(group, value, field, percent, at, base):
        "{group}: {field} was {value} in {at}, {percent} % more than in {base}."
        / "{group}: {field} war {value} in {at}, {percent} % mehr als in {base}.";
    less_than(group, value, field, percent, at, base):
        "{group}: {field} was {value} in {at}, {percent} % less than in {base}."
        / "{group}: {field} war {value} in {at}, {percent} % weniger als in {base}.";
    just_value(group, value, field): "{group}: {field} is {value}."
        / "{group}: {field} ist {value}.";
    group: "Group" / "Gruppe";
    percent_change: "Change in %" / "Änderung in %";
    difference_first_two: "Difference of the first two" / "Unterschied der ersten beiden";
    licence: "Licence" / "Lizenz";
    source: "Source" / "Quelle";
    contact: "Contact" / "Kontakt";
    tags: "Tags" / "Schlagwörter";
    tags_hint: "With commas between them." / "Mit Kommas dazwischen.";
    delete_dataset: "Delete the dataset" / "Datensatz löschen";
    delete_dataset_why: "Deletes its records, all its versions and its imports."
        / "Löscht seine Daten, alle Versionen und alle Importe.";
    export_all: "All records that fit, as a file" / "Alle passenden Daten als Datei";
    at_most_columns(shown, all): "{shown} of {all} columns" / "{shown} von {all} Spalten";
    choose_columns: "Choose columns" / "Spalten wählen";
    sorted_by_hint: "Sort by this column" / "Nach dieser Spalte sortieren";
    ended_at: "Ended" / "Beendet";
    types_hint: "Nothing is loaded yet. Choose the types, and send the same file again to load it."
        / "Es ist noch nichts geladen. Wählen Sie die Typen und senden Sie dieselbe Datei noch einmal, um sie zu laden.";
    type_of(column): "Type of {column}" / "Typ von {column}";
}
