//! The pages `docs/endpoints.md` and `docs/endpoints.zh-CN.md` say of each endpoint what the code says, and pages in two
//! languages say the same.
//!
//! `WXPAY_PAGES=write cargo test -p wxpay-core --test docs` writes their tables anew.
#![allow(clippy::unwrap_used)]

mod fields;
mod rows;
mod twins;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rows::{Language, Row, rows};

const BEGIN: &str = "<!-- the table: written by the test docs -->\n";
const END: &str = "<!-- the table ends -->\n";

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name)
}

/// What stands before the table, in it, and after it.
fn split(page: &str) -> (&str, &str, &str) {
    let (head, rest) = page.split_once(BEGIN).expect("the table's beginning");
    let (table, tail) = rest.split_once(END).expect("the table's end");
    (head, table, tail)
}

fn check(name: &str, language: Language) {
    let path = page(name);
    let text = fs::read_to_string(&path).unwrap();
    let (head, table, tail) = split(&text);
    let wanted = rows::table(&rows(), language);
    if std::env::var_os("WXPAY_PAGES").is_some_and(|value| value == "write") {
        fs::write(&path, [head, BEGIN, &wanted, END, tail].concat()).unwrap();
        return;
    }
    assert!(
        table == wanted,
        "{name} is not what the code says; `WXPAY_PAGES=write` writes it anew:\n{wanted}"
    );
}

#[test]
fn the_english_table_is_what_the_code_says() {
    check("endpoints.md", Language::English);
}

#[test]
fn the_chinese_table_is_what_the_code_says() {
    check("endpoints.zh-CN.md", Language::Chinese);
}

/// Whoever adds an endpoint to the crate adds its row to the page.
#[test]
fn no_endpoint_is_left_out() {
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/api");
    let mut implemented = BTreeSet::new();
    for entry in fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(path).unwrap();
        let (code, _) = source.split_once("#[cfg(test)]").unwrap_or((&source, ""));
        for line in code.lines() {
            let line = line.trim_start();
            if let Some(name) = line.strip_prefix("impl Endpoint for ") {
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '$');
                implemented.insert(name[..end.unwrap_or(name.len())].to_owned());
            }
        }
    }
    // Two files make two endpoints each with a macro.
    assert!(implemented.remove("$name"), "{implemented:?}");
    let by_macro = [
        "GetSignKey",
        "GetSignKeyOld",
        "MultiProfitSharing",
        "ProfitSharing",
    ];
    implemented.extend(by_macro.map(str::to_owned));
    let listed: BTreeSet<_> = rows().iter().map(|row: &Row| row.name.to_owned()).collect();
    assert_eq!(listed, implemented);
}
