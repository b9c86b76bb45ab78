//! The Chinese page against the English pages of the types: field by field, limit by limit, code by code.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// What a page says that has no language: code, numbers and addresses, row by row; and how many rules there are.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    rows: Vec<Vec<String>>,
    rules: usize,
    sources: Vec<String>,
}

const CLASSES: [(&str, &str); 5] = [
    ("RetrySame", "可原样重发"),
    ("QueryFirst", "先查询"),
    ("Final", "已成定局"),
    ("Caller", "请求或配置有误"),
    ("Done", "已是所求"),
];

fn facts(section: &str) -> Facts {
    let mut facts = Facts::default();
    for line in section.lines() {
        if line.starts_with("| `") {
            facts.rows.push(row(line));
        } else if line.starts_with("- ") {
            facts.rules += 1;
        }
        let addresses = line.split("<https://").skip(1);
        let addresses = addresses.filter_map(|rest| Some(rest.split_once('>')?.0.to_owned()));
        facts.sources.extend(addresses);
    }
    facts
}

fn row(line: &str) -> Vec<String> {
    let mut facts = Vec::new();
    for cell in line.trim_matches('|').split('|').map(str::trim) {
        let class = CLASSES
            .iter()
            .find(|(english, zh)| cell.starts_with(&format!("[`{english}`]")) || cell == *zh);
        if let Some((class, _)) = class {
            facts.push((*class).to_owned());
            // Only advice for people follows.
            break;
        }
        // An odd piece stands between two backticks.
        for (n, piece) in cell.split('`').enumerate() {
            if n % 2 == 1 {
                facts.push(piece.to_owned());
            } else if let Some(bytes) = number(piece) {
                facts.push(bytes);
            }
        }
        match cell {
            "yes" | "是" => facts.push("yes".to_owned()),
            "no" | "否" => facts.push("no".to_owned()),
            _ => {}
        }
    }
    facts
}

/// The number that a limit begins with.
fn number(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

fn english() -> BTreeMap<String, Facts> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/api/pages");
    let pages = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, facts(&fs::read_to_string(path).unwrap()))
    });
    pages.collect()
}

fn chinese() -> BTreeMap<String, Facts> {
    let page = fs::read_to_string(super::page("endpoints.zh-CN.md")).unwrap();
    let sections = page.split("\n## ").skip(1).map(|section| {
        let (name, body) = section.split_once('\n').unwrap();
        (name.to_owned(), facts(body))
    });
    sections.collect()
}

#[test]
fn the_chinese_page_has_what_the_english_pages_have() {
    let (mut english, chinese) = (english(), chinese());
    assert!(english.len() >= 35, "{}", english.len());
    for (name, zh) in &chinese {
        let en = english.remove(name).unwrap_or_default();
        assert_eq!(zh.rows, en.rows, "{name}");
        assert_eq!((zh.rules, &zh.sources), (en.rules, &en.sources), "{name}");
        assert!(!zh.sources.is_empty() && zh.rules > 0, "{name}");
    }
    assert!(english.is_empty(), "not in Chinese: {:?}", english.keys());
}

/// Advice for people has no code in it, but these two classes leave little choice of words.
#[test]
fn the_advice_is_that_of_the_class() {
    let chinese = fs::read_to_string(super::page("endpoints.zh-CN.md")).unwrap();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/api/pages");
    let english = fs::read_dir(folder)
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut seen = 0;
    for page in english.chain([chinese]) {
        for line in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [code, class, advice] = cells[..] else {
                continue;
            };
            let words = match class.split(']').next() {
                Some("[`Done`" | "已是所求") => ["nothing", "无需再做"],
                Some("[`QueryFirst`" | "先查询") => ["query", "查"],
                _ => continue,
            };
            seen += 1;
            assert!(
                words.iter().any(|word| advice.contains(word)),
                "{code}: {advice}"
            );
        }
    }
    // As many in either language.
    assert!(seen >= 20 && seen % 2 == 0, "{seen}");
}

#[test]
fn a_limit_that_differs_would_be_seen() {
    let english = row("| `body` | [`Body`](crate::Body) | yes | 127 bytes |");
    assert_eq!(english, ["body", "Body", "yes", "127"]);
    assert_eq!(
        row("| `body` | `Body` | 是 | 127 字节 | 商品描述 |"),
        english
    );
    assert_ne!(
        row("| `body` | `Body` | 是 | 128 字节 | 商品描述 |"),
        english
    );
    assert_ne!(
        row("| `body` | `Body` | 否 | 127 字节 | 商品描述 |"),
        english
    );
}
