//! What is written down for machines that run Tidewatch speaks of flags, variables, paths and ports that there are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::Folder;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const FILES: [&str; 4] =
    ["docker-compose.yml", "Dockerfile", "docs/deploy/kubernetes.yaml", "docs/deploy/tidewatch.service"];

/// Every text below `src`.
fn source() -> String {
    let (mut folders, mut all) = (vec![root().join("src")], String::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                all += &fs::read_to_string(path).unwrap();
            }
        }
    }
    all
}

/// The words of a text that begin so, without what cannot be in them.
fn words<'t>(text: &'t str, beginning: &str) -> Vec<&'t str> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts = text.match_indices(beginning).filter(|(at, _)| !text[..*at].ends_with(part));
    starts.map(|(at, _)| text[at..].split(|c: char| !part(c)).next().unwrap()).collect()
}

#[test]
fn flags_and_variables_are_those_of_the_program() {
    let help = Folder::new().run("run --help").fine().out;
    let (source, mut flags, mut variables) = (source(), 0, 0);
    for file in FILES {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let told: Vec<&str> =
            text.lines().filter(|line| line.contains("tidewatch") || line.contains("- --")).collect();
        for line in told.iter().filter(|line| line.contains("run") || line.trim().starts_with("- --")) {
            for flag in words(line, "--").into_iter().filter(|flag| flag.len() > 2) {
                let of_another =
                    ["--rm", "--no-deps", "--entities", "--hours", "--incidents", "--now"].contains(&flag);
                assert!(of_another || help.contains(flag), "{file}: {flag} is not a flag of run");
                flags += 1;
            }
        }
        for variable in words(&text, "TIDEWATCH_").into_iter().filter(|name| name.len() > "TIDEWATCH_".len())
        {
            let is_receivers = variable.starts_with("TIDEWATCH_NOTIFY_");
            let is_clients = variable.starts_with("TIDEWATCH_KAFKA_CLIENT_");
            assert!(
                is_receivers || is_clients || source.contains(variable),
                "{file}: nobody reads {variable}"
            );
            variables += 1;
        }
    }
    assert!(flags >= 6 && variables >= 5, "{flags} {variables}");
}

#[test]
fn ports_probes_and_users_fit_each_other() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let (kubernetes, docker) = (read("docs/deploy/kubernetes.yaml"), read("Dockerfile"));
    assert!(source().contains("127.0.0.1:8600") && docker.contains("EXPOSE 8600"));
    assert!(!kubernetes.contains(":8080") && kubernetes.matches("8600").count() >= 4);
    for path in ["/livez", "/readyz"] {
        assert!(kubernetes.contains(&format!("path: {path},")) && source().contains(&format!("\"{path}\"")));
    }
    assert!(
        docker.contains("--uid 10001")
            && docker.contains("\nUSER 10001\n")
            && kubernetes.contains("runAsUser: 10001")
    );
    let version = env!("CARGO_PKG_VERSION");
    assert!(kubernetes.contains(&format!("image: tidewatch:{version}\n")), "the image is of another version");
}

#[test]
fn systemd_takes_the_unit() {
    let folder = Folder::new();
    let unit = fs::read_to_string(root().join("docs/deploy/tidewatch.service")).unwrap();
    let unit = unit.replace("/usr/local/bin/tidewatch", env!("CARGO_BIN_EXE_tidewatch"));
    let path = folder.write("tidewatch.service", unit);
    let Ok(said) =
        Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(Path::new(&path)).output()
    else {
        return eprintln!("skipped: systemd-analyze is not installed");
    };
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("tidewatch.service")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}
