//! Why the browser came back from the bank without a consent, in plain words.
//!
//! The provider adds a code to the address that the browser is sent to (its knowledge base, article 15926622146716, read
//! 2026-11). Whoever can make a browser open an address can send any code: it explains, and proves nothing.

/// What a code means and what a person can do; `None` for one that is not known.
pub fn explanation(code: &str) -> Option<&'static str> {
    Some(match code {
        "UserCancelledSession" => "You stopped before access was given.",
        "UserSessionRejected" => {
            "The bank did not accept the login, or it does not allow access to this kind of account."
        }
        "RequisitionLinkReused" => "This link has been used before. Each link works once.",
        "InstitutionTechnicalError" => {
            "The bank has a technical fault. Nothing is wrong on your side; try again later."
        }
        // The older name is from the time when the provider was called so.
        "GoCardlessTechnicalError" | "NordigenTechnicalError" => {
            "The provider has a technical fault. Nothing is wrong on your side; try again later."
        }
        "CompanyRequisitionLimitReached" => {
            "The plan at the provider covers no more links. Unlink what is not needed, or raise the plan."
        }
        "SSNVerificationFailed" => {
            "The bank could not match the national identity number with the login."
        }
        "UnknownError" => "It did not work, and the provider does not know why. Try again.",
        _ => return None,
    })
}
