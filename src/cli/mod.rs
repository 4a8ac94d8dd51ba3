//! stub
mod logging;
mod run;
mod signals;
