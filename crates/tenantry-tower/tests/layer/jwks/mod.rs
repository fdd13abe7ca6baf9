//! Keys that are fetched from an issuer that runs, over HTTP.

mod hostile;
mod issuer;
mod load;
mod outage;
mod rotation;
mod settings;
mod stage;
