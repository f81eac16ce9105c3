//! `gatepost media`

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{Stream, stream};
use gatepost_core::media::{MediaType, file_name};
use gatepost_net::BodyStream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::send::At;
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::output::Tint;

/// Read from a file at a time, bytes.
const PIECE: usize = 64 * 1024;

/// Files: bring one to WhatsApp for sending, fetch one that somebody sent.
#[derive(clap::Subcommand)]
pub enum Media {
    /// Upload a file; what is printed is its id, to be put into messages for 30 days
    #[command(after_help = "\
Examples:
  gatepost media upload parcel.png
  gatepost media upload notes --type text/plain --channel chn_…")]
    Upload(Upload),
    /// Fetch a file that was uploaded, or that a person sent
    Fetch(Fetch),
    /// Delete a file, at Meta too
    Delete(Delete),
}

#[derive(clap::Args)]
pub struct Upload {
    /// The file
    file: PathBuf,
    /// Its type, such as image/png [default: by its name]
    #[arg(long = "type", value_name = "MIME")]
    media_type: Option<String>,
    /// The channel that will send it; may be left out where only one can be meant
    #[arg(long, value_name = "ID")]
    channel: Option<String>,
    /// Uploaded once under this key, however often it is asked for
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(clap::Args)]
pub struct Fetch {
    /// The file's id, med_…
    id: String,
    /// Where to put it; must not be there yet
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    at: At,
}

#[derive(clap::Args)]
pub struct Delete {
    /// The file's id, med_…
    id: String,
    #[command(flatten)]
    at: At,
}

impl Media {
    pub async fn run(self, context: Context) -> Result<()> {
        match self {
            Self::Upload(upload) => upload.run(context).await,
            Self::Fetch(fetch) => fetch.run(context).await,
            Self::Delete(delete) => {
                let api = delete.at.api(&context)?;
                api.delete(&format!("/v1/media/{}", segment(&delete.id)?)).await?;
                context.output.say(format_args!("{} is gone.", delete.id));
                Ok(())
            }
        }
    }
}

/// An id in a path: anything else could lead to another path.
fn segment(id: &str) -> Result<&str> {
    if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        Ok(id)
    } else {
        Err(Failure::usage(format!("{id:?} is no id of a file")))
    }
}

fn no_file(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}

/// A file in pieces.
fn pieces(file: File) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(file, async |mut file| {
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        Ok((count > 0).then(|| (Bytes::from(piece), file)))
    })
}

impl Upload {
    fn media_type(&self, name: &str) -> Result<MediaType> {
        let found = match &self.media_type {
            Some(said) => MediaType::parse(said),
            None => MediaType::of_file_name(name),
        };
        found.ok_or_else(|| {
            let known: Vec<&str> = MediaType::names().collect();
            let what = if self.media_type.is_some() {
                "WhatsApp carries no such type"
            } else {
                "the name tells no type"
            };
            Failure::usage(format!("{what}; say --type with one of {}", known.join(", ")))
        })
    }

    async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.as_deref().and_then(file_name).ok_or_else(|| Failure::usage("this is no file"))?;
        let media_type = self.media_type(&name)?;
        let file = File::open(&self.file).await.map_err(|error| no_file(&self.file, &error))?;
        let length = file.metadata().await.map_err(|error| no_file(&self.file, &error))?.len();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("filename", &name);
        if let Some(channel) = &self.channel {
            query.append_pair("channel_id", channel);
        }
        let path = format!("/v1/media?{}", query.finish());
        let api = self.at.api(&context)?;
        let body = BodyStream::new(length, pieces(file));
        let made = api.upload(&path, media_type.as_str(), body, self.idempotency_key.as_deref()).await?;
        output.data(&made);
        output.say(text(&made, "id"));
        let (kind, id) = (media_type.kind(), text(&made, "id"));
        let until = format!(
            "{} bytes of {}, until {}.",
            cell(&made, "size"),
            media_type.as_str(),
            text(&made, "expires_at")
        );
        output.say(output.tint(Tint::Dim, &until));
        output.say(output.tint(
            Tint::Dim,
            format!("Send it:  echo '{{\"{kind}\":{{\"id\":\"{id}\"}}}}' | gatepost send --to … --purpose … --message -"),
        ));
        Ok(())
    }
}

impl Fetch {
    /// Written beside its place and moved there once it is whole, so that half a file is never taken for one.
    async fn run(self, context: Context) -> Result<()> {
        let path = format!("/v1/media/{}/content", segment(&self.id)?);
        if tokio::fs::try_exists(&self.output).await.unwrap_or(false) {
            return Err(Failure::usage(format!("{} is there already", self.output.display())));
        }
        let api = self.at.api(&context)?;
        let mut download = api.download(&path).await?;
        let mut beside = self.output.clone().into_os_string();
        beside.push(".part");
        let beside = PathBuf::from(beside);
        let written = async {
            let mut file = File::create(&beside).await.map_err(|error| no_file(&beside, &error))?;
            let mut count = 0_u64;
            while let Some(piece) = download.next().await.map_err(|failure| {
                Failure::failed(format!("the file did not come to its end: {}", failure.detail)).hint(
                    "what came was not the announced file, or the line was cut; the server's log says which",
                )
            })? {
                file.write_all(&piece).await.map_err(|error| no_file(&beside, &error))?;
                count += piece.len() as u64;
            }
            file.sync_all().await.map_err(|error| no_file(&beside, &error))?;
            tokio::fs::rename(&beside, &self.output).await.map_err(|error| no_file(&self.output, &error))?;
            Ok(count)
        };
        match written.await {
            Ok(count) => {
                context.output.say(format_args!("{}: {count} bytes", self.output.display()));
                Ok(())
            }
            Err(failure) => {
                // Whether or not it was made, it is of no use.
                let _gone = tokio::fs::remove_file(&beside).await;
                Err(failure)
            }
        }
    }
}
