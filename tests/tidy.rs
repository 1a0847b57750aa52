//! The sources keep the house rules: lengths, headers, banned words, and each foreign crate in its one room.
//!
//! Every rule is a pure function from a file to the complaints about it, and every rule is shown a planted
//! violation at the end of this file, so that a rule that sees nothing cannot pass for clean sources.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the project: its path from the root, with `/`, and its content.
struct Source {
    path: String,
    text: String,
}

/// A rule: what it is called, which files it reads, and what it has to say about one of them.
struct Rule {
    name: &'static str,
    reads: fn(&str) -> bool,
    complaints: fn(&Source) -> Vec<String>,
}

const RULES: [Rule; 9] = [
    Rule {
        name: "file length",
        reads: is_rust,
        complaints: file_length,
    },
    Rule {
        name: "function length",
        reads: is_rust,
        complaints: function_length,
    },
    Rule {
        name: "columns",
        reads: is_rust,
        complaints: columns,
    },
    Rule {
        name: "module header",
        reads: is_rust,
        complaints: module_header,
    },
    Rule {
        name: "banned words",
        reads: is_rust,
        complaints: banned_words,
    },
    Rule {
        name: "machine paths",
        reads: is_text,
        complaints: machine_paths,
    },
    Rule {
        name: "one title",
        reads: is_markdown,
        complaints: one_title,
    },
    Rule {
        name: "inherited lints",
        reads: is_manifest,
        complaints: inherited_lints,
    },
    Rule {
        name: "one room per crate",
        reads: is_library,
        complaints: one_room,
    },
];

/// Ratchets: lower them when the sources allow it, never raise them.
const LINES_PER_FILE: usize = 500;
const LINES_PER_FUNCTION: usize = 60;
/// In tests, where a table of cases is one statement.
const LINES_PER_TEST: usize = 100;
const COLUMNS: usize = 110;

/// Words that say "not finished" or "debugging". In pieces, so that this file does not contain them.
const BANNED: [&str; 8] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[ign", "ore"),
    concat!("assert!(", "true"),
];

/// An exception for a whole file: in a library it belongs on the line, as `expect` with its reason.
const BLANKET: &str = concat!("#![al", "low(");

/// Directories of somebody's machine. In pieces, for the same reason.
const MACHINE: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers"),
];

/// Each foreign crate that matters, and the only paths under which library code may name it.
const ROOMS: [(&str, &[&str]); 9] = [
    ("sled", &["storage-engine/src/engine/sled"]),
    ("fjall", &["storage-engine/src/engine/fjall"]),
    ("xxhash_rust", &["storage-engine/src/engine/fjall"]),
    ("ring", &["storage-engine/src/keys", "storage-engine/src/seal"]),
    ("aws_lc_rs", &["keyvault/src/rsa"]),
    ("bincode", &["storage-engine/src/codec"]),
    ("crc_fast", &["src/blob/crc64.rs"]),
    ("argon2", &["src/store/platform_key.rs"]),
    ("getrandom", &["storage-engine/src/entropy.rs"]),
];

#[test]
fn the_sources_keep_every_rule() {
    let sources = sources();
    assert!(
        sources.iter().filter(|source| is_rust(&source.path)).count() > 10,
        "the walk found the sources"
    );
    let complaints: Vec<String> = RULES.iter().flat_map(|rule| verdict(rule, &sources)).collect();
    assert!(
        complaints.is_empty(),
        "{} complaints:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

fn verdict(rule: &Rule, sources: &[Source]) -> Vec<String> {
    let read = sources.iter().filter(|source| (rule.reads)(&source.path));
    read.flat_map(|source| {
        let said = (rule.complaints)(source).into_iter();
        said.map(|what| format!("{}: {}: {what}", source.path, rule.name))
            .collect::<Vec<_>>()
    })
    .collect()
}

fn file_length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines > LINES_PER_FILE {
        vec![format!("{lines} lines, at most {LINES_PER_FILE}")]
    } else {
        Vec::new()
    }
}

/// A function runs from the line of its `fn` to the closing brace of the same indentation, as rustfmt puts
/// it.
fn function_length(source: &Source) -> Vec<String> {
    let is_test = source.path.contains("tests/") || source.path.ends_with("tests.rs");
    let most = if is_test {
        LINES_PER_TEST
    } else {
        LINES_PER_FUNCTION
    };
    let lines: Vec<&str> = source.text.lines().collect();
    let starts = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, function_name(line)?)));
    let lengths = starts.map(|(at, name)| (at + 1, name, function_lines(&lines[at..])));
    let long = lengths.filter(|(_, _, count)| *count > most);
    long.map(|(at, name, count)| format!("line {at}: `{name}` has {count} lines, at most {most}"))
        .collect()
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let qualifiers = [
        "pub",
        "const",
        "async",
        "unsafe",
        "extern",
        "pub(crate)",
        "pub(super)",
        "\"C\"",
    ];
    let is_item = before.split_whitespace().all(|word| qualifiers.contains(&word));
    let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (is_item && !name.is_empty()).then_some(name)
}

