//! The sandbox bank in the test's own process, over HTTP on loopback, for a daemon in another one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use banksyncd::daemon::clock::OsClock;
use banksyncd::model::port::Clock;
use banksyncd::model::time::UtcInstant;
use banksyncd::sandbox::{
    AccountView, Call, Fault, FaultKind, FaultMatch, Phase, Scope, SharedWorld, World, WorldConfig,
    serve,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A bank that is open until it is dropped or closed.
pub(crate) struct Bank {
    shared: Arc<SharedWorld>,
    address: SocketAddr,
    open: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Bank {
    /// A bank on the machine's clock.
    pub(crate) fn open(config: WorldConfig) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(OsClock::new());
        let world = World::new(config, clock.now().wall);
        let shared = Arc::new(SharedWorld::new(world, clock));
        let mut bank = Self { shared, address: SocketAddr::from(([127, 0, 0, 1], 0)), open: None };
        bank.reopen();
        bank
    }

    /// Opens again at the same address.
    pub(crate) fn reopen(&mut self) {
        let stop = CancellationToken::new();
        let (shared, closing, wanted) = (Arc::clone(&self.shared), stop.clone(), self.address);
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind(wanted).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                serve(listener, shared, closing).await.unwrap();
            });
        });
        self.address = told.recv().unwrap();
        self.open = Some((stop, thread));
    }

    /// Nothing listens any more; the world goes on.
    pub(crate) fn close(&mut self) {
        if let Some((stop, thread)) = self.open.take() {
            stop.cancel();
            thread.join().unwrap();
        }
    }

    /// What a daemon has to be told.
    pub(crate) fn api_base(&self) -> String {
        format!("http://{}/api/v2/", self.address)
    }

    /// Looks at the world, or acts in it.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World, UtcInstant) -> T) -> T {
        self.shared.with(act)
    }

    /// The world itself, for a server of one's own.
    pub(crate) fn world(&self) -> Arc<SharedWorld> {
        Arc::clone(&self.shared)
    }

    /// Moves the bank's clock; the daemon's stays where it is.
    pub(crate) fn advance_s(&self, seconds: i64) {
        self.shared.advance_s(seconds);
    }

    /// Adds a fault.
    pub(crate) fn inject(&self, fault: Fault) {
        self.with(|world, _| world.inject(fault));
    }

    /// Every data call of a scope, or of all scopes, goes wrong in this way until faults are cleared.
    pub(crate) fn spoil_data(&self, what: &FaultKind, scope: Option<Scope>) {
        for scope in Scope::ALL.into_iter().filter(|own| scope.is_none_or(|only| only == *own)) {
            let matching = FaultMatch { scope: Some(scope), ..FaultMatch::default() };
            let what = what.clone();
            self.inject(Fault { matching, what, times: None, from: None, until: None });
        }
    }

    /// Requests ever made.
    pub(crate) fn count(&self) -> u64 {
        self.with(|world, _| world.log().count())
    }

    /// The requests of which `wanted` is true.
    pub(crate) fn calls(&self, wanted: impl Fn(&Call) -> bool) -> Vec<Call> {
        self.with(|world, _| world.log().calls().filter(|call| wanted(call)).cloned().collect())
    }

    /// Requests for an account's data, answered or not.
    pub(crate) fn data_calls(&self) -> usize {
        self.calls(|call| call.scope.is_some()).len()
    }

    /// How often `token/new/` gave a token.
    pub(crate) fn minted(&self) -> usize {
        self.with(|world, _| world.log().tokens_minted().len())
    }

    /// The accounts of all links.
    pub(crate) fn accounts(&self) -> Vec<AccountView> {
        self.with(World::accounts)
    }

    /// The rows of one phase that the bank showed when it was last asked for transactions, sorted.
    ///
    /// Not those of this moment: the bank's day goes on while a test looks.
    pub(crate) fn rows(&self, account: &str, phase: Phase) -> Vec<String> {
        let truth = self.with(|world, now| {
            let asked = world.log().successes(account, Scope::Transactions).last().copied();
            world.truth(account, asked.unwrap_or(now))
        });
        let truth = truth.expect("no such account");
        let mut rows: Vec<String> =
            truth.into_iter().filter(|row| row.phase == phase).map(|row| row.raw).collect();
        rows.sort_unstable();
        rows
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.open.take() {
            stop.cancel();
            // A panic over there has been printed already.
            let _panicked = thread.join();
        }
    }
}
