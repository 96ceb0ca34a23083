//! Where the parts listen, all on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use super::StackError;

#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) api: u16,
    pub(super) google: u16,
    pub(super) bus: u16,
    pub(super) postgres: u16,
    /// Where cargo-lambda's server takes invocations.
    pub(super) functions: u16,
}

const API: &str = "LOCAL_API_PORT";
const GOOGLE: &str = "LOCAL_GOOGLE_PORT";
const BUS: &str = "LOCAL_BUS_PORT";
const POSTGRES: &str = "LOCAL_POSTGRES_PORT";
const FUNCTIONS: &str = "LOCAL_FUNCTIONS_PORT";

impl Ports {
    pub(super) fn from_environment() -> Result<Self, StackError> {
        Ok(Self {
            api: port(API, 9000)?,
            google: port(GOOGLE, 9010)?,
            bus: port(BUS, 9020)?,
            postgres: port(POSTGRES, 9030)?,
            functions: port(FUNCTIONS, 9040)?,
        })
    }

    /// Says which port is taken before anything is started.
    pub(super) fn check(self, postgres: bool, google: bool) -> Result<(), StackError> {
        let parts = [
            (true, self.api, "the API", API),
            (google, self.google, "the Google stand-in", GOOGLE),
            (true, self.bus, "the event bus", BUS),
            (postgres, self.postgres, "PostgreSQL", POSTGRES),
            (true, self.functions, "the functions", FUNCTIONS),
        ];
        for (needed, port, part, setting) in parts {
            if needed && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
                return Err(StackError::PortTaken { port, part, setting });
            }
        }
        Ok(())
    }
}

fn port(setting: &'static str, default: u16) -> Result<u16, StackError> {
    let Ok(text) = std::env::var(setting) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or(StackError::Setting(setting, "a port, 1 to 65535"))
}