fn function_lines(lines: &[&str]) -> usize {
    let indent = &lines[0][..lines[0].len() - lines[0].trim_start().len()];
    let first = lines[0].trim_end();
    if first.ends_with('}') || first.ends_with(';') {
        return 1;
    }
    let ends = |line: &&str| {
        line.strip_prefix(indent)
            .is_some_and(|rest| rest == "}" || rest.starts_with(')') && rest.ends_with(';'))
    };
    lines.iter().position(ends).map_or(1, |last| last + 1)
}

/// A line of quoted text may be longer: a message is searched for in one piece, and rustfmt leaves it whole.
fn columns(source: &Source) -> Vec<String> {
    let prose = numbered(source).filter(|(_, line)| !line.contains(['"', '\\']));
    let long = prose.filter(|(_, line)| line.chars().count() > COLUMNS);
    long.map(|(at, line)| format!("line {at}: {} columns, at most {COLUMNS}", line.chars().count()))
        .collect()
}

fn module_header(source: &Source) -> Vec<String> {
    let starts = source
        .text
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("//! ") && line.len() > 8);
    if starts {
        Vec::new()
    } else {
        vec!["does not start with a `//!` sentence".to_owned()]
    }
}

fn banned_words(source: &Source) -> Vec<String> {
    let mut said = find(source, &BANNED);
    if is_library(&source.path) {
        said.extend(find(source, &[BLANKET]));
    }
    said
}

fn machine_paths(source: &Source) -> Vec<String> {
    find(source, &MACHINE)
}

fn one_title(source: &Source) -> Vec<String> {
    let mut fenced = false;
    let titles = source.text.lines().filter(|line| {
        fenced ^= line.trim_start().starts_with("```");
        !fenced && line.starts_with("# ")
    });
    match titles.count() {
        1 if source.text.starts_with("# ") => Vec::new(),
        1 => vec!["the title is not the first line".to_owned()],
        count => vec![format!("{count} titles, must be 1")],
    }
}

fn inherited_lints(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let is_package = lines.contains(&"[package]");
    let inherits = lines
        .windows(2)
        .any(|pair| pair == ["[lints]", "workspace = true"]);
    if is_package && !inherits {
        vec!["lacks `[lints] workspace = true`".to_owned()]
    } else {
        Vec::new()
    }
}

fn one_room(source: &Source) -> Vec<String> {
    let foreign = ROOMS
        .iter()
        .filter(|(_, homes)| !homes.iter().any(|home| source.path.starts_with(home)));
    foreign
        .flat_map(|(name, homes)| {
            let hits = numbered(source).filter(move |(_, line)| names_crate(line, name));
            hits.map(move |(at, _)| {
                format!("line {at}: names `{name}`, which belongs to {}", homes.join(", "))
            })
        })
        .collect()
}

/// Does this line of code name the crate, rather than a module of ours with the same name (`engine::sled::`)?
fn names_crate(line: &str, name: &str) -> bool {
    let code = line.trim_start();
    if code.starts_with("//") {
        return false;
    }
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let imported = ["use ", "use ::", "extern crate "]
            .iter()
            .any(|start| before.ends_with(start));
        let used = after.starts_with("::") || imported && after.starts_with([';', ' ']);
        let parent = before.strip_suffix("::").unwrap_or(before);
        let is_path_head = !parent.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"');
        used && is_path_head
    })
}

fn find(source: &Source, words: &[&str]) -> Vec<String> {
    numbered(source)
        .flat_map(|(at, line)| {
            let hits = words.iter().filter(move |word| line.contains(**word));
            hits.map(move |word| format!("line {at}: `{word}`"))
        })
        .collect()
}

