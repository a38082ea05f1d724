//! What the pages say about models.

use super::said;

said! {
    models: "Models" / "Modelle";
    no_models: "There is no model yet." / "Es gibt noch kein Modell.";
    no_models_here: "No model yet." / "Noch kein Modell.";
    new_model: "New model" / "Neues Modell";
    search_models: "Search names" / "Namen suchen";
    model_name_hint:
        "Letters, digits, . - and _. Programs ask the model by it, so it is alone in the service, and stays."
        / "Buchstaben, Ziffern, . - und _. Programme fragen das Modell danach, also gibt es ihn nur einmal, und er bleibt.";
    alias_leads(alias): "{alias} leads to" / "{alias} führt zu";
    alias_leads_nowhere(alias): "{alias} leads nowhere yet" / "{alias} führt noch nirgends hin";
    nowhere: "nowhere" / "nirgends";
    share_of(percent): "({percent}\u{a0}%)" / "({percent}\u{a0}%)";
    shadow: "Shadow" / "Schatten";
    shadow_hint: "The version that gets a copy of every question; nobody sees its answers."
        / "Die Version, die jede Frage als Kopie bekommt; ihre Antworten sieht niemand.";
    aliases: "Aliases" / "Aliase";
    alias: "Alias" / "Alias";
    alias_hint: "A word by which programs ask; who names none asks production."
        / "Ein Wort, nach dem Programme fragen; wer keines nennt, fragt production.";
    no_aliases: "No alias leads to a version, so programs have to name one."
        / "Kein Alias führt zu einer Version; Programme müssen also eine nennen.";
    leads_to: "Leads to" / "Führt zu";
    history: "History" / "Verlauf";
    history_of(alias): "History of {alias}" / "Verlauf von {alias}";
    whole_history: "All of its history" / "Der ganze Verlauf";
    alias_removed: "removed" / "entfernt";
    move_alias: "Move" / "Bewegen";
    move_an_alias: "Move an alias" / "Einen Alias bewegen";
    move_alias_of(alias, model): "Move {alias} of {model}" / "{alias} von {model} bewegen";
    lead_here(alias): "Lead {alias} here" / "{alias} hierher führen";
    move_here_again: "Lead here again" / "Wieder hierher führen";
    move_back: "Back to" / "Zurück zu";
    remove_alias: "Remove the alias" / "Alias entfernen";
    remove_alias_why:
        "Programs that ask by it are refused from then on. Its history is kept."
        / "Programme, die danach fragen, werden dann abgewiesen. Der Verlauf bleibt.";
    version_or_weights: "One version, or shares of several."
        / "Eine Version, oder Anteile von mehreren.";
    weights: "Shares" / "Anteile";
    weights_hint: "Instead of a version: such as 3=90, 4=10." / "Statt einer Version: etwa 3=90, 4=10.";
    move_reason: "Reason" / "Grund";
    move_reason_hint: "It is kept in the history." / "Er steht dann im Verlauf.";
    show_difference: "Show the difference" / "Den Unterschied zeigen";
    other_target: "Choose another" / "Anderes wählen";
    now_leads_to: "Now" / "Jetzt";
    then_leads_to: "Then" / "Dann";
    nothing_to_compare: "It leads nowhere now, so there is nothing to compare with."
        / "Er führt jetzt nirgends hin; es gibt nichts zu vergleichen.";
    same_signature(version): "Version {version} takes and gives the same as what answers now."
        / "Version {version} nimmt und gibt dasselbe wie das, was jetzt antwortet.";
    other_signature(version): "Version {version} takes or gives something else than what answers now. Programs that ask as they do today may be refused."
        / "Version {version} nimmt oder gibt etwas anderes als das, was jetzt antwortet. Programme, die so fragen wie heute, können abgewiesen werden.";
    no_such_version(version): "There is no version {version}." / "Es gibt keine Version {version}.";
    version_not_ready(version): "Version {version} cannot be asked." / "Version {version} kann nicht gefragt werden.";
    was_moved_meanwhile: "Somebody has moved the alias meanwhile; nothing was changed. Look at the difference once more."
        / "Jemand hat den Alias inzwischen bewegt; es wurde nichts geändert. Sehen Sie den Unterschied noch einmal an.";
    tensor: "Tensor" / "Tensor";
    is_missing: "not there" / "nicht da";
    input_word: "input" / "Eingabe";
    output_word: "output" / "Ausgabe";
    inputs: "Inputs" / "Eingaben";
    outputs: "Outputs" / "Ausgaben";
    shape: "Shape" / "Form";
    shape_hint: "-1 is any length." / "-1 ist jede Länge.";
    checking: "being checked" / "in Prüfung";
    ready: "ready" / "bereit";
    failed: "failed" / "gescheitert";
    size: "Size" / "Größe";
    digest: "SHA-256" / "SHA-256";
    notes: "Notes" / "Anmerkungen";
    no_versions: "There is no version yet. Upload an ONNX file."
        / "Es gibt noch keine Version. Laden Sie eine ONNX-Datei hoch.";
    upload: "Upload" / "Hochladen";
    upload_version: "Upload a version" / "Eine Version hochladen";
    onnx_hint(size): "An ONNX file of at most {size}. It is loaded once, apart from the service, to find out what it takes and gives; its bytes never change."
        / "Eine ONNX-Datei von höchstens {size}. Sie wird einmal abseits des Dienstes geladen, um zu sehen, was sie nimmt und gibt; ihre Bytes ändern sich nie.";
    upload_failed: "The file could not be uploaded." / "Die Datei ließ sich nicht hochladen.";
    models_are_off: "Models run nowhere here, so versions are neither taken nor asked; who operates the service can change that."
        / "Hier laufen keine Modelle, also werden Versionen weder angenommen noch gefragt; wer den Dienst betreibt, kann das ändern.";
    version_of(version, model): "{model}, version {version}" / "{model}, Version {version}";
    still_checked: "It is being checked; this page looks again by itself."
        / "Sie wird geprüft; diese Seite schaut von selbst wieder nach.";
    last_check: "The last check found" / "Die letzte Prüfung fand";
    download: "Download" / "Herunterladen";
    check_again: "Check again" / "Noch einmal prüfen";
    card: "Card" / "Karte";
    metrics: "Metrics" / "Messwerte";
    opset: "Opset" / "Opset";
    made_with: "Made with" / "Gemacht mit";
    runs_on: "Runs on" / "Läuft auf";
    golden_passed: "golden test passed" / "Golden-Test bestanden";
    golden_failed: "golden test failed" / "Golden-Test gescheitert";
    delete_version: "Delete the version" / "Version löschen";
    delete_version_why: "Deletes its bytes for good; its number is not given again."
        / "Löscht ihre Bytes endgültig; ihre Nummer wird nicht wieder vergeben.";
    in_use: "This cannot be deleted as long as an alias leads here. Move or remove it first:"
        / "Solange ein Alias hierher führt, lässt sich das nicht löschen. Bewegen oder entfernen Sie ihn zuerst:";
    delete_model: "Delete the model" / "Modell löschen";
    delete_model_why: "Deletes all its versions and the history of its aliases."
        / "Löscht alle Versionen und den Verlauf der Aliase.";
    try_it: "Try it" / "Ausprobieren";
    try_model(model): "Try {model}" / "{model} ausprobieren";
    asked_word: "Version or alias" / "Version oder Alias";
    choose: "Choose" / "Wählen";
    nothing_to_try: "No version is ready to be asked yet."
        / "Noch keine Version kann gefragt werden.";
    typed_hint: "A row a line, with commas between its values; or all rows as a JSON array."
        / "Eine Zeile je Datensatz, mit Kommas zwischen den Werten; oder alle als JSON-Liste.";
    ask: "Ask" / "Fragen";
    answer: "Answer" / "Antwort";
    answered_by(version, milliseconds): "Version {version} answered in {milliseconds} ms."
        / "Version {version} hat in {milliseconds} ms geantwortet.";
    first_rows(shown, all): "The first {shown} of {all} rows." / "Die ersten {shown} von {all} Zeilen.";
    from_a_program: "The same from a program" / "Dasselbe aus einem Programm";
    could_not_ask: "This could not be asked" / "Das ließ sich nicht fragen";
    check_waits(model, version): "Version {version} of {model} is being checked"
        / "Version {version} von {model} wird geprüft";
    check_failed(model, version): "Version {version} of {model} has failed"
        / "Version {version} von {model} ist gescheitert";
}
