//! The ceilings of this machine.

use std::time::Duration;

use super::{Repeated, Run, WARM_UP_MILLIS};
use crate::ceilings::{bare_accept, commits, constant, fsyncs, inserts};
use crate::error::Result;
use crate::installation::Place;
use crate::process;
use crate::samples::Samples;
use crate::table::Row;

impl Run {
    pub async fn ceilings(&mut self) -> Result<()> {
        self.table.heading("Ceilings of this machine, without Gatepost");
        let (millis, repetitions) = (self.args.millis(), self.args.repetitions());
        constant(&mut self.load, 128, WARM_UP_MILLIS).await?;
        let mut repeated = Repeated::default();
        for _ in 0..repetitions {
            let before = process::cpu();
            let report = constant(&mut self.load, 128, millis).await?;
            repeated.push(&report, process::cpu().saturating_sub(before));
        }
        self.table.push(repeated.row("axum answering a constant, 128 connections"));

        let (time, directory) = (Duration::from_millis(millis.min(2_000)), self.args.dir.clone());
        let mut samples = Samples::default();
        for _ in 0..repetitions {
            let directory = directory.clone();
            samples.push(tokio::task::spawn_blocking(move || fsyncs(&directory, time)).await??);
        }
        self.table.push(Row::of("fsync of the disk", &samples, "/s", "appends of 4 KiB, fdatasync each"));

        match self.place {
            Place::Sqlite(_) => {
                let mut samples = Samples::default();
                for _ in 0..repetitions {
                    let directory = directory.clone();
                    samples.push(tokio::task::spawn_blocking(move || inserts(&directory, time)).await??);
                }
                let note = "rows of 300 bytes, 512 in a transaction, synchronous=FULL";
                self.table.push(Row::of("raw SQLite inserts", &samples, "/s", note));
            }
            Place::Postgres => {
                for clients in [1, 32] {
                    let mut samples = Samples::default();
                    for _ in 0..repetitions {
                        samples.push(commits(clients, time).await?);
                    }
                    let name = format!("raw PostgreSQL commits, {clients} clients");
                    self.table.push(Row::of(name, &samples, "/s", "one row of 300 bytes each"));
                }
            }
        }
        for connections in [1, 32, 128] {
            let mut repeated = Repeated::default();
            for _ in 0..repetitions {
                let before = process::cpu();
                let report = bare_accept(&mut self.load, &self.place, connections, millis).await?;
                repeated.push(&report, process::cpu().saturating_sub(before));
            }
            self.table.push(repeated.row(format!("bare durable accept, {connections} connections")));
        }
        Ok(())
    }
}
