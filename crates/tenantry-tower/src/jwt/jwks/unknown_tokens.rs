//! Tokens whose key is not known, and when they were first seen.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
};

use crate::{jwt::token::Token, limits};

#[derive(Default)]
pub(super) struct UnknownTokens {
    /// By hash, how many fetches had begun.
    tokens: HashMap<u64, u64>,
    hasher: RandomState,
}

impl UnknownTokens {
    /// How many fetches had begun when `token` was first seen, if `begun` have now.
    pub(super) fn first(&mut self, token: &Token<'_>, begun: u64) -> u64 {
        let hash = self.hasher.hash_one((token.message, &token.signature));
        if self.tokens.len() >= limits::JWKS_UNKNOWN_TOKENS_MAX && !self.tokens.contains_key(&hash) {
            self.tokens.clear();
        }
        *self.tokens.entry(hash).or_insert(begun)
    }
}
