//! A small reverse proxy around `CacheLayer`, for the public conformance suite of HTTP caches: `http_proxy PORT rfc|defaults|defaults+cdn`, with the origin in
//! `ORIGIN`.

use bytes::Bytes;
use cachekit::http::{CacheLayer, Rule, fields, policy};
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use std::{convert::Infallible, error::Error, net::Ipv4Addr};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};

type Failure = Box<dyn Error + Send + Sync>;
type Origin = Client<HttpConnector, Full<Bytes>>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [port, profile] = args.as_slice() else {
        return Err("usage: http_proxy PORT rfc|defaults|defaults+cdn".into());
    };
    let (port, rule) = (port.parse()?, rule_of(profile)?);
    let origin: Uri = std::env::var("ORIGIN")?.parse()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(port, origin, rule))
}

fn rule_of(profile: &str) -> Result<Rule, Failure> {
    match profile {
        "rfc" => Ok(Rule::rfc()),
        "defaults" => Ok(Rule::new()),
        "defaults+cdn" => Ok(Rule::new().targeted(policy::CDN_FIELD)),
        other => Err(format!("no profile `{other}`").into()),
    }
}

async fn serve(port: u16, origin: Uri, rule: Rule) -> Result<(), Failure> {
    // An idle connection that the origin has closed would look like an origin that disconnects.
    let client: Origin =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).retry_canceled_requests(false).build_http();
    let forward = service_fn(move |request| forward(client.clone(), origin.clone(), request));
    let service = CacheLayer::builder().otherwise(rule).build().layer(forward);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
                let service = service.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let Ok(body) = body.collect().await else { return Ok(empty(StatusCode::BAD_REQUEST)) };
                    let mut request = Request::from_parts(parts, Full::new(body.to_bytes()));
                    fields::remove_hop_by_hop(request.headers_mut());
                    Ok::<_, Infallible>(match service.oneshot(request).await {
                        Ok(mut response) => {
                            fields::remove_hop_by_hop(response.headers_mut());
                            response.map(BodyExt::boxed_unsync)
                        }
                        Err(_) => empty(StatusCode::BAD_GATEWAY),
                    })
                }
            });
            // A client that goes away is its own business.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn empty<E: 'static>(status: StatusCode) -> Response<http_body_util::combinators::UnsyncBoxBody<Bytes, E>> {
    let body = Full::new(Bytes::new()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
}

async fn forward(
    client: Origin,
    origin: Uri,
    mut request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let authority = origin.authority().ok_or("the origin has no host")?.clone();
    request.headers_mut().insert(header::HOST, HeaderValue::from_str(authority.as_str())?);
    *request.uri_mut() = Uri::builder().scheme("http").authority(authority).path_and_query(path).build()?;
    *request.version_mut() = http::Version::HTTP_11;
    Ok(client.request(request).await?)
}
