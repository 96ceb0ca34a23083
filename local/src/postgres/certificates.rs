//! The test server's own certificate authority, as a private one would be: nothing on the machine trusts it.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// Longer than any test run, short enough that a key left behind is soon worthless.
const VALID_DAYS: u32 = 30;

/// A server's certificate and the authority that signed it, all PEM.
pub(super) struct Certificates {
    pub(super) authority: Vec<u8>,
    /// An authority that signed nothing: who trusts this one must refuse the server.
    pub(super) stranger: Vec<u8>,
    pub(super) server: Vec<u8>,
    pub(super) server_key: Vec<u8>,
}

impl Certificates {
    /// A certificate for `localhost` by name only: who connects to `127.0.0.1` and checks the name must refuse it.
    pub(super) fn for_localhost() -> Result<Self, ErrorStack> {
        let (authority, authority_key) = authority("Test authority")?;
        let (stranger, _) = self::authority("Another authority")?;
        let key = new_key()?;
        let mut server = draft("localhost", &key)?;
        server.set_issuer_name(authority.subject_name())?;
        let names = SubjectAlternativeName::new()
            .dns("localhost")
            .build(&server.x509v3_context(None, None))?;
        server.append_extension(names)?;
        server.sign(&authority_key, MessageDigest::sha256())?;
        Ok(Self {
            authority: authority.to_pem()?,
            stranger: stranger.to_pem()?,
            server: server.build().to_pem()?,
            server_key: key.private_key_to_pem_pkcs8()?,
        })
    }
}

fn authority(name: &str) -> Result<(X509, PKey<Private>), ErrorStack> {
    let key = new_key()?;
    let mut certificate = draft(name, &key)?;
    let subject = subject(name)?;
    certificate.set_issuer_name(&subject)?;
    certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    certificate.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((certificate.build(), key))
}

/// Everything but the issuer, the extensions and the signature.
fn draft(name: &str, key: &PKey<Private>) -> Result<X509Builder, ErrorStack> {
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    certificate.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    let subject = subject(name)?;
    certificate.set_subject_name(&subject)?;
    certificate.set_pubkey(key)?;
    certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    certificate.set_not_after(Asn1Time::days_from_now(VALID_DAYS)?.as_ref())?;
    Ok(certificate)
}

fn subject(name: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
    Ok(subject.build())
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&curve)?)
}
