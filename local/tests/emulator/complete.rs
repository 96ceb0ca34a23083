//! Each payload has a test here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::scene::folder;

#[test]
fn every_payload_has_a_test_which_says_what_comes_of_it() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emulator");
    let mut tested = BTreeSet::new();
    for file in fs::read_dir(tests).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        tested.extend(scenes(&source).map(str::to_owned));
    }
    assert_eq!(tested, payloads());
}

/// The payloads that a file's tests open a scene of.
fn scenes(source: &str) -> impl Iterator<Item = &str> {
    let after = source.split("Scene::of(\"").skip(1);
    after.filter_map(|rest| rest.split('"').next())
}

/// `FUNCTION/NAME` of each file.
fn payloads() -> BTreeSet<String> {
    let mut payloads = BTreeSet::new();
    for function in fs::read_dir(folder()).unwrap() {
        let function = function.unwrap().path();
        if function.is_dir() {
            let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
            for file in fs::read_dir(&function).unwrap() {
                payloads.insert(format!("{}/{}", name(&function), name(&file.unwrap().path())));
            }
        }
    }
    payloads
}
