//! The desk on the loopback address: who may ask, and what.
//!
//! Only this machine can connect, only with the token of this start, and only pages of this very
//! address: `Host` and `Origin` are checked, so that neither a name that leads here nor another page
//! in the same browser can ask. Answers are made of the desk's own slices: no request names a file.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use askama::Template;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    ORIGIN, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hardslice_data::balance::Arm;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::desk::{Desk, Judgement};
use super::pictures::Asked;
use super::surfaces::Of;
use crate::causes::causes;

/// Largest body that is read, bytes.
const LARGEST_BODY: usize = 16 << 10;

/// Pictures that wait or are drawn at once; more are refused and asked for again.
const MOST_PICTURES: usize = 512;

/// Nothing but what the desk itself serves; `NiiVue` has the letters of its labels within it, as `data:`.
const POLICY: &str = "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The name of a desk's cookie: browsers do not part cookies by port.
fn cookie_name(port: u16) -> String {
    format!("hardslice-desk-{port}")
}

/// The page.
#[derive(Template)]
#[template(path = "desk.html")]
struct Page<'a> {
    folder: &'a str,
}

#[derive(Clone)]
struct Served {
    desk: Arc<Desk>,
    folder: Arc<str>,
    token: Arc<str>,
    port: u16,
    /// Pictures being drawn, and those that wait.
    drawing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Serves a desk until the program ends. `ready` is told the address, the token in it.
///
/// # Errors
///
/// The port is taken, or the system gives no randomness.
pub(crate) fn serve(
    desk: Desk,
    folder: &str,
    port: Option<u16>,
    ready: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let token = token()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .max_blocking_threads(64)
        .build()?;
    runtime.block_on(async {
        let listener = listen(port).await?;
        let port = listener.local_addr()?.port();
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let served = Served {
            desk: Arc::new(desk),
            folder: folder.into(),
            token: token.as_str().into(),
            port,
            drawing: Arc::new(Semaphore::new(n_threads)),
            waiting: Arc::new(Semaphore::new(MOST_PICTURES)),
        };
        let desk = served.desk.clone();
        std::thread::spawn(move || desk.predict_ahead());
        ready(&format!("http://127.0.0.1:{port}/?token={token}"))?;
        axum::serve(listener, routes(served)).await?;
        Ok(())
    })
}

/// The port that is taken where none is given: browsers keep a reviewer's name by the address.
const USUAL_PORT: u16 = 7811;

/// Listens on the port given; else on the usual one, or, where that is taken, on any.
async fn listen(port: Option<u16>) -> anyhow::Result<TcpListener> {
    let bind = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if let Some(port) = port {
        let listener = bind(port).await;
        return listener
            .with_context(|| format!("cannot listen on port {port}: take another --port"));
    }
    match bind(USUAL_PORT).await {
        Ok(listener) => Ok(listener),
        Err(_taken) => bind(0).await.context("cannot listen on any port"),
    }
}

/// 128 random bits in hexadecimal digits.
fn token() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

fn routes(served: Served) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/desk.js", get(script))
        .route("/desk.css", get(style))
        .route("/items", get(items))
        .route("/verdicts", get(verdicts).post(judge))
        .route("/undo", post(undo))
        .route("/picture/{id}", get(picture))
        .route("/arms/{id}", get(of_arms))
        .route("/surface/{id}", get(surface))
        .route("/niivue.js", get(niivue))
        .route(
            "/niivue-licence.txt",
            get(async || include_str!("page/niivue/LICENSE")),
        )
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(served.clone(), guard))
        .with_state(served)
}

