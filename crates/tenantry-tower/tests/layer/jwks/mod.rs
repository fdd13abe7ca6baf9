//! Keys that are fetched from an issuer that runs, over HTTP and HTTPS.

mod hostile;
mod https;
mod issuer;
mod keys;
mod load;
mod outage;
mod process;
mod rotation;
mod settings;
mod stage;
