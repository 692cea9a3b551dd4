//! How a stream to a comet is opened.

use std::fmt;
use std::pin::Pin;

use futures_util::Stream;
use oort_api::directory::CometInfo;
use oort_api::pb::oort::v1::comet_client::CometClient;
use oort_api::pb::oort::v1::{PushAck, PushBatch};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Endpoint;
use tonic::{Request, Status, async_trait};

use crate::config::{GrpcConfig, ms};
use crate::error::Error;

/// Acks of one comet, one for each batch, in the order of the batches.
pub type AckStream = Pin<Box<dyn Stream<Item = Result<PushAck, Status>> + Send + 'static>>;

/// Opens streams to comets: over gRPC, or by a direct call in one process.
#[async_trait]
pub trait CometDialer: Send + Sync + fmt::Debug + 'static {
    /// Opens a stream that carries `batches` to the comet and its acks back.
    ///
    /// It is open when the comet took it on, before the first batch. The
    /// comet ends it when it drains; dropping the answer ends it from here.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION`, here or in the stream, when another incarnation
    /// of the comet answers; anything else is tried again.
    async fn open(&self, comet: &CometInfo, batches: mpsc::Receiver<PushBatch>) -> Result<AckStream, Status>;
}

/// Opens streams over gRPC.
#[derive(Debug)]
pub struct GrpcDialer {
    config: GrpcConfig,
    authorization: Option<MetadataValue<Ascii>>,
}

impl GrpcDialer {
    /// A dialer that sends `cluster_token`, if any, as
    /// `authorization: Bearer …`.
    ///
    /// # Errors
    /// [`Error::Config`] when the token cannot stand in a header.
    pub fn new(config: GrpcConfig, cluster_token: Option<&SecretString>) -> Result<Self, Error> {
        let authorization = cluster_token
            .map(|token| {
                let mut value = MetadataValue::try_from(format!("Bearer {}", token.expose_secret()))
                    .map_err(|_| {
                        Error::Config(vec!["the cluster token must be printable ASCII".to_owned()])
                    })?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        Ok(Self { config, authorization })
    }
}

#[async_trait]
impl CometDialer for GrpcDialer {
    async fn open(&self, comet: &CometInfo, batches: mpsc::Receiver<PushBatch>) -> Result<AckStream, Status> {
        let channel = Endpoint::from_shared(comet.grpc_address.clone())
            .map_err(|error| Status::unavailable(format!("address {}: {error}", comet.grpc_address)))?
            .connect_timeout(ms(self.config.connect_timeout_ms))
            .tcp_nodelay(true)
            // Without pings a peer that vanished would be noticed only when
            // the system gives up on the connection, after many minutes.
            .http2_keep_alive_interval(ms(self.config.keep_alive_interval_ms))
            .keep_alive_timeout(ms(self.config.keep_alive_timeout_ms))
            .keep_alive_while_idle(true)
            .connect()
            .await
            .map_err(|error| Status::unavailable(format!("{}: {error}", comet.grpc_address)))?;
        let mut client = CometClient::new(channel)
            .max_decoding_message_size(self.config.message_bytes_max)
            .max_encoding_message_size(self.config.message_bytes_max);
        let mut request = Request::new(ReceiverStream::new(batches));
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        Ok(Box::pin(client.push(request).await?.into_inner()))
    }
}
