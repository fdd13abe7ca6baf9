//! Tells whether the rules of the domain hold when many act at once.
//!
//! 1. A race sets up organizations and users of its own, each round anew: many runs may share one store.
//! 2. Then many tasks act at the same moment, spread over the engines that it was given. Give it several engines over
//!    handles of one state, as several processes would have them.
//! 3. At the end it looks at what is there, through the operations that anybody can use, and compares it with what the
//!    tasks were answered. A difference panics, and the message names the promise that was broken.
//! 4. It needs a tokio runtime, best one of several threads.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tenantry_core::{engine::Engine, access::registry::Registry};
//! use tenantry_embedded::EmbeddedStore;
//! use tenantry_testing::race;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(EmbeddedStore::in_memory()?);
//! let engine = Engine::new(store, Registry::builder().build()?);
//! race::run(&[engine.clone(), engine], 1).await;
//! # Ok(())
//! # }
//! ```

mod arena;
mod deletions;
mod idempotency;
mod invitations;
mod issued;
mod join_codes;
mod memberships;
mod owners;
mod policies;
mod rights;
mod roles;
mod searches;
mod slugs;
mod tokens;
mod workspaces;

use std::{fmt, pin::Pin};

use tenantry_core::engine::Engine;

use self::arena::Arena;

/// One race of the kit.
pub struct Race {
    name: &'static str,
    round: fn(Arena) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Race {
    /// What the race is called: `owners::one_remains`, for example.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs `rounds` rounds of the race on the state that `nodes` share.
    ///
    /// # Panics
    /// When a promise is broken, or `nodes` is empty.
    pub async fn run(&self, nodes: &[Engine], rounds: usize) {
        assert!(!nodes.is_empty(), "the race kit needs at least one engine");
        for round in 0..rounds {
            (self.round)(Arena::new(nodes, round)).await;
        }
    }
}

impl fmt::Debug for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Race").field(&self.name).finish()
    }
}

/// Runs all races, one after the other, `rounds` rounds of each.
///
/// # Panics
/// When a promise is broken, or `nodes` is empty.
pub async fn run(nodes: &[Engine], rounds: usize) {
    for race in races() {
        race.run(nodes, rounds).await;
    }
}

/// All races of the kit, to run each as a test of its own.
#[must_use]
pub fn races() -> Vec<Race> {
    macro_rules! races {
        ($($module:ident::$name:ident),* $(,)?) => {
            vec![$(Race {
                name: concat!(stringify!($module), "::", stringify!($name)),
                round: |arena| Box::pin(async move { $module::$name(&arena).await }),
            }),*]
        };
    }
    races![
        owners::one_remains_of_two,
        owners::one_remains_of_five,
        owners::the_last_one_cannot_step_down,
        owners::a_transfer_meets_a_demotion,
        join_codes::are_used_as_often_as_they_may_be,
        join_codes::count_a_user_once,
        invitations::are_accepted_once_by_one_user,
        invitations::are_accepted_once_by_one_of_two_users,
        invitations::are_made_once_for_an_address,
        invitations::are_answered_once,
        invitations::are_accepted_by_the_token_that_holds,
        invitations::register_once,
        invitations::let_nobody_back_in,
        deletions::meet_a_joining,
        slugs::have_one_holder_when_created,
        slugs::have_one_holder_when_renamed,
        slugs::are_derived_apart,
        memberships::are_always_in_the_users_list,
        memberships::agree_with_the_members_in_the_end,
        policies::seats_are_not_exceeded,
        policies::owned_organizations_are_not_exceeded,
        policies::open_invitations_are_not_exceeded,
        policies::mails_are_not_exceeded,
        roles::are_given_or_deleted_but_not_both,
        searches::find_once_who_is_renamed,
        tokens::have_one_secret_and_one_before_it,
        workspaces::have_names_of_their_own,
        workspaces::are_given_to_nobody_once_deleted,
        issued::is_revoked_with_its_maker,
        rights::end_with_the_role,
        rights::end_with_the_token,
        idempotency::one_organization_for_one_key,
        idempotency::one_invitation_for_one_key,
        idempotency::one_token_for_one_key,
        idempotency::one_join_for_one_key,
    ]
}
