//! Records: how a node asks for one, and what it makes of it. Reading one takes two verifications,
//! so it is a job.

use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::world::Now;

use super::calls::{Call, Stage, head};
use super::{CallError, Node, Output, Refusal};
use crate::fragment::{Slot, checked, cut};
use crate::handshake::{Job, ReadRecord};
use crate::identity::{Record, RecordError};
use crate::limits::{JOB_LIFETIME, LEAST_REQUEST};
use crate::mac::MAC_BYTES;
use crate::token::Token;
use crate::trust::{Question, Stage as TrustStage, Verdict};
use crate::wire::{ControlHead, HEAD, Kind, Ticket};

impl Node {
    /// IDREQ: one fragment of zeros, so long that the record is no amplification.
    pub(super) fn record_request(&self, index: u32, token: &Token) -> Vec<u8> {
        let zeros = vec![0; LEAST_REQUEST - HEAD - Ticket::BYTES - MAC_BYTES];
        let head = head(Kind::IdRequest, index, 0);
        let digest = &self.answers.digest;
        cut(digest, &token.key, head, Some(&token.ticket), &zeros).concat()
    }

    /// A fragment of the record that was asked for.
    pub(super) fn call_record(
        &mut self,
        now: Now,
        from: SocketAddr,
        head: &ControlHead,
        frame: &[u8],
    ) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&head.receiver).ok_or(Refusal::Stray)?;
        let Stage::Record(request, token, slot) = &mut call.stage else {
            return Err(Refusal::Stray);
        };
        if call.address != from {
            return Err(Refusal::Stray);
        }
        let message = checked(&self.answers.digest, &token.key, frame)?;
        let chunk = message.get(HEAD..).unwrap_or_default();
        let slot = match slot {
            Some(slot) => slot,
            None => slot.insert(Slot::new(head.kind, head.fragments)?),
        };
        let Some(bytes) = slot.take(head, chunk)? else {
            return Ok(());
        };
        self.jobs += 1;
        let number = self.jobs;
        let request = std::mem::take(request);
        call.stage = Stage::Reading(number, request, token.clone(), call.next_at);
        let until = now.since_start + JOB_LIFETIME;
        call.next_at = until;
        let read = ReadRecord {
            bytes,
            suites: self.config.suites.clone(),
            now,
        };
        self.outputs.push_back(Output::Job(Job::read(number, read)));
        self.wake_for(Some(until));
        Ok(())
    }

    /// A record was read. One that is not accepted is as good as lost: whoever is on the path can
    /// put one there.
    pub(super) fn call_record_read(
        &mut self,
        now: Now,
        number: u64,
        result: Result<Box<Record>, RecordError>,
    ) -> Result<(), Refusal> {
        let is_of = |call: &Call| matches!(call.stage, Stage::Reading(job, ..) if job == number);
        let mut all = self.calls.iter_mut();
        let found = all.find(|(_, call)| is_of(call));
        let (index, call) = found.ok_or(Refusal::Stray)?;
        let index = *index;
        let record = match result {
            Ok(record) => *record,
            Err(why) => {
                if let Stage::Reading(_, request, token, next_at) = &mut call.stage {
                    call.next_at = *next_at;
                    call.stage = Stage::Record(std::mem::take(request), token.clone(), None);
                }
                let next_at = call.next_at;
                self.wake_for(Some(next_at));
                return Err(why.into());
            }
        };
        let verdict = self.config.trust.judge(&Question {
            now,
            peer: record.id,
            former: record.former,
            called: call.name.as_deref(),
            stage: TrustStage::Claimed,
        });
        let expected = call.peer;
        let follows =
            matches!(verdict, Verdict::Follows { former, .. } if Some(former) == expected);
        if expected.is_some_and(|expected| expected != record.id) && !follows {
            self.call_failed(now, index, CallError::OtherPeer(record.id));
            return Ok(());
        }
        if let Verdict::Refused(why) = verdict {
            self.call_failed(now, index, CallError::Untrusted(why));
            return Ok(());
        }
        if let Some(mut call) = self.calls.remove(&index) {
            call.peer = Some(record.id);
            call.follows = record.former;
            call.keys = Some(Arc::new(record.keys));
            self.rng.fill_bytes(&mut call.hello.nonce);
            self.say_hello(now.since_start, &mut call, index);
            self.calls.insert(index, call);
        }
        Ok(())
    }
}
