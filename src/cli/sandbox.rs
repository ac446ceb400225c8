//! `sandbox`: the built-in bank alone, over HTTP on a loopback address, to try any client against it.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::args::{Global, Sandbox};
use super::error::CliError;
use super::output::Output;
use crate::daemon::clock::OsClock;
use crate::daemon::run::runtime;
use crate::exit::Code;
use crate::model::port::Clock;
use crate::sandbox::{SECRET_ID, SECRET_KEY, SharedWorld, World, WorldConfig, serve};

/// Serves until Ctrl-C.
pub(super) fn run(args: &Sandbox, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    let failed = |exit: Code, message: String| CliError::Failed { exit, message, hint: None };
    if !args.listen.ip().is_loopback() {
        return Err(CliError::Usage {
            message: format!("`{}` is not a loopback address", args.listen),
            hint: Some(
                "the sandbox has no secrets worth keeping: `--listen 127.0.0.1:8437`".to_owned(),
            ),
        });
    }
    runtime()?.block_on(async {
        let listener = TcpListener::bind(args.listen)
            .await
            .map_err(|error| CliError::Failed {
                exit: Code::CantCreate,
                message: format!("cannot listen on `{}`: {error}", args.listen),
                hint: Some(format!("port 0 takes a free one: `--listen {}:0`", args.listen.ip())),
            })?;
        let address = listener
            .local_addr()
            .map_err(|error| failed(Code::IoErr, format!("cannot tell the address: {error}")))?;
        let clock: Arc<dyn Clock> = Arc::new(OsClock::new());
        let world = World::new(WorldConfig::default(), clock.now().wall);
        introduce(&address.to_string(), global.json, output)?;
        output.flush()?;
        let stop = CancellationToken::new();
        let shared = Arc::new(SharedWorld::new(world, clock));
        let served = serve(listener, shared, stop.clone());
        tokio::pin!(served);
        tokio::select! {
            ended = &mut served => ended,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.map_err(|error| failed(Code::IoErr, format!("cannot listen to signals: {error}")))?;
                stop.cancel();
                served.await
            }
        }
        .map_err(|error| failed(Code::IoErr, format!("the sandbox ended: {error}")))?;
        Ok(Code::Ok)
    })
}

/// Says what a client needs: address, credentials, institutions.
fn introduce(address: &str, json: bool, output: &mut Output) -> Result<(), CliError> {
    let base = format!("http://{address}/api/v2/");
    let institutions: Vec<_> = World::institutions().collect();
    if json {
        let object = serde_json::json!({
            "api_base": base,
            "secret_id": SECRET_ID,
            "secret_key": SECRET_KEY,
            "institutions": institutions.iter().map(|(id, _)| id).collect::<Vec<_>>(),
        });
        return output.object(&object);
    }
    output.line(&format!("api-base    {base}"))?;
    output.line(&format!("secret-id   {SECRET_ID}"))?;
    output.line(&format!("secret-key  {SECRET_KEY}"))?;
    output.line("institutions")?;
    for (id, name) in institutions {
        output.line(&format!("  {id:<32} {name}"))?;
    }
    output.line("Ctrl-C ends it")
}
