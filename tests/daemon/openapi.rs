//! The description of the control socket against the running program: each path takes the methods that are described, every
//! answer is what it says, and has no member that it does not say. That no route is missing in it is for `tests/tidy.rs`.

use std::collections::{BTreeMap, BTreeSet};

use banksyncd::sandbox::SANDBOX;
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::rig::{Rig, text, wait_for, wait_until};

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// Paths and methods of the description.
fn described(document: &Value) -> BTreeMap<String, BTreeSet<&'static str>> {
    let methods = |path: &Value| METHODS.into_iter().filter(|one| path[*one].is_object()).collect();
    let paths = document["paths"].as_object().unwrap();
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// The document with every object closed: a member that is not described is a mistake here, though not for its readers.
fn closed(mut document: Value) -> Value {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                members.values_mut().for_each(close);
                if members.contains_key("properties") && members.contains_key("type") {
                    members.insert("additionalProperties".into(), false.into());
                }
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut document["components"]["schemas"]);
    document
}

/// Judges answers by the schemas.
struct Judge {
    document: Value,
    schemas: Schemas,
    compiler: Compiler,
    /// Schemas by which a member was judged, with the members that occurred.
    seen: BTreeMap<String, BTreeSet<String>>,
}

impl Judge {
    fn new(document: Value) -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource("http://x/openapi.json", closed(document.clone())).unwrap();
        Self { document, schemas: Schemas::new(), compiler, seen: BTreeMap::new() }
    }

    fn index(&mut self, name: &str) -> SchemaIndex {
        let place = format!("http://x/openapi.json#/components/schemas/{name}");
        self.compiler.compile(&place, &mut self.schemas).unwrap()
    }

    /// The name of the schema that a route's answer has.
    fn schema(&self, path: &str, method: &str, status: u16) -> String {
        let responses = &self.document["paths"][path][method]["responses"];
        let response = match &responses[status.to_string()] {
            Value::Null => &responses["default"],
            found => found,
        };
        let content = response["content"].as_object().unwrap().values().next().unwrap();
        let name = content["schema"]["$ref"].as_str().unwrap();
        name.rsplit('/').next().unwrap().to_owned()
    }

    #[track_caller]
    fn judge(&mut self, name: &str, object: &Value) {
        let index = self.index(name);
        if let Err(error) = self.schemas.validate(object, index) {
            panic!("{name}: {error}\n{object:#}");
        }
        let members = object.as_object().unwrap().keys().cloned();
        self.seen.entry(name.to_owned()).or_default().extend(members);
    }

    /// Asks, and judges every line of the answer.
    #[track_caller]
    fn ask(
        &mut self,
        rig: &Rig,
        (method, path): (&str, &str),
        target: &str,
        body: &Value,
    ) -> Vec<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, objects) = rig.ask(&method.to_uppercase(), target, &body).unwrap();
        let name = self.schema(path, method, status);
        assert!(!objects.is_empty(), "{method} {target}: an empty answer shows nothing");
        for object in &objects {
            self.judge(&name, object);
        }
        objects
    }
}

#[test]
fn the_program_takes_what_is_described_and_nothing_else() {
    let mut rig = Rig::new();
    rig.start();
    let document = rig.peek("/v1/openapi.json").remove(0);
    assert_eq!(document["openapi"], "3.1.0");
    let theirs = described(&document);
    assert!(theirs.len() > 20, "{theirs:?}");
    // The running program takes each described method of a path and no other.
    for (path, methods) in &theirs {
        let target =
            path.replace("{account}", "acc_x").replace("{link}", "lnk_x").replace("{id}", "x");
        for method in METHODS.into_iter().filter(|method| !methods.contains(method)) {
            let (status, _) = rig.ask(&method.to_uppercase(), &target, "").unwrap();
            assert_eq!(status, 405, "{method} {path}");
        }
        for variable in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let item = document["paths"][path].as_object().unwrap();
            for operation in item.values() {
                let parameters = operation["parameters"].as_array().unwrap();
                let named = |one: &Value| one["name"] == variable && one["in"] == "path";
                assert!(parameters.iter().any(named), "{path}: {variable}");
            }
        }
    }
}

