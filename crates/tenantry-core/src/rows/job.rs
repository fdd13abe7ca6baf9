//! A job: work that follows from a change, kept in the organization until it is done.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    rows::{Intent, index},
    store::Sorted,
    values::{
        clock::Timestamp,
        ids::{InvitationId, OrganizationId, UserId},
        limits,
        role::RoleName,
    },
};

/// The work of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Tell the hooks that the user became a member.
    MemberJoined { user: UserId, roles: Vec<RoleName> },
    /// Tell the hooks that the user is no longer a member.
    MemberRemoved { user: UserId, roles: Vec<RoleName> },
    /// Mail the invitation, unless it was resent after this job was made.
    MailInvitation { invitation: InvitationId },
    /// Remove everything of the organization; if `tell`, tell the hooks that it was deleted.
    OrganizationDeleted { tell: bool },
}

/// A job, in the organization's shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRow {
    pub(crate) work: Work,
    pub(crate) made_at: Timestamp,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// From when on a worker may try it. While one tries it: when that worker is taken for dead.
    pub(crate) due_at: Timestamp,
}

/// Names a job in its organization: by the intent of the attempt that made it, and its place among that attempt's jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobId {
    pub(crate) intent: Intent,
    pub(crate) place: u16,
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:04x}", self.intent.0, self.place)
    }
}

impl JobId {
    /// The bucket in which workers find it.
    pub(crate) fn bucket(self) -> u64 {
        self.intent.0 % limits::JOB_BUCKETS
    }

    /// Its entry in the bucket.
    ///
    /// Entries sort by the time at which the jobs were made, as far as the nodes' clocks agree.
    pub(crate) fn entry(self, organization: OrganizationId) -> (&'static str, Sorted) {
        (index::ALL_JOBS, Sorted { sort_key: self.to_string(), entry: organization.to_base62() })
    }

    /// Its name among the jobs of all organizations.
    pub(crate) fn in_full(self, organization: OrganizationId) -> String {
        format!("{}{self}", organization.to_base62())
    }

    /// Undoes [`entry`](Self::entry).
    pub(crate) fn parse_entry(entry: &Sorted) -> Option<(OrganizationId, Self)> {
        Some((OrganizationId::from_base62(&entry.entry)?, Self::parse(&entry.sort_key)?))
    }

    /// Reads the job's name in its organization.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (intent, place) = name.split_at_checked(16)?;
        let intent = Intent(u64::from_str_radix(intent, 16).ok()?);
        let place = u16::from_str_radix(place, 16).ok()?;
        Some(Self { intent, place })
    }
}
