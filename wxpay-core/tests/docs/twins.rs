//! Pages that stand in two languages say the same: the same code, tables of the same length, the same sections.

use std::fs;
use std::path::PathBuf;

/// What must be alike.
#[derive(Debug, Default, PartialEq)]
struct Shape {
    /// Blocks of code, line by line, without comments.
    code: Vec<Vec<String>>,
    /// The levels of the headings.
    headings: Vec<usize>,
    rows: usize,
    points: usize,
}

fn shape(page: &str) -> Shape {
    let mut shape = Shape::default();
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            if in_code {
                shape.code.push(vec![line.to_owned()]);
            }
        } else if in_code {
            let block = shape.code.last_mut().unwrap();
            block.extend(without_comment(line));
        } else if line.starts_with('#') {
            shape
                .headings
                .push(line.bytes().take_while(|b| *b == b'#').count());
        } else if line.starts_with('|') {
            shape.rows += 1;
        } else if line.starts_with("- ") {
            shape.points += 1;
        }
    }
    assert!(!in_code, "a block without an end");
    shape
}

/// A line of code; nothing if a comment is all there is.
fn without_comment(line: &str) -> Option<String> {
    // A URL has its two slashes behind a colon.
    let comment = ["// ", "# "]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min();
    let code = line[..comment.unwrap_or(line.len())]
        .trim_end()
        .trim_end_matches('/');
    (!code.trim().is_empty()).then(|| code.trim_end().to_owned())
}

fn assert_twins(english: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let chinese = english.replace(".md", ".zh-CN.md");
    let read = |name: &str| shape(&fs::read_to_string(root.join(name)).unwrap());
    assert_eq!(read(english), read(&chinese), "{english}");
}

#[test]
fn readmes_and_the_migration_page_are_alike_in_both_languages() {
    assert_twins("README.md");
    assert_twins("wxpay-core/README.md");
    assert_twins("docs/migrate.md");
}

#[test]
fn code_that_differs_would_be_seen() {
    let page = "```rust\nlet a = 1; // one\n```\n";
    assert_eq!(shape(page), shape(&page.replace("one", "一")));
    assert_ne!(shape(page), shape(&page.replace("= 1", "= 2")));
}