#[test]
fn answers_are_what_the_description_says() {
    let mut rig = Rig::new();
    rig.start();
    let mut judge = Judge::new(rig.peek("/v1/openapi.json").remove(0));
    let wish = json!({ "institution": SANDBOX, "history_days": 90, "access_days": 90 });
    judge.judge("LinkWish", &wish);
    let begun = judge.ask(&rig, ("post", "/v1/links"), "/v1/links", &wish).remove(0);
    let id = text(&begun, "id");
    let link = wait_for("the page", || Some(rig.link(&id)).filter(|link| link["url"].is_string()));
    rig.authorise(&link);
    rig.wait_for_first_pull(&id);
    reads(&mut judge, &rig, &id);
    changes(&mut judge, &rig, &id);
    confirmations(&mut judge, &rig);
    refusals(&mut judge, &rig);
    // Each member of each object has occurred: nothing is described that is not there. Two stand only inside others.
    let schemas = judge.document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in
        schemas.iter().filter(|(name, _)| !["Comparison", "Need"].contains(&name.as_str()))
    {
        let members: BTreeSet<String> =
            schema["properties"].as_object().unwrap().keys().cloned().collect();
        let seen = judge.seen.get(name).cloned().unwrap_or_default();
        assert_eq!(seen, members, "{name}");
    }
}

/// Everything that can be looked at.
fn reads(judge: &mut Judge, rig: &Rig, link: &str) {
    let lists = [
        "version",
        "status",
        "accounts",
        "quota",
        "balances",
        "trend",
        "events",
        "links",
        "institutions",
    ];
    for path in lists.map(|name| format!("/v1/{name}")) {
        judge.ask(rig, ("get", &path), &path, &Value::Null);
    }
    judge.ask(rig, ("get", "/v1/balances"), "/v1/balances?history=1", &Value::Null);
    let all = "/v1/transactions?all=1&pending=1&raw=1";
    let rows = judge.ask(rig, ("get", "/v1/transactions"), all, &Value::Null);
    let row = text(&rows[0], "id");
    for (path, target) in [
        ("/v1/transactions/{id}/explain", format!("/v1/transactions/{row}/explain")),
        ("/v1/transactions/{id}/history", format!("/v1/transactions/{row}/history?raw=1")),
        ("/v1/links/{link}", format!("/v1/links/{link}")),
        ("/v1/institutions/{id}", format!("/v1/institutions/{SANDBOX}")),
    ] {
        judge.ask(rig, ("get", path), &target, &Value::Null);
    }
}

/// Everything that can be asked for.
fn changes(judge: &mut Judge, rig: &Rig, link: &str) {
    let pull = json!({ "accounts": [], "force": false, "wait": true });
    judge.judge("SyncWish", &pull);
    judge.ask(rig, ("post", "/v1/sync"), "/v1/sync", &pull);
    judge.ask(rig, ("post", "/v1/verify"), "/v1/verify", &Value::Null);
    judge.ask(rig, ("post", "/v1/reload"), "/v1/reload", &Value::Null);
    let look = json!({ "offline": true });
    judge.judge("DoctorWish", &look);
    judge.ask(rig, ("post", "/v1/doctor"), "/v1/doctor", &look);
    let accounts = rig.accounts();
    let merge = json!({ "kept": accounts[0]["id"], "absorbed": accounts[1]["id"] });
    judge.judge("MergeWish", &merge);
    judge.ask(rig, ("post", "/v1/accounts/merge"), "/v1/accounts/merge", &merge);
    let split = format!("/v1/accounts/{}/split", text(&accounts[0], "id"));
    judge.ask(rig, ("post", "/v1/accounts/{account}/split"), &split, &Value::Null);
    let renew = format!("/v1/links/{link}/renew");
    let next = judge.ask(rig, ("post", "/v1/links/{link}/renew"), &renew, &Value::Null).remove(0);
    // A link that waits for a person is a need.
    let next = text(&next, "id");
    wait_until("the page", || rig.link(&next)["url"].is_string());
    let status = judge.ask(rig, ("get", "/v1/status"), "/v1/status", &Value::Null).remove(0);
    assert!(!status["needs"].as_array().unwrap().is_empty(), "{status}");
    let gone = format!("/v1/links/{next}");
    judge.ask(rig, ("delete", "/v1/links/{link}"), &gone, &Value::Null);
}

