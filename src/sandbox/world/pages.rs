//! The pages that a person sees: the consent page behind a requisition's link.
//!
//! Plain HTML without scripts, for a browser or `curl`. Not part of the API.

use crate::model::time::UtcInstant;

use super::super::wire::{HttpRequest, HttpResponse};
use super::World;
use super::input::parameter;
use super::people::{Outcome, Refused};
use super::problems::flat;

impl World {
    /// `/psd2/start/{requisition}/{institution}`: the page itself, or with `?do=authorise` or
    /// `?do=cancel` the person's answer.
    pub(super) fn page_start(&mut self, now: UtcInstant, request: &HttpRequest) -> HttpResponse {
        let rest = request.path.strip_prefix("/psd2/start/").unwrap_or("");
        let id = rest.split('/').next().unwrap_or("").to_owned();
        match self.person_opens(&id, now) {
            Err(Refused::Unknown) => return HttpResponse::html(404, "<h1>No such link</h1>"),
            Err(Refused::Used) => return self.leave(&id, Outcome::Reused),
            Ok(()) => {}
        }
        let parameters = request.parameters();
        let wish = parameter(&parameters, "do");
        let (outcome, done) = match wish {
            Some("authorise") => (Outcome::Success, self.person_authorises(&id, now)),
            Some("cancel") => (Outcome::Cancelled, self.person_cancels(&id, now)),
            None if self.config.auto_authorise_after_s.is_some() => {
                (Outcome::Success, self.person_authorises(&id, now))
            }
            _ => return self.consent_page(&id),
        };
        match done {
            Ok(()) => self.leave(&id, outcome),
            Err(_) => self.leave(&id, Outcome::Reused),
        }
    }

    /// `/psd2/reconfirm/{agreement}`: opening it is the answer yes for all accounts.
    pub(super) fn page_reconfirm(
        &mut self,
        now: UtcInstant,
        request: &HttpRequest,
    ) -> HttpResponse {
        let id = request.path.strip_prefix("/psd2/reconfirm/").unwrap_or("").trim_end_matches('/');
        match self.person_reconfirms(id, &[], now) {
            Ok(()) => HttpResponse::html(200, "<h1>Thank you</h1>"),
            Err(refused) => flat(404, "Not possible", &refused.to_string()),
        }
    }

    fn leave(&self, id: &str, outcome: Outcome) -> HttpResponse {
        let target = self.requisitions.get(id).map(|own| Self::way_back(own, outcome));
        HttpResponse::redirect(302, &target.unwrap_or_default())
    }

    fn consent_page(&self, id: &str) -> HttpResponse {
        let name = self.requisitions.get(id).map_or("", |own| own.institution.name);
        let page = format!(
            "<!doctype html><meta charset=\"utf-8\"><title>{name} (sandbox)</title>\
             <h1>{name}</h1><p>An invented bank. Allow access to its invented accounts?</p>\
             <p><a href=\"?do=authorise\">authorise</a> <a href=\"?do=cancel\">cancel</a></p>"
        );
        HttpResponse::html(200, &page)
    }
}
