//! The tables as docs/sandbox.md shows them.

use std::fmt::Write;

use nix::errno::Errno;

use crate::profile::{Action, Only, Profile, Row};
use crate::{CLIENT, DOOR, JUDGE, forbidden::FORBIDDEN, launched::LAUNCHED, runtime::RUNTIME};

const NODE: &str = "What Node, V8 and libc need to run, whatever the program.";
const LAUNCH: &str = "A filter of its own, whatever `seccomp` says. What is not here is as before.";
const NEVER: &str = "What none of the programs does after its start: who tries has taken it over.";

/// All tables, in Markdown.
#[must_use]
pub fn tables() -> String {
    let mut text = String::new();
    section(&mut text, "From the launch on", LAUNCH, LAUNCHED);
    section(&mut text, "Every program", NODE, RUNTIME);
    section(&mut text, "No program", NEVER, FORBIDDEN);
    for Profile {
        program,
        about,
        own,
    } in [&DOOR, &JUDGE, &CLIENT]
    {
        section(&mut text, program, about, own);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn section(text: &mut String, title: &str, about: &str, rows: &[Row]) {
    let _ = write!(
        text,
        "### {title}\n\n{about}\n\n| call | when | what happens | why |\n|---|---|---|---|\n"
    );
    for alike in rows.chunk_by(are_alike) {
        line(text, alike);
    }
    text.push('\n');
}

/// Rows that differ in their call alone share a line.
fn are_alike(one: &Row, other: &Row) -> bool {
    (one.when, one.action, one.why) == (other.when, other.action, other.why)
}

fn line(text: &mut String, alike: &[Row]) {
    let Some(Row {
        when, action, why, ..
    }) = alike.first()
    else {
        return;
    };
    let calls: Vec<String> = alike.iter().map(name).collect();
    let conditions: Vec<&str> = when.iter().map(|condition| condition.says).collect();
    let _ = writeln!(
        text,
        "| {} | {} | {} | {why} |",
        calls.join(", "),
        conditions.join(", "),
        result(*action)
    );
}

fn name(row: &Row) -> String {
    match row.only {
        Only::All => format!("`{}`", row.call),
        Only::X86_64 => format!("`{}` (x86_64)", row.call),
    }
}

fn result(action: Action) -> String {
    match action {
        Action::Allow => "allowed".to_owned(),
        Action::Kill => "**ends the process**".to_owned(),
        Action::Errno(errno) => format!("{:?}", Errno::from_raw(errno)),
    }
}
