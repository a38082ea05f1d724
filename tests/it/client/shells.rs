//! Completions, in the shells that are installed, and the name under which kubectl finds it.

use std::process::Command;

use super::*;
use crate::support::service::{run, text};

async fn completions(dir: &TempDir, shell: &str) -> String {
    let mut command = chartroom(&dir.0);
    command.args(["completions", shell]);
    let ended = run(command, PATIENCE).await;
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert_eq!(text(&ended.stderr), "");
    text(&ended.stdout)
}

#[tokio::test]
async fn completions_are_scripts_that_their_shells_take() {
    let dir = TempDir::new("completions").unwrap();
    for (shell, check) in [
        ("bash", "-n"),
        ("zsh", "-n"),
        ("fish", "--no-execute"),
        ("powershell", ""),
    ] {
        let script = completions(&dir, shell).await;
        for word in ["--visibility", "create-admin", "--sheet", "--database-url"] {
            let word = match shell {
                "fish" => word.trim_start_matches("--"),
                _ => word,
            };
            assert!(script.contains(word), "{shell}: {word}");
        }
        let file = dir.0.join(shell);
        std::fs::write(&file, script).unwrap();
        if check.is_empty() {
            continue;
        }
        match Command::new(shell).arg(check).arg(&file).output() {
            Ok(said) => assert!(said.status.success(), "{shell}: {}", text(&said.stderr)),
            Err(error) if shell != "bash" => println!("{shell}: {error}"),
            Err(error) => panic!("{shell}: {error}"),
        }
    }
    // What bash makes of it.
    let ask = "source ./bash; COMP_WORDS=(chartroom project cr); COMP_CWORD=2; \
               _chartroom chartroom cr project; echo \"${COMPREPLY[@]}\"";
    let said = Command::new("bash")
        .args(["-c", ask])
        .current_dir(&dir.0)
        .output()
        .unwrap();
    assert_eq!(text(&said.stdout), "create\n", "{}", text(&said.stderr));
}

#[tokio::test]
async fn as_a_plugin_of_kubectl_it_is_the_client_alone() {
    let dir = TempDir::new("plugin").unwrap();
    let plugin = dir.0.join("kubectl-chartroom");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_chartroom"), &plugin).unwrap();
    let ask = async |arguments: &[&str]| {
        let mut command = Command::new(&plugin);
        command.args(arguments).env_clear().current_dir(&dir.0);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let ended = run(command, PATIENCE).await;
        (
            ended.status.code().unwrap(),
            text(&ended.stdout),
            text(&ended.stderr),
        )
    };
    let (code, out, _) = ask(&["--help"]).await;
    assert!(
        code == 0 && out.contains("Usage: kubectl-chartroom"),
        "{out}"
    );
    assert!(!out.contains("CHARTROOM_LISTEN"), "{out}");
    let (code, _, err) = ask(&["serve"]).await;
    assert!(
        code == 2 && err.contains("unrecognized subcommand 'serve'"),
        "{err}"
    );
    let (code, _, err) = ask(&["project", "ls"]).await;
    assert!(code == 2 && err.contains("CHARTROOM_URL"), "{err}");
}
