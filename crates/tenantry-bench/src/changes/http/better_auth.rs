//! better-auth, asked for the same. Everybody has an account and a session; who owns an organization has it active in
//! their session, as better-auth does by itself when it is created.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};

use super::{All, Counts, MEMBERS, Measured, ORGANIZATIONS, is_page, json_of, measure, node::NodeServer};
use crate::load::{self, Answer, CONNECTIONS};

/// Fewer than of ours: so a round does not take minutes. What is compared is how many there are in a second.
const COUNTS: Counts = Counts { changes: 256, others: 1024, alone: 50 };

/// A server, and who asks it.
pub(super) struct BetterAuth {
    server: NodeServer,
    /// What a browser sends: better-auth trusts no cookie without it.
    origin: HeaderValue,
    people: AtomicUsize,
    /// The sessions of the owners.
    owners: Vec<HeaderValue>,
    /// The ids of their organizations.
    organizations: Vec<String>,
    keys: Vec<HeaderValue>,
}

impl BetterAuth {
    pub(super) fn new(server: NodeServer) -> Result<Self> {
        let origin = HeaderValue::try_from(format!("http://{}", server.address))?;
        let (owners, organizations, keys) = Default::default();
        let mut this = Self { server, origin, people: AtomicUsize::new(0), owners, organizations, keys };
        this.owners = this.newcomers(ORGANIZATIONS)?.into_iter().map(|(_, session)| session).collect();
        let requests = this.owners.iter().map(|owner| this.create(owner)).collect::<Vec<_>>();
        this.organizations = texts(&this.send(&requests)?, "id")?;
        let requests = this.owners.iter().zip(&this.organizations).map(|(owner, id)| {
            let input = json!({ "organizationId": id, "name": "benchmark" });
            this.post("/api/auth/api-key/create", owner, &input)
        });
        let made = texts(&this.send(&requests.collect::<Vec<_>>())?, "key")?;
        this.keys = made.into_iter().map(HeaderValue::try_from).collect::<Result<_, _>>()?;
        let requests = this.organizations.iter().map(|id| {
            let path = format!("/prepare/members?organization={id}&count={}", MEMBERS - 1);
            load::get(&path, &[])
        });
        // One after the other: each keeps the server busy for a second or more.
        load::each_once(this.server.address, &requests.collect::<Vec<_>>(), 1).context("making members")?;
        Ok(this)
    }

    /// For the title of a table: what runs.
    pub(super) fn told(&self) -> &str {
        &self.server.told
    }

    /// Each kind of request.
    pub(super) fn round(&self, measured: &mut All) -> Result<()> {
        let [create, invite, accept, list, permission, by_session, by_key] = measured;
        let Counts { changes, others, alone } = COUNTS;
        let place = |number: usize| number % ORGANIZATIONS;
        let id = |number: usize| &self.organizations[place(number)];

        let people = self.newcomers(changes + alone)?;
        let requests = people.iter().map(|(_, session)| self.create(session)).collect::<Vec<_>>();
        self.measure(create, &requests, |_, body| json_of(body)["members"][0]["role"] == "owner")?;

        let people = self.newcomers(changes + alone)?;
        let requests = people.iter().enumerate().map(|(number, (email, _))| {
            let input = json!({ "organizationId": id(number), "email": email, "role": "member" });
            self.post("/api/auth/organization/invite-member", &self.owners[place(number)], &input)
        });
        let requests = requests.collect::<Vec<_>>();
        let invited = self.measure(invite, &requests, |_, body| json_of(body)["status"] == "pending")?;
        let requests = people.iter().zip(texts(&invited, "id")?).map(|((_, session), id)| {
            self.post("/api/auth/organization/accept-invitation", session, &json!({ "invitationId": id }))
        });
        let requests = requests.collect::<Vec<_>>();
        self.measure(accept, &requests, |number, body| json_of(body)["member"]["organizationId"] == **id(number))?;

        let requests = (0..changes + alone).map(|number| {
            let path = format!("/api/auth/organization/list-members?organizationId={}&limit={MEMBERS}", id(number));
            load::get(&path, &[("cookie", &self.owners[place(number)])])
        });
        self.measure(list, &requests.collect::<Vec<_>>(), |_, body| is_page(body))?;

        let many = |path: &str, header: &str, credentials: &[HeaderValue]| -> Vec<Bytes> {
            let requests = credentials.iter().map(|credential| load::get(path, &[(header, credential)]));
            requests.collect::<Vec<_>>().into_iter().cycle().take(others + alone).collect()
        };
        self.measure(permission, &many("/notes", "cookie", &self.owners), |_, body| json_of(body) == "ok")?;
        self.measure(by_session, &many("/whoami", "cookie", &self.owners), |number, body| {
            let answer = json_of(body);
            answer["organization"] == **id(number) && answer["role"] == "owner"
        })?;
        self.measure(by_key, &many("/whoami", "x-api-key", &self.keys), |number, body| {
            json_of(body)["organization"] == **id(number)
        })?;
        Ok(())
    }

    fn measure(
        &self,
        measured: &mut Measured,
        requests: &[Bytes],
        is_right: impl Fn(usize, &[u8]) -> bool,
    ) -> Result<Vec<Answer>> {
        measure(self.server.address, measured, (requests, COUNTS.alone), is_right)
    }

    /// Sends what is not measured.
    fn send(&self, requests: &[Bytes]) -> Result<Vec<Answer>> {
        Ok(load::each_once(self.server.address, requests, CONNECTIONS)?.1)
    }

    /// A number that nobody has had.
    fn number(&self) -> usize {
        self.people.fetch_add(1, Ordering::Relaxed)
    }

    fn create(&self, session: &HeaderValue) -> Bytes {
        let input = json!({ "name": "Acme", "slug": format!("acme-{}", self.number()) });
        self.post("/api/auth/organization/create", session, &input)
    }

    fn post(&self, path: &str, session: &HeaderValue, input: &Value) -> Bytes {
        load::post(path, &[("cookie", session), ("origin", &self.origin)], &input.to_string())
    }

    /// So many people who have signed up: their addresses, and the cookies of their sessions.
    fn newcomers(&self, count: usize) -> Result<Vec<(String, HeaderValue)>> {
        let emails: Vec<_> = (0..count).map(|_| format!("person{}@example.com", self.number())).collect();
        let requests = emails.iter().map(|email| {
            let input = json!({ "email": email, "name": "Somebody", "password": "a password of this benchmark" });
            load::post("/api/auth/sign-up/email", &[("origin", &self.origin)], &input.to_string())
        });
        let answers = self.send(&requests.collect::<Vec<_>>()).context("signing up")?;
        ensure!(answers.len() == count, "everybody signs up");
        emails.into_iter().zip(&answers).map(|(email, answer)| Ok((email, session(answer)?))).collect()
    }
}

/// The cookie that an answer sets.
fn session(answer: &Answer) -> Result<HeaderValue> {
    let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.and_then(|cookie| cookie.split(';').next()).context("signing up begins a session")?;
    Ok(HeaderValue::try_from(cookie)?)
}

/// A field of each answer.
fn texts(answers: &[Answer], field: &str) -> Result<Vec<String>> {
    let text = |answer: &Answer| json_of(&answer.body)[field].as_str().map(str::to_owned);
    answers.iter().map(|answer| text(answer).with_context(|| format!("an answer without {field}"))).collect()
}
