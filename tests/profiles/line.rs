//! The real client over a line to a sandbox world in the same process.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use banksyncd::gocardless::{Client, Settings};
use banksyncd::model::id::ProviderAccountId;
use banksyncd::model::port::{
    ApiCall, Body, BoxFuture, Clock, Provider as _, Reply, Request, Response, Transport,
    TransportError,
};
use banksyncd::model::secret::Secret;
use banksyncd::model::time::{BankDate, Now, UtcInstant};
use banksyncd::model::transaction::AnswerMark;
use banksyncd::sandbox::{HttpRequest, SECRET_ID, SECRET_KEY, World};

use crate::plant::Garden;
use crate::vault::MemoryVault;

/// Time that stands still until the test moves it; waiting takes none.
pub(crate) struct Time(pub(crate) AtomicI64);

impl Time {
    pub(crate) fn wall(&self) -> UtcInstant {
        UtcInstant::from_ms(self.0.load(Ordering::SeqCst))
    }
}

impl Clock for Time {
    fn now(&self) -> Now {
        Now { wall: self.wall(), mono_ms: self.wall().ms() }
    }

    fn sleep_until(&self, _mono_ms: i64) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Hands requests to the world at its present, and its answers on, with what was planted in them.
struct Wire {
    world: Arc<Mutex<World>>,
    time: Arc<Time>,
    garden: Arc<Mutex<Garden>>,
}

impl Transport for Wire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let target = format!("/api/v2/{}", request.path);
        let mut asked = HttpRequest::new(request.method.as_str(), &target);
        if let Some(bearer) = &request.bearer {
            asked = asked.with_header("authorization", &format!("Bearer {}", bearer.expose()));
        }
        if let Some(body) = &request.body {
            asked = asked.with_json(&serde_json::from_str(body.expose()).unwrap());
        }
        let mut world = self.world.lock().unwrap();
        let answer = world.handle(self.time.wall(), &asked);
        let body = self.garden.lock().unwrap().on_the_way(&world, &asked.path, answer.body);
        let body = Body::new(body, None);
        let response = Response { status: answer.status, headers: answer.headers, body };
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// A world, its time, and a client of it.
pub(crate) struct Line {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) time: Arc<Time>,
    pub(crate) garden: Arc<Mutex<Garden>>,
    client: Client,
}

impl Line {
    pub(crate) fn new(world: World, start: UtcInstant) -> Self {
        let world = Arc::new(Mutex::new(world));
        let time = Arc::new(Time(AtomicI64::new(start.ms())));
        let garden = Arc::<Mutex<Garden>>::default();
        let wire = Wire {
            world: Arc::clone(&world),
            time: Arc::clone(&time),
            garden: Arc::clone(&garden),
        };
        let settings = Settings {
            api_base: "https://sandbox.invalid/api/v2/".to_owned(),
            secret_id: Secret::new(SECRET_ID.to_owned()),
            secret_key: Secret::new(SECRET_KEY.to_owned()),
            accounts_per_minute: 100,
        };
        let clock: Arc<dyn Clock> = Arc::<Time>::clone(&time);
        let client = Client::new(Arc::new(wire), clock, Arc::new(MemoryVault::default()), settings);
        Self { world, time, garden, client }
    }

    pub(crate) fn wait_hours(&self, hours: i64) {
        self.time.0.fetch_add(hours * 3_600_000, Ordering::SeqCst);
    }

    /// A balances answer; `None` if the bank refuses.
    pub(crate) async fn balances(&self, account: &str) -> Option<Reply> {
        let call = ApiCall::Balances(ProviderAccountId(account.to_owned()));
        self.client.call(call).await.ok().map(|answered| answered.reply)
    }

    /// A transactions answer; `None` if the bank refuses.
    pub(crate) async fn transactions(
        &self,
        account: &str,
        date_from: Option<BankDate>,
        known: Option<AnswerMark>,
    ) -> Option<Reply> {
        let account = ProviderAccountId(account.to_owned());
        let call = ApiCall::Transactions { account, date_from, known };
        self.client.call(call).await.ok().map(|answered| answered.reply)
    }
}