fn numbered(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source.text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_markdown(path: &str) -> bool {
    path.ends_with(".md")
}

fn is_manifest(path: &str) -> bool {
    path.ends_with("Cargo.toml")
}

fn is_text(path: &str) -> bool {
    [".rs", ".md", ".toml", ".sh", ".yml", ".json", ".ci/run"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Sources of the four crates; tests, benchmarks and fuzz targets may look behind the walls.
fn is_library(path: &str) -> bool {
    let rooms = ["src/", "storage-engine/src/", "keyvault/src/", "cli/src/"];
    is_rust(path) && rooms.iter().any(|room| path.starts_with(room))
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(root, &mut files);
    let read = files.into_iter().map(|file| {
        let path = file
            .strip_prefix(root)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
        Source { path, text }
    });
    read.collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let skipped = [
        "target",
        ".git",
        "corpus",
        "artifacts",
        "coverage",
        "strongroom-data",
    ];
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    for entry in entries.filter(|entry| !skipped.iter().any(|name| entry.file_name() == *name)) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            walk(&path, files);
        } else if is_text(&path.to_string_lossy().replace('\\', "/")) {
            files.push(path);
        }
    }
}

/// The rule named `rule` must complain about `text` exactly `want` times.
#[track_caller]
fn check(rule: &str, path: &str, text: &str, want: usize) {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let rule = RULES
        .iter()
        .find(|known| known.name == rule)
        .expect("a rule of that name");
    assert!((rule.reads)(path), "{path} is read by {}", rule.name);
    let said = (rule.complaints)(&source);
    assert_eq!(said.len(), want, "{}: {said:?}", rule.name);
}

#[test]
fn long_files_and_functions_are_seen() {
    check("file length", "src/a.rs", &"\n".repeat(501), 1);
    check("file length", "src/a.rs", &"\n".repeat(500), 0);
    let function = |lines: usize| {
        format!(
            "    pub(crate) fn long(\n        a: u8,\n{}    }}\n",
            "        a;\n".repeat(lines)
        )
    };
    check("function length", "src/a.rs", &function(58), 1);
    check("function length", "src/a.rs", &function(57), 0);
    check("function length", "tests/a.rs", &function(97), 0);
    check("function length", "tests/a.rs", &function(98), 1);
    check(
        "function length",
        "src/a.rs",
        "fn one() -> u8 { 1 }\nfn two();\n// a fn in prose\n",
        0,
    );
    check("columns", "src/a.rs", &"x".repeat(111), 1);
    check("columns", "src/a.rs", &"é".repeat(110), 0);
    check(
        "columns",
        "src/a.rs",
        &format!("#[error(\"{}\")]", "x".repeat(111)),
        0,
    );
}

#[test]
fn missing_headers_and_unfinished_work_are_seen() {
    check("module header", "src/a.rs", "use std::fs;\n", 1);
    check("module header", "src/a.rs", "//! Says what it is for.\n", 0);
    for word in BANNED {
        check("banned words", "tests/a.rs", &format!("    // {word} later\n"), 1);
    }
    check("banned words", "src/a.rs", &format!("{BLANKET}dead_code)]"), 1);
    for path in MACHINE {
        check("machine paths", "docs/a.md", &format!("see {path}x\n"), 1);
    }
}

#[test]
fn a_second_title_and_a_crate_without_lints_are_seen() {
    check("one title", "docs/a.md", "# One\n\n# Two\n", 1);
    check("one title", "docs/a.md", "text\n\n# One\n", 1);
    check("one title", "docs/a.md", "# One\n```sh\n# a comment\n```\n", 0);
    check("inherited lints", "a/Cargo.toml", "[package]\nname = \"a\"\n", 1);
    check(
        "inherited lints",
        "a/Cargo.toml",
        "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n",
        0,
    );
}

#[test]
fn a_foreign_crate_outside_its_room_is_seen() {
    for (name, homes) in ROOMS {
        check(
            "one room per crate",
            "src/blob/put.rs",
            &format!("use {name}::Thing;\n"),
            1,
        );
        check(
            "one room per crate",
            "keyvault/src/vault.rs",
            &format!("    let x = ::{name}::open();\n"),
            1,
        );
        check(
            "one room per crate",
            "cli/src/main.rs",
            &format!("use {name};\n"),
            1,
        );
        let home = if homes[0].ends_with(".rs") {
            homes[0].to_owned()
        } else {
            format!("{}.rs", homes[0])
        };
        check("one room per crate", &home, &format!("use {name}::Thing;\n"), 0);
    }
    check(
        "one room per crate",
        "src/store/open.rs",
        "use strongroom_engine::engine::sled::SledEngine;\n",
        0,
    );
    check(
        "one room per crate",
        "src/store/open.rs",
        "    // ring:: is elsewhere\n    string::from(\"\");\n",
        0,
    );
}
