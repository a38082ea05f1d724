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
    since_start: "This replica, since it started:" / "Dieses Replikat, seit es läuft:";
    answered(count): "answered: {count}" / "beantwortet: {count}";
    not_answered(count): "not answered: {count}" / "nicht beantwortet: {count}";
    in_the_model(half, most): "in the model: p50 {half} ms, p99 {most} ms"
        / "im Modell: p50 {half} ms, p99 {most} ms";
    waiting_before(half, most): "waiting before: p50 {half} ms, p99 {most} ms"
        / "Warten davor: p50 {half} ms, p99 {most} ms";
    metrics_hint: "A line each: what you measured, and its value, such as auc = 0.93."
        / "Je eine Zeile: was Sie gemessen haben und der Wert, etwa auc = 0.93.";
    learned_from: "Trained on" / "Trainiert mit";
    learned_from_hint: "A line each: the address of the page of a dataset's version, such as /datasets/…?version=3."
        / "Je eine Zeile: die Adresse der Seite einer Version eines Datensatzes, etwa /datasets/…?version=3.";
    kept_answers: "Kept answers" / "Behaltene Antworten";
    no_answers_kept: "No answers of this model are kept." / "Von diesem Modell werden keine Antworten behalten.";
    keep_answers: "Keep answers" / "Antworten behalten";
    share_is_kept(percent): "{percent}\u{a0}% of the questions are kept with their answers in"
        / "{percent}\u{a0}% der Fragen werden mit ihren Antworten behalten in";
    were_left_out(count): "{count} left out" / "{count} ausgelassen";
    loaded_last: "last loaded" / "zuletzt geladen";
    no_dataset_to_keep: "Answers are kept as records of a dataset. Make an empty one in this project first."
        / "Antworten werden als Datenzeilen eines Datensatzes behalten. Legen Sie in diesem Projekt erst einen leeren an.";
    share: "Share" / "Anteil";
    share_hint: "1 keeps all, 0.05 every twentieth." / "1 behält alle, 0.05 jede zwanzigste.";
    keep_no_answers: "Keep none any more" / "Keine mehr behalten";
    keep_no_answers_why: "Records that were loaded stay in the dataset."
        / "Was geladen ist, bleibt im Datensatz.";
    golden_test: "Golden test" / "Golden-Test";
    golden_hint: "A question and the answer to it. No alias moves to a version that answers otherwise."
        / "Eine Frage und die Antwort darauf. Kein Alias kommt zu einer Version, die anders antwortet.";
    no_golden: "This version has no golden test." / "Diese Version hat keinen Golden-Test.";
    golden_inputs_hint: "A JSON array of tensors, as a question has them."
        / "Eine JSON-Liste von Tensoren, wie eine Frage sie hat.";
    golden_outputs_hint: "A JSON array of tensors, as an answer has them."
        / "Eine JSON-Liste von Tensoren, wie eine Antwort sie hat.";
    tolerance: "Tolerance" / "Toleranz";
    tolerance_hint: "How far a fraction may be away, and that share of it: 0.00001 where this is empty."
        / "Wie weit ein Bruch daneben liegen darf, und dieser Anteil davon: 0.00001, wenn hier nichts steht.";
    save_and_test: "Test and save" / "Testen und speichern";
    remove_golden: "Remove the golden test" / "Golden-Test entfernen";
    make_golden(version): "Make this the golden test of version {version}"
        / "Zum Golden-Test von Version {version} machen";
    lineage: "Lineage" / "Herkunft";
    lineage_picture: "Picture of the lineage" / "Bild der Herkunft";
    lineage_hint: "An arrow leads from what was there to what came of it."
        / "Ein Pfeil führt von dem, was da war, zu dem, was daraus wurde.";
    no_lineage: "Nothing is known of what this came from, and nothing has come from it. What a version of a model was trained on is said where it is edited; scoring a dataset says it by itself."
        / "Es ist nicht bekannt, woraus das entstanden ist, und nichts ist daraus entstanden. Womit eine Version eines Modells trainiert wurde, sagt man, wo sie bearbeitet wird; wird ein Datensatz bewertet, steht es von selbst da.";
    lineage_is_cut: "There is more than is shown." / "Es gibt mehr, als hier steht.";
    how: "How" / "Wie";
    of_what: "What" / "Was";
    trained_on: "trained on" / "trainiert mit";
    scored_by: "scored by" / "bewertet von";
    made_from: "made from" / "gemacht aus";
    dataset: "Dataset" / "Datensatz";
    model: "Model" / "Modell";
    not_seen: "not visible or gone" / "nicht sichtbar oder weg";
}