/// Lets only those in who have the token, and adds what keeps the page to itself.
async fn guard(State(served): State<Served>, request: Request, next: Next) -> Response {
    let mut response = match admitted(&served, &request) {
        Ok(()) => next.run(request).await,
        Err(refused) => match *refused {
            Refused::Because(why) => (StatusCode::FORBIDDEN, why).into_response(),
            Refused::Enter(response) => response,
        },
    };
    let headers = response.headers_mut();
    let set: [(HeaderName, &str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in set {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Why a request is not answered.
enum Refused {
    Because(&'static str),
    /// It brought the token in the address, which becomes a cookie.
    Enter(Response),
}

fn admitted(served: &Served, request: &Request) -> Result<(), Box<Refused>> {
    let headers = request.headers();
    let own = [
        format!("127.0.0.1:{}", served.port),
        format!("localhost:{}", served.port),
    ];
    let is_own = |host: &str| own.iter().any(|own| own == host);
    if !text(headers, &HOST).is_some_and(is_own) {
        return because("another host is asked for\n");
    }
    if let Some(origin) = headers.get(ORIGIN) {
        let origin = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"));
        if !origin.is_some_and(is_own) {
            return because("a page of another origin asks\n");
        }
    } else if request.method() != Method::GET {
        return because("nobody says which page asks\n");
    }
    let cookies = text(headers, &COOKIE).unwrap_or_default();
    let given = cookies.split("; ").find_map(|cookie| {
        let (name, value) = cookie.split_once('=')?;
        (name == cookie_name(served.port)).then_some(value)
    });
    if given.is_some_and(|given| is_same(given, &served.token)) {
        return Ok(());
    }
    let query = request.uri().query().unwrap_or_default();
    let given = query
        .split('&')
        .find_map(|part| part.strip_prefix("token="));
    if request.uri().path() == "/" && given.is_some_and(|given| is_same(given, &served.token)) {
        return Err(Box::new(Refused::Enter(enter(served))));
    }
    because(
        "this desk was opened with an address that holds a token: take that one, which the program \
         printed\n",
    )
}

fn because<T>(why: &'static str) -> Result<T, Box<Refused>> {
    Err(Box::new(Refused::Because(why)))
}

/// Without the token, which then does not stay in the browser's history.
fn enter(served: &Served) -> Response {
    let (name, token) = (cookie_name(served.port), &served.token);
    let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict");
    let headers = [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Compares in a time that does not tell where two differ.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |acc, (a, b)| acc | (a ^ b))
            == 0
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

async fn page(State(served): State<Served>) -> Result<Response, Failed> {
    let page = Page {
        folder: &served.folder,
    };
    let html = page.render().map_err(anyhow::Error::from)?;
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

async fn script() -> Response {
    let text = include_str!("page/desk.js");
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], text).into_response()
}

async fn style() -> Response {
    let text = include_str!("page/desk.css");
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], text).into_response()
}

async fn items(State(served): State<Served>) -> Response {
    Json(served.desk.list()).into_response()
}

async fn verdicts(State(served): State<Served>) -> Response {
    Json(served.desk.verdicts()).into_response()
}

async fn judge(
    State(served): State<Served>,
    Json(judgement): Json<Judgement>,
) -> Result<Response, Failed> {
    served.desk.judge(&judgement)?;
    Ok(verdicts(State(served)).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    reviewer: String,
}

async fn undo(State(served): State<Served>, Json(undo): Json<Undo>) -> Result<Response, Failed> {
    let id = served.desk.undo(&undo.reviewer)?;
    Ok(Json(json!({ "id": id, "verdicts": served.desk.verdicts() })).into_response())
}

async fn picture(
    State(served): State<Served>,
    Path(id): Path<usize>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failed> {
    let Ok(Query(asked)) = asked else {
        return Ok((StatusCode::BAD_REQUEST, "no such picture\n").into_response());
    };
    let Ok(_waiting) = served.waiting.try_acquire() else {
        return Ok((
            StatusCode::SERVICE_UNAVAILABLE,
            "too many pictures at once\n",
        )
            .into_response());
    };
    let _drawing = served
        .drawing
        .acquire()
        .await
        .map_err(anyhow::Error::from)?;
    let desk = served.desk.clone();
    let drawn = tokio::task::spawn_blocking(move || desk.picture(id, &asked)).await;
    let png = drawn.map_err(anyhow::Error::from)??;
    let headers = [
        (CONTENT_TYPE, "image/png"),
        (CACHE_CONTROL, "private, max-age=600"),
    ];
    Ok((headers, Body::from(Vec::clone(&png))).into_response())
}

async fn of_arms(State(served): State<Served>, Path(id): Path<usize>) -> Result<Response, Failed> {
    let said = at_leisure(&served, move |desk| desk.of_arms(id)).await?;
    Ok(Json(said?).into_response())
}

/// How a surface is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedSurface {
    of: SurfaceOf,
    /// The arm whose prediction it is; that of the net which mined where absent.
    net: Option<Arm>,
    /// Slices above the item's own, of its plane.
    #[serde(default)]
    dz: i64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SurfaceOf {
    Truth,
    Net,
    Plane,
}

async fn surface(
    State(served): State<Served>,
    Path(id): Path<usize>,
    asked: Result<Query<AskedSurface>, QueryRejection>,
) -> Result<Response, Failed> {
    let Ok(Query(asked)) = asked else {
        return Ok((StatusCode::BAD_REQUEST, "no such surface\n").into_response());
    };
    let made = at_leisure(&served, move |desk| match asked.of {
        SurfaceOf::Truth => desk.surface(id, Of::Truth),
        SurfaceOf::Net => desk.surface(id, Of::Net(asked.net)),
        SurfaceOf::Plane => desk.plane(id, asked.dz).map(Some),
    });
    let Some(bytes) = made.await?? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let headers = [(CONTENT_TYPE, "application/octet-stream")];
    Ok((headers, Body::from(bytes)).into_response())
}

/// Does what takes a while beside the pictures, as many at once as there are cores.
async fn at_leisure<T: Send + 'static>(
    served: &Served,
    work: impl FnOnce(&Desk) -> T + Send + 'static,
) -> Result<T, Failed> {
    let _drawing = served.drawing.acquire().await?;
    let desk = served.desk.clone();
    Ok(tokio::task::spawn_blocking(move || work(&desk)).await?)
}

/// `NiiVue`, which shows surfaces: packed, as every browser takes it.
async fn niivue() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CONTENT_ENCODING, "gzip"),
        (CACHE_CONTROL, "private, max-age=600"),
    ];
    (
        headers,
        include_bytes!("page/niivue/niivue.umd.js.gz").as_slice(),
    )
        .into_response()
}

/// An error of the desk, told to the page.
struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let said = causes(self.0.as_ref());
        (StatusCode::UNPROCESSABLE_ENTITY, format!("{said}\n")).into_response()
    }
}
