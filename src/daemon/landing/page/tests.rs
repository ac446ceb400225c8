//! What is said in each case, and that nothing a stranger sends becomes a part of the page.

use super::*;

fn link(status: &str, failure: Option<&str>) -> Link {
    let terms = serde_json::json!({"history_days": 90, "access_days": 180, "scopes": ["balances"]});
    serde_json::from_value(serde_json::json!({
        "id": "lnk_00000000000000000000000001",
        "institution_id": "BANK_DE",
        "status": status,
        "asked": terms,
        "terms": terms,
        "reference": "unguessable",
        "account_selection": false,
        "step": "poll",
        "created_at": 0,
        "accounts": ["acc_00000000000000000000000001", "acc_00000000000000000000000002"],
        "next_at": 0,
        "failure": failure,
    }))
    .unwrap()
}

fn visit(error: Option<&str>, details: Option<&str>) -> Visit {
    Visit {
        reference: Some("unguessable".into()),
        error: error.map(Into::into),
        details: details.map(Into::into),
    }
}

#[test]
fn only_the_engine_says_linked() {
    let told = tell(Some(&link("linked", None)), &visit(Some("UserCancelledSession"), None));
    assert_eq!((told.class, told.heading), ("good", "Linked"));
    assert!(told.sentences[0].contains("BANK_DE") && told.sentences[0].contains("2 accounts"));
    let told = tell(Some(&link("authenticating", None)), &visit(None, None));
    assert_eq!((told.class, told.refresh), ("", true));
    // Without a link of ours there is nothing to say about any.
    let told = tell(None, &visit(None, Some("linked, honestly")));
    assert_eq!((told.heading, told.quoted), ("Go back to the terminal", None));
}

#[test]
fn every_code_is_explained() {
    for code in [
        "UserCancelledSession",
        "UserSessionRejected",
        "RequisitionLinkReused",
        "InstitutionTechnicalError",
        "GoCardlessTechnicalError",
        "NordigenTechnicalError",
        "CompanyRequisitionLimitReached",
        "SSNVerificationFailed",
        "UnknownError",
    ] {
        for link in [Some(&link("created", None)), Some(&link("rejected", Some("why"))), None] {
            let told = tell(link, &visit(Some(code), None));
            assert_eq!((told.class, told.heading), ("bad", "Not linked"), "{code}");
            assert!(
                !told.sentences[0].contains(code) && told.sentences[0].ends_with('.'),
                "{code}"
            );
            assert!(!told.refresh, "{code}");
        }
    }
    let told = tell(Some(&link("created", None)), &visit(Some("NewError"), Some("Because.")));
    assert!(told.sentences[0].contains("NewError"), "{told:?}");
    assert_eq!(told.quoted.as_deref(), Some("Because."));
    let told = tell(Some(&link("abandoned", Some("nobody finished it"))), &visit(None, None));
    assert_eq!(told.sentences, ["The reason: nobody finished it."]);
}

#[test]
fn nothing_that_is_sent_becomes_markup() {
    let nasty = "<script>alert(1)</script>\"'&\u{1b}<img src=x onerror=alert(1)>".repeat(9);
    let page = html(&tell(Some(&link("created", None)), &visit(Some(&nasty), Some(&nasty))));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    for part in ["<script", "<img", "\u{1b}", "\"'"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    assert!(page.len() < 5_000, "{} bytes", page.len());
    let page = html(&tell(None, &visit(Some(&nasty), Some(&nasty))));
    assert!(!page.contains("alert"), "a stranger's words are not repeated");
}
