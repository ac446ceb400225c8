//! A mail by SMTP (RFC 5321) over TLS. Its `Message-ID` is made of the message's key: one that comes a second time is the same
//! mail, and mail servers and readers that know duplicates by it show one.

use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::address::AddressError;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Failed, Messenger, Unusable, root};
use crate::config::{Security, Smtp};
use crate::model::port::BoxFuture;
use crate::model::secret::Secret;
use crate::model::time::UtcInstant;
use crate::outbox::Letter;

/// What the sender is called.
const SENDER: &str = "banksyncd";

/// A mail server, and who writes to whom.
pub(super) struct Mail {
    settings: Smtp,
    password: Option<Secret>,
    from: Mailbox,
    to: Vec<Mailbox>,
    timeout: Duration,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail")
    }
}

/// Tells programs that answer mails not to answer this one (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mail {
    pub(super) fn new(
        settings: &Smtp,
        password: Option<Secret>,
        timeout: Duration,
    ) -> Result<Self, Unusable> {
        let address =
            |text: &str| text.parse::<Address>().map_err(|_bad: AddressError| Unusable::Address);
        let to = settings.to.iter().map(|text| Ok(Mailbox::new(None, address(text)?)));
        Ok(Self {
            from: Mailbox::new(Some(SENDER.to_owned()), address(&settings.from)?),
            to: to.collect::<Result<_, _>>()?,
            settings: settings.clone(),
            password,
            timeout,
        })
    }

    async fn mail(&self, letter: &Letter, now: UtcInstant) -> Result<(), Failed> {
        let message = self.message(letter, now).ok();
        let message = message.ok_or_else(|| Failed::because("the mail cannot be written"))?;
        let transport = self.transport().map_err(|error| {
            Failed::because(format!("the connection cannot be set up: {}", root(&error)))
        })?;
        // The library's own time-out is for each step.
        match tokio::time::timeout(self.timeout, transport.send(message)).await {
            Ok(Ok(_accepted)) => Ok(()),
            Ok(Err(error)) => Err(Failed::because(reason(&error))),
            Err(_elapsed) => Err(Failed::because("no answer in time")),
        }
    }

    fn message(&self, letter: &Letter, now: UtcInstant) -> Result<Message, lettre::error::Error> {
        let since = Duration::from_millis(now.ms().max(0).unsigned_abs());
        let id = format!("<{}@{}>", letter.key, self.from.email.domain());
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(letter.title.as_str())
            .date(SystemTime::UNIX_EPOCH + since)
            .message_id(Some(id))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.body(letter.text.clone())
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, smtp::Error> {
        let Smtp { server, port, security, login, .. } = &self.settings;
        let parameters = || TlsParameters::new_rustls(server.clone());
        let tls = match security {
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::StartTls => Tls::Required(parameters()?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server)
            .port(*port)
            .timeout(Some(self.timeout))
            .tls(tls);
        if let (Some((username, _)), Some(password)) = (login, &self.password) {
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(builder.build())
    }
}

/// What went wrong; of the server's answer only the number, because its words repeat addresses.
fn reason(error: &smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("the server answered {code}");
    }
    if error.is_response() {
        return "the server's answer is not understood".to_owned();
    }
    if error.is_client() {
        return "the server lacks what is needed: a way to log in, or TLS".to_owned();
    }
    format!("no mail could be handed over: {}", root(error))
}

impl Messenger for Mail {
    fn send<'a>(
        &'a self,
        letter: &'a Letter,
        now: UtcInstant,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(self.mail(letter, now))
    }
}
