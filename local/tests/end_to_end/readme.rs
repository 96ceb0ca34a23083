//! The README's tour, typed as it stands: each command prints what the README says it prints.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::stack::{Stack, until};

/// A command of the tour and the output below it.
struct Typed {
    command: String,
    output: String,
}

#[tokio::test]
async fn the_tour_prints_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let tour = tour(&readme);
    assert!(tour.len() >= 6, "the README has a tour");
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&folder).await;
    let mut typed_before = String::new();
    for typed in tour {
        // Seconds lie between the commands of a person, who looks until what was said is there.
        let mut printed = String::new();
        let what = format!("$ {} printed\n{}", typed.command, typed.output);
        until(&what, async || {
            printed = type_in(&stack, &root, &typed_before, &typed.command).await;
            (alike(&printed) == alike(&typed.output)).then_some(())
        })
        .await;
        if is_definition(&typed.command) {
            // It holds for what is typed next.
            typed_before.push_str(&typed.command);
            typed_before.push('\n');
        }
    }
    stack.end().await;
}

/// Whether a command only names something: `NAME=...` or `name() { ...`.
fn is_definition(command: &str) -> bool {
    let name = command
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(command.len());
    command[name..].starts_with('=') || command[name..].starts_with("()")
}

fn tour(readme: &str) -> Vec<Typed> {
    let mut tour: Vec<Typed> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            match (line.strip_prefix("$ "), tour.last_mut()) {
                (Some(command), _) => tour.push(Typed {
                    command: command.to_owned(),
                    output: String::new(),
                }),
                (None, Some(typed)) => {
                    let continued = typed.output.is_empty() && typed.command.ends_with('\\');
                    let text = if continued {
                        &mut typed.command
                    } else {
                        &mut typed.output
                    };
                    if continued || !text.is_empty() {
                        text.push('\n');
                    }
                    text.push_str(line);
                }
                (None, None) => {}
            }
        }
    }
    // How it is started and stopped is the harness's business.
    tour.retain(|typed| !typed.command.starts_with("make ") && !typed.command.starts_with("git "));
    tour
}

async fn type_in(stack: &Stack, root: &Path, before: &str, command: &str) -> String {
    let program = env!("CARGO_BIN_EXE_local");
    let here = |text: &str| {
        text.replace("127.0.0.1:9000", &format!("127.0.0.1:{}", stack.ports[0]))
            .replace("target/debug/local", program)
    };
    let script = format!(
        "KEY={}\n{}{}\n",
        stack.key,
        here(&without_key(before)),
        here(&without_key(command))
    );
    let mut shell = Command::new("bash");
    shell
        .arg("-s")
        .current_dir(root)
        .env("LOCAL_GOOGLE_PORT", stack.ports[1].to_string());
    let mut shell = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .await
        .unwrap();
    let output = shell.wait_with_output().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The key that the README shows is another machine's.
fn without_key(commands: &str) -> String {
    let others = commands
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("KEY="));
    others.collect()
}

/// The text without what differs each time: ids and the times of writing.
fn alike(text: &str) -> String {
    let mut alike = String::new();
    for line in text.trim_end().lines() {
        let words = line
            .split_inclusive(|c: char| !c.is_ascii_alphanumeric() && !"-:.+".contains(c))
            .map(|word| {
                let id = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                let is_id = id.len() >= 32 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
                // Times of writing bear milliseconds and a Z; times of appointments neither.
                let is_written_at = id.len() == 24 && id.ends_with('Z') && id.contains('T');
                if is_id || is_written_at {
                    word.replace(id, "*")
                } else {
                    word.to_owned()
                }
            });
        alike.extend(words);
        alike.push('\n');
    }
    alike
}