/// Access that has to be confirmed while it lasts.
fn confirmations(judge: &mut Judge, rig: &Rig) {
    let wish = json!({ "institution": "ALBIONCARDS_ALBNGB21", "access_days": 180 });
    let begun = judge.ask(rig, ("post", "/v1/links"), "/v1/links", &wish).remove(0);
    let id = text(&begun, "id");
    let link = wait_for("the page", || Some(rig.link(&id)).filter(|link| link["url"].is_string()));
    rig.authorise(&link);
    rig.wait_for_first_pull(&id);
    wait_until("the agreement to be read", || rig.link(&id)["reconfirmation"].is_object());
    let target = format!("/v1/links/{id}/reconfirm");
    for method in ["get", "post"] {
        let path = "/v1/links/{link}/reconfirm";
        judge.ask(rig, (method, path), &target, &Value::Null);
    }
    judge.ask(rig, ("get", "/v1/links"), "/v1/links", &Value::Null);
}

/// What is refused by a route, and by the frame around the routes.
fn refusals(judge: &mut Judge, rig: &Rig) {
    judge.ask(rig, ("get", "/v1/links/{link}"), "/v1/links/lnk_nobody", &Value::Null);
    judge.ask(rig, ("get", "/v1/trend"), "/v1/trend?days=0", &Value::Null);
    judge.ask(rig, ("post", "/v1/links"), "/v1/links", &json!({ "bank": 1 }));
    let (_, refused) = rig.ask("GET", "/v1/nowhere", "").unwrap();
    judge.judge("Error", &refused[0]);
    let schema = &judge.document["components"]["schemas"]["ExportWish"]["properties"]["format"];
    let formats = schema["enum"].as_array().unwrap().clone();
    assert_eq!(formats.len(), 7, "{formats:?}");
    for format in formats {
        let wish = json!({ "format": format, "account": null, "from": "2026-02-30", "to": null, "pending": true, "cursor": "", "wait": false });
        let mut good = wish.clone();
        good["from"] = Value::Null;
        judge.judge("ExportWish", &good);
        // The format is known, the day is not.
        let (status, refused) = rig.ask("POST", "/v1/export", &wish.to_string()).unwrap();
        assert!(status == 400 && refused[0].to_string().contains("date"), "{format}: {refused:?}");
    }
}

#[test]
fn a_member_too_many_or_too_few_is_seen() {
    let document: Value =
        serde_json::from_str(include_str!("../../src/daemon/control/openapi.json")).unwrap();
    let mut judge = Judge::new(document);
    let good = json!({ "version": "1", "pid": 1, "started_at": "2026-03-10T12:00:00Z" });
    judge.judge("Version", &good);
    for bad in [
        json!({ "version": "1", "pid": 1 }),
        json!({ "version": "1", "pid": 1, "started_at": "2026-03-10T12:00:00Z", "token": "x" }),
        json!({ "version": "1", "pid": "1", "started_at": "2026-03-10T12:00:00Z" }),
        json!({ "version": "1", "pid": 1, "started_at": "yesterday" }),
    ] {
        let index = judge.index("Version");
        assert!(judge.schemas.validate(&bad, index).is_err(), "{bad}");
    }
}
